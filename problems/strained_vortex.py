"""A vortex stretched along its axis: Burgers' vortex and its approach to it."""

import sympy as sp

import sciml as sm

__all__ = ["strained_vortex"]


def strained_vortex(nu: float = 0.05, strain: float = 1.0, start: float = 0.7, end: float = 1.0) -> sm.Problem:
    """``∂ₜω + ((v + U)·∇)ω = γ ω + ν Δω`` in the plane, ``U = -γ (x, y)/2``.

    The cross-section of a vortex along z in the flow ``(-γx/2, -γy/2, γz)``: strain draws vorticity
    in and stretches it, viscosity spreads it. ``ω = Γ/(πℓ²) e^{-r²/ℓ²}`` with
    ``ℓ² = 4ν/γ + (ℓ₀² - 4ν/γ) e^{-γt}``, which tends to Burgers' vortex. It sees stretching and the
    background flow; the vortex' own velocity turns it within itself.

    Args:
        nu: Viscosity ν > 0. Good values: 0.02 to 0.2 with a window of (-3, 3).
        strain: Rate of strain γ > 0.
        start: Initial radius ℓ₀.
        end: Final time.

    Source: Saffman, Vortex Dynamics, 1992, doi:10.1017/CBO9780511624063, §13.3.
    """
    t, x, y = sm.coords("t x y")
    viscosity, gamma = sp.symbols("nu gamma", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    square = x**2 + y**2
    final = 4 * viscosity / gamma
    size = final + (sp.Float(start) ** 2 - final) * sp.exp(-gamma * t)
    swirl = sp.Piecewise(
        ((1 - sp.exp(-square / size)) / (2 * sp.pi * square), square > 0), (1 / (2 * sp.pi * size), True)
    )
    background = sm.Vector(-gamma * x / 2, -gamma * y / 2)
    shape = sp.exp(-square / size) / (sp.pi * size)
    return sm.Problem(
        name="strained-vortex",
        description="A vortex drawn in and stretched by a strain until viscosity balances it.",
        references=["doi:10.1017/CBO9780511624063"],
        equations={
            "vorticity": sp.Eq(
                sm.Dt(w) + sm.Advect(v, w) + sm.Advect(background, w), gamma * w + viscosity * sm.Laplacian(w)
            )
        },
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, shape.subs(t, 0))],
        parameters={viscosity: nu, gamma: strain},
        outputs={"v": v, "circulation": sm.Integral(w)},
        exact={w: shape, "v": sm.Vector(-y * swirl, x * swirl), "circulation": sp.S.One},
    )
