"""Viscous Burgers equation with its Cole-Hopf solution."""

import sympy as sp

import sciml as sm

__all__ = ["burgers"]


def burgers(nu: float = 0.1, end: float = 1.0) -> sm.Problem:
    """``∂ₜu + ∂ₓ(u²/2) = ν ∂ₓₓu`` on the circle of length 2π, in conservative form.

    The Cole-Hopf map ``u = -2ν ∂ₓφ/φ`` turns heat solutions φ > 0 into solutions. Here
    ``φ = 1.2 + e^{-νt} cos x``: a wave that steepens where φ is small. The mean of u is conserved
    to rounding because the flux is differentiated, not expanded.

    Args:
        nu: Viscosity ν > 0, nondimensional. Good values: 0.02 (needs 256 points) to 1.
        end: Final time.

    Source: Hopf 1950, doi:10.1002/cpa.3160030302; Cole 1951, doi:10.1090/qam/42889.
    """
    t, x = sm.coords("t x")
    viscosity = sp.Symbol("nu", positive=True)
    u = sm.Field("u", t, x)
    offset = sp.Rational(6, 5)

    def solution(time: sp.Expr) -> sp.Expr:
        decay = sp.exp(-viscosity * time)
        return 2 * viscosity * decay * sp.sin(x) / (offset + decay * sp.cos(x))

    return sm.Problem(
        name="burgers",
        description="A steepening wave with viscosity, exact by the Cole-Hopf transformation.",
        references=["doi:10.1002/cpa.3160030302", "doi:10.1090/qam/42889"],
        equations={"burgers": sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), viscosity * sm.Laplacian(u))},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, solution(sp.S.Zero))],
        parameters={viscosity: nu},
        outputs={"mass": sm.Integral(u), "energy": sm.Integral(u**2) / 2},
        exact={u: solution(t)},
    )
