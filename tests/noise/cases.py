"""SPDEs whose laws are known, and draws of them."""

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
u, v = sm.Field("u", t, x), sm.Field("v", t, x, y)
k = sp.Symbol("k", nonnegative=True)
xi = sm.WhiteNoise("xi", t, x)
coloured = sm.ColoredNoise("xi", t, x, k=k, spectrum=1 / (1 + k**2))
TORUS = sm.Torus((x, 0, 2 * sp.pi))


def spde(equations, *, domain=TORUS, end=1, start=0, field=u, conditions=(), **more):
    first = [sm.IC(field, start)] if start is not None else []
    return sm.Problem(equations=equations, domain=domain, time=(t, 0, end), conditions=[*first, *conditions], **more)


def drawn(problem, n, method=None, *, first=0, grid=None, seed=0, dtype=None):
    sampler = (method or sm.Spectral()).sampler(problem, grid or sm.Grid(x=16, t=4), sm.Run(seed=seed, dtype=dtype))
    return sampler.draw(range(first, first + n))
