"""Neural operators with regularity structures: solution maps of SPDEs on features that the equation dictates."""

from sciml.solvers.nors.linear import LinearMFV
from sciml.solvers.nors.nors import NORS

__all__ = ["NORS", "LinearMFV"]
