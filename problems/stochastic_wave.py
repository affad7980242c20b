"""Nonlinear wave equation with multiplicative noise."""

import sympy as sp

import sciml as sm

__all__ = ["stochastic_wave"]


def stochastic_wave(sigma: float = 1.0, spread: float = 0.0, end: float = 0.5) -> sm.Problem:
    """``∂ₜₜu = ∂ₓₓu + cos(πu) + u² + σ u ξ`` on the circle of length 1, ξ white in time and space, in the sense of Itô.

    Second order in time: the noise drives ``∂ₜu``, so that every mode of u has finite variation in
    time, and with any number of modes Itô's product is also Stratonovich's. ``u²`` lets large values
    grow beyond all bounds in finite time; a longer run can end there.

    Args:
        sigma: Strength σ ≥ 0 of the noise, nondimensional. Published: 1.
        spread: Size of the random start; 0 starts every path from ``sin 2πx``. The velocity is
            ``x(1 - x)`` at the start.
        end: Final time.

    Source: Chevyrev, Gerasimovičs & Weber 2024, doi:10.1007/s10915-023-02401-4.
    """
    t, x = sm.coords("t x")
    strength = sp.Symbol("sigma", nonnegative=True)
    u = sm.Field("u", t, x)
    xi = sm.WhiteNoise("xi", t, x)
    reaction = sp.cos(sp.pi * u) + u**2
    start = sp.sin(2 * sp.pi * x) + spread * sm.RandomField.fourier("a", x, modes=10, decay=2)
    return sm.Problem(
        name="stochastic-wave",
        description="A nonlinear wave driven by noise proportional to it.",
        references=["doi:10.1007/s10915-023-02401-4"],
        equations={"wave": sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) + reaction + strength * u * xi)},
        domain=sm.Torus((x, 0, 1)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start), sm.IC(sm.Dt(u), x * (1 - x))],
        parameters={strength: sigma},
        calculus="ito",
        outputs={"mass": sm.Integral(u)},
    )
