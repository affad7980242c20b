"""Stochastic Ginzburg-Landau equation, dynamic Φ⁴ in one dimension."""

import sympy as sp

import sciml as sm

__all__ = ["dynamic_phi4_1d"]


def dynamic_phi4_1d(sigma: float = 0.1, spread: float = 0.1, end: float = 0.05) -> sm.Problem:
    """``∂ₜu = ∂ₓₓu + 3u - u³ + σ ξ`` on the circle of length 1, ξ white in time and space.

    Regular in one dimension: u is Hölder continuous of every order below 1/2 in x, so that u³ needs
    no renormalisation. Until t = 0.05 the equation is nearly linear; the two phases u = ±√3 show
    from t of about 1. It starts from ``x(1 - x)`` and a random Fourier sum of ten modes.

    The published data are made on 128 intervals with dt = 10⁻³, the noise a sum of sines that is
    zero at x = 0. Here the noise has the same law everywhere, and so has the random start; the
    published one is odd about x = 1/2, apart from its mean.

    Args:
        sigma: Strength σ ≥ 0 of the noise, nondimensional. Published: 0.1 and 1.
        spread: Size of the random start; 0 starts every path from ``x(1 - x)``.
        end: Final time.

    Source: Chevyrev, Gerasimovičs & Weber 2024, doi:10.1007/s10915-023-02401-4; Hu et al. 2022,
    arXiv:2204.06255.
    """
    t, x = sm.coords("t x")
    strength = sp.Symbol("sigma", nonnegative=True)
    u = sm.Field("u", t, x)
    xi = sm.WhiteNoise("xi", t, x)
    start = x * (1 - x) + spread * sm.RandomField.fourier("a", x, modes=10, decay=2)
    return sm.Problem(
        name="dynamic-phi4-1d",
        description="A bistable field driven by space-time white noise.",
        references=["doi:10.1007/s10915-023-02401-4", "arXiv:2204.06255"],
        equations={"phi4": sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + strength * xi)},
        domain=sm.Torus((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={strength: sigma},
        outputs={"mass": sm.Integral(u)},
    )
