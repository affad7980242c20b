"""The names of choices, for options that are declared before torch is loaded."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "ANSWERS",
    "INPUTS",
    "QUADRATURES",
    "RULES",
    "WEIGHINGS",
    "Answer",
    "Inputs",
    "Quadrature",
    "Rule",
    "Weighing",
]

Rule = Literal["expansion", "published"]
Quadrature = Literal["left", "right", "trapezoid"]
Weighing = Literal["ridge", "picard"]
Inputs = Literal["all", "initial"]
Answer = Literal["path", "terminal"]
RULES, QUADRATURES, WEIGHINGS = get_args(Rule), get_args(Quadrature), get_args(Weighing)
INPUTS, ANSWERS = get_args(Inputs), get_args(Answer)
