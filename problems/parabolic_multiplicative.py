"""Ginzburg-Landau equation with multiplicative noise."""

import sympy as sp

import sciml as sm

__all__ = ["parabolic_multiplicative"]


def parabolic_multiplicative(sigma: float = 0.1, spread: float = 0.0, end: float = 0.05) -> sm.Problem:
    """``∂ₜu = ∂ₓₓu + 3u - u³ + σ u ξ`` on the circle of length 1, ξ white in time and space, in the sense of Itô.

    The noise is multiplied by u as it was before the step. Stratonovich's product would add
    ``σ²/2 Σ_m e_m² u``, infinite for white noise. u = 0 stays 0, and the mean of the linear equation,
    without u³, is that of the equation without noise.

    Args:
        sigma: Strength σ ≥ 0 of the noise, nondimensional. Published: 0.1.
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
        name="parabolic-multiplicative",
        description="A bistable field that drives itself through noise proportional to it.",
        references=["doi:10.1007/s10915-023-02401-4", "arXiv:2204.06255"],
        equations={"parabolic": sp.Eq(sm.Dt(u), sm.Laplacian(u) + 3 * u - u**3 + strength * u * xi)},
        domain=sm.Torus((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={strength: sigma},
        calculus="ito",
        outputs={"mass": sm.Integral(u)},
    )
