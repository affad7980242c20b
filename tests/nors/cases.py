"""SPDEs on small grids, and model features of their paths as arrays."""

import numpy as np
import sympy as sp

import sciml as sm
from sciml.problems.dynamic_phi4_1d import dynamic_phi4_1d

RUN = sm.Run(threads=1)
PUBLISHED = sm.LinearMFV(features="published")
SCHEME = sm.Spectral(scheme="semi-implicit-euler", dt=1.0, differences=True, degree=0)  # that of the published data
t, x, y = sm.coords("t x y")
u, w = sm.Field("u", t, x), sm.Field("w", t, x)
xi = sm.WhiteNoise("xi", t, x)
UNIT = sm.Torus((x, 0, 1))


def phi4(end=0.05, sigma=1.0, **more):
    return dynamic_phi4_1d(end=end, sigma=sigma, **more)


def spde(drift, noise=xi / 5, *, start=None, end=0.05, calculus=None, domain=UNIT, faces=(), **more):
    """Return the heat equation with more terms."""
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) + drift + noise),
        domain=domain,
        time=(t, 0, end),
        conditions=[sm.IC(u, 1 + sp.cos(2 * sp.pi * x) / 2 if start is None else start), *faces],
        calculus=calculus,
        **more,
    )


def paths(problem, n=3, points=16, steps=6, method=None, seed=1):
    grid = sm.Grid(**dict.fromkeys([s.name for s in problem.frame.space], points), t=steps)
    return problem.sample(n, method, grid=grid, seed=seed, run=RUN)


def block(problem, data, method):
    """Return all paths of an ensemble as the fit takes them."""
    return next(method.learner(problem, data.grid, RUN, data).paths.pieces(range(len(data))))


def spectra(piece):
    """Return all features of a block, ``(time, feature, sample, n, *spectrum)``."""
    s = piece.setting
    return s.features(s.leaves(piece.start, piece.increments), s.moments(piece.increments))


def features(problem, data, method):
    """Return each feature of a problem with one state by its name, ``(sample, time, *grid)``."""
    piece = block(problem, data, method)
    fields = piece.setting.modes.backward(spectra(piece))[:, :, :, 0]
    return dict(zip(piece.setting.forest.names, fields.movedim(1, 0).transpose(1, 2).numpy(), strict=True))


def untrained(problem, data, **options):
    """Return the Picard expansion for the noise of an ensemble."""
    return problem.replay(data, sm.LinearMFV(weights="picard", **options), run=RUN)


def worst(a, b):
    """Return the largest difference, relative to the second."""
    return np.abs(a - b).max() / np.abs(b).max()
