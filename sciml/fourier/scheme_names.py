"""The names of schemes for SPDEs, for options that are declared before torch is loaded."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["SCHEMES", "WEIGHTS", "SchemeName", "Weighting"]

SchemeName = Literal["exponential-euler", "semi-implicit-euler", "crank-nicolson"]
Weighting = Literal["law", "path"]
SCHEMES, WEIGHTS = get_args(SchemeName), get_args(Weighting)
