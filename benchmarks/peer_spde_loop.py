"""The generator of the published Φ⁴₁ data (arXiv:2204.06255), re-stated without its code, and a plain NumPy one.

Both solve ``u_t = u_xx + 3u - u^3 + sigma xi`` on [0, 1] with both ends among the 129 points. The Wiener process is
``W = sum_j sqrt(2) sin(j pi x) B_j``, j = 0 to 128, which is 0 at both ends; on this grid it is independent noise of
variance ``dt/dx`` at the 127 points between. A step is ``u_n = M (u_{n-1} + dt (3 u_{n-1} - u_{n-1}^3) + sigma dW_n)``
with the dense inverse M of ``1 - dt A/dx^2``; the second differences A close the circle at both ends alike, so that
the end stays equal to the start.

``published`` works as the generator does: functions of one number through ``np.vectorize``, and a table of the sines
for each path, made number by number. ``vectorised`` is what its author could have written in NumPy instead.
"""

import math

import numpy as np

INTERVALS, DT, STEPS = 128, 1e-3, 50
DX = 1 / INTERVALS
X = np.linspace(0, 1, INTERVALS + 1)


def propagator():
    """Return M, ``(129, 129)``."""
    size = INTERVALS + 1
    second = np.diag(np.full(size, -2.0)) + np.diag(np.ones(size - 1), 1) + np.diag(np.ones(size - 1), -1)
    second[0, -2] = second[-1, 1] = 1.0
    return np.linalg.inv(np.eye(size) - DT / DX**2 * second)


def brownian(rng):
    """Return as many Brownian paths as points, ``(51, 129)``."""
    steps = rng.normal(scale=math.sqrt(DT), size=(STEPS + 1, INTERVALS + 1))
    steps[0] = 0
    return np.cumsum(steps, axis=0)


def sine(x, j):
    """One basis function at one point."""
    return np.sqrt(2.0) * np.sin(j * np.pi * x)  # of the whole number 2 it takes far longer


def published(paths, sigma, seed):
    """Return ``(paths, 51, 129)``."""
    rng = np.random.default_rng(seed)
    wiener = np.array([brownian(rng) @ sines_one_by_one().T for _ in range(paths)])
    drift, amplitude = np.vectorize(lambda u: 3 * u - u**3), np.vectorize(lambda u: 1)
    return march(sigma * wiener, lambda u, noise: u + drift(u) * DT + amplitude(u) * noise)


def sines_one_by_one():
    """Return the table ``(point, j)``."""
    return np.array([[sine(x, j) for j in range(INTERVALS + 1)] for x in X])


def vectorised(paths, sigma, seed):
    """Return ``(paths, 51, 129)``."""
    rng = np.random.default_rng(seed)
    sines = sine(X[:, None], np.arange(INTERVALS + 1))
    wiener = np.stack([brownian(rng) for _ in range(paths)]) @ sines.T
    return march(sigma * wiener, lambda u, noise: u + (3 * u - u * u * u) * DT + noise)


def march(wiener, explicit):
    """Take all steps of all paths from ``x (1 - x)``."""
    kicks, matrix = np.diff(wiener, axis=1), propagator().T
    solution = np.empty_like(wiener)
    solution[:, 0] = X * (1 - X)
    for n in range(STEPS):
        solution[:, n + 1] = explicit(solution[:, n], kicks[:, n]) @ matrix
    return solution
