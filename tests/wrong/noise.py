"""Wrong noise: calculus and renormalisation, products of distributions, criticality, spectra, means, places."""

import sympy as sp

import sciml as sm
from wrong.setting import CIRCLE, CUBE, LINE, SQUARE, declare, nu, t, u, w, x, xi, y, z

a = sm.coords("a")
k = sp.Symbol("k", nonnegative=True)
B = sm.WhiteNoise("B", t)
kappa = sp.Symbol("kappa", real=True)
s = sm.Field("s", t, x, y, z)
h = sm.Field("h", t, x, y, z, a)
p = sm.Field("q", t, x, y)
DOMAINS = {u: CIRCLE, w: SQUARE, s: CUBE, h: sm.Torus((x, 0, 1), (y, 0, 1), (z, 0, 1), (a, 0, 1))}
NOISES = {f: sm.WhiteNoise("xi", *f.args) for f in DOMAINS}


def driven(field, terms, noise=None, left=None, **more):
    """Heat conduction with noise and these terms."""
    noise = NOISES[field] if noise is None else noise
    equation = sp.Eq(sm.Dt(field) if left is None else left, nu * sm.Laplacian(field) + terms + noise)
    given = {"domain": DOMAINS[field], "conditions": [sm.IC(field, 0)]} | more
    return declare(equation, **given)


def dispersive(terms, noise=xi):
    return declare(sp.Eq(sm.Dt(u), -nu * sm.Dx(u, x, 3) + terms + noise))


def coloured(spectrum, **more):
    return sm.ColoredNoise("xi", t, x, k=k, spectrum=spectrum, **more)


def stream(noise):
    """A vorticity by its stream function, which needs a mean of 0."""
    vorticity = sp.Eq(sm.Dt(w) + sm.Advect(sm.Curl(p), w), nu * sm.Laplacian(w) + noise)
    equations = {"vorticity": vorticity, "stream": sp.Eq(sm.Laplacian(p), -w)}
    return declare(equations, SQUARE, conditions=[sm.IC(w, 0)])


def wave(field, terms, noise=None, **more):
    starts = [sm.IC(field, 0), sm.IC(sm.Dt(field), 0)]
    return driven(field, terms, noise, sm.Dt(field, 2), conditions=starts, **more)


NOISE = {
    # --- where it stands
    "product of two noises": lambda: driven(u, u * xi * sm.WhiteNoise("eta", t, x), calculus="ito"),
    "function of noise": lambda: driven(u, sp.sin(xi)),
    "noise multiplied below a derivative": lambda: driven(u, sm.Dx(xi**2, x)),
    "noise with the name of a field": lambda: driven(u, 0, sm.WhiteNoise("u", t, x)),
    "noise with the name of a parameter": lambda: driven(u, 0, sm.WhiteNoise("nu", t, x)),
    "noise with the name of an output": lambda: driven(u, 0, outputs={"xi": u**2}),
    "noise in the whole space": lambda: driven(u, 0, domain=LINE),
    "noise in time alone in the whole space": lambda: driven(u, 0, sm.WhiteNoise("xi", t), domain=LINE),
    # --- its spectrum and its mean
    "spectrum that is negative somewhere": lambda: driven(u, 0, coloured(sp.cos(k / 50))),
    "spectrum that is negative in a range": lambda: driven(
        u, 0, coloured(1 - kappa * sp.exp(-k)), parameters={nu: 1, kappa: sm.Range(0, 10**9)}
    ),
    "spectrum that is infinite at a mode": lambda: driven(
        u, 0, coloured((k - 1) ** -2), domain=sm.Torus((x, 0, 2 * sp.pi))
    ),
    "spectrum that is infinite at the mean": lambda: driven(u, 0, coloured(k**-2)),
    "noise against a mean that is kept": lambda: stream(NOISES[w]),
    "noise in time against a mean that is kept": lambda: stream(sm.WhiteNoise("xi", t)),
    "amplitude against a mean that is kept": lambda: stream(
        sp.sin(2 * sp.pi * x) * sm.WhiteNoise("xi", t, x, y, mean=False)
    ),
    "noise against a row without a mean": lambda: driven(w, 0, left=sm.Dt(sm.Laplacian(w))),
    # --- calculus
    "calculus without noise": lambda: declare(calculus="ito"),
    "noise times an unknown without calculus": lambda: driven(u, 0, u * xi),
    "noise times a distribution": lambda: driven(w, 0, w * NOISES[w], calculus="ito"),
    "noise times the derivative of an unknown": lambda: driven(u, 0, sm.Dx(u, x) * xi, calculus="ito"),
    "noise times a distribution below a derivative": lambda: driven(u, 0, sm.Dx(u * xi, x), calculus="ito"),
    "Stratonovich with white noise": lambda: driven(u, 0, u * xi, calculus="stratonovich"),
    "Stratonovich with rough noise": lambda: driven(u, 0, sp.sin(u) * coloured(1 / (1 + k)), calculus="stratonovich"),
    # --- renormalisation
    "renormalisation without noise": lambda: declare(renormalise="wick"),
    "renormalisation of smooth noise": lambda: driven(
        w, -(w**3), sm.WhiteNoise("xi", t, x, y, modes=8), renormalise="wick"
    ),
    "renormalisation of functions": lambda: driven(u, -(u**3), renormalise="wick"),
    "renormalisation of a linear equation": lambda: driven(w, 0, renormalise="wick"),
    "renormalisation of what cancels": lambda: driven(u, -u * sm.Dx(u, x), renormalise="wick"),
    "renormalisation of noise times an unknown": lambda: driven(u, 0, u * xi, calculus="ito", renormalise="wick"),
    "cube of a distribution": lambda: driven(w, w - w**3),
    "square of a distribution in a sum": lambda: driven(w, (1 + w) ** 2),
    "cube of a distribution, noise times an unknown": lambda: declare(
        [
            sp.Eq(sm.Dt(w), nu * sm.Laplacian(w) - w**3 + NOISES[w]),
            sp.Eq(sm.Dt(p), nu * sm.Laplacian(p) + p * sm.WhiteNoise("eta", t, x, y, modes=4)),
        ],
        SQUARE,
        conditions=[sm.IC(w, 0), sm.IC(p, 0)],
        calculus="ito",
        renormalise="wick",
    ),
    "cube in three dimensions": lambda: driven(s, -(s**3), renormalise="wick"),
    "growing interface": lambda: driven(u, sm.Dx(u, x) ** 2, renormalise="wick"),
    "gradient driven by a gradient of noise": lambda: driven(u, sm.Dx(u**2, x), sm.Dx(xi, x), renormalise="wick"),
    "function of a distribution": lambda: driven(w, sp.sin(w), renormalise="wick"),
    # --- criticality
    "cube in four dimensions": lambda: driven(h, -(h**3), renormalise="wick"),
    "fifth power in three dimensions": lambda: driven(s, -(s**5), renormalise="wick"),
    "seventh power in three dimensions": lambda: driven(s, -(s**7), renormalise="wick"),
    "cubic wave in three dimensions": lambda: wave(s, -(s**3), renormalise="wick"),
    "linear equation in four dimensions": lambda: driven(h, 0),
    "four dimensions without noise": lambda: declare(
        sp.Eq(sm.Dt(h), sm.Laplacian(h)), DOMAINS[h], conditions=[sm.IC(h, 0)], parameters={}
    ),
    # --- mean squares
    "transport by noise without diffusion": lambda: declare(
        sp.Eq(sm.Dt(u), -sm.Dx(u, x) + sm.Dx(u, x) * B), parameters={}, calculus="ito"
    ),
    "transport by noise stronger than diffusion": lambda: driven(
        u, 0, sp.Integer(4) * sm.Dx(u, x) * B, calculus="ito", parameters={nu: 0.1}
    ),
    "noise times a Laplacian": lambda: driven(u, 0, sm.Laplacian(u) * B, calculus="stratonovich"),
    "dispersive equation with white noise": lambda: dispersive(6 * u * sm.Dx(u, x)),
    "dispersive equation in conservative form": lambda: dispersive(3 * sm.Dx(u**2, x)),
}
