"""Free Schrödinger equation as two real fields."""

import sympy as sp

import sciml as sm

__all__ = ["schroedinger"]


def schroedinger(wavenumber: float = 2.0, width: float = 1.0, end: float = 2.0) -> sm.Problem:
    """``i ∂ₜψ + ½ ∂ₓₓψ = 0`` with ``ψ = p + iq``, on a circle of length 40.

    The real and imaginary parts obey ``∂ₜp = -½∂ₓₓq`` and ``∂ₜq = ½∂ₓₓp``: a linear part without
    diagonal, so that every mode turns and none decays. The Gaussian packet of wavenumber κ travels
    with the group velocity κ while its crests move with κ/2, and it spreads: |ψ|² is a normal
    density of mean κt and variance ``σ² (1 + (t/2σ²)²)``. Exact up to the tail at the far side. A
    wrong sign of either equation shows at once; mass and momentum are conserved.

    Args:
        wavenumber: Mean wavenumber κ. Good values: -3 to 3 (256 points).
        width: Standard deviation σ > 0 of |ψ|² at the start. Good values: 0.7 to 1.5.
        end: Final time; ``|κ| end`` plus 8 standard deviations must stay below 20.

    Source: Kennard 1927, doi:10.1007/BF01391200.
    """
    t, x = sm.coords("t x")
    sigma, kappa = sp.Symbol("sigma", positive=True), sp.Symbol("kappa", real=True)
    p, q = sm.Field("p", t, x), sm.Field("q", t, x)
    density = p**2 + q**2

    def packet(time: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        spread = time / (2 * sigma**2)
        variance = sigma**2 * (1 + spread**2)
        distance = x - kappa * time
        envelope = (2 * sp.pi * variance) ** sp.Rational(-1, 4) * sp.exp(-(distance**2) / (4 * variance))
        chirp = spread * distance**2 / (4 * variance) - sp.atan(spread) / 2
        phase = kappa * x - kappa**2 * time / 2 + chirp
        return envelope * sp.cos(phase), envelope * sp.sin(phase)

    start, exact = packet(sp.S.Zero), packet(t)
    return sm.Problem(
        name="schroedinger",
        description="A Gaussian wave packet that travels and spreads.",
        references=["doi:10.1007/BF01391200"],
        equations={
            "real": sp.Eq(sm.Dt(p), -sm.Laplacian(q) / 2),
            "imaginary": sp.Eq(sm.Dt(q), sm.Laplacian(p) / 2),
        },
        domain=sm.Torus((x, -20, 20)),
        time=(t, 0, end),
        conditions=[sm.IC(p, start[0]), sm.IC(q, start[1])],
        parameters={sigma: width, kappa: wavenumber},
        outputs={
            "density": density,
            "mass": sm.Integral(density),
            "momentum": sm.Integral(p * sm.Dx(q, x) - q * sm.Dx(p, x)),
        },
        exact={p: exact[0], q: exact[1]},
    )
