"""Tri-periodic Beltrami flow in three dimensions."""

import sympy as sp

import sciml as sm

__all__ = ["tri_periodic_flow"]


def tri_periodic_flow(nu: float = 0.05, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + (u·∇)u + ∇p = ν Δu``, ``∇·u = 0`` on the 3-torus of side 2π.

    Every component depends on all three coordinates, unlike in the ABC flow:

        u_x = c [sin(x - π/3) cos(y + π/3) sin(z + π/2) - cos(z - π/3) sin(x + π/3) sin(y + π/2)]

    and cyclically, with c = 4√2/(3√3), which makes the mean of |u|² equal to 1. The field obeys
    ``curl u = √3 u``, so advection is the gradient of ``|u|²/2``, the pressure is its negative,
    and the flow decays as e^{-3νt}. The case checks products in three dimensions, dealiasing,
    pressure and viscosity; it *cannot* see a missing nonlinearity in the velocity, only in p.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 1.
        end: Final time.

    Source: Antuono 2020, doi:10.1017/jfm.2020.126 (the solution of positive helicity).
    """
    t, *axes = sm.coords("t x y z")
    viscosity = sp.Symbol("nu", positive=True)
    u, p = sm.VectorField("u", t, *axes), sm.Field("p", t, *axes)
    third, half = sp.pi / 3, sp.pi / 2

    def component(a: sp.Symbol, b: sp.Symbol, c: sp.Symbol) -> sp.Expr:
        first = sp.sin(a - third) * sp.cos(b + third) * sp.sin(c + half)
        second = sp.cos(c - third) * sp.sin(a + third) * sp.sin(b + half)
        return 4 * sp.sqrt(2) / (3 * sp.sqrt(3)) * (first - second)

    x, y, z = axes
    shape = component(x, y, z), component(y, z, x), component(z, x, y)
    decay = sp.exp(-3 * viscosity * t)
    pressure = (1 - sp.Add(*(s**2 for s in shape))) * decay**2 / 2
    return sm.Problem(
        name="tri-periodic-flow",
        description="Beltrami flow whose components depend on all three coordinates.",
        references=["doi:10.1017/jfm.2020.126"],
        equations={
            "momentum": sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), viscosity * sm.Laplacian(u)),
            "continuity": sp.Eq(sm.Div(u), 0),
        },
        domain=sm.Torus(*((axis, 0, 2 * sp.pi) for axis in axes)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sm.Vector(*shape))],
        parameters={viscosity: nu},
        outputs={"energy": sm.Integral(sm.Dot(u, u)) / 2, "helicity": sm.Integral(sm.Dot(u, sm.Curl(u)))},
        exact={u: sm.Vector(*(s * decay for s in shape)), p: pressure},
    )
