"""Flows and small set-ups that the tests of DRVM share."""

import sympy as sp
import torch

import sciml as sm
from sciml.method import registry
from sciml.solvers.drvm.engine import DRVMEngine
from sciml.solvers.drvm.fits import FitOptions
from sciml.solvers.drvm.flow import Flow, slice_times
from sciml.solvers.drvm.march import March

t, x, y = sm.coords("t x y")
w = sm.Field("w", t, x, y)
v = sm.BiotSavart(w)
PLANE = sm.WholeSpace(x, y)
SQUARE = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}


def gaussian(px, py, strength, width):
    return strength / (2 * sp.pi * width**2) * sp.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * width**2))


def flow(start, domain=SQUARE, nu=0.05, end=1.0, drag=0, velocity=v, parameters=None, **outputs):
    """The vorticity equation."""
    return sm.Problem(
        equations=sp.Eq(sm.Dt(w) + sm.Advect(velocity, w), nu * sm.Laplacian(w) - drag * w),
        domain=domain,
        time=(t, 0, end),
        conditions=[sm.IC(w, start)],
        parameters=parameters or {},
        outputs={"v": velocity, **outputs},
    )


def window(half=2, points=33, **more):
    return sm.Grid(x=(-half, half, points), y=(-half, half, points), **more)


def run(seed=0, **more):
    return sm.Run(seed=seed, threads=1, progress=False, **more)


def components(problem, grid=None):
    """The initial vorticity of a problem as a method sees it."""
    return engine(problem, sm.DRVM(n_particles=256), grid).flow.components


def engine(problem, method=None, grid=None, seed=0):
    if grid is None:
        grid = sm.Grid(x=16, y=16, t=1) if problem.domain.periodic else window(t=1)
    return DRVMEngine(method or sm.DRVM(), problem, grid, run(seed))


def march_of(parts, *, nu=0.1, steps=8, end=1.0, lengths=None, half=2.0, seed=0, size=2048, **more):
    """A march of components, without a problem; marches in float64."""
    box = ((-half, half),) * 2 if lengths is None else tuple((0.0, length) for length in lengths)
    graded = any(c.spacing == 0 for c in parts)
    numbers = Flow(nu, 0.0, (0.0, 0.0), lengths, box, slice_times(0.0, end, steps, graded), tuple(parts))
    given = {"groups": 4, "queries": 256, "device": torch.device("cpu"), "dtype": torch.float64} | more
    return March(numbers, FitOptions("lm", (16, 16), 20, 1e-10, seed), size=size, seed=seed, **given)
