"""How fast the explicit terms act, mode by mode: the CFL condition of any semilinear form.

Freezing coefficients, the term ``C(k)[n(y)]`` with ``y_i = P_i(D) z`` acts on mode k at a rate of at
most ``Σ_i max_x |∂n/∂y_i| · |C(k) P_i(k)|``. For advection this is Σ_j max|v_j| |k_j|.
"""

from __future__ import annotations

import sympy as sp
import torch
from torch import Tensor

from sciml.lower import Compiled
from sciml.solvers.spectral.system import System

__all__ = ["ExplicitRate"]


class ExplicitRate:
    """Bounds ``dt × rate`` of the explicit terms, net of the damping by the linear part."""

    def __init__(self, system: System) -> None:
        self.system = system
        modes, form = system.modes, system.form
        jacobians: list[sp.Expr] = []
        self._symbols: list[Tensor] = []
        for term in form.nonlinear:
            column = [sp.expand(c) for c in form.inverse_mass * sp.Matrix(term.column)]
            for slot in form.slots:
                jacobian = sp.diff(term.n, slot.placeholder)
                if jacobian == 0:
                    continue
                reach = sum((modes.symbol(sp.expand(c * slot.symbol)).abs() for c in column if c != 0), torch.zeros(()))
                jacobians.append(jacobian)
                self._symbols.append(reach.to(modes.dtype) if system.mask is None else reach.to(modes.dtype) * system.mask)
        slots = [s.placeholder for s in form.slots]
        self._jacobians: Compiled | None = system.compile(jacobians, slots) if jacobians else None
        linear = system.linear()
        damping = linear.real if form.is_diagonal else torch.zeros((), device=modes.device)
        self._damping = damping.clamp(max=0).amax(1) if damping.ndim else damping

    def number(self, state: Tensor, t: float, h: float) -> float:
        """Return ``max_k (h × rate(k) + h × Re λ(k))``, at least 0."""
        if self._jacobians is None:
            return 0.0
        values = self.system.evaluate(self._jacobians, self.system.inputs(state), t)
        rate = torch.zeros((), device=state.device)
        for symbol, value in zip(self._symbols, values, strict=True):
            rate = rate + symbol * value.abs().amax()
        return float((h * (rate + self._damping)).amax().clamp(min=0))
