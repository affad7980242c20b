"""Forced two-dimensional flow with a chosen solution, for viscosity of any order."""

import sympy as sp

import sciml as sm

__all__ = ["manufactured_flow"]


def manufactured_flow(nu: float = 0.05, alpha: float = 2.0, rate: float = 0.3, end: float = 2.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = -ν (-Δ)^{α/2}ω + g``, ``v = curl(-Δ)⁻¹ω`` on the torus of side 2π.

    The stream function ``ψ = (sin x sin y + ½ sin 2x sin y) e^{-λt}`` holds two different |k|, so
    that ``(v·∇)ω``, the Jacobian of -Δψ and ψ, does not vanish, as it does in Taylor-Green,
    Lamb-Oseen and Beltrami flows. The forcing g that makes it a solution is computed here from
    the equation, each mode of the viscous term with its own factor |k|^α. The case sees every
    term; the price is a forcing, and that a common sign error of term and forcing cancels.

    Args:
        nu: Viscosity ν > 0. Good values: 0.001 to 1.
        alpha: Order α > 0 of the viscous term. Good values: 1 to 2; 2 is the Laplacian.
        rate: Decay rate λ of the chosen solution; 0 makes it steady.
        end: Final time.

    Source: Roache 2002, doi:10.1115/1.1436090 (the method of manufactured solutions).
    """
    t, x, y = sm.coords("t x y")
    viscosity, order = sp.symbols("nu alpha", positive=True)
    lam = sp.Symbol("lambda_", real=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    modes = {2: sp.sin(x) * sp.sin(y), 5: sp.sin(2 * x) * sp.sin(y) / 2}  # |k|²: part of ψ
    decay = sp.exp(-lam * t)
    stream = sum(modes.values()) * decay
    vorticity = sum(k2 * mode for k2, mode in modes.items()) * decay
    velocity = sm.Vector(stream.diff(y), -stream.diff(x))
    advection = velocity[0] * vorticity.diff(x) + velocity[1] * vorticity.diff(y)
    linear = sum(k2 * (viscosity * k2 ** (order / 2) - lam) * mode for k2, mode in modes.items()) * decay
    forcing = linear + sp.factor(sp.trigsimp(sp.expand_trig(advection)))
    return sm.Problem(
        name="manufactured-flow",
        description="A forced flow whose solution was chosen first, with advection that does not vanish.",
        references=["doi:10.1115/1.1436090"],
        equations={
            "vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.FractionalLaplacian(w, order) + forcing)
        },
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(w, vorticity.subs(t, 0))],
        parameters={viscosity: nu, order: alpha, lam: rate},
        outputs={"v": v, "enstrophy": sm.Integral(w**2) / 2},
        exact={w: vorticity, "v": velocity},
    )
