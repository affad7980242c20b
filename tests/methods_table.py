"""One quick problem for each registered method: what the contract suite runs it on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

import sciml as sm
from sciml.method import Method
from sciml.train import Training


@dataclass(frozen=True)
class Case:
    """How the contract is tested on a method.

    Attributes:
        method: With options that make a run take a second or two, in at least four steps of the plan.
        problem: One that it solves, which draws random numbers.
        grid: Where the answer is stored.
        refused: One that it cannot solve, with a word of the reason.
        dtypes: Precision that each ``Run(dtype=...)`` promises for the stored fields.
        data: What a method that learns is given, drawn anew at each call unless it is cached.
    """

    method: Method
    problem: Callable[[], sm.Problem]
    grid: sm.Grid
    refused: tuple[Callable[[], sm.Problem], str]
    dtypes: Any = (("float64", "float64"), ("float32", "float32"), (None, "float64"))
    data: Callable[[], sm.Ensemble] | None = None


t, x = sm.coords("t x")
u = sm.Field("u", t, x)


def diffusion(noise=0, value=None):
    start = sm.RandomField.fourier("a", x, modes=3, scale=0.1) if value is None else value
    return sm.Problem(
        name="random burgers",
        equations=sp.Eq(sm.Dt(u) + u * sm.Dx(u, x), sm.Laplacian(u) / 10 + noise),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, start)],
    )


y = sm.coords("y")
w = sm.Field("w", t, x, y)


def plane_flow(forcing=0, start=None):
    velocity = sm.BiotSavart(w)
    start = sm.RandomField.fourier("a", x, y, modes=3, scale=1) if start is None else start
    return sm.Problem(
        name="random vortices",
        equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), sm.Laplacian(w) / 20 + forcing),
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(w, start)],
        outputs={"v": velocity, "enstrophy": sm.Integral(w**2) / 2},
    )


@cache
def diffused():
    """Paths to learn from, the same at each call: the contract is that of the method, not of its data."""
    return diffusion(sm.WhiteNoise("xi", t, x) / 5).sample(60, grid=LEARNED, seed=1)


LEARNED = sm.Grid(x=32, t=96)

CASES = {
    "drvm": Case(
        method=sm.DRVM(n_particles=2048, steps=4, hidden=(64,), marches=2),
        problem=plane_flow,
        grid=sm.Grid(x=16, y=16, t=4),
        refused=(lambda: plane_flow(forcing=sp.sin(y)), "no forcing yet"),
        # Fields are evaluated in float64 from fits in float64; the precision is that of the particles.
        dtypes=(("float64", "float64"), ("float32", "float64"), (None, "float64")),
    ),
    "linear-mfv": Case(
        method=sm.LinearMFV(chunk=1),  # few paths in a block, each of which is a step
        problem=lambda: diffusion(sm.WhiteNoise("xi", t, x) / 5),
        grid=LEARNED,
        refused=(diffusion, "needs a driving noise"),
        data=diffused,
    ),
    "nors": Case(
        method=sm.NORS(
            integrations=0, channels=4, layers=1, points=16, chunk=8, training=Training(steps=8, learning_rate=0.02)
        ),
        problem=lambda: diffusion(sm.WhiteNoise("xi", t, x) / 5),
        grid=LEARNED,
        refused=(diffusion, "needs a driving noise"),
        data=diffused,
    ),
    "spectral": Case(
        method=sm.Spectral(dt=0.05),
        problem=diffusion,
        grid=sm.Grid(x=32, t=6),
        refused=(lambda: plane_flow(start=sm.PointVortices([1, -1], at=[(1, 1), (4, 4)])), "no values on a grid"),
    ),
}
