"""Two Gaussian vortices of like sign that turn around each other."""

import sympy as sp

import sciml as sm

__all__ = ["co_rotating_vortices"]


def co_rotating_vortices(nu: float = 0.005, end: float = 2.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω``, ``v = curl(-Δ)⁻¹ω`` on the torus of side 2π.

    Each vortex is carried by the other's velocity: without the nonlinearity they would stand
    still, so the case sees it at once. Vorticity and velocity have mean zero on a torus; the mean
    vorticity given here is conserved and induces no velocity. Energy falls at the rate
    ``2ν × enstrophy``.

    Args:
        nu: Viscosity ν > 0. Good values: 0.005 (128 points) to 0.05 (64 points).
        end: Final time; a quarter turn takes about 1.

    Source: Saffman, Vortex Dynamics, 1992, doi:10.1017/CBO9780511624063, §7.
    """
    t, x, y = sm.coords("t x y")
    viscosity = sp.Symbol("nu", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)

    def vortex(centre: float) -> sp.Expr:
        # exp((cos r - 1)/s²) is the periodic Gaussian of width s = 0.35.
        return 10 * sp.exp(8 * (sp.cos(x - sp.pi - centre) + sp.cos(y - sp.pi) - 2))

    return sm.Problem(
        name="co-rotating-vortices",
        description="Two vortices of like sign turning around each other on a torus.",
        references=["doi:10.1017/CBO9780511624063"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(w, vortex(-0.7) + vortex(0.7))],
        parameters={viscosity: nu},
        outputs={
            "v": v,
            "circulation": sm.Integral(w),
            "energy": sm.Integral(sm.Dot(v, v)) / 2,
            "enstrophy": sm.Integral(w**2) / 2,
        },
    )
