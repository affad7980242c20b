"""Cubic Klein-Gordon equation."""

import sympy as sp

import sciml as sm

__all__ = ["klein_gordon"]


def klein_gordon(mass: float = 1.0, coupling: float = 1.0, end: float = 10.0) -> sm.Problem:
    """``∂ₜₜu = ∂ₓₓu - m²u - λu³`` on the circle of length 2π.

    Second order in time: the state is (u, ∂ₜu), and the linear part couples the two, a 2x2 matrix
    for each mode. The energy ``∫ (u_t² + u_x² + m²u²)/2 + λu⁴/4`` is conserved.

    Args:
        mass: Mass m > 0.
        coupling: Coupling λ ≥ 0; 0 gives standing waves.
        end: Final time.

    Source: Strauss & Vázquez 1978, doi:10.1016/0021-9991(78)90038-4.
    """
    t, x = sm.coords("t x")
    m, lam = sp.Symbol("m", positive=True), sp.Symbol("lambda_", nonnegative=True)
    u = sm.Field("u", t, x)
    energy = (sm.Dt(u) ** 2 + sm.Dx(u, x) ** 2 + m**2 * u**2) / 2 + lam * u**4 / 4
    return sm.Problem(
        name="klein-gordon",
        description="A nonlinear wave whose energy is conserved.",
        references=["doi:10.1016/0021-9991(78)90038-4"],
        equations={"klein-gordon": sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) - m**2 * u - lam * u**3)},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, sp.cos(x) + sp.sin(2 * x) / 2), sm.IC(sm.Dt(u), sp.sin(x))],
        parameters={m: mass, lam: coupling},
        outputs={"energy": sm.Integral(energy)},
    )
