"""Problems with manufactured solutions; the forcing is differentiated by SymPy alone."""

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
nu = sp.Rational(1, 20)
CIRCLE = sm.Torus((x, 0, 2 * sp.pi))
SQUARE = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
wave = sp.sin(x - t) + sp.cos(2 * x) * sp.exp(-t) / 3


def _problem(name, equations, exact, domain=CIRCLE, end=1):
    conditions = [sm.IC(f, e.subs(t, 0)) for f, e in exact.items()]
    return sm.Problem(
        name=name, equations=equations, domain=domain, time=(t, 0, end), conditions=conditions, exact=exact
    )


def scalar():
    u = sm.Field("u", t, x)
    forcing = wave.diff(t) + wave * wave.diff(x) + sp.sin(wave) - nu * wave.diff(x, 2)
    return _problem("scalar", sp.Eq(sm.Dt(u) + u * sm.Dx(u, x) + sp.sin(u), nu * sm.Laplacian(u) + forcing), {u: wave})


def vector():
    u = sm.VectorField("u", t, x, y)
    e = (sp.sin(x + y - t), sp.cos(x) * sp.cos(y + t))
    advected = [e[0] * c.diff(x) + e[1] * c.diff(y) for c in e]
    forcing = [c.diff(t) + a - nu * (c.diff(x, 2) + c.diff(y, 2)) for c, a in zip(e, advected, strict=True)]
    equation = sp.Eq(sm.Dt(u) + sm.Advect(u, u), nu * sm.Laplacian(u) + sm.Vector(*forcing))
    return _problem("vector", equation, {u: sm.Vector(*e)}, SQUARE)


def second_order():
    u = sm.Field("u", t, x)
    forcing = wave.diff(t, 2) + wave.diff(t) / 5 - wave.diff(x, 2) + wave**3
    equation = sp.Eq(sm.Dt(u, 2) + sm.Dt(u) / 5, sm.Laplacian(u) - u**3 + forcing)
    problem = _problem("second order", sp.Eq(sm.Dt(u), 0), {u: wave})
    conditions = [*problem.conditions, sm.IC(sm.Dt(u), wave.diff(t).subs(t, 0))]
    return problem.with_(equations=equation, conditions=conditions)


def conservative():
    u = sm.Field("u", t, x)
    forcing = wave.diff(t) + (wave**2 / 2 + wave**3 / 6).diff(x) - (wave**3).diff(x, 2) / 50 - nu * wave.diff(x, 2)
    flux = u**2 / 2 + u**3 / 6
    equation = sp.Eq(sm.Dt(u) + sm.Dx(flux, x), sm.Laplacian(u**3) / 50 + nu * sm.Laplacian(u) + forcing)
    return _problem("conservative", equation, {u: wave})


def mass_symbol():
    u = sm.Field("u", t, x)
    forcing = wave.diff(t) - wave.diff(x, 2).diff(t) + wave.diff(x) + wave * wave.diff(x)
    equation = sp.Eq(sm.Dt(u) - sm.Dt(sm.Laplacian(u)) + sm.Dx(u, x) + u * sm.Dx(u, x), forcing)
    return _problem("mass symbol", equation, {u: wave})


def elliptic():
    u, p = sm.Field("u", t, x), sm.Field("p", t, x)
    # p - p_xx = u + x-dependent source; the solution p is chosen, u follows from it.
    p_exact = sp.cos(x + t)
    u_exact = p_exact - p_exact.diff(x, 2)
    forcing = u_exact.diff(t) + u_exact * p_exact.diff(x) - nu * u_exact.diff(x, 2)
    equations = [
        sp.Eq(sm.Dt(u) + u * sm.Dx(p, x), nu * sm.Laplacian(u) + forcing),
        sp.Eq(p - sm.Laplacian(p), u),
    ]
    problem = sm.Problem(
        name="elliptic",
        equations=equations,
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, u_exact.subs(t, 0))],
        exact={u: u_exact, p: p_exact},
    )
    return problem


def time_coefficients():
    u = sm.Field("u", t, x)
    forcing = wave.diff(t) - nu * (1 + t) * wave.diff(x, 2) - sp.sin(3 * t) * wave**2
    equation = sp.Eq(sm.Dt(u), nu * (1 + t) * sm.Laplacian(u) + sp.sin(3 * t) * u**2 + forcing)
    return _problem("time coefficients", equation, {u: wave})


def space_coefficients():
    u = sm.Field("u", t, x)
    flux = (2 + sp.sin(x)) * wave.diff(x)
    forcing = wave.diff(t) - nu * flux.diff(x) - sp.cos(x) * wave - sp.sin(x + t) * wave.diff(x)
    right = nu * sm.Div((2 + sp.sin(x)) * sm.Grad(u)) + sp.cos(x) * u + sp.sin(x + t) * sm.Dx(u, x)
    return _problem("space coefficients", sp.Eq(sm.Dt(u), right + forcing), {u: wave})


def viscosity_in_time():
    """Taylor-Green vortices with ν(t): the decay is the integral of ν, the pressure follows."""
    u, p = sm.VectorField("u", t, x, y), sm.Field("p", t, x, y)
    decay = sp.exp(-2 * nu * (t + t**2 / 2))
    exact = sm.Vector(sp.cos(x) * sp.sin(y) * decay, -sp.sin(x) * sp.cos(y) * decay)
    return sm.Problem(
        name="viscosity in time",
        equations=[
            sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), nu * (1 + t) * sm.Laplacian(u)),
            sp.Eq(sm.Div(u), 0),
        ],
        domain=SQUARE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, sm.Vector(sp.cos(x) * sp.sin(y), -sp.sin(x) * sp.cos(y)))],
        exact={u: exact},
    )


MANUFACTURED = {
    f.__name__: f
    for f in (
        scalar,
        vector,
        second_order,
        conservative,
        mass_symbol,
        elliptic,
        time_coefficients,
        space_coefficients,
    )
}
