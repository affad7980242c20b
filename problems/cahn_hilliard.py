"""Cahn-Hilliard equation in two dimensions."""

import sympy as sp

import sciml as sm

__all__ = ["cahn_hilliard"]


def cahn_hilliard(epsilon: float = 0.2, end: float = 1.0) -> sm.Problem:
    """``∂ₜu = Δ(u³ - u - ε²Δu)`` on the torus of side 2π.

    A mixture separates into its components while the total amount of each is conserved: the
    nonlinearity sits inside the Laplacian, which the canonical form keeps as an outer symbol -k².
    The energy ``∫ ε²|∇u|²/2 + (1 - u²)²/4`` never grows.

    Args:
        epsilon: Interface width ε > 0. Good values: 0.1 (128 points) to 0.3 (64 points).
        end: Final time.

    Source: Cahn & Hilliard 1958, doi:10.1063/1.1744102.
    """
    t, x, y = sm.coords("t x y")
    width = sp.Symbol("epsilon", positive=True)
    u = sm.Field("u", t, x, y)
    energy = width**2 * sm.Dot(sm.Grad(u), sm.Grad(u)) / 2 + (1 - u**2) ** 2 / 4
    start = (sp.cos(3 * x) * sp.cos(4 * y) + sp.cos(4 * x - y) + sp.sin(x + 2 * y)) / 10
    return sm.Problem(
        name="cahn-hilliard",
        description="A mixture separates under conservation of mass.",
        references=["doi:10.1063/1.1744102"],
        equations={"cahn-hilliard": sp.Eq(sm.Dt(u), sm.Laplacian(u**3 - u - width**2 * sm.Laplacian(u)))},
        domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={width: epsilon},
        outputs={"mass": sm.Integral(u), "energy": sm.Integral(energy)},
    )
