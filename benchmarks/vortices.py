"""Velocities of vortices in closed form: Gaussians in the plane, periodic Gaussians on the torus.

Vortices are tuples ``(x, y, strength)``.
"""

import numpy as np
import scipy.special

MODES = 24  # of a vortex of width 0.35 on the torus: the last is 2e-12 of the first


def velocity_of(solution, time):
    """Return a solution's output ``v`` at a stored time, at the nodes."""
    at = solution.ds.sel(time=time)
    return np.stack([at[f"v_{c}"].transpose("x", "y").values.ravel() for c in "xy"], axis=-1)


def lamb_vortices(points, vortices, variance):
    """Return the velocity of Gaussian vortices in the plane; ``variance`` 0 is that of points."""
    total = np.zeros_like(points)
    for x, y, strength in vortices:
        dx, dy = points[:, 0] - x, points[:, 1] - y
        square = np.maximum(dx**2 + dy**2, 1e-30)
        swirl = -np.expm1(-square / (2 * variance)) if variance > 0 else 1.0
        total += strength / (2 * np.pi * square)[:, None] * (swirl * np.stack([-dy, dx])).T
    return total


def turned(vortices, time):
    """Return one or two point vortices after turning about their centre without viscosity; times may be many."""
    if len(vortices) == 1:
        return vortices
    places = np.array([complex(x, y) for x, y, _ in vortices])
    strengths = np.array([s for *_, s in vortices])
    centre = (strengths * places).sum() / strengths.sum()
    rate = strengths.sum() / (2 * np.pi * abs(places[0] - places[1]) ** 2)
    moved = centre + (places - centre) * np.exp(1j * rate * np.asarray(time))[..., None]
    return tuple((z.real, z.imag, s) for z, s in zip(moved.T, strengths, strict=True))


def torus_circulation(height, width):
    """Return ``∫ height exp((cos x + cos y - 2)/width²)`` over the torus."""
    return float(height * (2 * np.pi * scipy.special.ive(0, width**-2)) ** 2)


def torus_spectrum(case, time):
    """Return wavenumbers k of one axis and the velocity's coefficients ``(2, k, k)`` after heat flow alone."""
    k = np.arange(-MODES, MODES + 1)
    shape = scipy.special.ive(np.abs(k), case.width**-2) / scipy.special.ive(0, case.width**-2)
    vorticity = 0
    for x, y, strength in case.vortices:
        phases = np.exp(-1j * k * x)[:, None] * np.exp(-1j * k * y)
        vorticity = vorticity + strength / (2 * np.pi) ** 2 * np.outer(shape, shape) * phases
    square = k[:, None] ** 2.0 + k**2
    stream = vorticity * np.exp(-case.nu * square * time) / np.where(square > 0, square, np.inf)
    return k, np.stack([1j * k * stream, -1j * k[:, None] * stream])


def torus_velocity(case, points, time=0.0):
    """Return the velocity of the initial vortices at any points of the torus, after heat flow alone."""
    k, coefficients = torus_spectrum(case, time)
    in_x, in_y = (np.exp(1j * np.outer(points[:, a], k)) for a in (0, 1))
    return np.einsum("pi,cij,pj->pc", in_x, coefficients, in_y, optimize=True).real
