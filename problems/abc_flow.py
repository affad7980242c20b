"""Arnold-Beltrami-Childress flow in three dimensions."""

import sympy as sp

import sciml as sm

__all__ = ["abc_flow"]


def abc_flow(nu: float = 0.05, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + (u·∇)u + ∇p = ν Δu``, ``∇·u = 0`` on the 3-torus of side 2π.

    The field ``(A sin z + C cos y, B sin x + A cos z, C sin y + B cos x)`` equals its own curl, so
    advection is the gradient of ``|u|²/2`` and the flow decays as e^{-νt}. It checks three
    dimensions, pressure and viscosity; like Taylor-Green it cannot see a missing nonlinearity.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 1.
        end: Final time.

    Source: Dombre et al. 1986, doi:10.1017/S0022112086002859 (A = √3, B = √2, C = 1).
    """
    t, x, y, z = sm.coords("t x y z")
    viscosity = sp.Symbol("nu", positive=True)
    a, b, c = sp.sqrt(3), sp.sqrt(2), sp.S.One
    u, p = sm.VectorField("u", t, x, y, z), sm.Field("p", t, x, y, z)
    shape = (
        a * sp.sin(z) + c * sp.cos(y),
        b * sp.sin(x) + a * sp.cos(z),
        c * sp.sin(y) + b * sp.cos(x),
    )
    decay = sp.exp(-viscosity * t)
    mean = a**2 + b**2 + c**2
    pressure = -(sp.Add(*(s**2 for s in shape)) - mean) * decay**2 / 2
    return sm.Problem(
        name="abc-flow",
        description="Beltrami flow decaying on the three-dimensional torus.",
        references=["doi:10.1017/S0022112086002859"],
        equations={
            "momentum": sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), viscosity * sm.Laplacian(u)),
            "continuity": sp.Eq(sm.Div(u), 0),
        },
        domain=sm.Torus(*((axis, 0, 2 * sp.pi) for axis in (x, y, z))),
        time=(t, 0, end),
        conditions=[sm.IC(u, sm.Vector(*shape))],
        parameters={viscosity: nu},
        outputs={"energy": sm.Integral(sm.Dot(u, u)) / 2, "helicity": sm.Integral(sm.Dot(u, sm.Curl(u)))},
        exact={u: sm.Vector(*(s * decay for s in shape)), p: pressure},
    )
