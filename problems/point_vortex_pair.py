"""Two point vortices of unlike strength in the plane."""

import sympy as sp

import sciml as sm

__all__ = ["point_vortex_pair"]


def point_vortex_pair(nu: float = 0.02, ratio: float = 0.5, end: float = 2.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω`` in the plane from ``ω₀ = δ(x - a) + ρ δ(x + a)``, ``a = (1/2, 0)``.

    They turn around their centre of vorticity and merge. Each is carried by the other alone, so a
    missing or wrong coupling is seen at once. There is no closed form, but moments are exact for any
    vorticity in the plane: circulation and centre do not move, and ``∫|x|²ω = I₀ + 4νΓt``.

    Args:
        nu: Viscosity ν > 0. Good values: 0.005 to 0.05 with a window of (-2, 2).
        ratio: Strength ρ of the second vortex; not -1, where the circulation is zero.
        end: Final time; without viscosity a turn takes ``4π²/(1 + ρ)``.

    Source: Saffman, Vortex Dynamics, 1992, doi:10.1017/CBO9780511624063, §3.9 (moments), §7.
    """
    t, x, y = sm.coords("t x y")
    viscosity, rho = sp.Symbol("nu", positive=True), sp.Symbol("rho", real=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    half = sp.Rational(1, 2)
    total = 1 + rho
    return sm.Problem(
        name="point-vortex-pair",
        description="Two point vortices of unlike strength turning around each other and merging.",
        references=["doi:10.1017/CBO9780511624063"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.PointVortices(strength=[1, rho], at=[(half, 0), (-half, 0)]))],
        parameters={viscosity: nu, rho: ratio},
        outputs={
            "v": v,
            "circulation": sm.Integral(w),
            "centre": sm.Integral(x * w) / total,
            "inertia": sm.Integral((x**2 + y**2) * w),
        },
        exact={
            "circulation": total,
            "centre": half * (1 - rho) / total,
            "inertia": total / 4 + 4 * viscosity * total * t,
        },
    )
