"""One torch rule per SymPy node. Tested node by node on every dtype and device.

SymPy's own torch printer is not used: it fails on ``Heaviside(x)``, ``Max(x, 0)``, ``sinc`` and
``sin(1/2)``, and returns an ``int`` for a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.wavenumbers import Reciprocal

__all__ = ["RULES", "Value", "as_tensor"]

Value = Tensor | float | complex
Rule = Callable[..., Value]


def as_tensor(value: Value, like: Tensor) -> Tensor:
    """Turn a Python number into a 0-d tensor of the dtype and device of ``like``."""
    if isinstance(value, Tensor):
        return value
    dtype = like.dtype.to_complex() if isinstance(value, complex) else like.dtype
    return torch.as_tensor(value, dtype=dtype, device=like.device)


def _add(*values: Value) -> Value:
    total = values[0]
    for v in values[1:]:
        total = total + v
    return total


def _mul(*values: Value) -> Value:
    total = values[0]
    for v in values[1:]:
        total = total * v
    return total


def _pow(base: Value, exponent: Value) -> Value:
    if isinstance(exponent, Tensor):
        return torch.pow(base, exponent)
    if not isinstance(base, Tensor):
        return base**exponent
    if exponent == 2:
        return base * base
    if exponent == 3:
        return base * base * base
    if exponent == -1:
        return base.reciprocal()
    if exponent == 0.5:
        return base.sqrt()
    if isinstance(exponent, float) and exponent.is_integer():
        exponent = int(exponent)
    return torch.pow(base, exponent)


def _extremum(pick: Callable[[Tensor, Tensor], Tensor]) -> Rule:
    def rule(*values: Value) -> Value:
        like = next(v for v in values if isinstance(v, Tensor))
        total = as_tensor(values[0], like)
        for v in values[1:]:
            total = pick(total, as_tensor(v, like))
        return total

    return rule


def _atan2(y: Value, x: Value) -> Value:
    like = y if isinstance(y, Tensor) else x
    assert isinstance(like, Tensor)  # constants are folded before they get here
    return torch.atan2(as_tensor(y, like), as_tensor(x, like))


def _reciprocal(x: Tensor) -> Tensor:
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), 1 / torch.where(zero, torch.ones_like(x), x))


def _heaviside(x: Tensor, at_zero: Value = 0.5) -> Tensor:
    return torch.heaviside(x, as_tensor(at_zero, x))


def _mod(a: Value, b: Value) -> Value:
    like = next(v for v in (a, b) if isinstance(v, Tensor))
    return torch.remainder(as_tensor(a, like), as_tensor(b, like))


def _gamma(x: Tensor) -> Tensor:
    # exp(lgamma) loses the sign for x < 0, where Γ(x) = π / (sin(πx) Γ(1-x)).
    positive = torch.exp(torch.lgamma(torch.where(x > 0, x, 1 - x)))
    return torch.where(x > 0, positive, math.pi / (torch.sin(math.pi * x) * positive))


RULES: dict[type, Rule] = {
    sp.Add: _add,
    sp.Mul: _mul,
    sp.Pow: _pow,
    sp.exp: torch.exp,
    sp.log: torch.log,
    sp.sin: torch.sin,
    sp.cos: torch.cos,
    sp.tan: torch.tan,
    sp.cot: lambda x: 1 / torch.tan(x),
    sp.sec: lambda x: 1 / torch.cos(x),
    sp.csc: lambda x: 1 / torch.sin(x),
    sp.asin: torch.asin,
    sp.acos: torch.acos,
    sp.atan: torch.atan,
    sp.atan2: _atan2,
    sp.sinh: torch.sinh,
    sp.cosh: torch.cosh,
    sp.tanh: torch.tanh,
    sp.sech: lambda x: 1 / torch.cosh(x),
    sp.csch: lambda x: 1 / torch.sinh(x),
    sp.coth: lambda x: 1 / torch.tanh(x),
    sp.asinh: torch.asinh,
    sp.acosh: torch.acosh,
    sp.atanh: torch.atanh,
    sp.sinc: lambda x: torch.sinc(x / math.pi),  # SymPy's is sin(x)/x, torch's sin(πx)/(πx)
    sp.erf: torch.erf,
    sp.erfc: torch.erfc,
    sp.erfinv: torch.erfinv,
    sp.gamma: _gamma,
    sp.loggamma: torch.lgamma,
    sp.Abs: torch.abs,
    sp.sign: torch.sgn,
    sp.floor: torch.floor,
    sp.ceiling: torch.ceil,
    sp.Mod: _mod,
    sp.Max: _extremum(torch.maximum),
    sp.Min: _extremum(torch.minimum),
    sp.Heaviside: _heaviside,
    sp.re: lambda x: torch.real(x) if x.is_complex() else x,
    sp.im: lambda x: torch.imag(x) if x.is_complex() else torch.zeros_like(x),
    sp.conjugate: torch.conj,
    Reciprocal: _reciprocal,
    sp.StrictLessThan: lambda a, b: a < b,
    sp.LessThan: lambda a, b: a <= b,
    sp.StrictGreaterThan: lambda a, b: a > b,
    sp.GreaterThan: lambda a, b: a >= b,
    sp.Equality: lambda a, b: a == b,
    sp.Unequality: lambda a, b: a != b,
    sp.And: lambda *c: _fold(torch.logical_and, c),
    sp.Or: lambda *c: _fold(torch.logical_or, c),
    sp.Not: torch.logical_not,
}


def _fold(function: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> Any:
    total = values[0]
    for v in values[1:]:
        total = function(total, v)
    return total
