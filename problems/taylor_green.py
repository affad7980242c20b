"""Taylor-Green vortices in two dimensions, in velocity and pressure."""

import sympy as sp

import sciml as sm

__all__ = ["taylor_green"]


def taylor_green(nu: float = 0.05, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + (u·∇)u + ∇p = ν Δu``, ``∇·u = 0`` on the torus of side 2π.

    ``u = (cos x sin y, -sin x cos y) e^{-2νt}`` solves it with ``p = -(cos 2x + cos 2y) e^{-4νt}/4``.
    The advection term is a gradient here, balanced by the pressure: the case tests pressure and
    viscosity, but *cannot* see a missing nonlinearity. Use ``co_rotating_vortices`` for that.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 1.
        end: Final time.

    Source: Taylor & Green 1937, doi:10.1098/rspa.1937.0036.
    """
    t, x, y = sm.coords("t x y")
    viscosity = sp.Symbol("nu", positive=True)
    u, p = sm.VectorField("u", t, x, y), sm.Field("p", t, x, y)

    def velocity(time: sp.Expr) -> sp.Expr:
        decay = sp.exp(-2 * viscosity * time)
        return sm.Vector(sp.cos(x) * sp.sin(y) * decay, -sp.sin(x) * sp.cos(y) * decay)

    pressure = -(sp.cos(2 * x) + sp.cos(2 * y)) * sp.exp(-4 * viscosity * t) / 4
    return sm.Problem(
        name="taylor-green",
        description="Decaying vortex array in velocity-pressure form.",
        references=["doi:10.1098/rspa.1937.0036"],
        equations={
            "momentum": sp.Eq(sm.Dt(u) + sm.Advect(u, u) + sm.Grad(p), viscosity * sm.Laplacian(u)),
            "continuity": sp.Eq(sm.Div(u), 0),
        },
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, velocity(sp.S.Zero))],
        parameters={viscosity: nu},
        outputs={"vorticity": sm.Curl(u), "energy": sm.Integral(sm.Dot(u, u)) / 2},
        exact={u: velocity(t), p: pressure},
    )
