"""What each catalogue entry is solved with where a small budget is enough."""

import sciml as sm
from sciml.dsl.measures import measures
from sciml.dsl.noise import Noise

POINTS = {1: 192, 2: 24, 3: 12}
HALF_WIDTH = {"strained-vortex": 3, "elliptic-patch": 3, "fractional-lamb-oseen": 6}


def small_grid(problem, intervals=2):
    """A coarse grid; on infinite axes a window that holds the vorticity."""
    axes = {}
    for s in problem.frame.space:
        if s in problem.domain.infinite:
            half = HALF_WIDTH.get(problem.name, 2)
            axes[s.name] = (-half, half, 49)
        else:
            axes[s.name] = POINTS[problem.frame.dim] + (s in problem.domain.bounded)
    return sm.Grid(**axes, t=intervals)


def is_singular(problem):
    """Tell whether some initial data have no values on a grid."""
    return any(measures(c.value) for c in problem.initial_conditions)


def is_driven(problem):
    """Tell whether noise drives it."""
    return any(e.has(Noise) for e in problem.equations.values())


def small_method(problem):
    """A loose tolerance, and a width for what is singular; a few fixed steps of a fiftieth of the time for noise."""
    if is_driven(problem):
        _, start, end = problem.time
        return sm.Spectral(dt=problem.number(end - start) / 400)
    return sm.Spectral(rtol=1e-3, mollify=0.25 if is_singular(problem) else None)
