"""Canonical forms, and the passes that lead to them. Imports SymPy and NumPy only."""

from sciml.forms.canonical import semilinear
from sciml.forms.frame import Frame
from sciml.forms.semilinear import SemilinearForm

__all__ = ["Frame", "SemilinearForm", "semilinear"]
