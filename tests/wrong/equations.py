"""Wrong equations: roles of symbols, ranks, unknowns, initial conditions, forms that do not exist."""

import sympy as sp

import sciml as sm
from wrong.setting import (
    HEAT,
    MOMENTUM,
    V,
    declare,
    mu,
    nu,
    p,
    plane,
    psi,
    q,
    r,
    start,
    t,
    u,
    w,
    x,
    xi,
    y,
)

EQUATIONS = {
    "symbol without a role": lambda: declare(parameters={}),
    "misspelt parameter": lambda: declare(sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)), parameters={nu: 0.1, mu: 0.2}),
    "same name, other assumptions": lambda: declare(parameters={sp.Symbol("nu"): 0.1}),
    "same name for field and parameter": lambda: declare(
        sp.Eq(sm.Dt(u), sp.Symbol("u") * sm.Laplacian(u)), parameters={sp.Symbol("u"): 1}
    ),
    "pressure equation missing": lambda: plane(MOMENTUM, [sm.IC(V, sm.Vector(0, 0))], {nu: 1}),
    "two equations for one field": lambda: declare([HEAT, sp.Eq(sm.Dt(u), u)]),
    "identical sides": lambda: declare(sp.Eq(sm.Dt(u), sm.Dt(u))),
    "string instead of an equation": lambda: declare("u_t = nu*u_xx"),
    "string inside an operator": lambda: sm.Laplacian("u"),
    "field without some coordinate": lambda: plane(sp.Eq(sm.Dt(u), sm.Laplacian(u)), [start]),
    "field made by sympy alone": lambda: declare(sp.Eq(sm.Dt(sp.Function("f")(t, x)), 1), conditions=[], parameters={}),
    "parameter of the wrong sign": lambda: declare(parameters={nu: -1}),
    "parameter that is not a number": lambda: declare(parameters={nu: [0.1, 0.2]}),
    "scalar plus vector": lambda: plane(sp.Eq(sm.Dt(w) + sm.Grad(w), 0)),
    "product of two vectors": lambda: plane(sp.Eq(sm.Dt(w) + sm.BiotSavart(w) * sm.Grad(w), 0)),
    "sides of different rank": lambda: plane(sp.Eq(sm.Dt(w), sm.Grad(w))),
    "divergence of a scalar": lambda: plane(sp.Eq(sm.Dt(w), sm.Div(w))),
    "vector of the wrong length": lambda: plane(sp.Eq(sm.Dt(w), sm.Dot(sm.Vector(1, 2, 3), sm.Grad(w)))),
    "nonlinear time derivative": lambda: declare(sp.Eq(u * sm.Dt(u), nu * sm.Laplacian(u))),
    "nonlocal operator of a product, multiplied": lambda: declare(sp.Eq(sm.Dt(u), nu * u * sm.InverseLaplacian(u**2))),
    "noise squared": lambda: declare(sp.Eq(sm.Dt(u), nu * sm.Laplacian(u) + (xi * u) ** 2)),
    "no time derivative": lambda: declare(sp.Eq(nu * sm.Laplacian(u), 1)),
    "missing initial condition": lambda: declare(conditions=[]),
    "missing initial velocity": lambda: declare(sp.Eq(sm.Dt(u, 2), nu * sm.Laplacian(u))),
    "initial condition of the pressure": lambda: plane(
        [MOMENTUM, sp.Eq(sm.Div(V), 0)], [sm.IC(V, sm.Vector(0, 0)), sm.IC(q, 0)], {nu: 1}
    ),
    "two initial conditions": lambda: declare(conditions=[start, start]),
    "initial condition that depends on time": lambda: declare(conditions=[sm.IC(u, sp.sin(t))]),
    "initial condition of the wrong rank": lambda: plane(
        [MOMENTUM, sp.Eq(sm.Div(V), 0)], [sm.IC(V, sp.sin(x))], {nu: 1}
    ),
    "constraint without a multiplier": lambda: plane(
        [sp.Eq(sm.Dt(V), sm.Laplacian(V)), sp.Eq(sm.Div(V), 0)], [sm.IC(V, sm.Vector(0, 0))]
    ),
    "singular constraint": lambda: declare(
        [sp.Eq(sm.Dt(u), nu * p + r), sp.Eq(p + r, u), sp.Eq(2 * p + 2 * r, sm.Laplacian(u))],
    ),
    "domain upside down": lambda: declare(domain=sm.Torus((x, 1, 0))),
    "domain that is no domain": lambda: declare(domain=[(x, 0, 1)]),
    "time that is a coordinate": lambda: declare(time=(x, 0, 1)),
    "negative order": lambda: sm.FractionalLaplacian(u, -1),
    "operator differentiated by a field": lambda: sm.Laplacian(u**2).diff(u),
    "output of an unknown field": lambda: declare(outputs={"slope": sm.Dx(p, x)}),
    "output with the name of a field": lambda: declare(outputs={"u": u**2}),
    "exact solution of the wrong rank": lambda: plane(
        [MOMENTUM, sp.Eq(sm.Div(V), 0)], [sm.IC(V, sm.Vector(0, 0))], {nu: 1}, exact={V: sp.sin(x)}
    ),
    "reserved name": lambda: declare(sp.Eq(sm.Dt(u), sp.Symbol("time") * u), parameters={sp.Symbol("time"): 1}),
    "integral in an equation": lambda: declare(sp.Eq(sm.Dt(u), nu * u - sm.Integral(u))),
    "derivative by a parameter": lambda: declare(sp.Eq(sm.Dt(u), sp.Derivative(u * nu, nu, evaluate=False))),
    "coefficient inside a fractional order": lambda: declare(sp.Eq(sm.Dt(u), nu * sm.FractionalLaplacian(u, 1 + x**2))),
    "equation at one point": lambda: declare(sp.Eq(sm.Dt(u), nu * sm.Laplacian(u).subs(x, 0))),
    "backward heat equation": lambda: declare(sp.Eq(sm.Dt(u), -nu * sm.Laplacian(u))),
    "fractional diffusion of the wrong sign": lambda: declare(sp.Eq(sm.Dt(u), -nu * sm.FractionalLaplacian(u, 1.5))),
    "anti-diffusion of too high order": lambda: declare(
        sp.Eq(sm.Dt(u), sm.Laplacian(u) - nu * sm.FractionalLaplacian(u, mu)), parameters={nu: 0.1, mu: 2.5}
    ),
    "elliptic in time": lambda: declare(
        sp.Eq(sm.Dt(u, 2), -nu * sm.Laplacian(u)), conditions=[start, sm.IC(sm.Dt(u), 0)]
    ),
    "growth in one direction": lambda: plane(sp.Eq(sm.Dt(w) + sm.Dx(w, y, 2), sm.Dx(w, x, 2) - w)),
    "derivatives of a field that nothing smooths": lambda: declare(
        {"flow": sp.Eq(sm.Dt(u), nu * sm.Laplacian(p)), "load": sp.Eq(sm.Dt(p), 0)}, conditions=[start, sm.IC(p, 0)]
    ),
    "complex equation of a real field, linear": lambda: declare(sp.Eq(sp.I * sm.Dt(u), -nu * sm.Laplacian(u))),
    "complex equation of a real field, nonlinear": lambda: declare(
        sp.Eq(sp.I * sm.Dt(u) + nu * sm.Laplacian(u) + 2 * sp.Abs(u) ** 2 * u, 0)
    ),
    "complex output": lambda: declare(outputs={"phase": sp.exp(sp.I * u)}),
    "function without known parts": lambda: declare(
        sp.Eq(sm.Dt(psi), sp.I * sm.Laplacian(psi) + sp.gamma(psi)), conditions=[sm.IC(psi, 1)]
    ),
    "power too large to expand": lambda: declare(sp.Eq(sm.Dt(u), (u + sp.sin(x) + sm.Dx(u, x) + nu) ** 60)),
}
