"""A flat vortex sheet of finite length that rolls up at its ends."""

import sympy as sp

import sciml as sm

__all__ = ["vortex_sheet"]


def vortex_sheet(nu: float = 0.01, end: float = 2.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω`` in the plane from a sheet on ``|x| ≤ 1, y = 0`` of strength ``√(1 - x²)``.

    The velocity jumps across the sheet; it rotates and rolls up. Circulation ``Γ = π/2`` and centre are
    conserved, and ``∫|x|²ω = π/8 + 4νΓt`` holds exactly.

    Args:
        nu: Viscosity ν > 0. Good values: 0.003 to 0.05 with a window of (-2, 2).
        end: Final time.

    Source: Krasny 1987, doi:10.1017/S0022112087002635 (sheets of elliptic loading).
    """
    t, x, y = sm.coords("t x y")
    s = sp.Symbol("s", real=True)
    viscosity = sp.Symbol("nu", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    # By x = sin(s) the strength per unit of the parameter, cos²(s), is smooth at the ends.
    quarter = sp.pi / 2
    return sm.Problem(
        name="vortex-sheet",
        description="A flat vortex sheet rolling up at its ends.",
        references=["doi:10.1017/S0022112087002635"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.VortexSheet(sp.cos(s), curve=(sp.sin(s), 0), s=(s, -quarter, quarter)))],
        parameters={viscosity: nu},
        outputs={"v": v, "circulation": sm.Integral(w), "inertia": sm.Integral((x**2 + y**2) * w)},
        exact={"circulation": sp.pi / 2, "inertia": sp.pi / 8 + 2 * sp.pi * viscosity * t},
    )
