"""Wrong domains, times, data in the whole space, and face conditions."""

import sympy as sp

import sciml as sm
from wrong.setting import (
    BEAM,
    CHANNEL,
    CONTINUITY,
    CUBE,
    LINE,
    MOMENTUM,
    PLANE,
    PLATE_HEAT,
    V,
    bump,
    declare,
    fixed,
    flow,
    mu,
    nu,
    p,
    plane,
    plate,
    rod,
    start,
    t,
    u,
    w,
    x,
    y,
)

rate = sp.Symbol("rate", nonnegative=True)
DOMAINS = {
    "time that ends before it starts": lambda: declare(time=(t, 1, 0)),
    "time of no length": lambda: declare(time=(t, 0, 0)),
    "time without its symbol": lambda: declare(time=(0, 1)),
    "time without an end": lambda: declare(time=(t, 0, sp.oo)),
    "torus given by its lengths": lambda: sm.Torus(1.0, 1.0),
    "coordinate named by a string": lambda: sm.Torus(("x", 0, 1)),
    "torus without an end": lambda: sm.Torus((x, 0, sp.oo)),
    "torus with an axis twice": lambda: sm.Torus((x, 0, 1), (x, 0, 1)),
    "whole space with bounds": lambda: sm.WholeSpace((x, 0, 1)),
    "bound that depends on a coordinate": lambda: plane(
        PLATE_HEAT, parameters={nu: 1}, domain=sm.Torus((x, 0, 1), (y, 0, 1 + x))
    ),
    "bound without a role": lambda: declare(domain=sm.Torus((x, 0, mu))),
    "domain in another coordinate": lambda: declare(domain=sm.Torus((y, 0, 1))),
    "domain with one dimension more": lambda: plane(PLATE_HEAT, parameters={nu: 1}, domain=CUBE),
    "coordinates made by sympy alone": lambda: sm.Field("u", sp.Symbol("t"), sp.Symbol("x")),
    "periodic axis named by a string": lambda: sm.Box((x, 0, 1), (y, 0, 1), periodic="x"),
    "periodic=True": lambda: sm.Box((x, 0, 1), (y, 0, 1), periodic=True),
    "box without faces": lambda: sm.Box((x, 0, 1), periodic=[x]),
    # --- the whole space, where fields vanish at infinity
    "periodic data in the whole plane": lambda: flow([sm.IC(w, sp.sin(x) * sp.sin(y))]),
    "growing data in the whole plane": lambda: flow([sm.IC(w, x * y)]),
    "data that decay in one direction": lambda: flow([sm.IC(w, sp.exp(-((x - y) ** 2)))]),
    "background of a vortex": lambda: flow([sm.IC(w, 1 + sp.exp(-(x**2) - y**2))]),
    "data that stay for one value of a range": lambda: flow(
        [sm.IC(w, sp.exp(-rate * (x**2 + y**2)))], parameters={nu: 0.1, rate: sm.Range(0, 1)}
    ),
    "front on the whole line": lambda: declare(domain=LINE, conditions=[sm.IC(u, sp.tanh(x))]),
    "velocity that does not decay": lambda: declare(
        [MOMENTUM, CONTINUITY], PLANE, conditions=[sm.IC(V, sm.Vector(1, 0) + sm.Curl(sp.exp(-(x**2) - y**2)))]
    ),
    "face in the whole plane": lambda: flow([bump, sm.Dirichlet(w, 0, on=x)]),
    # --- faces
    "no condition on the faces": lambda: rod(),
    "one face without condition": lambda: rod(sm.Dirichlet(u, 0, on=(x, 0))),
    "face on a periodic axis": lambda: plate(sm.Dirichlet(w, 0, on=x), sm.Dirichlet(w, 0, on=y), domain=CHANNEL),
    "face on a torus": lambda: declare(conditions=[start, fixed]),
    "face that is no end": lambda: rod(sm.Dirichlet(u, 0, on=(x, 0.5))),
    "face of time": lambda: rod(fixed, sm.Dirichlet(u, 0, on=(t, 0))),
    "face of a coordinate of another problem": lambda: rod(fixed, sm.Dirichlet(u, 0, on=y)),
    "face as an equation": lambda: sm.Dirichlet(u, 0, on=sp.Eq(x, 0)),
    "face without its place": lambda: sm.Dirichlet(u, 0),
    "too many conditions for second order": lambda: rod(fixed, sm.Neumann(u, 0, on=x)),
    "too few conditions for fourth order": lambda: rod(fixed, equations=BEAM),
    "clamped beam": lambda: rod(fixed, sm.Neumann(u, 0, on=x), equations=BEAM),
    "second derivative alone": lambda: rod(sm.Dirichlet(sm.Dx(u, x, 2), 0, on=x)),
    "Robin condition": lambda: rod(sm.Dirichlet(u + sm.Dx(u, x), 0, on=x)),
    "Robin condition by its value": lambda: rod(sm.Neumann(u, -mu * u, on=x), parameters={nu: 1, mu: 1}),
    "value that depends on time": lambda: rod(sm.Dirichlet(u, sp.sin(t), on=(x, 0)), sm.Dirichlet(u, 0, on=(x, 1))),
    "value that depends on place": lambda: plate(sm.Dirichlet(w, sp.sin(x), on=y), sm.Dirichlet(w, 0, on=x)),
    "vector value of a scalar": lambda: plate(sm.Dirichlet(w, sm.Vector(0, 0), on=x), sm.Dirichlet(w, 0, on=y)),
    "infinite value": lambda: rod(sm.Dirichlet(u, sp.oo, on=x)),
    "face value without a role": lambda: rod(sm.Dirichlet(u, mu, on=x)),
    "derivative along the face": lambda: plate(sm.Dirichlet(sm.Dx(w, y), 0, on=x), sm.Dirichlet(w, 0, on=y)),
    "slope given as a value": lambda: rod(sm.Dirichlet(sm.Dx(u, x), 1, on=x)),
    "face of another field": lambda: rod(sm.Dirichlet(p, 0, on=x)),
    "face of a square": lambda: rod(sm.Dirichlet(u**2, 0, on=x)),
    "field and value exchanged": lambda: sm.Dirichlet(0, u, on=x),
    "two values at one end": lambda: rod(fixed, sm.Dirichlet(u, 1, on=(x, 0))),
    "values that disagree at an edge": lambda: plate(
        sm.Dirichlet(w, 1, on=(y, 2)), sm.Dirichlet(w, 0, on=(y, 0)), sm.Dirichlet(w, 0, on=x)
    ),
}
