"""How fast the explicit terms act: the CFL number of any semilinear form.

The rate is the spectral radius of the Jacobian ``J = ∂N̂/∂ẑ`` at the current state, found by power
iteration with finite differences. What the linear part damps or turns within a step is taken into
account by iterating on ``e^{hL/2} J e^{hL/2}``. Power iteration approaches the radius from below, so
that a run is never stopped for a bound that is merely pessimistic.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.fourier.apply import apply
from sciml.fourier.system import System
from sciml.solvers.spectral.etdrk4 import Coefficients

__all__ = ["ExplicitRate", "field_sizes"]

ITERATIONS = 6
RELATIVE_STEP = 1e-6


def field_sizes(state: Tensor) -> Tensor:
    """Return the norm of each field over the spectrum, shape ``(batch, n)``."""
    norms: Tensor = torch.linalg.vector_norm(state.flatten(2), dim=2)
    return norms


class ExplicitRate:
    """Estimates ``h × rate`` of the explicit terms, net of the damping by the linear part."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._direction: Tensor | None = None

    def number(self, state: Tensor, t: float, c: Coefficients) -> float:
        """Return the CFL number; the scheme is unstable for an oscillation beyond about 2.8."""
        sizes = field_sizes(state)
        largest = sizes.amax(1, keepdim=True)
        if self.system.is_linear or not bool(torch.isfinite(largest).all()) or float(largest.amax()) == 0:
            return 0.0
        largest = torch.where(largest > 0, largest, largest.amax())
        # Each field in units of its own size: u and ∂ₜu, or densities of unlike magnitude.
        sizes = torch.where(sizes > 1e-12 * largest, sizes, largest)
        units = sizes.reshape(*sizes.shape, *[1] * self.system.modes.dim)
        base = self.system.nonlinear(state, t)
        if self._direction is None or self._direction.shape != state.shape:
            self._direction = self._start(state)
        direction = self._direction
        radius = 0.0
        for _ in range(ITERATIONS):
            direction = direction / torch.linalg.vector_norm(direction)
            shift = apply(c.half, direction * units)
            moved = self.system.nonlinear(state + RELATIVE_STEP * shift, t)
            direction = apply(c.half, (moved - base) / RELATIVE_STEP) / units
            radius = float(torch.linalg.vector_norm(direction))
            if radius == 0:
                break
        return c.h * radius

    def _start(self, state: Tensor) -> Tensor:
        """A fixed broad-band direction, of real fields with the right symmetries, within the kept modes."""
        modes = self.system.modes
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn((*state.shape[:2], *modes.grid), generator=generator, dtype=torch.float64)
        hats = self.system.states(noise.to(modes.device, modes.dtype))
        return hats if self.system.mask is None else hats * self.system.mask
