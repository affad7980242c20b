"""The integral of the mild equation in discrete time, ``I[s](t) = ∫₀ᵗ e^{(t-r)P} s(r) dr`` as a recurrence on modes.

    z_n = A z_{n-1} + D₀ s_{n-1} + D₁ s_n        sources that are functions
    z_n = A z_{n-1} + G s_{n-1} ΔW_n             sources times noise: the Itô integral

A, and the source at one end, are those of a one-step scheme, so that the expansion is that of the integrator itself;
``trapezoid`` takes both ends with the exact semigroup, second order for the coarse steps of smooth sources.
Cox & Matthews 2002, doi:10.1006/jcph.2002.6995.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sciml.fourier.phi import phi_diagonal, phi_matrix
from sciml.fourier.scheme_names import SchemeName, Weighting
from sciml.fourier.schemes import one_step
from sciml.solvers.nors.names import Quadrature

__all__ = ["Duhamel"]

Parts = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Duhamel:
    """The recurrence for one step size; operators are ``(batch, n, *spectrum)``, or ``(batch, n, n, *spectrum)``.

    Attributes:
        h: The step.
        dim: Space dimensions.
        diagonal: Whether the linear part leaves fields alone with themselves; else operators are matrices.
        linear: A.
        before: D₀; None for none.
        after: D₁; None for none.
        noise: G.
        additive: For each noise with a constant amplitude what multiplies its increment, ``(batch, n, *spectrum)``.
    """

    h: float
    dim: int
    diagonal: bool
    linear: Tensor
    before: Tensor | None
    after: Tensor | None
    noise: Tensor
    additive: tuple[Tensor, ...]

    @classmethod
    def of(
        cls,
        parts: Parts,
        h: float,
        columns: Sequence[Tensor],
        *,
        scheme: SchemeName,
        quadrature: Quadrature,
        weighting: Weighting,
        diagonal: bool,
        dtype: torch.dtype,
    ) -> Duhamel:
        """Make the recurrence of a scheme.

        Args:
            parts: P₁ and P₀, whose sum is the generator (`sciml.fourier.schemes`).
            h: The step.
            columns: ``M⁻¹b`` of each noise with a constant amplitude.
            scheme: Of the integrator; ``trapezoid`` takes the exact semigroup instead.
            quadrature: Where sources are taken: at the start or the end of a step, or at both.
            weighting: How exponential Euler weights increments.
            diagonal: Whether P₁ and P₀ are diagonals.
            dtype: Complex dtype of the coefficients.
        """
        exact: SchemeName = "exponential-euler" if quadrature == "trapezoid" else scheme
        step = one_step(exact, parts, h, columns, diagonal=diagonal, weighting=weighting)
        if step.parts > 1:  # recorded increments are those of whole steps
            step = one_step(exact, parts, h, columns, diagonal=diagonal, weighting="path")
        before = step.drift if quadrature == "left" else None
        after = step.drift if quadrature == "right" else None
        if quadrature == "trapezoid":
            before, after = _trapezoid(parts, h, diagonal=diagonal)

        def cast(t: Tensor) -> Tensor:
            return t.to(dtype if t.is_complex() else dtype.to_real()).contiguous()

        sources = [None if w is None else cast(w) for w in (before, after)]
        additive = tuple(cast(a[:, :, 0]) for a in step.additive)
        dim = parts[0].ndim - (2 if diagonal else 3)
        return cls(h, dim, diagonal, cast(step.linear), sources[0], sources[1], cast(step.noise), additive)

    def integrate(self, sources: Tensor, *, stochastic: bool = False) -> Tensor:
        """Return ``I[s]`` at all steps, 0 at the first.

        Args:
            sources: ``(steps + 1, ..., batch, n, *spectrum)``, at each step; where ``stochastic``, ``s_{n-1} ΔW_n``
                at step n.
            stochastic: Whether increments of noise are in them.
        """
        return self.propagate(self.driven(sources, stochastic=stochastic))

    def driven(self, sources: Tensor, *, stochastic: bool = False) -> Tensor:
        """Return what sources add in each step, 0 at the first."""
        out = torch.empty_like(sources)
        out[0] = 0
        if stochastic:
            out[1:] = self.apply(self.noise, sources[1:])
            return out
        if self.before is not None:
            out[1:] = self.apply(self.before, sources[:-1])
        if self.after is not None:
            ends = self.apply(self.after, sources[1:])
            out[1:] = ends if self.before is None else out[1:] + ends
        return out

    def propagate(self, driven: Tensor) -> Tensor:
        """Solve ``z_n = A z_{n-1} + d_n``, ``z_0 = d_0``: ``(steps + 1, ..., batch, n, *spectrum)``.

        In place, but where autograd follows.
        """
        if driven.requires_grad:
            steps = [driven[0]]
            for now in driven[1:]:
                steps.append(now + self.apply(self.linear, steps[-1]))
            return torch.stack(steps)
        for before, now in pairwise(driven):
            if not self.diagonal:
                now += self.apply(self.linear, before)
            elif self.linear.is_complex():
                now.addcmul_(before, self.linear)
            else:  # a real number times a complex one takes half of the operations
                torch.view_as_real(now).addcmul_(torch.view_as_real(before), self.linear[..., None])
        return driven

    def apply(self, operator: Tensor, z: Tensor) -> Tensor:
        """Return an operator times coefficients ``(..., batch, n, *spectrum)``."""
        place = -self.dim - 1
        if not self.diagonal:
            fields = z.unbind(place)
            rows = [
                sum((f * operator[:, i, j] for j, f in enumerate(fields)), torch.zeros_like(fields[0]))
                for i in range(len(fields))
            ]
            return torch.stack(rows, dim=place)
        if operator.is_complex():
            return z * operator
        return torch.view_as_complex(torch.view_as_real(z) * operator[..., None])


def _trapezoid(parts: Parts, h: float, *, diagonal: bool) -> Parts:
    """Return ``h(φ₁ - φ₂)`` and ``hφ₂``: exact for sources that are linear in time."""
    p = parts[0] + parts[1]
    if diagonal:
        phi1, phi2, _ = phi_diagonal(p * h)
    else:
        inner = p.movedim((1, 2), (-2, -1)).to(torch.complex128)
        phi1, phi2 = (m.movedim((-2, -1), (1, 2)) for m in phi_matrix(inner * h)[1:3])
    return h * (phi1 - phi2), h * phi2
