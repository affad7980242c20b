"""Brusselator: a chemical reaction that forms Turing patterns."""

import sympy as sp

import sciml as sm

__all__ = ["brusselator"]


def brusselator(a: float = 4.5, b: float = 7.5, end: float = 30.0) -> sm.Problem:
    """``∂ₜu = D_u Δu + A - (B + 1)u + u²v``, ``∂ₜv = D_v Δv + Bu - u²v`` on a torus of side 16π.

    The activator u makes more of itself from v; v diffuses eight times faster, ``D_u = 2`` and
    ``D_v = 16``. The uniform state u = A, v = B/A loses its stability to waves of wavenumber
    ``k² = A/√(D_u D_v)`` when B exceeds ``(1 + A √(D_u/D_v))²``, 6.71 for A = 4.5: spots or stripes of
    one wavelength appear. Above B = 1 + A² it also oscillates. The amounts obey
    ``d/dt ∫ (u + v) = ∫ (A - u)``.

    Args:
        a: Supply A > 0. Good values: 4.5.
        b: Control parameter B > 0. Good values: 7 (spots, after t of about 90) to 8 (stripes), 96 points.
        end: Final time; the pattern has grown at about 10.

    Source: Prigogine & Lefever 1968, doi:10.1063/1.1668896; Peña & Pérez-García 2001,
    doi:10.1103/PhysRevE.64.056213 (these parameters).
    """
    t, x, y = sm.coords("t x y")
    d_u, d_v, supply, control = sp.symbols("D_u D_v A B", positive=True)
    u, v = sm.Field("u", t, x, y), sm.Field("v", t, x, y)
    autocatalysis = u**2 * v
    # Waves of many directions with k² near 0.8, in units of 1/8, and phases without a pattern.
    waves = [(7, 1), (6, -4), (5, 5), (3, 7), (0, 7), (-3, 6), (-6, 4), (-7, 2)]
    seed = sum(sp.cos((m * x + n * y) / 8 + i**2) for i, (m, n) in enumerate(waves)) / 20
    return sm.Problem(
        name="brusselator",
        description="A pattern of one wavelength grows out of a uniform mixture.",
        references=["doi:10.1063/1.1668896", "doi:10.1103/PhysRevE.64.056213"],
        equations={
            "activator": sp.Eq(sm.Dt(u), d_u * sm.Laplacian(u) + supply - (control + 1) * u + autocatalysis),
            "inhibitor": sp.Eq(sm.Dt(v), d_v * sm.Laplacian(v) + control * u - autocatalysis),
        },
        domain=sm.Torus((x, 0, 16 * sp.pi), (y, 0, 16 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, supply + seed), sm.IC(v, control / supply)],
        parameters={d_u: 2.0, d_v: 16.0, supply: a, control: b},
        outputs={
            "amount": sm.Integral(u + v),
            "supplied": sm.Integral(supply - u),
            "contrast": sm.Integral((u - supply) ** 2),
        },
    )
