"""The initial vorticity as a finite signed measure: nodes with circulations.

Nothing else is ever asked of it, so points, sheets, patches and functions are treated alike:

- a point vortex is one node;
- a sheet is a Gauss rule along its curve;
- a function on a torus is its values on a grid, times the area of a cell, which is spectrally exact
  for every Fourier mode that the grid holds; in the plane likewise on a box that holds all of it.

Particles are drawn from the nodes with probability ∝ |circulation| (:mod:`paths`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
import torch
from scipy import ndimage

from sciml.dsl.measures import Measure, PointVortices, VortexPatch, VortexSheet, measures
from sciml.dsl.text import text
from sciml.errors import DataError
from sciml.forms.multiplier import atoms_of
from sciml.lower import compile_expressions

__all__ = ["Component", "components_of", "spectral_radius"]

Array = np.ndarray[Any, np.dtype[np.float64]]
Function = Callable[[Array, Array], Array]

POINTS = 256  # per axis, for functions
PANELS, NODES = 128, np.polynomial.legendre.leggauss(8)  # of a sheet
COARSE = 64  # per axis, for the velocity at the start
NEGLIGIBLE = 1e-12  # of the largest circulation of a node
LOST = 1e-5  # share of |ω| that may lie outside the box of a function in the plane
UNEVEN = 0.3  # of circulation between halves of the nodes: a Gaussian then misses less than 1e-3
APART, MOST_VORTICES = 1e-3, 12  # of the largest vorticity, that separates vortices; how many
FARTHEST = 14  # doublings of the window in search of that box


@dataclass(frozen=True)
class Component:
    """A part of the initial vorticity.

    Attributes:
        positions: Nodes, ``(*shape, 2)``; the shape is ``(n,)`` or that of a grid.
        weights: Circulation of each, of that shape.
        spacing: Size of a cell; 0 for points and sheets.
        is_point: It is a single point vortex.
    """

    positions: Array
    weights: Array
    spacing: float = 0.0
    is_point: bool = False

    @cached_property
    def strength(self) -> float:
        """``Σ|Γ|``."""
        return float(np.abs(self.weights).sum())

    @property
    def circulation(self) -> float:
        """``ΣΓ``."""
        return float(self.weights.sum())

    @cached_property
    def centre(self) -> Array:
        """Mean position, weighted by ``|Γ|``."""
        share = np.abs(self.weights)[..., None] / self.strength
        return np.asarray((share * self.positions).reshape(-1, 2).sum(0))

    @cached_property
    def gap(self) -> float:
        """Distance between the nodes of a sheet; 0 for points and functions."""
        if self.is_point or self.spacing > 0:
            return 0.0
        return float(np.linalg.norm(np.diff(self.positions, axis=0), axis=1).max())

    def drawn(self, uniform: Array) -> tuple[Array, Array]:
        """Return positions and signs for points of the unit square, ``(n, 2)`` each of two numbers.

        The first number picks a row of the grid by its share of |Γ|, the second a node of the row, so
        that low-discrepancy points stay evenly spread.
        """
        grid = np.abs(self.weights).reshape(len(self.weights), -1)
        rows = _picked(grid.sum(1), uniform[:, 0])
        cumulative = np.cumsum(grid, axis=1)
        # Rows are laid one after the other, so that one search serves all particles.
        offset = np.arange(len(grid))[:, None]
        flat = (cumulative / np.maximum(cumulative[:, -1:], 1e-300) + offset).ravel()
        found = np.searchsorted(flat, uniform[:, 1] + rows, side="right")
        columns = np.clip(found - rows * grid.shape[1], 0, grid.shape[1] - 1)
        index = rows * grid.shape[1] + columns
        return self.positions.reshape(-1, 2)[index], np.sign(self.weights.ravel()[index])

    def coarsened(self) -> Component:
        """Return at most ``COARSE`` squared nodes with the same circulation and centre, for sums over all of them."""
        if self.weights.ndim == 1 or len(self.weights) <= COARSE:
            return self
        m = len(self.weights) // COARSE
        size = np.abs(self.weights)[..., None]
        blocks = [a.reshape(COARSE, m, COARSE, m, -1).sum((1, 3)) for a in (self.weights, size, size * self.positions)]
        total, mass, moment = blocks
        middle = self.positions.reshape(COARSE, m, COARSE, m, 2).mean((1, 3))
        places = np.where(mass > 0, moment / np.maximum(mass, 1e-300), middle)
        return Component(places, total[..., 0], self.spacing * m)


def _picked(share: Array, uniform: Array) -> Any:
    cumulative = np.cumsum(share)
    return np.minimum(np.searchsorted(cumulative / cumulative[-1], uniform, side="right"), len(share) - 1)


def components_of(
    vorticity: sp.Expr,
    space: tuple[sp.Symbol, sp.Symbol],
    numbers: dict[sp.Symbol, float],
    *,
    box: tuple[tuple[float, float], tuple[float, float]],
    periodic: bool,
    on_grid: Callable[[sp.Expr, int], Array],
) -> tuple[list[Component], float]:
    """Split an initial vorticity into its parts, and a constant that is left out of them on a torus.

    A constant induces no velocity there; without it less is left to be sampled.

    Args:
        vorticity: ω₀ in component language.
        space: The coordinates.
        numbers: Values of the parameters.
        box: The torus, or the window of the plane.
        periodic: Whether it is a torus.
        on_grid: Evaluates an expression on a grid of that many points an axis of the torus: data that
            are no functions of the coordinates, such as arrays and random fields.

    Raises:
        DataError: The vorticity is not finite, vanishes, is not integrable, or is finer than the nodes.
    """
    out: list[Component] = []
    constant = 0.0
    smooth = sp.S.Zero
    for term in _terms(vorticity):
        held = [m for m in measures(term) if not isinstance(m, VortexPatch)]
        if not held:
            smooth += term
            continue
        factor = float((term / held[0]).subs(numbers))
        out += _singular(held[0], factor, numbers)
    smooth = smooth.xreplace({m: m.values for m in measures(smooth)})
    if smooth != 0:
        if periodic:
            component, constant = _on_torus(smooth, space, numbers, box, on_grid)
        else:
            component = _in_plane(smooth, space, numbers, box)
        out += _separated(component) if not periodic else [component]
    out = [c for c in out if c.strength > 0]
    if not out:
        msg = "the initial vorticity is 0 everywhere: nothing moves."
        raise DataError("D201", msg, fix="give an initial condition that is not constant")
    return out, constant


def _terms(vorticity: sp.Expr) -> list[sp.Expr]:
    """Return the summands; products with sums of measures are multiplied out, and functions left as they are."""
    out: list[sp.Expr] = []
    for term in sp.Add.make_args(vorticity):
        out += sp.Add.make_args(sp.expand_mul(term)) if measures(term) else [term]
    return out


def _singular(atom: Measure, factor: float, numbers: dict[sp.Symbol, float]) -> list[Component]:
    if isinstance(atom, PointVortices):
        return [
            Component(
                np.array([[float(c.subs(numbers)) for c in place]]),
                np.array([factor * float(strength.subs(numbers))]),
                is_point=True,
            )
            for strength, place in atom.vortices
        ]
    assert isinstance(atom, VortexSheet)
    s = atom.args[2][0]
    low, high = (float(e.subs(numbers)) for e in atom.args[2][1:])
    nodes = (np.arange(PANELS)[:, None] + (NODES[0] + 1) / 2).ravel() / PANELS
    along = low + (high - low) * nodes
    share = np.tile(NODES[1] / 2, PANELS) / PANELS * (high - low)
    density, x, y = (_function(e, (s,), numbers)(along) for e in (atom.density, *atom.args[1]))
    return [Component(np.stack([x, y], axis=-1), factor * density * share)]


def _function(expr: sp.Expr, inputs: tuple[sp.Symbol, ...], numbers: dict[sp.Symbol, float]) -> Callable[..., Array]:
    program = compile_expressions([expr], [*inputs, *numbers])
    values = [torch.tensor(v, dtype=torch.float64) for v in numbers.values()]

    def evaluate(*points: Array) -> Array:
        given = [torch.as_tensor(p, dtype=torch.float64) for p in points]
        (found,) = program(*given, *values)
        if found.is_complex() or not bool(torch.isfinite(found).all()):
            msg = f"the initial vorticity {text(expr)} is not finite and real everywhere."
            raise DataError("D201", msg, fix="a point vortex is sm.PointVortices(strength=[1], at=[(0, 0)])")
        return np.broadcast_to(found.numpy(), np.broadcast_shapes(*(p.shape for p in points)))

    return evaluate


def _on_torus(expr: sp.Expr, space: Any, numbers: Any, box: Any, on_grid: Any) -> tuple[Component, float]:
    axes = [np.linspace(lo, hi, POINTS, endpoint=False) for lo, hi in box]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = (
        _function(expr, space, numbers)(nodes[..., 0], nodes[..., 1]) if not atoms_of(expr) else on_grid(expr, POINTS)
    )
    _check_resolved(expr, values - float(np.median(values)))
    constant = float(np.median(values))  # of all constants the one that leaves the smallest ∫|ω|
    values = values - constant
    cell = [(hi - lo) / POINTS for lo, hi in box]
    return _trimmed(Component(nodes, values * cell[0] * cell[1], max(cell))), constant


def _trimmed(component: Component) -> Component:
    small = np.abs(component.weights) < NEGLIGIBLE * np.abs(component.weights).max(initial=0)
    return Component(component.positions, np.where(small, 0.0, component.weights), component.spacing)


def _in_plane(expr: sp.Expr, space: Any, numbers: Any, box: Any) -> Component:
    """Find a box that holds the function, growing from the window, then closing in on it."""
    function = _function(expr, space, numbers)
    centre = np.array([(lo + hi) / 2 for lo, hi in box])
    half = max((hi - lo) / 2 for lo, hi in box)
    half *= 2 ** _doublings(function, centre, half)
    nodes, values = _sampled(function, centre, half)
    if not np.abs(values).sum() > 0 or not math.isfinite(half):
        msg = f"the initial vorticity {text(expr)} is not integrable over the plane, or vanishes in the window."
        raise DataError("D201", msg, fix="vorticity in the plane must decay; a periodic flow lives on a Torus")
    for _ in range(FARTHEST):  # its box may be far smaller than the window
        mass = np.abs(values)
        share = mass[..., None] / mass.sum()
        middle = (share * nodes).reshape(-1, 2).sum(0)
        reach = np.abs(nodes - middle).max(-1)
        order = np.argsort(reach.ravel())
        outside = 1 - np.cumsum(mass.ravel()[order]) / mass.sum()
        needed = float(reach.ravel()[order][np.searchsorted(-outside, -LOST / 10)]) * 1.1 + 2 * half / POINTS
        if needed > 0.8 * half:
            break
        centre, half = middle, needed
        nodes, values = _sampled(function, centre, half)
    _check_resolved(expr, values)
    spacing = 2 * half / POINTS
    return _trimmed(Component(nodes, values * spacing**2, spacing))


def _separated(component: Component) -> list[Component]:
    """Split a function in the plane into its vortices, where they stand apart: each gets features of its own."""
    size = np.abs(component.weights)
    marks, count = ndimage.label(size > APART * size.max(), structure=np.ones((3, 3)))
    if not 1 < count <= MOST_VORTICES:
        return [component]
    nearest = ndimage.distance_transform_edt(marks == 0, return_distances=False, return_indices=True)
    owner = marks[tuple(nearest)]
    parts = [np.where(owner == i, component.weights, 0.0) for i in range(1, count + 1)]
    return [Component(component.positions, w, component.spacing) for w in parts]


def _doublings(function: Function, centre: Array, half: float) -> float:
    """Return how often a window must be doubled to hold a function; infinite if no number is enough.

    All are looked at, however little the first holds: a vortex may stand far outside the window.
    """
    needed = 0
    for k in range(FARTHEST):
        nodes, values = _sampled(function, centre, half * 2**k)
        ring = np.abs(nodes - centre).max(-1) > half * 2**k / 2
        mass = np.abs(values)
        if mass[ring].sum() > LOST * mass.sum():
            needed = k + 1
    return needed if needed < FARTHEST else math.inf


def _check_resolved(expr: sp.Expr, values: Array) -> None:
    """Every second node must tell the same as the others: a vortex between nodes would be lost or doubled."""
    shares = np.abs(values).reshape(POINTS // 2, 2, POINTS // 2, 2).sum((0, 2))
    if np.ptp(shares) > UNEVEN * shares.mean():
        msg = f"the initial vorticity {text(expr)} has details finer than {POINTS} points an axis can hold."
        raise DataError("D201", msg, fix="give vortices as narrow as that as sm.PointVortices or sm.VortexSheet")


def _sampled(function: Function, centre: Array, half: float) -> tuple[Array, Array]:
    steps = (np.arange(POINTS) + 0.5) / POINTS * 2 - 1
    nodes = centre + half * np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
    return nodes, function(nodes[..., 0], nodes[..., 1])


def spectral_radius(component: Component, share: float) -> int:
    """Return the mode K of a torus beyond which less than ``share`` of the velocity's energy lies."""
    coefficients = np.abs(np.fft.fft2(component.weights)) ** 2
    m = np.abs(np.fft.fftfreq(len(coefficients), 1 / len(coefficients)))
    largest = np.maximum(m[:, None], m)
    square = m[:, None] ** 2 + m**2
    energy = coefficients / np.maximum(square, 1)
    energy[0, 0] = 0
    by_shell = np.bincount(largest.astype(int).ravel(), energy.ravel())
    beyond = 1 - np.cumsum(by_shell) / by_shell.sum()
    return int(np.searchsorted(-beyond, -share)) if math.isfinite(beyond[0]) else 1
