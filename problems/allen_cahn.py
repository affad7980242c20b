"""Allen-Cahn equation in two dimensions."""

import sympy as sp

import sciml as sm

__all__ = ["allen_cahn"]


def allen_cahn(nu: float = 0.01, end: float = 5.0) -> sm.Problem:
    """``∂ₜu = ν Δu + u - u³`` on the torus of side 2π.

    The two phases u = ±1 separate within t of about 3, then their interfaces, of width √ν, move by
    mean curvature. The energy ``∫ ν|∇u|²/2 + (1 - u²)²/4`` never grows.

    Args:
        nu: Interface parameter ν > 0. Good values: 0.01 (128 points) to 0.1 (64 points).
        end: Final time.

    Source: Allen & Cahn 1979, doi:10.1016/0001-6160(79)90196-2.
    """
    t, x, y = sm.coords("t x y")
    width = sp.Symbol("nu", positive=True)
    u = sm.Field("u", t, x, y)
    energy = width * sm.Dot(sm.Grad(u), sm.Grad(u)) / 2 + (1 - u**2) ** 2 / 4
    start = sp.sin(x) * sp.sin(y) / 2 + sp.cos(2 * x + y) / 4 + sp.sin(x - 3 * y) / 10
    return sm.Problem(
        name="allen-cahn",
        description="Two phases separate; their interfaces move by curvature.",
        references=["doi:10.1016/0001-6160(79)90196-2"],
        equations={"allen-cahn": sp.Eq(sm.Dt(u), width * sm.Laplacian(u) + u - u**3)},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={width: nu},
        outputs={"energy": sm.Integral(energy)},
    )
