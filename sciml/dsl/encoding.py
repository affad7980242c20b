"""Expressions as JSON, and back, through a closed table of constructors.

Reading never evaluates text: every node names an entry of the table, and sizes are bounded
before SymPy sees them (``9**9**9`` in a file must not hang the loader). An expression is a number
(SymPy integer), or a list ``[constructor, argument, ...]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml import dsl
from sciml.dsl.arrays import Sampled
from sciml.dsl.measures import Measure, PointVortices, VortexPatch, VortexSheet
from sciml.dsl.noise import Noise
from sciml.dsl.operators import Operator
from sciml.dsl.random_fields import FourierField, RandomField, StationaryField
from sciml.dsl.text import text
from sciml.dsl.unknown import Unknown
from sciml.dsl.vectors import Named
from sciml.errors import DeclarationError, FileError, shown

__all__ = ["Unstorable", "decode", "encode", "infinite", "normalised"]

MAX_NODES = 5_000
MAX_DEPTH = 200
MAX_BITS = 4096
MAX_ORDER = 64  # of derivatives
MAX_ARGUMENTS = 16  # of functions that compare their arguments pairwise
MAX_LITERAL = 1e9  # of a number that goes into a function

CONSTANTS = {
    "pi": sp.pi,
    "E": sp.E,
    "I": sp.I,
    "EulerGamma": sp.EulerGamma,
    "GoldenRatio": sp.GoldenRatio,
    "nan": sp.nan,
    "oo": sp.oo,
    "true": sp.true,
    "false": sp.false,
}
NAMED = {"Field": dsl.Field, "VectorField": dsl.VectorField, "Sampled": Sampled, "Unknown": Unknown}
STRUCTURED = {
    c.__name__: c
    for c in (
        dsl.WhiteNoise,
        dsl.ColoredNoise,
        FourierField,
        StationaryField,
        PointVortices,
        VortexSheet,
        VortexPatch,
    )
}
NODES = {name: node for name, node in vars(dsl).items() if isinstance(node, type) and issubclass(node, Operator)}
for structured in (*STRUCTURED, "RandomField"):
    NODES.pop(structured, None)
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
# These look into their arguments when they are built; powers below them are kept small.
INSPECTING = {"Abs", "sign", "floor", "ceiling", "Mod", "Max", "Min", "Heaviside", "re", "im", "conjugate"}
# What is written instead of things that SymPy has and a problem has not.
INSTEAD: dict[Any, str | tuple[str, ...]] = {
    sp.MatrixBase: (
        "a vector is written sm.Vector(a, b)",
        "diffusion that differs by direction: sm.Dx(w, x, 2) + 2*sm.Dx(w, y, 2)",
    ),
    sp.Integral: "integrals over the domain stand in outputs: sm.Integral(u); a memory of the past has no form here",
    sp.DiracDelta: (
        "vorticity at points belongs to initial conditions: sm.IC(w, sm.PointVortices(strength=[1], at=[(0, 0)]))",
        "a source is a narrow Gaussian: sp.exp(-(x**2 + y**2)/(2*a**2))/(2*sp.pi*a**2)",
    ),
}
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
        if isinstance(expr, sp.Dummy) or sp.Symbol(expr.name, **kept) != expr:
            msg = f"the symbol {expr} has assumptions that cannot be stored."
            raise _refused("S152", msg, expr, f"use plain symbols with {', '.join(ASSUMPTIONS)}")
        return ["Symbol", expr.name, kept]
    for name, constant in CONSTANTS.items():
        if expr == constant and type(expr) is type(constant):
            return [name]
    if isinstance(expr, sp.Subs):
        msg = f"{text(expr.expr)} is evaluated at one point; equations hold at every point."
        raise _refused("S127", msg, expr, "remove the substitution; values at a point belong in conditions")
    if isinstance(expr, AppliedUndef):
        _check_field(expr)
        return ["Field", expr.func.__name__, *map(encode, expr.args)]
    if isinstance(expr, Named):
        return [type(expr).__name__, expr.name, *map(encode, expr.coordinates)]
    if isinstance(expr, Unknown):
        return ["Unknown", expr.name, *map(encode, expr.arguments)]
    if isinstance(expr, (Noise, RandomField, Measure)):
        return [type(expr).__name__, *map(_encode_argument, expr.args)]
    if isinstance(expr, sp.Derivative):
        for _, n in expr.variable_count:
            if not n.is_Integer:
                msg = f"{text(expr)} is of the order {text(n)}; orders of derivatives are positive integers."
                fix = "in time: sm.Dt(u)  or  sm.Dt(u, 2);  in space of any order: sm.FractionalLaplacian(u, alpha)"
                raise _refused("S115", msg, expr, fix)
        return ["Derivative", encode(expr.expr), *([encode(v), int(n)] for v, n in expr.variable_count)]
    if isinstance(expr, sp.Piecewise):
        return ["Piecewise", *([encode(e), encode(c)] for e, c in expr.args)]
    for table in (NODES, RELATIONS, FUNCTIONS, {"Add": sp.Add, "Mul": sp.Mul, "Pow": sp.Pow}):
        for name, node in table.items():
            if type(expr) is node:
                return [name, *map(encode, expr.args)]
    if expr in (sp.zoo, -sp.oo):
        raise infinite(expr)
    msg = f"{type(expr).__name__} cannot be used in a problem: {shown(expr)}."
    known = f"known functions: {', '.join(FUNCTIONS)}"
    raise _refused("S152", msg, expr, next((fix for node, fix in INSTEAD.items() if isinstance(expr, node)), known))


def infinite(expr: Any) -> DeclarationError:
    """Return the error of an expression that holds ∞ or an undefined number."""
    parts = expr.args if isinstance(expr, sp.Tuple) else (expr,)
    odd = next((e for e in parts if e.has(sp.oo, -sp.oo, sp.zoo, sp.nan)), expr)
    msg = f"an expression is infinite or undefined: {text(odd)}."
    return DeclarationError("S142", msg, fix="give finite numbers; a division by 0 gives this, when it is built")


def _check_field(f: sp.Expr) -> None:
    """Unknowns are real and stand at the time and place that the equation is about."""
    name = f.func.__name__
    if not all(a.is_Symbol for a in f.args):
        odd = next(a for a in f.args if not a.is_Symbol)
        msg = f"{shown(f)} is {name} at another time or place; equations hold at one time and place."
        fix = f"write {name} as it was declared, without {odd}; delays and shifts have no form here"
        raise _refused("S106", msg, f, fix)
    if not f.is_real:
        made = f'an unknown is made by  {name} = sm.Field("{name}", {", ".join(map(str, f.args))})'
        given = f"a known coefficient is written out, as in  {name} = 1 + sp.sin({f.args[-1]})/2"
        msg = f"{f} was not made by sm.Field: it is not declared real."
        raise _refused("S105", msg, f, (made, given))


def _encode_argument(argument: Any) -> Any:
    if isinstance(argument, sp.Tuple):
        return ["Tuple", *map(_encode_argument, argument)]
    return encode(argument)


def normalised(expr: Any) -> Any:
    """Return an expression as it will come back from a file, so that what is solved can be saved.

    Raises:
        DeclarationError: It cannot be stored, or is too large to be read back.
    """
    tree = encode(expr)
    try:
        return decode(tree)
    except FileError as error:
        raise DeclarationError(
            "S152", f"{str(expr)[:200]} could not be read back from a file.", fix=error.headline
        ) from None


def decode(tree: Any) -> Any:
    """Rebuild an expression from its JSON tree.

    Raises:
        FileError: Unknown constructor, wrong shape, or a size beyond the bounds.
    """
    _check_extent(tree)
    return _Decoder().of(tree)


def _check_extent(tree: Any) -> None:
    """Count nodes before anything is built: a refused tree costs nothing."""
    stack, count = [(tree, 0)], 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise _bad(f"more than {MAX_NODES} nodes or {MAX_DEPTH} levels")
        if isinstance(node, list):
            stack.extend((child, depth + 1) for child in node if not isinstance(child, str))


def _bad(why: str) -> FileError:
    return FileError("F401", f"an expression in the file is refused: {why}.")


class Unstorable(DeclarationError):
    """An expression holds something that a problem cannot; ``part`` is that piece, for the caret."""

    part: Any = None


def _refused(code: str, headline: str, part: Any, fix: str | tuple[str, ...]) -> Unstorable:
    error = Unstorable(code, headline, fix=fix)
    error.part = part
    return error


class _Decoder:
    def of(self, tree: Any) -> Any:
        if isinstance(tree, int) and not isinstance(tree, bool):
            return self._integer(tree)
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise _bad(f"{str(tree)[:60]!r} is not [constructor, arguments]")
        head, *rest = tree
        if head in CONSTANTS and not rest:
            return CONSTANTS[head]
        special: dict[str, Callable[[list[Any]], Any]] = {
            "Rational": self._rational,
            "Float": self._float,
            "Symbol": self._symbol,
            "Derivative": self._derivative,
            "Piecewise": self._piecewise,
        }
        try:
            if head in NAMED:
                return self._named(tree)
            if head in STRUCTURED:
                return STRUCTURED[head](*map(self._argument, rest))
            if head in special:
                return special[head](rest)
            arguments = [self.of(r) for r in rest]
            return self._build(head, arguments)
        except FileError:
            raise
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise _bad(f"{head} with these arguments ({str(error)[:200]})") from None

    def _argument(self, tree: Any) -> Any:
        if isinstance(tree, list) and tree and tree[0] == "Tuple":
            return sp.Tuple(*map(self._argument, tree[1:]))
        return self.of(tree)

    def _integer(self, value: int) -> sp.Integer:
        if value.bit_length() > MAX_BITS:
            raise _bad(f"an integer of more than {MAX_BITS} bits")
        return sp.Integer(value)

    def _rational(self, rest: list[Any]) -> sp.Expr:
        p, q = (self._integer(r) for r in rest)
        if q == 0:
            raise _bad("a rational with denominator 0")
        return sp.Rational(p, q)

    def _float(self, rest: list[Any]) -> sp.Expr:
        (digits,) = rest
        return sp.Float(float.fromhex(digits))

    def _symbol(self, rest: list[Any]) -> sp.Symbol:
        name, kept = rest
        if not (
            isinstance(name, str) and name.isidentifier() and isinstance(kept, dict) and set(kept) <= set(ASSUMPTIONS)
        ):
            raise _bad(f"symbol {str(name)[:40]!r}")
        if not all(v is True for v in kept.values()):
            raise _bad(f"assumptions of symbol {name!r}")
        return sp.Symbol(name, **kept)

    def _named(self, rest: list[Any]) -> Any:
        head, name, *arguments = rest
        return NAMED[head](name, *(self.of(a) for a in arguments))

    def _derivative(self, rest: list[Any]) -> sp.Expr:
        expr, *counts = rest
        pairs = [(self.of(v), int(n)) for v, n in counts]
        if any(not 0 < n <= MAX_ORDER for _, n in pairs):
            raise _bad(f"a derivative of order beyond {MAX_ORDER}")
        return sp.Derivative(self.of(expr), *pairs, evaluate=False)

    def _piecewise(self, rest: list[Any]) -> sp.Expr:
        return sp.Piecewise(*((self.of(e), self.of(c)) for e, c in rest))

    def _build(self, head: str, arguments: list[Any]) -> Any:
        if head in INSPECTING or head in ("And", "Or"):
            self._check_inspected(head, arguments)
        if head in ("Add", "Mul"):
            bits = sum(int(a.p).bit_length() + int(a.q).bit_length() for a in arguments if isinstance(a, sp.Rational))
            if bits > 4 * MAX_BITS:
                raise _bad(f"numbers of more than {4 * MAX_BITS} bits in one {head}")
            return getattr(sp, head)(*arguments)
        if head == "Pow":
            return self._power(*arguments)
        if head in NODES:
            if head in ("Dt", "Dx") and any(a.is_Integer and a > MAX_ORDER for a in arguments):
                raise _bad(f"a derivative of order beyond {MAX_ORDER}")
            return NODES[head](*arguments)
        if head in RELATIONS:
            return RELATIONS[head](*arguments, evaluate=False)
        if head in FUNCTIONS:
            if all(isinstance(a, sp.Expr) and not a.free_symbols for a in arguments):
                _check_constant(head, [_size(a) for a in arguments])
            return FUNCTIONS[head](*arguments)
        raise _bad(f"unknown constructor {head[:40]!r}")

    def _check_inspected(self, head: str, arguments: list[Any]) -> None:
        if len(arguments) > MAX_ARGUMENTS:
            raise _bad(f"{head} of more than {MAX_ARGUMENTS} arguments")
        for a in arguments:
            powers = a.atoms(sp.Pow) if isinstance(a, sp.Basic) else ()
            if any(p.exp.is_Number and abs(p.exp) > MAX_ORDER for p in powers):
                raise _bad(f"{head} of a power beyond {MAX_ORDER}")
            if isinstance(a, sp.Add) and len(a.args) > MAX_DEPTH:
                raise _bad(f"{head} of a sum of more than {MAX_DEPTH} terms")

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if exponent.is_Number and exponent.is_finite and abs(exponent) > MAX_BITS:
            raise _bad(f"an exponent beyond {MAX_BITS}")
        number = base.as_coeff_Mul()[0]  # SymPy takes the number out of (7*x)**n and raises it alone
        if number.is_Rational and exponent.is_Number:
            bits = max(int(number.p).bit_length(), int(number.q).bit_length())
            if bits * abs(exponent) > MAX_BITS:
                raise _bad(f"a power of more than {MAX_BITS} bits")
            if not exponent.is_Integer and bits > 64:
                raise _bad("a root of a number of more than 64 bits")
        if not base.free_symbols and not exponent.free_symbols:
            _check_constant("Pow", [_size(base), _size(exponent)])
        return sp.Pow(base, exponent)


def _size(expr: sp.Expr) -> float:
    """Bound the magnitude of a constant without letting SymPy evaluate it."""
    if expr.is_Number:
        return float(min(abs(expr), sp.Float(1e300))) if expr.is_finite else 0.0
    if expr.is_Add:
        return sum(_size(a) for a in expr.args)
    if expr.is_Mul:
        product = 1.0
        for a in expr.args:
            product = min(product * _size(a), 1e300)
        return product
    if expr.is_Pow or isinstance(expr, sp.exp):
        base, exponent = expr.as_base_exp()
        if exponent.could_extract_minus_sign():
            return 1e300 if base.is_Number and _size(base) < 1 else 1.0
        return min(math.exp(min(_size(exponent) * math.log(max(_size(base), 1.0)), 690.0)), 1e300)
    if isinstance(expr, (sp.sinh, sp.cosh)):
        return math.exp(min(_size(expr.args[0]), 690.0))
    if isinstance(expr, sp.gamma):
        return 1e300
    return 10.0 + sum(_size(a) for a in expr.args if isinstance(a, sp.Expr))


def _check_constant(head: str, sizes: list[float]) -> None:
    """Refuse functions of constants that are large: towers of exponentials take for ever to compare."""
    limit = 170.0 if head in ("gamma", "loggamma") else MAX_LITERAL
    if any(size > limit for size in sizes):
        raise _bad(f"{head} of a constant beyond {limit:g}")
