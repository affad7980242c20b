"""Draws of what is random before the noise: Gaussian fields, mode by mode, and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
import torch
import xarray as xr
from torch import Tensor

from sciml.brownian import sample_labels
from sciml.dsl.random_fields import FourierField, RandomField, StationaryField
from sciml.dsl.roles import Law, Range
from sciml.lower import compile_expressions
from sciml.streams import stream

__all__ = ["half_modes", "sample_fields", "sample_parameters"]

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=8)
def half_modes(largest: int, dim: int) -> Array:
    """Return one of each pair ±m with ``max|m_i| ≤ largest``, ``(n, dim)``, the mode 0 first.

    Sorted by ``max|m_i|``, so that the modes of a coarse grid come before those it lacks.
    """
    axes = np.meshgrid(*[np.arange(-largest, largest + 1)] * dim, indexing="ij")
    modes = np.stack([a.ravel() for a in axes], axis=1)
    first = np.where(modes != 0, np.sign(modes), 0)
    lead = np.zeros(len(modes))
    for i in range(dim):
        lead = np.where(lead == 0, first[:, i], lead)
    modes = modes[(lead > 0) | (modes == 0).all(1)]
    shells = np.abs(modes).max(1)
    ordered: Array = modes[np.lexsort((*modes.T[::-1], shells))]
    return ordered


def sample_fields(
    field: RandomField,
    labels: Sequence[Sequence[Any]],
    seed: int,
    points: Sequence[int],
    periods: Sequence[float],
    parameters: Mapping[sp.Symbol, Tensor],
) -> Tensor:
    """Draw fields on the points ``j L/n`` of a torus, one for each list of labels.

    Modes that the grid cannot hold (Nyquist and beyond) are left out, never aliased.

    Args:
        field: Their law.
        labels: Further labels of the stream of each field, such as the number of a sample.
        seed: Root of the random streams.
        points: Points per axis.
        periods: Period of each axis.
        parameters: Values of the parameters of the law, 0-d or ``(batch,)``, float64.

    Returns:
        Values ``(fields or batch, *points)``, float64; a single field is drawn for a whole batch of parameters.
    """
    largest = (max(points) - 1) // 2
    if isinstance(field, FourierField):
        largest = min(largest, int(field.constants[0]))
    modes = half_modes(largest, len(points))
    streams = [stream(seed, "field", field.name, *own) for own in labels]
    draws = np.stack([generator.standard_normal((len(modes), 2)) for generator in streams])
    held = (2 * np.abs(modes) < np.array(points)).all(1)
    modes, draws = modes[held], draws[:, held]
    spread = _spread(field, modes, periods, parameters)
    device = spread.device
    constant = not modes[0].any()
    if constant:  # the mode 0 is one real number, with the variance of the two parts of the others
        draws[:, 0] = draws[:, :1, 0] * [2 if isinstance(field, FourierField) else 2**0.5, 0]
    coefficients = spread * torch.view_as_complex(torch.as_tensor(draws, device=device).contiguous())
    full = torch.zeros((len(coefficients), *points), dtype=torch.complex128, device=device)
    for sign, part in ((1, coefficients), (-1, coefficients.conj())):
        places = torch.as_tensor(sign * modes % np.array(points), device=device)
        full = full.index_put((torch.arange(len(full), device=device)[:, None], *places.unbind(1)), part)
    values: Tensor = torch.fft.ifftn(full, dim=tuple(range(1, full.ndim)), norm="forward").real
    return values


def _spread(
    field: RandomField, modes: Array, periods: Sequence[float], parameters: Mapping[sp.Symbol, Tensor]
) -> Tensor:
    """Return the factor of ``ξ + iη`` in each coefficient, ``(1 or batch, modes)``."""
    values = list(parameters.values())
    like = values[0] if values else torch.zeros((), dtype=torch.float64)
    wave = 2 * np.pi * np.linalg.norm(modes / np.array(periods), axis=1)
    if isinstance(field, StationaryField):
        k, density = field.constants
        factor = sp.sqrt(density / (2 * float(np.prod(periods))))
        norm = torch.as_tensor(wave, device=like.device)
    else:
        k = sp.Dummy("m2")
        _, scale, decay = field.constants
        factor = scale * (1 + k) ** (-decay / 2) / 2
        norm = torch.as_tensor((modes**2).sum(1).astype(float), device=like.device)
    (result,) = compile_expressions([factor], [k, *parameters])(norm[None], *(v.reshape(-1, 1) for v in values))
    return result.expand(result.shape[0] if result.ndim > 1 else 1, len(modes))


def sample_parameters(
    roles: Mapping[sp.Symbol, Range | Law], samples: Sequence[int], seed: int, recorded: xr.Dataset | None = None
) -> dict[sp.Symbol, Array]:
    """Return the value of each parameter in each sample: the quantile of a uniform number of its own stream.

    Args:
        roles: The parameters.
        samples: Numbers of the samples.
        seed: Root of the random streams.
        recorded: Earlier samples, whose values are taken where they have them.
    """
    out: dict[sp.Symbol, Array] = {}
    for symbol, role in roles.items():
        if recorded is not None and symbol.name in recorded:
            out[symbol] = np.asarray(recorded[symbol.name].sel(sample=list(samples)), dtype=np.float64)
            continue
        streams = (stream(seed, "parameter", symbol.name, *sample_labels(k)) for k in samples)
        out[symbol] = role.quantile(np.array([generator.uniform() for generator in streams]))
    return out
