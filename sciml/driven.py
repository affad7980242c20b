"""What stands in the way of following a solution along a path of its noise, whatever the method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from sciml.dsl.noise import Noise
from sciml.forms.multiplier import atoms_of
from sciml.method import Unmet

if TYPE_CHECKING:
    from sciml.problem import Problem

__all__ = ["pathwise_unmet"]


def pathwise_unmet(problem: Problem) -> Unmet | None:
    """Say which variable is no function of time, or why Wick powers have no variance that is one number."""
    form = problem.form
    for name, parts in problem.variables().items():
        if any(form.in_states(e).atoms(Noise) for e in parts):
            why = f"{name} balances the noise at each moment, and is no function of time"
            return Unmet(why, "write the equation without it: for a flow, that of the vorticity")
        if any(a for e in parts for a in atoms_of(form.in_states(e)) if isinstance(a, sp.Derivative)):
            why = f"the output {name!r} holds the time derivative of a field that noise drives"
            return Unmet(why, "it is no function of time; remove the output")
    return _wick(problem) if problem.renormalise else None


def _wick(problem: Problem) -> Unmet | None:
    """Say why a variance that is a number at each time would not be that of the Gaussian part."""
    form, fix = problem.form, "smooth noise needs no renormalisation: WhiteNoise(..., modes=16)"
    if len(form.state) > 1:
        return Unmet("Wick powers are for one equation of first order in time", fix)
    if problem.domain.bounded:
        return Unmet("the variance that Wick powers subtract depends on the place between faces", "use a Torus")
    varying = {form.frame.time, *form.frame.space}
    if any(term.amplitude.free_symbols & varying for term in form.noise):
        return Unmet("Wick powers are for noise of constant amplitude", fix)
    return None
