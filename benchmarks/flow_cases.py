"""Three plane flows with their grids, judged times, references and metric, shared by every method.

* ``lamb-oseen``: one point vortex that spreads in the plane. Exact, but blind to the coupling: the drift
  of a round vortex does not change it.
* ``unlike-pair``: two point vortices of strengths 3 and 3/2. Without the coupling the velocity is wrong
  by 19 % at t = 1/4 and by 37 % at t = 1.
* ``torus-pair``: two smooth vortices on a torus; without the coupling wrong by 16 % and by 44 %.

Velocities are arrays ``(points, 2)``, points run over the grid with the last coordinate fastest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import flow_references
import numpy as np
import sympy as sp
from vortices import lamb_vortices, torus_circulation, torus_velocity, velocity_of

import sciml as sm
from sciml.problems.co_rotating_vortices import co_rotating_vortices
from sciml.problems.lamb_oseen import lamb_oseen
from sciml.problems.point_vortex_pair import point_vortex_pair

TIMES = (0.25, 0.5, 1.0)
PLANE = {"low": -2.0, "high": 2.0, "points": 65}
TORUS = {"low": 0.0, "high": 2 * np.pi, "points": 64}
RUN = sm.Run(threads=1, progress=False)


@dataclass(frozen=True)
class Case:
    """One flow.

    Attributes:
        name: Key in the record.
        title: Heading of its table.
        problem: The declaration.
        nu: Viscosity.
        low: Lower end of both axes of the window, or of the torus.
        high: Upper end.
        points: Grid points on each axis, with both ends on a window and without the upper one on a torus.
        vortices: ``(x, y, strength)`` of each vortex; on a torus they are periodic Gaussians.
        make_reference: Returns ``(velocity at each judged time, what is known of its error)`` for a case.
        spectral: Settings of the spectral method to be timed, coarsest first.
        width: On a torus, ``exp((cos r - 1)/width²)`` is the shape of a vortex; None for points.
    """

    name: str
    title: str
    problem: sm.Problem
    nu: float
    low: float
    high: float
    points: int
    vortices: tuple[tuple[float, float, float], ...]
    make_reference: Callable
    spectral: tuple[sm.Spectral, ...]
    width: float | None = None
    times: tuple[float, ...] = TIMES

    @property
    def periodic(self):
        """Whether the flow lives on a torus."""
        return self.width is not None

    @property
    def grid(self):
        """The grid to solve on: its stored times contain the judged ones."""
        return sm.Grid(**self.window, t=4)

    @property
    def window(self):
        """The space axes of the grid."""
        axis = self.points if self.periodic else (self.low, self.high, self.points)
        return {"x": axis, "y": axis}

    @property
    def axis(self):
        """Coordinates of the grid points on either axis."""
        return np.linspace(self.low, self.high, self.points, endpoint=not self.periodic)

    @cached_property
    def nodes(self):
        """Grid points, ``(points, 2)``."""
        return np.stack(np.meshgrid(self.axis, self.axis, indexing="ij"), axis=-1).reshape(-1, 2)

    @cached_property
    def _reference(self):
        return self.make_reference(self)

    @property
    def reference(self):
        """Velocity at the nodes for each judged time."""
        return self._reference[0]

    @property
    def reference_error(self):
        """What is known of the reference's own error: name -> one figure for each judged time."""
        return self._reference[1]

    def error(self, velocity, time):
        """Relative L2 error over both components at one judged time."""
        truth = self.reference[time]
        return float(np.linalg.norm(velocity - truth) / np.linalg.norm(truth))

    def errors(self, velocity):
        """Judge a function ``velocity(points, t)`` at every judged time."""
        return {t: self.error(velocity(self.nodes, t), t) for t in self.times}

    def errors_of(self, solution):
        """Judge a solution of the package; its output ``v`` is the velocity."""
        return {t: self.error(velocity_of(solution, t), t) for t in self.times}

    def particles(self, count, rng):
        """Draw particles from the initial vorticity.

        Returns:
            Positions ``(count, 2)``, weights ``(count,)`` that sum to the circulation, and the vortex of each.
        """
        strengths = np.array([s for *_, s in self.vortices])
        share = np.floor(count * np.abs(strengths) / np.abs(strengths).sum()).astype(int)
        share[0] += count - share.sum()
        owner = np.repeat(np.arange(len(strengths)), share)
        positions = np.array(self.vortices)[owner, :2]
        if self.periodic:
            positions = (positions + rng.vonmises(0.0, self.width**-2, positions.shape)) % (2 * np.pi)
        return positions, (strengths / share)[owner], owner

    def drift_off(self):
        """Return the errors of heat flow alone: what a method without the coupling would show."""
        if self.periodic:
            return {t: self.error(torus_velocity(self, self.nodes, t), t) for t in self.times}
        return {t: self.error(lamb_vortices(self.nodes, self.vortices, 2 * self.nu * t), t) for t in self.times}


def _exact(case):
    """Lamb-Oseen: the vortex of variance ``2νt``."""
    return {t: lamb_vortices(case.nodes, case.vortices, 2 * case.nu * t) for t in case.times}, {}


def _unlike_pair():
    """Point vortices of strengths 3 and 3/2: the catalogue's pair, stronger so that they turn by 40 degrees."""
    base = point_vortex_pair(nu=0.02, ratio=0.5, end=1.0)
    (start,) = base.conditions
    half = sp.Rational(1, 2)
    points = sm.PointVortices(strength=[3, sp.Rational(3, 2)], at=[(half, 0), (-half, 0)])
    (rho,) = [s for s in base.parameters if s.name == "rho"]
    return base.with_(
        name="unlike-pair",
        conditions=[sm.IC(start.field, points)],
        outputs={"v": base.outputs["v"]},
        exact={},
        parameters={rho: None},
    )


def _plane_settings(*settings):
    return tuple(sm.Spectral(mollify=s, resolution=n, rtol=r) for s, n, r in settings)


CASES = {
    case.name: case
    for case in (
        Case(
            name="lamb-oseen",
            title="One point vortex in the plane (Lamb-Oseen), ν = 0.1",
            problem=lamb_oseen(nu=0.1, end=1.0),
            nu=0.1,
            **PLANE,
            vortices=((0.0, 0.0, 1.0),),
            make_reference=_exact,
            spectral=_plane_settings((0.2, 64, 1e-3), (0.1, 64, 1e-3), (0.05, 128, 1e-4)),
        ),
        Case(
            name="unlike-pair",
            title="Two point vortices of strengths 3 and 3/2 in the plane, ν = 0.02",
            problem=_unlike_pair(),
            nu=0.02,
            **PLANE,
            vortices=((0.5, 0.0, 3.0), (-0.5, 0.0, 1.5)),
            make_reference=partial(flow_references.pair_reference, run=RUN),
            spectral=_plane_settings((0.2, 64, 1e-3), (0.1, 64, 1e-3), (0.05, 128, 1e-4)),
        ),
        Case(
            name="torus-pair",
            title="Two smooth vortices on a torus, ν = 0.02",
            problem=co_rotating_vortices(nu=0.02, end=1.0),
            nu=0.02,
            **TORUS,
            vortices=tuple((np.pi + c, np.pi, torus_circulation(10.0, 8**-0.5)) for c in (-0.7, 0.7)),
            width=8**-0.5,
            make_reference=partial(flow_references.torus_reference, run=RUN),
            spectral=(sm.Spectral(resolution=64, rtol=1e-3), sm.Spectral(resolution=64, rtol=1e-6)),
        ),
    )
}
