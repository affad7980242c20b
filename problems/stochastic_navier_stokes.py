"""Two-dimensional Navier-Stokes equations driven by noise that is smooth in space."""

import math

import sympy as sp

import sciml as sm

__all__ = ["stochastic_navier_stokes"]


def stochastic_navier_stokes(
    nu: float = 1e-4, sigma: float = 0.05, alpha: float = 0.005, copies: int = 1, end: float = 1.0
) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = ν Δω + f + σ Q^{1/2} ξ``, ``v = curl(-Δ)⁻¹ω`` on the torus of side 1.

    ``f = 0.1 (sin 2π(x + y) + cos 2π(x + y))``; the covariance operator Q has the symbol
    ``q = exp(-α|k|²)``, so that some four modes in each direction are driven. The mean vorticity
    is not driven: on a torus it is zero. The start is Gaussian with the spectral density
    ``2·3⁴ (|k|² + 9)⁻³`` for k ≠ 0.

    Published generators add up ``κ = 10`` independent draws in each step and do not divide by √κ:
    their noise is √10 times as strong as the σ they state. ``copies=10`` declares what they compute,
    but for the mean vorticity, which they drive as well.

    Args:
        nu: Viscosity ν > 0, nondimensional. Published: 10⁻⁴ (64 points in each direction).
        sigma: Strength σ ≥ 0 of one draw of the noise. Published: 0.05 and 0.005.
        alpha: Decay α > 0 of the spectrum.
        copies: Number κ of draws that are added; the noise has the strength σ √κ.
        end: Final time. Published: 0.05, 1 and 15.

    Source: Salvi, Lemercier & Gerasimovičs 2022, arXiv:2110.10249; the noise is Example 10.12 in Lord,
    Powell & Shardlow 2014, doi:10.1017/CBO9781139017329.
    """
    t, x, y = sm.coords("t x y")
    k = sp.Symbol("k", nonnegative=True)
    viscosity, decay = sp.symbols("nu alpha", positive=True)
    strength = sp.Symbol("sigma", nonnegative=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    phase = 2 * sp.pi * (x + y)
    forcing = (sp.sin(phase) + sp.cos(phase)) / 10
    xi = sm.ColoredNoise("xi", t, x, y, k=k, spectrum=sp.exp(-decay * k**2), mean=False)
    density = 2 * 3**4 * (k**2 + 9) ** -3 * sp.sign(k)  # the sign leaves out k = 0
    return sm.Problem(
        name="stochastic-navier-stokes",
        description="Vorticity on a torus, stirred by a steady force and by noise.",
        references=["arXiv:2110.10249", "doi:10.1017/CBO9781139017329"],
        equations={
            "vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), viscosity * sm.Laplacian(w) + forcing + strength * xi)
        },
        domain=sm.Torus((x, 0, 1), (y, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.RandomField.spectrum("a", x, y, k=k, density=density))],
        parameters={viscosity: nu, strength: sigma * math.sqrt(copies), decay: alpha},
        outputs={
            "v": v,
            "circulation": sm.Integral(w),
            "energy": sm.Integral(sm.Dot(v, v)) / 2,
            "enstrophy": sm.Integral(w**2) / 2,
        },
    )
