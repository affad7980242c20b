"""Fractional Allen-Cahn equation in two dimensions."""

import sympy as sp

import sciml as sm

__all__ = ["fractional_allen_cahn"]


def fractional_allen_cahn(nu: float = 0.05, alpha: float = 1.4, end: float = 5.0) -> sm.Problem:
    """``∂ₜu = -ν (-Δ)^{α/2} u + u - u³`` on the torus of side 2π.

    As Allen-Cahn, but the particles jump: interfaces have algebraic instead of exponential tails,
    and two of them feel each other over any distance. The energy
    ``∫ ν u (-Δ)^{α/2} u/2 + (1 - u²)²/4`` never grows, and |u| ≤ 1 stays true.

    Args:
        nu: Interface parameter ν > 0; the width of an interface is about ν^{1/α}. Good values:
            0.05 (128 points) to 0.1 (64 points).
        alpha: Order α. Good values: 1.2 to 2; the smaller, the sharper the interfaces.
        end: Final time.

    Source: Hou, Tang & Yang 2017, doi:10.1007/s10915-017-0396-9.
    """
    t, x, y = sm.coords("t x y")
    width, order = sp.symbols("nu alpha", positive=True)
    u = sm.Field("u", t, x, y)
    diffused = width * sm.FractionalLaplacian(u, order)
    start = sp.sin(x) * sp.sin(y) / 2 + sp.cos(2 * x + y) / 4 + sp.sin(x - 3 * y) / 10
    return sm.Problem(
        name="fractional-allen-cahn",
        description="Two phases separate; their interfaces interact over any distance.",
        references=["doi:10.1007/s10915-017-0396-9"],
        equations={"allen-cahn": sp.Eq(sm.Dt(u), diffused + u - u**3)},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={width: nu, order: alpha},
        outputs={"energy": sm.Integral(-u * diffused / 2 + (1 - u**2) ** 2 / 4)},
    )
