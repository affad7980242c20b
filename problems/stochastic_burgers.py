"""Burgers equation driven by noise of finitely many modes."""

import sympy as sp

import sciml as sm

__all__ = ["stochastic_burgers"]


def stochastic_burgers(nu: float = 0.1, sigma: float = 0.2, modes: int = 16, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + ∂ₓ(u²/2) = ν ∂ₓₓu + σ ξ`` on the circle of length 2π, in conservative form.

    ξ has the modes 1 to ``modes`` and no mean, so that ``∫ u`` is conserved on every path. The
    energy ``∫ u²/2`` obeys a balance in expectation: it gains ``σ² modes`` in a unit of time, half
    of σ² from each of the cosines and sines, and loses ``ν ∫ (∂ₓu)²``.

    Args:
        nu: Viscosity ν > 0, nondimensional. Good values: 0.02 (256 points) to 1.
        sigma: Strength σ ≥ 0 of the noise.
        modes: Largest mode number that is driven; a part of the law, the same on every grid.
        end: Final time.

    Source: Da Prato, Debussche & Temam 1994, doi:10.1007/BF01194987.
    """
    t, x = sm.coords("t x")
    viscosity, strength = sp.Symbol("nu", positive=True), sp.Symbol("sigma", nonnegative=True)
    u = sm.Field("u", t, x)
    xi = sm.WhiteNoise("xi", t, x, modes=modes, mean=False)
    return sm.Problem(
        name="stochastic-burgers",
        description="A steepening wave, kept rough by noise and smooth by viscosity.",
        references=["doi:10.1007/BF01194987"],
        equations={"burgers": sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), viscosity * sm.Laplacian(u) + strength * xi)},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.sin(x))],
        parameters={viscosity: nu, strength: sigma},
        outputs={
            "mass": sm.Integral(u),
            "energy": sm.Integral(u**2) / 2,
            "dissipation": viscosity * sm.Integral(sm.Dx(u, x) ** 2),
        },
    )
