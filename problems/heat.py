"""Heat equation on a circle."""

import sympy as sp

import sciml as sm

__all__ = ["heat"]


def heat(nu: float = 0.1, end: float = 1.0) -> sm.Problem:
    """``∂ₜu = ν ∂ₓₓu`` on the circle of length 2π.

    Every Fourier mode decays on its own, ``û(k, t) = e^{-νk²t} û(k, 0)``, so two modes show
    whether a method damps each at its own rate. A spectral method is exact here.

    Args:
        nu: Diffusivity ν > 0, nondimensional. Good values: 0.01 to 1.
        end: Final time.

    Source: Evans, Partial Differential Equations, 2nd ed., §2.3.
    """
    t, x = sm.coords("t x")
    diffusivity = sp.Symbol("nu", positive=True)
    u = sm.Field("u", t, x)

    def solution(time: sp.Expr) -> sp.Expr:
        return sp.exp(-diffusivity * time) * sp.sin(x) + sp.exp(-9 * diffusivity * time) * sp.cos(3 * x) / 2

    return sm.Problem(
        name="heat",
        description="Two Fourier modes decaying at their own rates.",
        equations={"heat": sp.Eq(sm.Dt(u), diffusivity * sm.Laplacian(u))},
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(u, solution(sp.S.Zero))],
        parameters={diffusivity: nu},
        outputs={"mass": sm.Integral(u)},
        exact={u: solution(t)},
    )
