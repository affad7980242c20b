"""Result files: netCDF-4 that is plain HDF5."""

from sciml.io.files import check_writable, load, write

__all__ = ["check_writable", "load", "write"]
