"""Stochastic heat equation, with the variance of its modes."""

import numpy as np
import numpy.typing as npt
import sympy as sp

import sciml as sm

__all__ = ["mode_variance", "stochastic_heat"]


def stochastic_heat(nu: float = 0.1, sigma: float = 0.5, end: float = 1.0) -> sm.Problem:
    """``∂ₜu = ν ∂ₓₓu + σ ξ`` on the circle of length 2π, ξ white in time and space.

    Linear, so that u is Gaussian at every time and its Fourier coefficients
    ``û_k = 1/2π ∫ u e^{-ikx} dx`` are independent apart from ``û_{-k} = conj û_k``. Their mean is the
    heat equation's, here ``e^{-νt} sin x``; their variance ``E|û_k - E û_k|²`` is :func:`mode_variance`.
    They show, mode by mode, whether a scheme draws noise of the right law.

    Args:
        nu: Diffusivity ν > 0, nondimensional. Good values: 0.01 to 1.
        sigma: Strength σ ≥ 0 of the noise.
        end: Final time.

    Source: Walsh 1986, doi:10.1007/BFb0074920, ch. 3.
    """
    t, x = sm.coords("t x")
    diffusivity, strength = sp.Symbol("nu", positive=True), sp.Symbol("sigma", nonnegative=True)
    u = sm.Field("u", t, x)
    xi = sm.WhiteNoise("xi", t, x)
    return sm.Problem(
        name="stochastic-heat",
        description="One decaying mode, and many that noise brings to equilibrium.",
        references=["doi:10.1007/BFb0074920"],
        equations={"heat": sp.Eq(sm.Dt(u), diffusivity * sm.Laplacian(u) + strength * xi)},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={diffusivity: nu, strength: sigma},
        outputs={"mass": sm.Integral(u)},
    )


def mode_variance(k: npt.ArrayLike, t: npt.ArrayLike, nu: float = 0.1, sigma: float = 0.5) -> npt.NDArray[np.float64]:
    """Return ``E|û_k - E û_k|² = σ²/2π (1 - e^{-2νk²t})/(2νk²)``, and ``σ² t/2π`` for k = 0.

    Args:
        k: Wavenumbers, of any shape that broadcasts with ``t``.
        t: Times.
        nu: Diffusivity ν > 0.
        sigma: Strength of the noise.
    """
    rate, time = np.broadcast_arrays(2 * nu * np.square(k, dtype=float), np.asarray(t, dtype=float))
    moving = np.where(rate > 0, rate, 1.0)
    grown = np.where(rate > 0, -np.expm1(-moving * time) / moving, time)
    return sigma**2 / (2 * np.pi) * grown
