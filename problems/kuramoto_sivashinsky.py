"""Kuramoto-Sivashinsky equation: chaos in one dimension."""

import sympy as sp

import sciml as sm

__all__ = ["kuramoto_sivashinsky"]


def kuramoto_sivashinsky(length: float = 22.0, end: float = 100.0) -> sm.Problem:
    """``∂ₜu + u ∂ₓu + ∂ₓₓu + ∂ₓₓₓₓu = 0`` on a circle of length L.

    Long waves (|k| < 1) grow, short ones are damped by the fourth derivative, and the nonlinearity
    carries energy from the former to the latter. L = 22 is the smallest well-studied chaotic
    length; nearby solutions separate like e^{0.05 t}, so pointwise comparison makes sense up to
    t of about 100 only.

    Args:
        length: Period L. Good values: 22 (64 points), 32π (256 points).
        end: Final time.

    Source: Kassam & Trefethen 2005, doi:10.1137/S1064827502410633 (initial data);
    Cvitanović, Davidchack & Siminos 2010, doi:10.1137/070705623 (L = 22).
    """
    t, x = sm.coords("t x")
    period = sp.Symbol("L", positive=True)
    u = sm.Field("u", t, x)
    phase = 2 * sp.pi * x / period
    return sm.Problem(
        name="kuramoto-sivashinsky",
        description="Spatiotemporal chaos of a flame front.",
        references=["doi:10.1137/S1064827502410633", "doi:10.1137/070705623"],
        equations={"ks": sp.Eq(sm.Dt(u) + u * sm.Dx(u, x) + sm.Laplacian(u) + sm.Dx(u, x, 4), 0)},
        domain=sm.Torus((x, 0, period)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.cos(phase) * (1 + sp.sin(phase)))],
        parameters={period: length},
        outputs={"mass": sm.Integral(u), "energy": sm.Integral(u**2) / 2},
    )
