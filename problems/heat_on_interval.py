"""Heat equation on an interval, with each kind of ends."""

from typing import Literal

import sympy as sp

import sciml as sm
from sciml.dsl.conditions import Condition

__all__ = ["heat_on_interval"]


def heat_on_interval(
    ends: Literal["values", "fluxes", "mixed"] = "values", nu: float = 0.1, end: float = 1.0
) -> sm.Problem:
    """``∂ₜu = ν ∂ₓₓu`` on [0, 1] with data on both ends.

    - ``values``: u(0) = 1, u(1) = 2, ``u = 1 + x + e^{-νπ²t} sin πx + e^{-4νπ²t} sin(2πx)/2``;
    - ``fluxes``: ∂u/∂n = 0 at 0 and 1 at 1, ``u = x²/2 + νt + e^{-νπ²t} cos πx``: the heat that flows in;
    - ``mixed``: u(0) = 1, ∂u/∂n = 1 at 1, ``u = 1 + x + e^{-νπ²t/4} sin(πx/2)``.

    Constant data are lifted and the rest is a sine, cosine or quarter-wave series, so a spectral
    method is exact; one that treats the ends wrongly is far off at once.

    Args:
        ends: Which data are given.
        nu: Diffusivity ν > 0. Good values: 0.01 to 1.
        end: Final time.

    Source: Evans, Partial Differential Equations, 2nd ed., §2.3.
    """
    t, x = sm.coords("t x")
    diffusivity = sp.Symbol("nu", positive=True)
    u = sm.Field("u", t, x)
    pi = sp.pi

    def mode(shape: sp.Expr, wavenumber: sp.Expr) -> sp.Expr:
        return shape * sp.exp(-diffusivity * wavenumber**2 * t)

    faces: list[Condition]
    if ends == "values":
        faces = [sm.Dirichlet(u, 1, on=(x, 0)), sm.Dirichlet(u, 2, on=(x, 1))]
        solution = 1 + x + mode(sp.sin(pi * x), pi) + mode(sp.sin(2 * pi * x), 2 * pi) / 2
    elif ends == "fluxes":
        faces = [sm.Neumann(u, 0, on=(x, 0)), sm.Neumann(u, 1, on=(x, 1))]
        solution = x**2 / 2 + diffusivity * t + mode(sp.cos(pi * x), pi)
    else:
        faces = [sm.Dirichlet(u, 1, on=(x, 0)), sm.Neumann(u, 1, on=(x, 1))]
        solution = 1 + x + mode(sp.sin(pi * x / 2), pi / 2)
    return sm.Problem(
        name="heat-on-interval",
        description="Heat on an interval with values or fluxes given at its ends.",
        equations={"heat": sp.Eq(sm.Dt(u), diffusivity * sm.Laplacian(u))},
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, solution.subs(t, 0)), *faces],
        parameters={diffusivity: nu},
        outputs={"mass": sm.Integral(u)},
        exact={u: solution},
    )
