"""Dynamic Φ⁴ in two dimensions, with Wick powers."""

import sympy as sp

import sciml as sm

__all__ = ["dynamic_phi4_2d"]


def dynamic_phi4_2d(sigma: float = 0.1, end: float = 0.025) -> sm.Problem:
    """``∂ₜu = Δu + 3u - :u³: + σ ξ`` on the torus of side 1, ξ white in time and space.

    u is a distribution: of white noise cut off at the mode number K the variance at a point grows as
    ``(σ²/4π) ln K``, and with it the damping that u³ stands for. The Wick power takes off what
    diverges: with X the solution of ``∂ₜX = ΔX + σ ξ`` from 0, its variance C(t) and ``u = v + X``,
    ``:u³: = v³ + 3v²X + 3v(X² - C) + X³ - 3CX``. With it fine grids have a limit; with the ordinary
    power that limit is 0, whatever the start and σ > 0.

    Args:
        sigma: Strength σ > 0 of the noise, nondimensional. Published: 0.1.
        end: Final time.

    Source: Da Prato & Debussche 2003, doi:10.1214/aop/1068646370; Hairer, Ryser & Weber 2012,
    doi:10.1214/EJP.v17-1731 (the ordinary power).
    """
    t, x, y = sm.coords("t x y")
    strength = sp.Symbol("sigma", positive=True)
    u = sm.Field("u", t, x, y)
    xi = sm.WhiteNoise("xi", t, x, y)
    phase = 2 * sp.pi * (x + y)
    return sm.Problem(
        name="dynamic-phi4-2d",
        description="A bistable field too rough for ordinary powers.",
        references=["doi:10.1214/aop/1068646370", "doi:10.1214/EJP.v17-1731"],
        equations={"phi4": sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + strength * xi)},
        domain=sm.Torus((x, 0, 1), (y, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.sin(phase) + sp.cos(phase))],
        parameters={strength: sigma},
        renormalise="wick",
        outputs={"mass": sm.Integral(u)},
    )
