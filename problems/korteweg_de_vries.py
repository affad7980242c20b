"""Korteweg-de Vries equation with a soliton."""

import sympy as sp

import sciml as sm

__all__ = ["korteweg_de_vries"]


def korteweg_de_vries(speed: float = 4.0, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + 6u ∂ₓu + ∂ₓₓₓu = 0`` on a circle of length 40.

    The soliton ``u = (c/2) sech²(√c (x - ct + 2)/2)`` keeps its shape while nonlinear steepening
    and dispersion balance. On the circle it is exact up to its tail, e^{-√c·18} at the far side.
    The linear part is purely imaginary, of size k³: explicit schemes need dt ~ N⁻³ here.

    Args:
        speed: Speed c > 0; the height is c/2. Good values: 1 to 8 (256 points for c = 4).
        end: Final time; the soliton travels ``c·end``, less than 16 to keep its tail inside.

    Source: Korteweg & de Vries 1895, doi:10.1080/14786449508620739.
    """
    t, x = sm.coords("t x")
    c = sp.Symbol("c", positive=True)
    u = sm.Field("u", t, x)

    def solution(time: sp.Expr) -> sp.Expr:
        return c / 2 / sp.cosh(sp.sqrt(c) * (x - c * time + 2) / 2) ** 2

    return sm.Problem(
        name="korteweg-de-vries",
        description="A soliton travelling without change of shape.",
        references=["doi:10.1080/14786449508620739"],
        equations={"kdv": sp.Eq(sm.Dt(u) + 6 * u * sm.Dx(u, x) + sm.Dx(u, x, 3), 0)},
        domain=sm.Torus((x, -20, 20)),
        time=(t, 0, end),
        conditions=[sm.IC(u, solution(sp.S.Zero))],
        parameters={c: speed},
        outputs={"mass": sm.Integral(u), "momentum": sm.Integral(u**2) / 2},
        exact={u: solution(t)},
    )
