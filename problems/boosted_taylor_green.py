"""Taylor-Green vortices carried by a mean flow, in vorticity form."""

import sympy as sp

import sciml as sm

__all__ = ["boosted_taylor_green"]


def boosted_taylor_green(nu: float = 0.05, mean_x: float = 1.0, mean_y: float = 0.5, end: float = 2.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω``, ``v = curl(-Δ)⁻¹ω + (U, V)`` on the torus of side 2π.

    Seen from an observer who moves with velocity -(U, V), the Taylor-Green vortices drift:
    ``ω = -2 cos(x - Ut) cos(y - Vt) e^{-2νt}``. Vorticity does not determine a mean velocity, so it
    is added to the Biot-Savart integral. The case sees transport by the mean flow, in direction and
    speed, and viscosity. It *cannot* see the velocity that the vortices induce: that one is
    orthogonal to ∇ω. Use ``manufactured_flow`` for both.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 1.
        mean_x: Mean velocity U in x; 0 for both gives the vortices at rest.
        mean_y: Mean velocity V in y. Good values: -2 to 2.
        end: Final time; the pattern moves by (U, V) ``end``.

    Source: Taylor & Green 1937, doi:10.1098/rspa.1937.0036, with a Galilean transformation.
    """
    t, x, y = sm.coords("t x y")
    viscosity = sp.Symbol("nu", positive=True)
    u_mean, v_mean = sp.symbols("U V", real=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w) + sm.Vector(u_mean, v_mean)
    decay = sp.exp(-2 * viscosity * t)
    moving = x - u_mean * t, y - v_mean * t
    vorticity = -2 * sp.cos(moving[0]) * sp.cos(moving[1]) * decay
    velocity = sm.Vector(
        u_mean + sp.cos(moving[0]) * sp.sin(moving[1]) * decay,
        v_mean - sp.sin(moving[0]) * sp.cos(moving[1]) * decay,
    )
    return sm.Problem(
        name="boosted-taylor-green",
        description="A decaying vortex array that drifts with a mean flow.",
        references=["doi:10.1098/rspa.1937.0036"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(w, vorticity.subs(t, 0))],
        parameters={viscosity: nu, u_mean: mean_x, v_mean: mean_y},
        outputs={"v": v, "enstrophy": sm.Integral(w**2) / 2},
        exact={w: vorticity, "v": velocity},
    )
