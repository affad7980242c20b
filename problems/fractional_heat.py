"""Fractional heat equation on a circle."""

import sympy as sp

import sciml as sm

__all__ = ["fractional_heat"]


def fractional_heat(nu: float = 0.2, alpha: float = 1.5, end: float = 1.0) -> sm.Problem:
    """``∂ₜu = -ν (-∂ₓₓ)^{α/2} u`` on the circle of length 2π.

    The law of a symmetric α-stable process instead of Brownian motion. Every Fourier mode decays
    on its own, ``û(k, t) = e^{-ν|k|^α t} û(k, 0)``. At k = 1 all orders agree; the mode k = 3 is the
    one that sees α. A spectral method is exact here.

    Args:
        nu: Diffusivity ν > 0. Good values: 0.01 to 1.
        alpha: Order α > 0. Good values: 1 (Cauchy process) to 2 (the heat equation).
        end: Final time.

    Source: Kwaśnicki 2017, doi:10.1515/fca-2017-0002 (definitions of the operator).
    """
    t, x = sm.coords("t x")
    diffusivity, order = sp.symbols("nu alpha", positive=True)
    u = sm.Field("u", t, x)

    def solution(time: sp.Expr) -> sp.Expr:
        fast = sp.exp(-diffusivity * 3**order * time)
        return sp.exp(-diffusivity * time) * sp.sin(x) + fast * sp.cos(3 * x) / 2

    return sm.Problem(
        name="fractional-heat",
        description="Two Fourier modes decaying at rates of fractional order.",
        references=["doi:10.1515/fca-2017-0002"],
        equations={"heat": sp.Eq(sm.Dt(u), diffusivity * sm.FractionalLaplacian(u, order))},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, solution(sp.S.Zero))],
        parameters={diffusivity: nu, order: alpha},
        outputs={"mass": sm.Integral(u)},
        exact={u: solution(t)},
    )
