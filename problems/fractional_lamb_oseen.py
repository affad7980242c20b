"""A point vortex that spreads by fractional diffusion in the plane."""

from itertools import pairwise

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.special import j1

import sciml as sm

__all__ = ["azimuthal_velocity", "fractional_lamb_oseen"]


def fractional_lamb_oseen(nu: float = 0.2, alpha: float = 1.0, end: float = 1.0) -> sm.Problem:
    """``∂ₜω + (v·∇)ω = -ν(-Δ)^{α/2} ω`` in the plane from ``ω₀ = Γ δ(x)``, Γ = 1.

    ``ω̂ = Γ e^{-νt|k|^α}``. For α = 1, ``ω = Γ νt/(2π (ν²t² + r²)^{3/2})`` and
    ``v_θ = Γ/(2πr) (1 - νt/√(ν²t² + r²))``; for other orders :func:`azimuthal_velocity` is the
    velocity by quadrature. The vorticity falls off as ``r^{-2-α}`` only, so a method on a window needs
    a wide one.

    Args:
        nu: Coefficient ν > 0.
        alpha: Order 0 < α ≤ 2.
        end: Final time.

    Source: Droniou & Imbert 2006, doi:10.1007/s00205-006-0429-2, §2 (the kernel of the equation).
    """
    t, x, y = sm.coords("t x y")
    coefficient, order = sp.symbols("nu alpha", positive=True)
    w = sm.Field("w", t, x, y)
    v = sm.BiotSavart(w)
    exact = {}
    if alpha == 1:
        length, square = coefficient * t, x**2 + y**2
        reach = sp.sqrt(length**2 + square)
        # (1 - s/√(s² + r²))/r² = 1/(√(s² + r²) (√(s² + r²) + s)) has no singularity at the centre
        swirl = 1 / (2 * sp.pi * reach * (reach + length))
        exact = {w: length / (2 * sp.pi * reach**3), "v": sm.Vector(-y * swirl, x * swirl)}
    return sm.Problem(
        name="fractional-lamb-oseen",
        description="A point vortex spreading by fractional diffusion in the plane.",
        references=["doi:10.1007/s00205-006-0429-2"],
        equations={"vorticity": sp.Eq(sm.Dt(w) + sm.Advect(v, w), coefficient * sm.FractionalLaplacian(w, order))},
        domain=sm.WholeSpace(x, y),
        time=(t, 0, end),
        conditions=[sm.IC(w, sm.PointVortices(strength=[1], at=[(0, 0)]))],
        parameters={coefficient: nu, order: alpha},
        outputs={"v": v, "circulation": sm.Integral(w)},
        exact=exact,
    )


def azimuthal_velocity(r: float, t: float, nu: float, alpha: float) -> float:
    """Return ``v_θ = (1/2π) ∫₀^∞ e^{-νtk^α} J₁(kr) dk`` of a vortex of circulation 1, by quadrature.

    The integral is cut where the exponential is below 1e-17 and split at the scale of the oscillation.
    """
    top = (39.0 / (nu * t)) ** (1 / alpha)
    edges = np.linspace(0.0, top, 2 + int(top * r / np.pi))

    def integrand(k: float) -> float:
        return float(np.exp(-nu * t * k**alpha) * j1(k * r))

    parts = [quad(integrand, a, b)[0] for a, b in pairwise(edges)]
    return float(np.sum(parts) / (2 * np.pi))
