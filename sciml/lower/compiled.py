"""SymPy expressions as torch callables.

An expression becomes a list of instructions over numbered registers. Equal subexpressions are
computed once, registers are released after their last use, constants are folded, and parameters
are inputs: changing one never compiles anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sympy as sp
import torch
from torch import Tensor

from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.lower.rules import RULES, Value, as_tensor

__all__ = ["Compiled", "compile_expressions"]


class _Instruction(NamedTuple):
    rule: Callable[..., Value]
    arguments: tuple[int, ...]
    result: int
    release: tuple[int, ...]


class Compiled:
    """A callable ``f(*inputs) -> tuple of tensors``, one per expression.

    Inputs are real or complex tensors that broadcast together. Results have the dtype and device
    of the inputs; a constant expression gives a 0-d tensor.
    """

    def __init__(self, expressions: Sequence[Any], inputs: Sequence[sp.Symbol]) -> None:
        self.inputs = tuple(inputs)
        self._initial: list[Value | None] = [None] * len(self.inputs)
        self._register: dict[Any, int] = {s: i for i, s in enumerate(self.inputs)}
        self._program: list[tuple[Callable[..., Value], tuple[int, ...], int]] = []
        self._outputs = tuple(self._compile(e) for e in expressions)
        self._instructions = self._with_releases()
        self._used = set().union(*(e.free_symbols for e in expressions))

    def _new(self, value: Value | None = None) -> int:
        self._initial.append(value)
        return len(self._initial) - 1

    def _emit(self, rule: Callable[..., Value], arguments: tuple[int, ...]) -> int:
        result = self._new()
        self._program.append((rule, arguments, result))
        return result

    def _compile(self, expr: Any) -> int:
        if expr in self._register:
            return self._register[expr]
        if isinstance(expr, sp.Symbol):
            msg = f"{expr} has no value: known here are {', '.join(map(str, self.inputs)) or 'no symbols'}."
            raise DeclarationError("S150", msg, fix=f"parameters={{{expr}: 0.01}}")
        if not expr.free_symbols and isinstance(expr, sp.Expr):
            register = self._new(_number(expr))
        elif isinstance(expr, sp.Piecewise):
            register = self._piecewise(expr)
        elif isinstance(expr, sp.Add):
            register = self._sum(expr)
        elif isinstance(expr, sp.Mul):
            register = self._product(expr)
        elif expr in (sp.true, sp.false):
            register = self._new(bool(expr))
        else:
            rule = RULES.get(type(expr))
            if rule is None:
                msg = f"{text(expr)} cannot be evaluated: {type(expr).__name__} has no numerical rule."
                fix = "use elementary functions, Piecewise, Heaviside, Min, Max, Abs, erf, gamma"
                raise DeclarationError("S151", msg, fix=fix)
            register = self._emit(rule, tuple(self._compile(a) for a in expr.args))
        self._register[expr] = register
        return register

    def _sum(self, expr: sp.Add) -> int:
        """Sum with numerical coefficients fused into the addition: one pass over memory per term."""
        constant, terms = expr.as_coeff_add()
        pairs = [t.as_coeff_Mul() for t in terms]
        pairs.sort(key=lambda p: p[0] != 1)
        coefficient, core = pairs[0]
        register = self._compile(core if coefficient == 1 else coefficient * core)
        for coefficient, core in pairs[1:]:
            alpha = _number(coefficient)
            register = self._emit(_add_scaled(alpha), (register, self._compile(core)))
        if constant != 0:
            register = self._emit(RULES[sp.Add], (register, self._new(_number(constant))))
        return register

    def _product(self, expr: sp.Mul) -> int:
        coefficient, core = expr.as_coeff_Mul()
        factors = [self._compile(f) for f in sp.Mul.make_args(core)]
        if coefficient != 1:
            factors.append(self._new(_number(coefficient)))
        return self._emit(RULES[sp.Mul], tuple(factors))

    def _piecewise(self, expr: sp.Piecewise) -> int:
        pieces = [(self._compile(e), c) for e, c in expr.args]
        covered = pieces[-1][1] == sp.true
        register = pieces[-1][0] if covered else self._new(float("nan"))
        for value, condition in reversed(pieces[:-1] if covered else pieces):
            register = self._emit(_where, (self._compile(condition), value, register, 0))
        return register

    def _with_releases(self) -> list[_Instruction]:
        last: dict[int, int] = {}
        for n, (_, arguments, result) in enumerate(self._program):
            last |= dict.fromkeys((*arguments, result), n)
        kept = {*self._outputs, *(i for i, v in enumerate(self._initial) if v is not None)}
        out = []
        for n, (rule, arguments, result) in enumerate(self._program):
            release = tuple({a for a in arguments if last[a] == n and a not in kept})
            out.append(_Instruction(rule, arguments, result, release))
        return out

    def uses(self, symbol: sp.Symbol) -> bool:
        """Tell whether any expression depends on an input."""
        return symbol in self._used

    def __call__(self, *values: Tensor, like: Tensor | None = None) -> tuple[Tensor, ...]:
        """Evaluate; ``like`` gives dtype and device where there are no inputs."""
        registers = list(self._initial)
        registers[: len(values)] = values
        for rule, arguments, result, release in self._instructions:
            registers[result] = rule(*(registers[a] for a in arguments))
            for r in release:
                registers[r] = None
        reference = like if like is not None else values[0]
        return tuple(as_tensor(registers[r], reference) for r in self._outputs)  # type: ignore[arg-type]


def compile_expressions(expressions: Sequence[Any], inputs: Sequence[sp.Symbol]) -> Compiled:
    """Compile expressions of the given inputs; see :class:`Compiled`.

    Raises:
        DeclarationError: A symbol is not among the inputs, or a function has no rule.
    """
    return Compiled(expressions, inputs)


def _number(expr: sp.Expr) -> float | complex:
    try:
        value = complex(expr.evalf(20))
    except (TypeError, OverflowError):
        value = complex(math.nan)
    if not (math.isfinite(value.real) and math.isfinite(value.imag)):
        msg = f"the constant {text(expr)} is not a finite number."
        raise DeclarationError("S153", msg, fix="check for a division by zero or an overflow")
    rounding = abs(value.imag) <= 1e-15 * abs(value.real)
    return value.real if expr.is_real or rounding else value


def _add_scaled(alpha: float | complex) -> Callable[..., Value]:
    def rule(total: Value, term: Value) -> Value:
        if isinstance(total, Tensor) and isinstance(term, Tensor) and not isinstance(alpha, complex):
            return torch.add(total, term, alpha=alpha)
        return total + alpha * term

    return rule


def _where(condition: Any, value: Value, other: Value, like: Tensor) -> Tensor:
    condition = torch.as_tensor(condition, device=like.device)
    return torch.where(condition, as_tensor(value, like), as_tensor(other, like))
