"""Wrong unknown functions: their arguments and names, where they stand, what acts on them."""

import sympy as sp

import sciml as sm
from wrong.setting import MOMENTUM, ROD, V, declare, nu, p, plane, psi, q, start, t, table, u, x, xi

F, G = sm.Unknown("F", u), sm.Unknown("G", nu)
k = sp.Symbol("k", nonnegative=True)
Lap, Dx = sm.Laplacian, sm.Dx


def heat(term, **more):
    """Heat conduction and something that is not known."""
    return declare(sp.Eq(sm.Dt(u), nu * Lap(u) + term), **more)


def of(*arguments):
    return heat(sm.Unknown("F", *arguments))


def forced_flow(*arguments):
    force = sm.Vector(sm.Unknown("F", *arguments), 0)
    equation = sp.Eq(MOMENTUM.lhs, MOMENTUM.rhs + force)
    return plane([equation, sp.Eq(sm.Div(V), 0)], [sm.IC(V, sm.Vector(0, 0))], {nu: 1})


UNKNOWN = {
    # --- arguments
    "unknown function of nothing": lambda: of(),
    "unknown function of text": lambda: of("u"),
    "unknown function without a name": lambda: sm.Unknown(u),
    "unknown function of a vector": lambda: forced_flow(V),
    "unknown function of a gradient": lambda: forced_flow(q, sm.Grad(q)),
    "unknown function of a product": lambda: of(x * u**2, Dx(u**2, x)),
    "unknown function of a shifted field": lambda: of(u + 1),
    "unknown function of a number": lambda: of(5),
    "unknown function of a parameter": lambda: of(u, nu),
    "unknown function of an unknown function": lambda: of(sm.Unknown("G", u)),
    "unknown function of noise": lambda: of(xi),
    "unknown function of an integral": lambda: of(sm.Integral(u)),
    "unknown function of a derivative by the time": lambda: of(Dx(u, t)),
    "unknown function of another time": lambda: of(u.subs(t, t - 1)),
    "unknown function of the time derivative": lambda: of(sm.Dt(u)),
    "unknown function of a complex field": lambda: declare(
        sp.Eq(sp.I * sm.Dt(psi) + nu * Lap(psi), sm.Unknown("F", psi)), conditions=[sm.IC(psi, 1)]
    ),
    "unknown function of a modulus": lambda: declare(
        sp.Eq(sp.I * sm.Dt(psi) + nu * Lap(psi), sm.Unknown("F", sp.Abs(psi) ** 2) * psi), conditions=[sm.IC(psi, 1)]
    ),
    "unknown function of a field without an equation": lambda: of(p),
    # --- names
    "unknown function with the name of a field": lambda: heat(sm.Unknown("u", u)),
    "unknown function with the name of a parameter": lambda: heat(sm.Unknown("nu", u)),
    "unknown function with the name of a noise": lambda: heat(sm.Unknown("xi", u) + xi),
    "unknown function with the name of an output": lambda: heat(F, outputs={"F": u}),
    "unknown function with the name of a component": lambda: plane(
        [sp.Eq(MOMENTUM.lhs, MOMENTUM.rhs + sm.Vector(sm.Unknown("V_x", V[0]), 0)), sp.Eq(sm.Div(V), 0)],
        [sm.IC(V, sm.Vector(0, 0))],
        {nu: 1},
    ),
    "unknown function with a name of files": lambda: heat(sm.Unknown("data", u)),
    "one name for two unknown functions": lambda: heat(F + sm.Unknown("F", Dx(u, x))),
    # --- places
    "unknown function as initial value": lambda: declare(conditions=[sm.IC(u, sm.Unknown("F", x))]),
    "unknown function on a face": lambda: declare(domain=ROD, conditions=[start, sm.Dirichlet(u, F, on=x)]),
    "unknown function in an output": lambda: heat(F, outputs={"reaction": u * F}),
    "unknown function as exact solution": lambda: heat(F, exact={u: sm.Unknown("F", t, x)}),
    "unknown function observed": lambda: heat(F, observations=[sm.Observe(F, table())]),
    "unknown length of the domain": lambda: declare(domain=sm.Torus((x, 0, G))),
    "unknown end of time": lambda: declare(time=(t, 0, G)),
    "unknown function times noise": lambda: heat(F * xi, calculus="ito"),
    "unknown function times noise below a derivative": lambda: heat(Dx(F * xi, x), calculus="ito"),
    "unknown spectrum": lambda: heat(sm.ColoredNoise("xi", t, x, k=k, spectrum=sm.Unknown("F", k))),
    "unknown order": lambda: heat(sm.FractionalLaplacian(u, F)),
    "time derivative of an unknown function": lambda: declare(sp.Eq(sm.Dt(u + F), nu * Lap(u))),
    # --- operators on it
    "unknown function differentiated by a field": lambda: (u * F).diff(u),
    "unknown diffusion": lambda: heat(Lap(F)),
    "unknown diffusion by another field": lambda: declare([sp.Eq(sm.Dt(u), nu * Lap(u) + Lap(p)), sp.Eq(p, F)]),
    "unknown flux alone": lambda: declare(sp.Eq(sm.Dt(u), Dx(F, x)), parameters={}),
    "unknown diffusion of fourth order": lambda: declare(sp.Eq(sm.Dt(u), -nu * Lap(Lap(u)) + Dx(F, x, 4))),
    "derivative of an unknown function, multiplied": lambda: heat(u * Dx(F, x)),
    "nonlocal operator of an unknown function, multiplied": lambda: heat(u * sm.InverseLaplacian(F)),
    # --- what was said before holds for it, too
    "function of a distribution that is unknown": lambda: declare(
        sp.Eq(sm.Dt(u), nu * sm.FractionalLaplacian(u, sp.Rational(1, 2)) + u * F + xi)
    ),
    "unknown function in a constraint": lambda: plane(
        [MOMENTUM, sp.Eq(sm.Div(V), sm.Unknown("F", x))], [sm.IC(V, sm.Vector(0, 0))], {nu: 1}
    ),
    # --- methods
    "unknown function solved for by spectral": lambda: heat(F).solve("spectral"),
    "unknown functions sampled by spectral": lambda: heat(F + sm.Unknown("G", u, x) + xi).sample(2),
    "unknown function solved for by drvm": lambda: heat(F).solve("drvm"),
}
