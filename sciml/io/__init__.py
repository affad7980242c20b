"""Result files: netCDF-4 that is plain HDF5."""

from sciml.io.files import check_writable, load, write
from sciml.io.header import kind_of

__all__ = ["check_writable", "kind_of", "load", "write"]
