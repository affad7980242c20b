"""Focusing nonlinear Schrödinger equation as two real fields."""

import sympy as sp

import sciml as sm

__all__ = ["nonlinear_schroedinger"]


def nonlinear_schroedinger(amplitude: float = 1.0, end: float = 2.0) -> sm.Problem:
    """``i ∂ₜψ + ½ ∂ₓₓψ + |ψ|²ψ = 0`` with ``ψ = p + iq``, on a circle of length 20π.

    The real and imaginary parts obey ``∂ₜp = -½∂ₓₓq - |ψ|²q`` and ``∂ₜq = ½∂ₓₓp + |ψ|²p``: a linear
    part without diagonal. The bright soliton of speed 1,
    ``ψ = A sech(A(x - t)) exp(i(x + (A² - 1)t/2))``, is exact up to its tail e^{-10πA}.

    Args:
        amplitude: Height A > 0. Good values: 1 to 2 (256 points).
        end: Final time; the soliton travels ``end``.

    Source: Zakharov & Shabat 1972, Sov. Phys. JETP 34, 62.
    """
    t, x = sm.coords("t x")
    a = sp.Symbol("A", positive=True)
    p, q = sm.Field("p", t, x), sm.Field("q", t, x)
    density = p**2 + q**2

    def soliton(time: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        envelope = a / sp.cosh(a * (x - time))
        phase = x + (a**2 - 1) * time / 2
        return envelope * sp.cos(phase), envelope * sp.sin(phase)

    start, exact = soliton(sp.S.Zero), soliton(t)
    return sm.Problem(
        name="nonlinear-schroedinger",
        description="A bright soliton in real and imaginary part.",
        references=["Zakharov & Shabat 1972, Sov. Phys. JETP 34, 62"],
        equations={
            "real": sp.Eq(sm.Dt(p), -sm.Laplacian(q) / 2 - density * q),
            "imaginary": sp.Eq(sm.Dt(q), sm.Laplacian(p) / 2 + density * p),
        },
        domain=sm.Torus((x, -10 * sp.pi, 10 * sp.pi)),
        time=(t, 0, end),
        conditions=[sm.IC(p, start[0]), sm.IC(q, start[1])],
        parameters={a: amplitude},
        outputs={"density": density, "mass": sm.Integral(density)},
        exact={p: exact[0], q: exact[1]},
    )
