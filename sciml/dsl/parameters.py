"""Checks of parameters: numbers and roles whose values fit the symbols."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.roles import Infer, Law, Range, Role, role_of
from sciml.dsl.text import text, typed
from sciml.errors import DeclarationError, shown

__all__ = ["check_parameters", "corners", "extremes_of", "value_of"]


def check_parameters(parameters: Any) -> dict[sp.Symbol, float | Role]:
    """Bring parameters to floats or roles; every value they can take must fit the symbol."""
    if not isinstance(parameters, Mapping):
        msg = f"parameters must be a dict {{symbol: number}}; got {shown(parameters)}."
        raise DeclarationError("S107", msg, fix="parameters={nu: 0.01}")
    out: dict[sp.Symbol, float | Role] = {}
    for symbol, value in parameters.items():
        if not isinstance(symbol, sp.Symbol):
            found = text(symbol) if isinstance(symbol, sp.Basic) else shown(symbol)
            name = symbol if isinstance(symbol, str) and symbol.isidentifier() else "nu"
            fix = f'{name} = sp.Symbol("{name}", positive=True);  parameters={{{name}: 0.01}}'
            if isinstance(symbol, AppliedUndef):
                fix = f"{found} is an unknown: its initial value is  conditions=[sm.IC({found}, ...)]"
            msg = f"the keys of parameters are symbols; got {found}."
            raise DeclarationError("S107", msg, fix=fix)
        role = role_of(value, symbol)
        out[symbol] = _number(symbol, value) if role is None else role
        for number in (*extremes_of(out[symbol]), value_of(out[symbol])):
            _check_assumptions(symbol, number, out[symbol])
    return dict(sorted(out.items(), key=lambda item: str(item[0])))


def _number(symbol: sp.Symbol, value: Any) -> float:
    try:
        # float() would take "0.1" and True, which were hardly meant.
        number = math.nan if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        msg = f"parameter {symbol} must be a finite real number; got {shown(value)}."
        raise DeclarationError("S107", msg, fix=_role_instead(symbol, value))
    return number


def _role_instead(symbol: sp.Symbol, value: Any) -> tuple[str, ...]:
    """Say what was probably meant by something that is neither a number nor a role."""
    roles = f"or a role: parameters={{{symbol}: sm.Range(0.01, 0.1)}}, parameters={{{symbol}: sm.Infer(init=0.05)}}"
    if isinstance(value, sp.Basic) and value.free_symbols:
        return (f"write {text(value)} in the equation where {symbol} stands: equation.subs({symbol}, {typed(value)})",)
    if isinstance(value, str) and value.strip().lower() in ("infer", "unknown"):
        return (f"parameters={{{symbol}: sm.Infer(init=0.05)}}",)
    if isinstance(value, str) and value.strip().lower() in ("range", "family"):
        return (f"parameters={{{symbol}: sm.Range(0.01, 0.1)}}",)
    many = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
    if many and len(value) > 1 and all(isinstance(v, (int, float)) for v in value) and min(value) < max(value):
        return (f"a family of values: parameters={{{symbol}: sm.Range({min(value):g}, {max(value):g})}}",)
    return f"parameters={{{symbol}: 0.01}}", roles


def _check_assumptions(symbol: sp.Symbol, number: float, parameter: float | Role) -> None:
    exact = sp.Integer(int(number)) if number.is_integer() else sp.Float(number)
    for fact, truth in sorted(symbol.assumptions0.items(), key=_plainest):
        found = getattr(exact, f"is_{fact}", None)
        if found is not None and found != truth:
            stated = fact if truth else f"not {fact}"
            told = f"its value is {number:g}"
            if isinstance(parameter, Law):
                told = f"the law {parameter} takes values such as {number:.3g}"
            elif not isinstance(parameter, float):
                told = f"{parameter} takes the value {number:g}"
            msg = f"parameter {symbol} was declared {stated}, but {told}."
            other = f'or declare it without that: {symbol} = sp.Symbol("{symbol}", real=True)'
            raise DeclarationError("S107", msg, fix=(_values_instead(symbol, parameter, fact, truth), other))


def _values_instead(symbol: sp.Symbol, parameter: float | Role, fact: str, truth: bool) -> str:
    if fact != "positive" or not truth:
        return f"change the value of {symbol}"
    low, high = extremes_of(parameter)
    if isinstance(parameter, Range):
        end = high if high > 0 else 0.1
        return f"parameters={{{symbol}: sm.Range({end / 100:g}, {end:g})}}"
    if isinstance(parameter, Law):
        return f"a law of positive values: parameters={{{symbol}: scipy.stats.lognorm(0.5, scale=0.1)}}"
    size = abs(low) or 0.01
    return f"parameters={{{symbol}: {f'sm.Infer(init={size:g})' if isinstance(parameter, Infer) else f'{size:g}'}}}"


def value_of(parameter: float | Role) -> float:
    """Return the number, or the value that stands for a role: middle, first guess, median."""
    return parameter if isinstance(parameter, float) else parameter.nominal


def extremes_of(parameter: float | Role) -> tuple[float, float]:
    """Return the smallest and the largest value that a parameter takes."""
    return (parameter, parameter) if isinstance(parameter, float) else parameter.bounds


def _plainest(item: tuple[str, bool]) -> tuple[int, str]:
    """Sort key that names an assumption as the user wrote it before those SymPy derives from it."""
    common = ("positive", "negative", "integer", "nonnegative", "nonpositive", "nonzero", "real")
    fact, truth = item
    return (common.index(fact) if truth and fact in common else len(common), fact)


def corners(parameters: Mapping[sp.Symbol, float | Role]) -> list[dict[sp.Symbol, float]]:
    """Return the parameters at their values, and at either end where they have a range."""
    middle = {s: value_of(p) for s, p in parameters.items()}
    out = [middle]
    for s, p in parameters.items():
        out += [{**middle, s: end} for end in extremes_of(p) if end != middle[s]]
    return out
