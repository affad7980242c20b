"""Vibrations of a simply supported beam."""

import sympy as sp

import sciml as sm

__all__ = ["simply_supported_beam"]


def simply_supported_beam(stiffness: float = 0.05, end: float = 2.0) -> sm.Problem:
    """``∂ₜₜu = -κ ∂ₓₓₓₓu`` on [0, 1] with ``u = ∂ₓₓu = 0`` at both ends.

    ``u = sin(πx) cos(π²√κ t) + sin(3πx) cos(9π²√κ t)/3``: dispersive, the third mode turns nine times as
    fast as the first. Of fourth order, so each end needs two conditions. The energy
    ``½∫(∂ₜu)² + κ(∂ₓₓu)²`` is conserved.

    Args:
        stiffness: κ > 0, the bending stiffness over the mass per length.
        end: Final time.

    Source: Timoshenko, Vibration Problems in Engineering, 1928, §37 (beam with hinged ends).
    """
    t, x = sm.coords("t x")
    kappa = sp.Symbol("kappa", positive=True)
    u = sm.Field("u", t, x)

    def mode(n: int) -> sp.Expr:
        return sp.sin(n * sp.pi * x) * sp.cos(n**2 * sp.pi**2 * sp.sqrt(kappa) * t) / n

    solution = mode(1) + mode(3)
    return sm.Problem(
        name="simply-supported-beam",
        description="Two modes of a vibrating beam on hinged ends.",
        equations={"beam": sp.Eq(sm.Dt(u, 2), -kappa * sm.Dx(u, x, 4))},
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, end),
        conditions=[
            sm.IC(u, solution.subs(t, 0)),
            sm.IC(sm.Dt(u), 0),
            sm.Dirichlet(u, 0, on=x),
            sm.Dirichlet(sm.Dx(u, x, 2), 0, on=x),
        ],
        parameters={kappa: stiffness},
        outputs={"energy": sm.Integral(sm.Dt(u) ** 2 + kappa * sm.Dx(u, x, 2) ** 2) / 2},
        exact={u: solution},
    )
