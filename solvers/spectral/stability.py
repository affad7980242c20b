"""How fast the explicit terms act: the CFL number of any semilinear form.

The rate is the spectral radius of the Jacobian ``J = ∂N̂/∂ẑ`` at the current state, found by power
iteration with finite differences. Modes that the exponential damps within a step do not count:
the iteration is on ``W J W`` with ``W = e^{h Re λ/2}``. Power iteration approaches the radius from
below, so that a run is never stopped for a bound that is merely pessimistic.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.solvers.spectral.system import System

__all__ = ["ExplicitRate"]

ITERATIONS = 8
RELATIVE_STEP = 1e-6


class ExplicitRate:
    """Estimates ``h × rate`` of the explicit terms, net of the damping by the linear part."""

    def __init__(self, system: System, linear: Tensor) -> None:
        self.system = system
        self._damping = linear.real.clamp(max=0) if system.form.is_diagonal else None

    def number(self, state: Tensor, t: float, h: float) -> float:
        """Return the CFL number; the scheme is unstable for an oscillation beyond about 2.8."""
        size = torch.linalg.vector_norm(state)
        if self.system.is_linear or not bool(torch.isfinite(size)) or float(size) == 0:
            return 0.0
        weight: Tensor | float = 1.0 if self._damping is None else torch.exp(self._damping * (h / 2))
        base = self.system.nonlinear(state, t)
        epsilon = RELATIVE_STEP * float(size)
        direction = self._start(state) * weight
        radius = 0.0
        for _ in range(ITERATIONS):
            direction = direction / torch.linalg.vector_norm(direction)
            moved = self.system.nonlinear(state + (epsilon * direction * weight).to(state.dtype), t)
            direction = (moved - base) * weight / epsilon
            radius = float(torch.linalg.vector_norm(direction))
            if radius == 0:
                break
        return h * radius

    def _start(self, state: Tensor) -> Tensor:
        """A fixed broad-band direction, of a real field, within the kept modes."""
        modes = self.system.modes
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn((*state.shape[:2], *modes.points), generator=generator, dtype=torch.float64)
        hats = modes.forward(noise.to(modes.device, modes.dtype))
        return hats if self.system.mask is None else hats * self.system.mask
