"""Damped wave equation on a circle."""

import sympy as sp

import sciml as sm

__all__ = ["damped_wave"]


def damped_wave(damping: float = 1.5, speed: float = 1.0, end: float = 4.0) -> sm.Problem:
    """``∂ₜₜu + 2γ ∂ₜu = c² ∂ₓₓu`` on the circle of length 2π, the telegraph equation.

    Started from rest in ``cos x + ½ sin 3x``. The mode k = 1 is over-damped: it creeps to zero as
    ``e^{-γt} (cosh σt + (γ/σ) sinh σt)``, ``σ² = γ² - c²``. The mode k = 3 is under-damped: it rings
    as ``e^{-γt} (cos ωt + (γ/ω) sin ωt)``, ``ω² = 9c² - γ²``. Both together show whether a method
    tells the two apart. The linear part is a 2x2 matrix for each mode, and the energy
    ``∫ (u_t² + c² u_x²)/2`` falls at the rate ``2γ ∫ u_t²``.

    Args:
        damping: Damping rate γ, with c < γ < 3c.
        speed: Wave speed c > 0.
        end: Final time.

    Source: Courant & Hilbert, Methods of Mathematical Physics II, doi:10.1002/9783527617234, ch. III.
    """
    t, x = sm.coords("t x")
    gamma, c = sp.symbols("gamma c", positive=True)
    u = sm.Field("u", t, x)
    sigma, omega = sp.sqrt(gamma**2 - c**2), sp.sqrt(9 * c**2 - gamma**2)
    creeping = sp.exp(-gamma * t) * (sp.cosh(sigma * t) + gamma / sigma * sp.sinh(sigma * t))
    ringing = sp.exp(-gamma * t) * (sp.cos(omega * t) + gamma / omega * sp.sin(omega * t))
    return sm.Problem(
        name="damped-wave",
        description="One mode creeps to zero, another rings.",
        references=["doi:10.1002/9783527617234"],
        equations={"wave": sp.Eq(sm.Dt(u, 2) + 2 * gamma * sm.Dt(u), c**2 * sm.Laplacian(u))},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.cos(x) + sp.sin(3 * x) / 2), sm.IC(sm.Dt(u), 0)],
        parameters={gamma: damping, c: speed},
        outputs={"energy": sm.Integral(sm.Dt(u) ** 2 + c**2 * sm.Dx(u, x) ** 2) / 2},
        exact={u: creeping * sp.cos(x) + ringing * sp.sin(3 * x) / 2},
    )
