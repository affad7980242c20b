"""Benjamin-Bona-Mahony equation with a solitary wave."""

import sympy as sp

import sciml as sm

__all__ = ["benjamin_bona_mahony"]


def benjamin_bona_mahony(speed: float = 2.0, end: float = 5.0) -> sm.Problem:
    """``∂ₜu - ∂ₓₓ∂ₜu + ∂ₓu + u ∂ₓu = 0`` on a circle of length 80.

    Long waves in shallow water, as Korteweg-de Vries, but the time derivative stands behind the
    operator 1 - ∂ₓₓ: phase speeds are bounded, 1/(1 + k²), and the equation is not stiff. The
    solitary wave ``u = 3(c - 1) sech²(½ √((c - 1)/c) (x - ct + 5))`` is exact up to its tail at the
    far side, e^{-25} for c = 2. It sees the mass symbol and the nonlinearity. Mass, the energy
    ``∫ (u² + u_x²)/2`` and ``∫ u²/2 + u³/6`` are conserved.

    Args:
        speed: Speed c > 1; the height is 3(c - 1). Good values: 1.5 to 4 (512 points for c = 2);
            as c tends to 1 the wave widens and feels the circle.
        end: Final time; the wave travels ``c·end``, less than 10 to keep its tail inside.

    Source: Benjamin, Bona & Mahony 1972, doi:10.1098/rsta.1972.0032.
    """
    t, x = sm.coords("t x")
    c = sp.Symbol("c", positive=True)
    u = sm.Field("u", t, x)
    wave = 3 * (c - 1) / sp.cosh(sp.sqrt((c - 1) / c) * (x - c * t + 5) / 2) ** 2
    return sm.Problem(
        name="benjamin-bona-mahony",
        description="A solitary wave, with an operator in front of the time derivative.",
        references=["doi:10.1098/rsta.1972.0032"],
        equations={"bbm": sp.Eq(sm.Dt(u) - sm.Dt(sm.Laplacian(u)) + sm.Dx(u, x) + u * sm.Dx(u, x), 0)},
        domain=sm.Torus((x, -40, 40)),
        time=(t, 0, end),
        conditions=[sm.IC(u, wave.subs(t, 0))],
        parameters={c: speed},
        outputs={
            "mass": sm.Integral(u),
            "energy": sm.Integral(u**2 + sm.Dx(u, x) ** 2) / 2,
            "hamiltonian": sm.Integral(u**2 / 2 + u**3 / 6),
        },
        exact={u: wave},
    )
