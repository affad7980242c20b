"""Result files: netCDF-4 that is plain HDF5."""

from sciml.io.files import load, write

__all__ = ["load", "write"]
