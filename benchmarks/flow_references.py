"""References of the flow cases: the spectral solver, and particles on a mesh that share nothing with it.

The spectral solver cannot start from points. A mollified start alone is off by the age that the Gaussians
have already, a quarter of the core's variance at t = 1/4 for the narrowest that a window can hold. So it
starts at the time t₀ when the cores are that wide, from the places to which the vortices have turned by
then; what is neglected is how the pair deforms young cores, of the order of (core/distance)² of one
percent. Two values of t₀ show how little that is. The particles start from the points themselves at t = 0
and have a sampling error instead. How far all differ is part of the record.
"""

import math

import numpy as np
import particle_mesh
from vortices import turned, velocity_of

import sciml as sm

STARTS = ((8, 128), (16, 192))  # 1/t₀, intervals of the spectral window; the cores hold 2.3 and 2.4 of them
PARTICLES, STEPS, MESHES = 500_000, 64, 4


def pair_reference(case, run):
    """Return velocities from the earlier of two starts, and how far the later one and particles differ."""
    coarse, fine = (_from_start(case, run, *start) for start in STARTS)
    other = particle_mesh.velocities(case, PARTICLES, STEPS, MESHES, seed=0)
    return fine, {
        "starting at twice t₀ changes it by": {t: _difference(coarse[t], fine[t]) for t in case.times},
        "particles differ from it by": {t: _difference(other[t], fine[t]) for t in case.times},
    }


def _from_start(case, run, inverse, intervals):
    """Solve from t₀ = 1/inverse, stored at its multiples, which the judged times are."""
    start = 1 / inverse
    (given,) = case.problem.conditions
    places = turned(case.vortices, start)
    points = sm.PointVortices(strength=[s for *_, s in places], at=[(x, y) for x, y, _ in places])
    time = (case.problem.time[0], start, case.times[-1])
    later = case.problem.with_(time=time, conditions=[sm.IC(given.field, points)])
    method = sm.Spectral(mollify=math.sqrt(2 * case.nu * start), resolution=intervals, rtol=1e-5)
    grid = sm.Grid(**case.window, t=inverse - 1)
    solution = later.solve(method, grid=grid, run=run)
    return {t: velocity_of(solution, t) for t in case.times}


def torus_reference(case, run):
    """Return spectral velocities on twice the grid, and how far the grid itself differs from them."""

    def spectral(resolution):
        method = sm.Spectral(resolution=resolution, rtol=1e-9)
        solution = case.problem.solve(method, grid=case.grid, run=run)
        return {t: velocity_of(solution, t) for t in case.times}

    truth, coarse = spectral(2 * case.points), spectral(case.points)
    other = particle_mesh.velocities(case, PARTICLES, STEPS, MESHES // 2, seed=0)
    return truth, {
        "half the points differ from it by": {t: _difference(coarse[t], truth[t]) for t in case.times},
        "particles differ from it by": {t: _difference(other[t], truth[t]) for t in case.times},
    }


def _difference(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
