"""Korteweg-de Vries equation driven by noise that is smooth in space."""

import sympy as sp

import sciml as sm

__all__ = ["stochastic_korteweg_de_vries"]


def stochastic_korteweg_de_vries(sigma: float = 1.0, spread: float = 0.0, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + 3 ∂ₓ(u²) = 10⁻³ ∂ₓₓu - 0.1 ∂ₓₓₓu + σ Q^{1/2} ξ`` on the circle of length 1.

    The covariance operator Q has the symbol ``q = (1 + m)^{-5.001}`` for the mode number
    ``m = |k|/2π ≥ 1``: the noise is continuous in space and drives no mean, so that ``∫ u`` is
    conserved on every path. Dispersion hardly damps: without the noise ``∫ u²/2`` falls by the small
    viscosity alone, and the noise adds ``σ² Σ_m q(m)`` to its expectation in a unit of time.

    Published data number the modes cosine, sine, cosine, ... and give the cosine of mode m the weight
    ``m^{-5.001}``, the sine ``(m + 1)^{-5.001}``; here both have the latter, so that the law is the
    same everywhere.

    Args:
        sigma: Strength σ ≥ 0 of the noise, nondimensional.
        spread: Size of the random start; 0 starts every path from ``x(1 - x)``.
        end: Final time.

    Source: de Bouard & Debussche 1998, doi:10.1006/jfan.1997.3184; Salvi, Lemercier & Gerasimovičs
    2022, arXiv:2110.10249 (the data).
    """
    t, x = sm.coords("t x")
    k = sp.Symbol("k", nonnegative=True)
    strength = sp.Symbol("sigma", nonnegative=True)
    u = sm.Field("u", t, x)
    law = (1 + k / (2 * sp.pi)) ** sp.Rational(-5001, 1000)
    xi = sm.ColoredNoise("xi", t, x, k=k, spectrum=law, mean=False)
    linear = sm.Laplacian(u) / 1000 - sm.Dx(u, x, 3) / 10
    start = x * (1 - x) + spread * sm.RandomField.fourier("a", x, modes=10, decay=2)
    return sm.Problem(
        name="stochastic-korteweg-de-vries",
        description="Dispersive waves driven by noise that is smooth in space.",
        references=["doi:10.1006/jfan.1997.3184", "arXiv:2110.10249"],
        equations={"kdv": sp.Eq(sm.Dt(u) + 3 * sm.Dx(u**2, x), linear + strength * xi)},
        domain=sm.Torus((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={strength: sigma},
        outputs={"mass": sm.Integral(u), "momentum": sm.Integral(u**2) / 2},
    )
