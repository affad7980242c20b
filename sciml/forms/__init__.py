"""Canonical forms, and the passes that lead to them. Imports SymPy and NumPy only."""

from sciml.forms.canonical import semilinear
from sciml.forms.frame import Frame
from sciml.forms.navier_stokes import Recognition, recognise, resembles_flow
from sciml.forms.semilinear import SemilinearForm

__all__ = ["Frame", "Recognition", "SemilinearForm", "recognise", "resembles_flow", "semilinear"]
