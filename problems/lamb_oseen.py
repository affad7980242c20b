"""A point vortex that spreads by viscosity in the plane."""

import sympy as sp

import sciml as sm

__all__ = ["lamb_oseen"]


def lamb_oseen(nu: float = 0.1, circulation: float = 1.0, end: float = 1.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω`` in the plane from ``ω₀ = Γ δ(x)``.

    ``ω = Γ/(4πνt) e^{-r²/4νt}`` and ``v_θ = Γ/(2πr) (1 - e^{-r²/4νt})`` at every t > 0. The data are a
    measure: a grid method must mollify them (``Spectral(mollify=s)`` computes the vortex of age
    ``s²/2ν``), a particle method need not. Advection vanishes for a round vortex, so the case checks
    kernels and diffusion, not the coupling.

    Args:
        nu: Viscosity ν > 0. Good values: 0.01 to 1 with a window of (-2, 2).
        circulation: Γ.
        end: Final time.

    Source: Saffman, Vortex Dynamics, 1992, doi:10.1017/CBO9780511624063, §13.1.
    """
    t, x, y = sm.coords("t x y")
    viscosity, gamma = sp.Symbol("nu", positive=True), sp.Symbol("Gamma", real=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    square = x**2 + y**2
    core = 4 * viscosity * t
    # (1 - e^{-r²/4νt})/r² with its limit at the centre
    swirl = gamma / (2 * sp.pi) * sp.Piecewise(((1 - sp.exp(-square / core)) / square, square > 0), (1 / core, True))
    return sm.Problem(
        name="lamb-oseen",
        description="A point vortex spreading by viscosity in the plane.",
        references=["doi:10.1017/CBO9780511624063"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w))},
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.PointVortices(strength=[gamma], at=[(0, 0)]))],
        parameters={viscosity: nu, gamma: circulation},
        outputs={"v": v, "circulation": sm.Integral(w)},
        exact={
            w: gamma / (sp.pi * core) * sp.exp(-square / core),
            "v": sm.Vector(-y * swirl, x * swirl),
            "circulation": gamma,
        },
    )
