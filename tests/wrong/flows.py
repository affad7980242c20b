"""Wrong flows and ill-posed equations: viscosity, orders, noise, delays, vorticity, complex unknowns."""

import sympy as sp

import sciml as sm
from wrong.setting import (
    CONTINUITY,
    CUBE,
    MOMENTUM,
    SQUARE,
    V,
    W,
    alpha,
    declare,
    flow,
    mu,
    nu,
    p,
    plane,
    psi,
    q,
    start,
    t,
    table,
    u,
    w,
    x,
    xi,
    y,
    z,
)

kappa = sp.Symbol("kappa", real=True)
v = sm.BiotSavart(w)
SPIN = sm.BiotSavart(W)
scalar = sm.Field("s", t, x, y, z)
SCHROEDINGER = sp.Eq(sp.I * sm.Dt(psi), -nu * sm.Laplacian(psi))
here = sm.IC(psi, 1)
small = sm.Grid(x=8, y=8, t=2)


def viscous(viscosity, parameters=None, **more):
    """Navier-Stokes in the plane with this viscosity."""
    equation = sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))
    return flow(parameters=parameters or {}, equations=equation, **more)


def heat(diffusion, **more):
    return declare(sp.Eq(sm.Dt(u), diffusion), **more)


def fractional(order, role):
    return heat(nu * sm.FractionalLaplacian(u, order), parameters={nu: 1, order: role})


def schroedinger(equation=SCHROEDINGER, conditions=(here,), **more):
    return declare(equation, conditions=conditions, **more)


def space(left, start_value):
    equation = sp.Eq(sm.Dt(W) + left, nu * sm.Laplacian(W))
    return declare({"vorticity": equation}, CUBE, conditions=[sm.IC(W, start_value)])


FLOWS = {
    "viscosity that is negative": lambda: viscous(-1),
    "viscosity that is negative by its parameter": lambda: viscous(kappa, {kappa: -0.1}),
    "viscosity that changes sign in its range": lambda: viscous(kappa, {kappa: sm.Range(-0.1, 0.1)}),
    "viscosity of zero": lambda: flow(parameters={nu: 0}),
    "viscosity that is complex": lambda: viscous(0.1 * sp.I),
    "viscosity that changes sign in space": lambda: viscous(
        sp.sin(2 * sp.pi * x), domain=SQUARE, conditions=[sm.IC(w, sp.sin(2 * sp.pi * x))]
    ),
    "viscosity as a function of sympy": lambda: heat(sp.Function("nu")(x) * sm.Laplacian(u), parameters={}),
    "viscosity as a matrix": lambda: plane(sp.Eq(sm.Dt(w), sm.Div(sm.Dot(sp.eye(2), sm.Grad(w))))),
    "viscosity as a matrix factor": lambda: plane(sp.Eq(sm.Dt(w), sp.eye(2) * sm.Laplacian(w))),
    "viscosity as a vector": lambda: plane(sp.Eq(sm.Dt(w), sm.Vector(1, 2) * sm.Laplacian(w))),
    "order of zero": lambda: sm.FractionalLaplacian(u, 0),
    "order that is complex": lambda: sm.FractionalLaplacian(u, sp.I),
    "order that is negative by its parameter": lambda: fractional(kappa, -1),
    "order that is negative in its range": lambda: fractional(kappa, sm.Range(-1, 1)),
    "order without a role": lambda: heat(nu * sm.FractionalLaplacian(u, alpha)),
    "order that is a field": lambda: heat(nu * sm.FractionalLaplacian(u, p)),
    "hyperviscosity of the wrong sign": lambda: heat(nu * sm.Laplacian(sm.Laplacian(u))),
    "Jordan block": lambda: declare(
        [sp.Eq(sm.Dt(u), nu * sm.Dx(p, x, 2)), sp.Eq(sm.Dt(p), -p)], conditions=[start, sm.IC(p, 0)]
    ),
    # --- time
    "steady flow": lambda: plane(sp.Eq(sm.Advect(v, w), nu * sm.Laplacian(w)), parameters={nu: 1}),
    "derivative of half an order in time": lambda: sm.Dt(u, sp.Rational(1, 2)),
    "derivative of symbolic order in time": lambda: declare(
        sp.Eq(sp.Derivative(u, (t, alpha)), nu * sm.Laplacian(u)), parameters={nu: 1, alpha: 0.5}
    ),
    "delay": lambda: heat(nu * sm.Laplacian(u) - u.func(t - 1, x)),
    "shift in space": lambda: heat(nu * (u.func(t, x + 1) - u)),
    "memory": lambda: heat(nu * sm.Laplacian(u) + sp.Integral(u.func(mu, x), (mu, 0, t))),
    # --- noise
    "noise in a function": lambda: heat(nu * sm.Laplacian(u) + u * sp.sin(xi)),
    "noise in a denominator": lambda: heat(nu * sm.Laplacian(u) / xi),
    "noise over another coordinate": lambda: heat(nu * sm.Laplacian(u) + sm.WhiteNoise("xi", t, y)),
    "noise without time": lambda: heat(nu * sm.Laplacian(u) + sm.WhiteNoise("xi", x)),
    "noise differentiated in time": lambda: heat(nu * sm.Laplacian(u) + sm.Dt(xi)),
    "noise in a constraint": lambda: declare([sp.Eq(sm.Dt(u), nu * p), sp.Eq(sm.Laplacian(p), xi)]),
    "noise in an output": lambda: heat(nu * sm.Laplacian(u) + xi, outputs={"driven": u * xi}),
    # --- vorticity and velocity
    "vector vorticity in the plane": lambda: plane(
        sp.Eq(sm.Dt(V) + sm.Advect(sm.BiotSavart(V), V), 0), [sm.IC(V, sm.Vector(0, 0))]
    ),
    "scalar vorticity in space": lambda: declare(
        sp.Eq(sm.Dt(scalar) + sm.Advect(sm.BiotSavart(scalar), scalar), nu * sm.Laplacian(scalar)),
        CUBE,
        conditions=[sm.IC(scalar, 0)],
    ),
    "velocity of a vorticity on a line": lambda: heat(nu * sm.Laplacian(u) - sm.Div(sm.BiotSavart(u))),
    "curl on a line": lambda: heat(nu * sm.Laplacian(u) - sm.Curl(u)),
    "vorticity with divergence": lambda: space(
        sm.Advect(SPIN, W) - sm.Advect(W, SPIN), sm.Vector(sp.sin(2 * sp.pi * x), 0, 0)
    ),
    "velocity with divergence": lambda: plane(
        {"momentum": MOMENTUM, "continuity": CONTINUITY},
        [sm.IC(V, sm.Vector(sp.sin(2 * sp.pi * x), 0))],
        {nu: 1},
    ).solve(grid=small),
    "mean vorticity on a torus": lambda: plane(
        {"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(sm.Curl(q), w), 0), "stream": sp.Eq(sm.Laplacian(q), -w)},
        [sm.IC(w, 1 + sp.sin(2 * sp.pi * x))],
    ).solve(grid=small),
    # --- complex unknowns
    "imaginary part without initial condition": lambda: schroedinger(conditions=[sm.IC(sp.re(psi), 1)]),
    "complex field without initial condition": lambda: schroedinger(conditions=[]),
    "complex field as an output": lambda: schroedinger(outputs={"wave": psi}),
    "complex field as an observation": lambda: schroedinger(observations=[sm.Observe(psi, table())]),
    "function with parts that sympy writes by itself": lambda: schroedinger(
        sp.Eq(sp.I * sm.Dt(psi), -nu * sm.Laplacian(psi) + sp.erf(psi))
    ),
    "diffusion of a complex field of the wrong sign": lambda: schroedinger(
        sp.Eq(sm.Dt(psi), (2 * sp.I - 1) * nu * sm.Laplacian(psi))
    ),
    "complex value of a real field": lambda: declare(conditions=[sm.IC(u, sp.exp(2 * sp.pi * sp.I * x))]),
    "complex exact solution of a real field": lambda: declare(exact={u: sp.exp(sp.I * x)}),
}
