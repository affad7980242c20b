"""Expressions as JSON, and back, through a closed table of constructors.

Reading never evaluates text: every node names an entry of the table, and sizes are bounded
before SymPy sees them (``9**9**9`` in a file must not hang the loader). An expression is a number
(SymPy integer), or a list ``[constructor, argument, ...]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml import dsl
from sciml.dsl.operators import Operator
from sciml.dsl.vectors import Named
from sciml.errors import DeclarationError, FileError

__all__ = ["decode", "encode"]

MAX_NODES = 100_000
MAX_DEPTH = 200
MAX_BITS = 4096
MAX_LITERAL = 1e9  # of a number that goes into a function

CONSTANTS = {"pi": sp.pi, "E": sp.E, "I": sp.I, "nan": sp.nan, "oo": sp.oo, "true": sp.true, "false": sp.false}
NODES = {name: node for name, node in vars(dsl).items() if isinstance(node, type) and issubclass(node, Operator)}
RELATIONS = {"Lt": sp.Lt, "Le": sp.Le, "Gt": sp.Gt, "Ge": sp.Ge, "Eq": sp.Eq, "Ne": sp.Ne}
FUNCTIONS = {
    name: getattr(sp, name)
    for name in [
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "sech",
        "csch",
        "coth",
        "asinh",
        "acosh",
        "atanh",
        "sinc",
        "erf",
        "erfc",
        "erfinv",
        "gamma",
        "loggamma",
        "Abs",
        "sign",
        "floor",
        "ceiling",
        "Mod",
        "Max",
        "Min",
        "Heaviside",
        "re",
        "im",
        "conjugate",
        "And",
        "Or",
        "Not",
    ]
}
# These compare numbers when they are built, which can take for ever on a tower of exponentials.
COMPARING = {"Abs", "sign", "floor", "ceiling", "Mod", "Max", "Min", "Heaviside", "re", "im", *RELATIONS}
ASSUMPTIONS = ("real", "positive", "negative", "nonnegative", "nonpositive", "nonzero", "integer")


def encode(expr: Any) -> Any:
    """Return the JSON tree of an expression.

    Raises:
        DeclarationError: The expression holds a node that is not in the table.
    """
    if expr.is_Integer if isinstance(expr, sp.Basic) else False:
        return int(expr)
    if isinstance(expr, sp.Rational):
        return ["Rational", int(expr.p), int(expr.q)]
    if isinstance(expr, sp.Float):
        return ["Float", float(expr).hex()]
    if isinstance(expr, sp.Symbol):
        kept = {a: True for a in ASSUMPTIONS if expr.assumptions0.get(a)}
        return ["Symbol", expr.name, kept]
    for name, constant in CONSTANTS.items():
        if expr == constant and type(expr) is type(constant):
            return [name]
    if isinstance(expr, AppliedUndef):
        return ["Field", expr.func.__name__, *map(encode, expr.args)]
    if isinstance(expr, Named):
        return [type(expr).__name__, expr.name, *map(encode, expr.coordinates)]
    if isinstance(expr, sp.Derivative):
        return ["Derivative", encode(expr.expr), *([encode(v), int(n)] for v, n in expr.variable_count)]
    if isinstance(expr, sp.Piecewise):
        return ["Piecewise", *([encode(e), encode(c)] for e, c in expr.args)]
    for table in (NODES, RELATIONS, FUNCTIONS, {"Add": sp.Add, "Mul": sp.Mul, "Pow": sp.Pow}):
        for name, node in table.items():
            if type(expr) is node:
                return [name, *map(encode, expr.args)]
    msg = f"{type(expr).__name__} cannot be stored in a file: {expr}."
    raise DeclarationError("S152", msg)


def decode(tree: Any) -> Any:
    """Rebuild an expression from its JSON tree.

    Raises:
        FileError: Unknown constructor, wrong shape, or a size beyond the bounds.
    """
    return _Decoder().of(tree, 0)


def _bad(why: str) -> FileError:
    return FileError("F401", f"an expression in the file is refused: {why}.")


class _Decoder:
    def __init__(self) -> None:
        self.nodes = 0

    def of(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _bad(f"more than {MAX_NODES} nodes or {MAX_DEPTH} levels")
        if isinstance(tree, int) and not isinstance(tree, bool):
            return self._integer(tree)
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise _bad(f"{str(tree)[:60]!r} is not [constructor, arguments]")
        head, *rest = tree
        if head in CONSTANTS and not rest:
            return CONSTANTS[head]
        special: dict[str, Callable[[list[Any], int], Any]] = {
            "Rational": self._rational,
            "Float": self._float,
            "Symbol": self._symbol,
            "Field": self._named,
            "VectorField": self._named,
            "WhiteNoise": self._named,
            "Derivative": self._derivative,
            "Piecewise": self._piecewise,
        }
        try:
            if head in special:
                named = head in ("Field", "VectorField", "WhiteNoise")
                return special[head]([head, *rest] if named else rest, depth)
            arguments = [self.of(r, depth + 1) for r in rest]
            return self._build(head, arguments)
        except FileError:
            raise
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise _bad(f"{head} with these arguments ({str(error)[:200]})") from None

    def _integer(self, value: int) -> sp.Integer:
        if value.bit_length() > MAX_BITS:
            raise _bad(f"an integer of more than {MAX_BITS} bits")
        return sp.Integer(value)

    def _rational(self, rest: list[Any], depth: int) -> sp.Expr:
        p, q = (self._integer(r) for r in rest)
        if q == 0:
            raise _bad("a rational with denominator 0")
        return sp.Rational(p, q)

    def _float(self, rest: list[Any], depth: int) -> sp.Expr:
        (digits,) = rest
        return sp.Float(float.fromhex(digits))

    def _symbol(self, rest: list[Any], depth: int) -> sp.Symbol:
        name, kept = rest
        if not (
            isinstance(name, str) and name.isidentifier() and isinstance(kept, dict) and set(kept) <= set(ASSUMPTIONS)
        ):
            raise _bad(f"symbol {str(name)[:40]!r}")
        if not all(v is True for v in kept.values()):
            raise _bad(f"assumptions of symbol {name!r}")
        return sp.Symbol(name, **kept)

    def _named(self, rest: list[Any], depth: int) -> Any:
        head, name, *coordinates = rest
        return getattr(dsl, head)(name, *(self.of(c, depth + 1) for c in coordinates))

    def _derivative(self, rest: list[Any], depth: int) -> sp.Expr:
        expr, *counts = rest
        pairs = [(self.of(v, depth + 1), int(n)) for v, n in counts]
        if any(not 0 < n <= 64 for _, n in pairs):
            raise _bad("a derivative of order beyond 64")
        return sp.Derivative(self.of(expr, depth + 1), *pairs, evaluate=False)

    def _piecewise(self, rest: list[Any], depth: int) -> sp.Expr:
        return sp.Piecewise(*((self.of(e, depth + 1), self.of(c, depth + 1)) for e, c in rest))

    def _build(self, head: str, arguments: list[Any]) -> Any:
        constants = [a for a in arguments if isinstance(a, sp.Expr) and not a.free_symbols]
        if head in COMPARING and any(not a.is_Number and a.has(sp.Function, sp.Pow) for a in constants):
            raise _bad(f"{head} of a composite constant")
        if head in FUNCTIONS and any(a.is_Number and a.is_finite and abs(a) > MAX_LITERAL for a in constants):
            raise _bad(f"{head} of a number beyond {MAX_LITERAL:g}")
        if head in ("gamma", "loggamma") and any(a.is_Number and abs(a) > 170 for a in constants):
            raise _bad(f"{head} of a number beyond 170")
        if head in ("Add", "Mul"):
            bits = sum(int(a.p).bit_length() + int(a.q).bit_length() for a in arguments if isinstance(a, sp.Rational))
            if bits > 4 * MAX_BITS:
                raise _bad(f"numbers of more than {4 * MAX_BITS} bits in one {head}")
            return getattr(sp, head)(*arguments)
        if head == "Pow":
            return self._power(*arguments)
        if head in NODES:
            return NODES[head](*arguments)
        if head in RELATIONS:
            return RELATIONS[head](*arguments, evaluate=False)
        if head in FUNCTIONS:
            return FUNCTIONS[head](*arguments)
        raise _bad(f"unknown constructor {head[:40]!r}")

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if exponent.is_Number and exponent.is_finite and abs(exponent) > MAX_BITS:
            raise _bad(f"an exponent beyond {MAX_BITS}")
        if not base.free_symbols and not exponent.free_symbols:
            if any(not a.is_Number and a not in (sp.pi, sp.E, sp.I) for a in (base, exponent)):
                raise _bad("a tower of powers of constants")
            if base.is_Rational and exponent.is_Rational:
                bits = max(int(base.p).bit_length(), int(base.q).bit_length())
                if bits * abs(exponent) > MAX_BITS:
                    raise _bad(f"a power of more than {MAX_BITS} bits")
        return sp.Pow(base, exponent)
