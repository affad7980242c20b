"""Swift-Hohenberg equation in two dimensions: hexagons and stripes."""

import sympy as sp

import sciml as sm

__all__ = ["swift_hohenberg"]


def swift_hohenberg(growth: float = 0.1, quadratic: float = 1.0, end: float = 60.0) -> sm.Problem:
    """``∂ₜu = εu - (1 + Δ)²u + gu² - u³`` on the torus of side 16π.

    A model of convection near its threshold: waves of length 2π, |k| = 1, grow at rate ε, all
    others at a smaller rate or not at all, and the cubic term stops them. The quadratic term couples
    three waves at angles of 120° and selects hexagons; without it stripes win. The energy
    ``∫ ((u + Δu)² - εu²)/2 - gu³/3 + u⁴/4`` never grows.

    Args:
        growth: Distance ε from threshold. Good values: 0.1 (128 points) to 0.3.
        quadratic: Coefficient g: 1 gives hexagons, 0 stripes.
        end: Final time; hexagons have grown at about 20 and then order slowly.

    Source: Swift & Hohenberg 1977, doi:10.1103/PhysRevA.15.319.
    """
    t, x, y = sm.coords("t x y")
    epsilon, g = sp.symbols("epsilon g", real=True)
    u = sm.Field("u", t, x, y)
    operator = u + 2 * sm.Laplacian(u) + sm.Laplacian(sm.Laplacian(u))
    energy = (u + sm.Laplacian(u)) ** 2 / 2 - epsilon * u**2 / 2 - g * u**3 / 3 + u**4 / 4
    # Waves of many directions with |k| near 1, in units of 1/8, and phases without a pattern.
    waves = [(8, 1), (7, -4), (5, 6), (3, 8), (0, 8), (-3, 7), (-6, 5), (-8, 2)]
    start = sum(sp.cos((a * x + b * y) / 8 + n**2) for n, (a, b) in enumerate(waves)) / 20
    return sm.Problem(
        name="swift-hohenberg",
        description="A pattern of one wavelength grows and orders into hexagons.",
        references=["doi:10.1103/PhysRevA.15.319"],
        equations={"swift-hohenberg": sp.Eq(sm.Dt(u), epsilon * u - operator + g * u**2 - u**3)},
        domain=sm.Torus((x, 0, 16 * sp.pi), (y, 0, 16 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, start)],
        parameters={epsilon: growth, g: quadratic},
        outputs={"energy": sm.Integral(energy)},
    )
