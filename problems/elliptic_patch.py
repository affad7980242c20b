"""An elliptic patch of uniform vorticity: Kirchhoff's vortex, with viscosity."""

import sympy as sp

import sciml as sm

__all__ = ["elliptic_patch"]


def elliptic_patch(nu: float = 0.002, aspect: float = 2.0, end: float = 4.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω`` in the plane from ``ω₀ = 1`` inside ``x²/a + a y² < 1``, of area π.

    Without viscosity the ellipse turns rigidly at the rate ``a/(1 + a)²``; with it the edge spreads and
    the patch slowly becomes round. The data jump, which a spectral method rounds off. Circulation
    ``Γ = π`` is conserved and ``∫|x|²ω = π(a + 1/a)/4 + 4νΓt`` exactly.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 0.02 with a window of (-3, 3).
        aspect: Ratio a of the axes, at least 1.
        end: Final time.

    Source: Saffman, Vortex Dynamics, 1992, doi:10.1017/CBO9780511624063, §9.3.
    """
    t, x, y = sm.coords("t x y")
    viscosity, a = sp.Symbol("nu", positive=True), sp.Symbol("a", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    return sm.Problem(
        name="elliptic-patch",
        description="An elliptic patch of uniform vorticity, turning and spreading.",
        references=["doi:10.1017/CBO9780511624063"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.VortexPatch(1, inside=x**2 / a + a * y**2 < 1))],
        parameters={viscosity: nu, a: aspect},
        outputs={"v": v, "circulation": sm.Integral(w), "inertia": sm.Integral((x**2 + y**2) * w)},
        exact={"circulation": sp.pi, "inertia": sp.pi * (a + 1 / a) / 4 + 4 * sp.pi * viscosity * t},
    )
