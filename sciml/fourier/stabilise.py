"""Varying coefficients: the constant part of their dissipation is moved to the linear part.

    c(t, x) S z = c̄ S z + (c(t, x) - c̄) S z,   c̄ = (min c + max c)/2

The first term is integrated exactly, the second explicitly. Alone, ``c S z`` would ask for steps of
``1/max|S|``; with the shift the explicit term is nowhere larger than the exact damping as long as
the problem is well-posed, and the step is chosen for accuracy again (Duchemin & Eggers 2014,
doi:10.1016/j.jcp.2014.01.013, who call it the explicit-implicit-null method).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp
import torch

from sciml.forms import SemilinearForm
from sciml.forms.frozen import Varying, varying
from sciml.forms.growth import largest_growth
from sciml.forms.rays import sample
from sciml.fourier.modes import Modes, kept_modes
from sciml.lower import compile_expressions

__all__ = ["Stabilised", "explicit_rate", "stabilised"]

TIMES = 33  # at which coefficients are sampled


@dataclass(frozen=True)
class Stabilised:
    """An equal form that is less stiff.

    Attributes:
        form: The form to integrate.
        shifted: Terms whose mean coefficient is now in the linear part.
        explicit: The other terms with varying coefficients, with the largest modulus of these.
    """

    form: SemilinearForm
    shifted: tuple[Varying, ...]
    explicit: tuple[tuple[Varying, float], ...]


def stabilised(form: SemilinearForm, modes: Modes, times: tuple[float, float]) -> Stabilised:
    """Shift the mean of every dissipative varying coefficient into the linear part."""
    groups: dict[sp.Expr, list[Varying]] = {}
    for v in varying(form):
        groups.setdefault(v.coefficient, []).append(v)
    linear, shifted, explicit = sp.Matrix(form.linear), [], []
    terms = list(form.nonlinear)
    for coefficient, group in groups.items():
        low, high = _extent(coefficient, modes, times)
        if not math.isfinite(low + high):  # a pole: the run will say so
            continue
        mean = sp.Float((low + high) / 2)
        part = mean * sum((v.part for v in group), sp.zeros(len(form.state)))
        if not _dissipative(form, part, modes.parameters):
            explicit += [(v, max(abs(low), abs(high))) for v in group]
            continue
        linear += part.applyfunc(sp.expand)
        shifted += group
        for v in group:
            n = terms[v.index].n - mean * v.piece / v.coefficient
            terms[v.index] = replace(terms[v.index], n=n)
    if shifted:
        form = replace(form, linear=sp.ImmutableMatrix(linear), nonlinear=tuple(terms))
    return Stabilised(form, tuple(shifted), tuple(explicit))


def _extent(coefficient: sp.Expr, modes: Modes, times: tuple[float, float]) -> tuple[float, float]:
    """Return the lowest and highest value of a coefficient on the grid, at a few times."""
    frame = modes.frame
    program = compile_expressions([coefficient], [frame.time, *frame.space, *modes.parameters])
    values = []
    for t in torch.linspace(*times, TIMES, dtype=modes.dtype, device=modes.device):
        (value,) = program(t, *modes.coordinates, *modes.grid_parameters)
        values.append(torch.stack((value.amin(), value.amax())))
    low, high = torch.stack(values).unbind(1)
    return float(low.amin()), float(high.amax())


def _dissipative(form: SemilinearForm, part: sp.Matrix, parameters: Mapping[sp.Symbol, torch.Tensor]) -> bool:
    """Tell whether a linear part damps short waves in some direction and lets none grow."""
    ranges = {s: (float(v.min()), float(v.max())) for s, v in parameters.items()}
    forward, backward = (largest_growth(sample(form, ranges, sign * part)) for sign in (1, -1))
    return forward.severity == 0 and backward.severity == 2


def explicit_rate(form: SemilinearForm, term: Varying, size: float, modes: Modes, degree: int) -> float:
    """Return how fast a term with a varying coefficient acts on the shortest waves, net of damping.

    Args:
        form: The form whose linear part is integrated exactly.
        term: A term that is integrated explicitly.
        size: Largest modulus of its coefficient.
        modes: The grid.
        degree: Number of factors that products are dealiased for.
    """
    linear = _at_shortest(form.propagator, modes, degree)
    part = size * _at_shortest((form.inverse_mass * term.part).applyfunc(sp.expand), modes, degree)
    damping = -torch.linalg.eigvals(linear).real.amax(-1)
    # A term that couples u_t to u has no eigenvalue of its own: it acts through the other entries.
    moved = torch.stack([_radius(part), _radius(linear + part) - _radius(linear)]).amax(0)
    return max(0.0, float((moved - damping.clamp(min=0)).amax()))


def _radius(matrix: torch.Tensor) -> torch.Tensor:
    radius: torch.Tensor = torch.linalg.eigvals(matrix).abs().amax(-1)
    return radius


def _at_shortest(matrix: sp.Matrix, modes: Modes, degree: int) -> torch.Tensor:
    """Evaluate a matrix of symbols at the shortest waves kept along axes and diagonals, ``(points, n, n)``."""
    n = matrix.rows
    # The first member stands for a family: the rate is an order of magnitude, for the plan.
    values = torch.stack([modes.symbol(e)[0].to(torch.complex128).expand(modes.spectrum) for e in matrix])
    for axis, points in enumerate(modes.points):
        top = min(kept_modes(points, degree) if degree else points, (points - 1) // 2)
        chosen = [0, top] if axis == modes.dim - 1 else [0, top, points - top]
        values = values.index_select(axis + 1, torch.tensor(chosen, device=modes.device))
    return values.flatten(1).T.reshape(-1, n, n)
