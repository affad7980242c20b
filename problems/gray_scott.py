"""Gray-Scott reaction-diffusion system."""

import sympy as sp

import sciml as sm

__all__ = ["gray_scott"]


def gray_scott(feed: float = 0.04, kill: float = 0.06, end: float = 1000.0) -> sm.Problem:
    """``∂ₜu = D_u Δu - uv² + F(1 - u)``, ``∂ₜv = D_v Δv + uv² - (F + k)v`` on a torus of side 2.5.

    A species v feeds on u, which is supplied at rate F; v is removed at rate F + k. From one
    bump a labyrinth of stripes grows. ``D_u = 2·10⁻⁵`` and ``D_v = 10⁻⁵`` as in the source.

    Args:
        feed: Feed rate F. Good values: 0.04 (128 points).
        kill: Removal rate k. Good values: 0.06; well above it the species dies out.
        end: Final time; the labyrinth keeps growing until it fills the torus.

    Source: Pearson 1993, doi:10.1126/science.261.5118.189.
    """
    t, x, y = sm.coords("t x y")
    d_u, d_v, f, k = sp.symbols("D_u D_v F k", positive=True)
    u, v = sm.Field("u", t, x, y), sm.Field("v", t, x, y)
    side = sp.Rational(5, 2)
    # A smooth periodic bump of width 0.13: the corners of a square patch would ring.
    bump = sp.exp(-10 * (2 - sp.cos(2 * sp.pi * x / side - sp.pi) - sp.cos(2 * sp.pi * y / side - sp.pi)))
    reaction = u * v**2
    return sm.Problem(
        name="gray-scott",
        description="A labyrinth of stripes that grows from one spot.",
        references=["doi:10.1126/science.261.5118.189"],
        equations={
            "substrate": sp.Eq(sm.Dt(u), d_u * sm.Laplacian(u) - reaction + f * (1 - u)),
            "species": sp.Eq(sm.Dt(v), d_v * sm.Laplacian(v) + reaction - (f + k) * v),
        },
        domain=sm.Torus((x, 0, side), (y, 0, side)),
        time=(t, 0, end),
        conditions=[sm.IC(u, 1 - bump / 2), sm.IC(v, bump / 2)],
        parameters={d_u: 2e-5, d_v: 1e-5, f: feed, k: kill},
        outputs={"amount": sm.Integral(v)},
    )
