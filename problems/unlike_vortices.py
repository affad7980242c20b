"""Three Gaussian vortices of unlike sign and strength."""

import sympy as sp

import sciml as sm

__all__ = ["unlike_vortices"]


def unlike_vortices(nu: float = 0.005, end: float = 3.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω``, ``v = curl(-Δ)⁻¹ω`` on the torus of side 2π.

    Vortices of circulation Γ, Γ/2 and -3Γ/2 with Γ = 9.75: the total vanishes, so that nothing is
    lost to the mean that a torus takes from the vorticity. Each moves in the velocity of the two
    others: the strong ones form a pair that travels, and the weak one is torn into a filament.
    There is no closed form: compare with a finer run. No symmetry holds, so a wrong sign or a
    swapped component shows. The circulation stays 0, energy falls at the rate
    ``2ν × enstrophy``, and enstrophy at the rate ``2ν × palinstrophy``.

    Args:
        nu: Viscosity ν > 0. Good values: 0.005 (128 points) to 0.05 (64 points).
        end: Final time.

    Source: Aref 1979, Phys. Fluids 22, 393 (three point vortices in the plane).
    """
    t, x, y = sm.coords("t x y")
    viscosity = sp.Symbol("nu", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)

    def vortex(strength: int, a: sp.Expr, b: sp.Expr) -> sp.Expr:
        # exp((cos r - 1)/s²) is the periodic Gaussian of width s = 0.35.
        return strength * sp.exp(8 * (sp.cos(x - sp.pi - a) + sp.cos(y - sp.pi - b) - 2))

    half = sp.Rational(1, 2)
    return sm.Problem(
        name="unlike-vortices",
        description="Three vortices of unlike sign and strength, without net circulation.",
        references=["Aref 1979, Phys. Fluids 22, 393"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(w, vortex(12, -1, 0) + vortex(6, half, 1) + vortex(-18, half, -half))],
        parameters={viscosity: nu},
        outputs={
            "v": v,
            "circulation": sm.Integral(w),
            "energy": sm.Integral(sm.Dot(v, v)) / 2,
            "enstrophy": sm.Integral(w**2) / 2,
            "palinstrophy": sm.Integral(sm.Dot(sm.Grad(w), sm.Grad(w))) / 2,
        },
    )
