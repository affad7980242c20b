"""Checks of a declaration that need no form: names, roles, coordinates, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.conditions import IC
from sciml.dsl.encoding import infinite
from sciml.dsl.measures import Measure
from sciml.dsl.noise import Noise
from sciml.dsl.operators import FractionalLaplacian, Functional, Norm, Spectrum
from sciml.dsl.parameters import corners
from sciml.dsl.random_fields import RandomField
from sciml.dsl.rank import RankError, kind, rank
from sciml.dsl.roles import Law, Range, Role
from sciml.dsl.text import equation_text, excerpt, text
from sciml.dsl.unknown import Unknown
from sciml.dsl.vectors import Labelled, VectorField
from sciml.errors import DeclarationError, did_you_mean, shown

__all__ = [
    "RESERVED",
    "check_bounds",
    "check_condition_values",
    "check_fields",
    "check_names",
    "check_noise",
    "check_pointwise",
    "check_roles",
    "check_values",
    "equations_of",
    "fields_of",
    "one_of",
]

RESERVED = {"time", "wavenumber", "parameters", "data", "progress", "component", "sample", "member", "body", "space"}


def equations_of(declared: Any) -> dict[str, sp.Eq]:
    """Bring equations to named ``Eq``: one, a sequence, or a dict; a bare expression means ``= 0``."""
    if isinstance(declared, Mapping):
        named = dict(declared)
    elif isinstance(declared, (list, tuple)):
        named = {f"eq{i}": e for i, e in enumerate(declared, 1)}
    else:
        named = {"equation": declared}
    if not named:
        msg = "a problem needs at least one equation."
        raise DeclarationError("S100", msg, fix="equations=sp.Eq(sm.Dt(u), sm.Laplacian(u))")
    return {name: _equation(name, e) for name, e in named.items()}


def _equation(name: Any, declared: Any) -> sp.Eq:
    if not isinstance(name, str) or not name:
        msg = f"equation names must be text; got {shown(name)}."
        raise DeclarationError("S100", msg, fix='equations={"heat": sp.Eq(sm.Dt(u), sm.Laplacian(u))}')
    if isinstance(declared, (bool, sp.logic.boolalg.BooleanAtom)):
        same = bool(declared)
        why = "both sides are identical" if same else "SymPy found that the sides can never be equal"
        msg = f"equation '{name}' became {same} before it reached Problem: {why}."
        fix = ["compare the two sides; write Eq(lhs, rhs) with the unknown in it"]
        if not same:
            fix += ["a SymPy Matrix never equals a scalar: write vectors as sm.Vector(a, b),"]
            fix += ["and diffusion that differs by direction as sm.Dx(u, x, 2) + 2*sm.Dx(u, y, 2)"]
        raise DeclarationError("S108", msg, fix=fix)
    if isinstance(declared, sp.Expr):
        return sp.Eq(declared, 0, evaluate=False)
    if not isinstance(declared, sp.Equality):
        msg = f"equation '{name}' must be sp.Eq(lhs, rhs) or an expression; got {type(declared).__name__}."
        strings = "strings are never parsed: build the equation from fields and operators, as in"
        fix = [*([strings] if isinstance(declared, str) else []), "sp.Eq(sm.Dt(u), nu*sm.Laplacian(u))"]
        raise DeclarationError("S100", msg, fix=fix)
    return declared


def fields_of(equations: Iterable[sp.Eq], space: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """Return the unknown fields of equations, scalar and vector, in order of appearance."""
    found: dict[sp.Expr, None] = {}
    for equation in equations:
        walk = sp.preorder_traversal(equation)
        for node in walk:
            if isinstance(node, (AppliedUndef, VectorField)):
                found[node] = None
                walk.skip()
    vectors = [f for f in found if isinstance(f, VectorField)]
    covered = {v.component(x) for v in vectors for x in space}
    return [f for f in found if f not in covered]


def check_names(everything: Iterable[sp.Basic]) -> None:
    """Refuse two different objects of one name, which SymPy would silently keep apart."""
    seen: dict[str, tuple[str, Any]] = {}
    for name, what, thing in _named_things(everything):
        if name in RESERVED:
            msg = f"{what} is called {name!r}, a name that result files use for a dimension."
            raise DeclarationError("S109", msg, fix=f"call it {name}_ or {name[0]}")
        if name not in seen:
            seen[name] = (what, thing)
        elif seen[name][1] != thing:
            _refuse_twins(name, seen[name], (what, thing))


def _named_things(everything: Iterable[sp.Basic]) -> Iterable[tuple[str, str, Any]]:
    for expr in everything:
        for node in sp.preorder_traversal(expr):
            if isinstance(node, Labelled):
                yield node.name, _kind(node), node
            elif isinstance(node, AppliedUndef):
                yield node.func.__name__, "a field", node
        for symbol in sorted(expr.free_symbols, key=str):
            yield symbol.name, "a symbol", symbol


def _kind(node: Labelled) -> str:
    if isinstance(node, Unknown):
        return "an unknown function"
    return "a random field" if isinstance(node, RandomField) else f"a {type(node).__name__}"


def _refuse_twins(name: str, first: tuple[str, Any], second: tuple[str, Any]) -> None:
    (what, a), (other, b) = first, second
    if isinstance(a, sp.Symbol) and isinstance(b, sp.Symbol):
        shown = " and ".join(_assumptions(s) for s in (a, b))
        msg = f"two different symbols are called {name!r}: they were made with {shown}."
        raise DeclarationError("S102", msg, fix="create each symbol once and reuse it")
    if isinstance(a, RandomField) and isinstance(b, RandomField):
        msg = f"two different random fields are called {name!r}: {a.constructor} and {b.constructor}."
        fix = "one name is one field: make it once and reuse it, or give independent fields different names"
        raise DeclarationError("S102", msg, fix=fix)
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        msg = f"two unknown functions of other arguments are called {name!r}: {text(a)} and {text(b)}."
        raise DeclarationError("S102", msg, fix="give different functions different names")
    if type(a) is type(b) or (isinstance(a, AppliedUndef) and isinstance(b, AppliedUndef)):
        msg = f"{name!r} is used with different arguments or assumptions: {a} and {b}."
        raise DeclarationError("S102", msg, fix="create each field once, with sm.Field or sm.VectorField, and reuse it")
    msg = f"{name!r} is the name of {what} and of {other}."
    raise DeclarationError("S102", msg, fix="rename one of them")


def _assumptions(symbol: sp.Symbol) -> str:
    facts = [a for a in ("positive", "nonnegative", "integer", "real") if symbol.assumptions0.get(a)]
    return f"{facts[0]}=True" if facts else "no assumptions"


def check_fields(fields: Sequence[sp.Expr], time: sp.Symbol, space: Sequence[sp.Symbol]) -> None:
    """Each unknown must depend on time and on every space coordinate."""
    wanted = {time, *space}
    if not fields:
        msg = "no unknown field occurs in the equations."
        raise DeclarationError("S105", msg, fix='u = sm.Field("u", t, x)')
    for f in fields:
        arguments = f.coordinates if isinstance(f, VectorField) else f.args
        name = f.name if isinstance(f, VectorField) else f.func.__name__
        if isinstance(f, AppliedUndef) and not all(a.is_Symbol for a in f.args):
            msg = f"the field {f} must be used with its own coordinates."
            raise DeclarationError("S106", msg, fix="values at other points and compositions are not supported")
        if set(arguments) != wanted:
            has, needs = _list(arguments), _list([time, *space])
            msg = f"the unknown {name} depends on ({has}), but time and domain have ({needs})."
            make = "VectorField" if isinstance(f, VectorField) else "Field"
            fix = f'{name} = sm.{make}("{name}", {needs}), or a domain in the coordinates of {name}'
            raise DeclarationError("S106", msg, fix=fix)


def _list(symbols: Iterable[Any]) -> str:
    return ", ".join(map(str, symbols))


def check_roles(
    equations: Mapping[str, sp.Eq],
    others: Mapping[str, sp.Basic],
    parameters: Iterable[sp.Symbol],
    coordinates: set[sp.Symbol],
    lines: Mapping[str, str] | None = None,
) -> None:
    """Every free symbol is a coordinate or a parameter, and every parameter occurs somewhere.

    ``lines`` are what is shown of the other expressions, where it is not the expression itself.
    """
    known = {*parameters, *coordinates}
    used: set[sp.Symbol] = set()
    for where, expr, line in [
        *((f"equation '{n}'", e, equation_text(e)) for n, e in equations.items()),
        *((n, e, (lines or {}).get(n) or _with_laws(e)) for n, e in others.items()),
    ]:
        used |= expr.free_symbols
        for symbol in sorted(expr.free_symbols - known, key=str):
            close = did_you_mean(symbol.name, [s.name for s in known])
            msg = f"symbol {symbol.name!r} in {where} has no role.{close}"
            fix = [
                f"add  parameters={{{symbol.name}: 0.01}}                  known value",
                f"     parameters={{{symbol.name}: sm.Range(1e-3, 0.1)}}   a family",
                f"     parameters={{{symbol.name}: sm.Infer(init=0.05)}}   unknown; needs observations",
            ]
            if symbol.name in "txyz":
                fix = [f"the coordinates of this problem are {_list(sorted(coordinates, key=str))}", *fix]
            raise DeclarationError("S101", msg, excerpt=excerpt(line, symbol), fix=fix)
    for symbol in parameters:
        if symbol not in used:
            close = did_you_mean(symbol.name, [s.name for s in used])
            msg = f"parameter {symbol.name!r} occurs nowhere in the problem.{close}"
            raise DeclarationError("S101", msg, fix="remove it from parameters, or use it")


def one_of(name: str, given: Any, choices: Sequence[str]) -> Any:
    """Return a keyword of a problem that is one of a few words, or None."""
    if given is not None and given not in choices:
        listed = " or ".join(f'"{c}"' for c in choices)
        hint = did_you_mean(given, choices) if isinstance(given, str) else ""
        msg = f"{name}=... is {listed}; got {given!r}.{hint}"
        raise DeclarationError("S201", msg, fix=f'{name}="{choices[0]}"')
    return given


def check_noise(equations: Iterable[sp.Eq], coordinates: Sequence[sp.Symbol]) -> None:
    """Noise is one in time, the first coordinate, and over coordinates of the problem; a name has one law."""
    known: dict[str, Noise] = {}
    for noise in sorted(set().union(*(e.atoms(Noise) for e in equations)), key=str):
        if known.setdefault(noise.name, noise) != noise:
            msg = f"the noise {noise.name} is declared in two ways: the same name is the same noise."
            raise DeclarationError("S202", msg, fix="another name for independent noise; one object for the same noise")
        if 1 < len(noise.coordinates) < len(coordinates):
            has, needs = _list(noise.coordinates), _list(coordinates)
            msg = f"the noise {noise.name} is over ({has}); it is over the time alone, or over all of ({needs})."
            raise DeclarationError("S106", msg, fix=f'{noise.name} = sm.WhiteNoise("{noise.name}", {needs})')
        if coordinates[0] not in noise.coordinates or not set(noise.coordinates) <= set(coordinates):
            has, needs = _list(noise.coordinates), _list(coordinates)
            msg = f"the noise {noise.name} is over ({has}); it must be over the time {coordinates[0]}, and may be over "
            msg += f"the place ({_list(coordinates[1:])})."
            raise DeclarationError("S106", msg, fix=f'{noise.name} = sm.WhiteNoise("{noise.name}", {needs})')


def _with_laws(expr: sp.Basic) -> str:
    """Print an expression with random fields by the law that holds their symbols."""
    line = text(expr)
    for field in expr.atoms(RandomField):
        line = re.sub(rf"\b{field.name}\b", field.constructor, line)
    return line


def check_pointwise(where: str, expr: sp.Expr, fields: Iterable[sp.Expr], dim: int) -> int:
    """Check the rank of an output, exact solution or initial value, and the fields in it."""
    known = set(fields)
    for vector in [f for f in known if isinstance(f, VectorField)]:
        known |= {vector.component(x) for x in vector.coordinates}
    for f in sorted(expr.atoms(AppliedUndef, VectorField), key=str):
        if f not in known:
            msg = f"{where} uses {text(f)}, which is not an unknown of the equations."
            names = ", ".join(sorted(text(k) for k in known))
            fix = f"unknowns: {names}" if names else "write it with coordinates and parameters only"
            raise DeclarationError("S105", msg, excerpt=excerpt(text(expr), f), fix=fix)
    if not where.startswith("IC("):
        for node in expr.atoms(RandomField, Measure):
            msg = f"{where} uses {text(node)}, which belongs to initial conditions."
            excerpted = excerpt(text(expr), node)
            fix = f"conditions=[sm.IC(u, {text(node)})];  the solution holds it at the start time"
            raise DeclarationError("S184", msg, excerpt=excerpted, fix=fix)
    if expr.has(Spectrum) and not (isinstance(expr, Spectrum) and where.startswith("output")):
        msg = f"{where} uses a Spectrum inside an expression; it is a series of numbers, an output of its own."
        raise DeclarationError("S196", msg, excerpt=text(expr), fix="outputs={'spectrum': sm.Spectrum(u)}")
    if noises := expr.atoms(Noise):
        noise = noises.pop()
        msg = f"{where} uses the noise {text(noise)}, which only an equation can hold."
        fix = "add it to the equation: sp.Eq(sm.Dt(u), ... + sigma*xi);  random initial data are sm.RandomField"
        raise DeclarationError("S133", msg, excerpt=excerpt(text(expr), noise), fix=fix)
    if expr.has(sp.I):
        msg = f"{where} is complex: {text(expr)}."
        raise DeclarationError("S141", msg, fix="give a real quantity: sp.re(...), sp.im(...) or sp.Abs(...)**2 of it")
    try:
        return rank(expr, dim) or 0
    except RankError as error:
        shown = excerpt(text(expr), error.part)
        raise DeclarationError(error.code, f"in {where}, {error.headline}", excerpt=shown, fix=error.fix) from None


def check_condition_values(conditions: Sequence[IC], fields: Sequence[sp.Expr], time: sp.Symbol, dim: int) -> None:
    """Targets are unknowns, values are of the same rank and free of time and of unknowns."""
    for c in conditions:
        where = f"IC({text(c.target)})"
        if c.variable not in (None, time):
            msg = f"{where}: the target is a derivative by {c.variable}, which is not the time {time}."
            raise DeclarationError("S118", msg, fix=f"sm.IC(sm.Dt({text(c.field)}), ...)")
        check_pointwise(where, c.field, fields, dim)
        if noises := c.value.atoms(Noise):
            noise = noises.pop()
            msg = f"{where}: the value holds the noise {text(noise)}, which drives an equation."
            space = _list(x for x in noise.coordinates if x != time)
            fix = f'random initial data: sm.RandomField.fourier("{noise.name}", {space}, modes=8)'
            raise DeclarationError("S133", msg, excerpt=excerpt(text(c.value), noise), fix=fix)
        if c.value.atoms(AppliedUndef, VectorField, Functional) or time in c.value.free_symbols:
            msg = f"{where}: the value {text(c.value)} may depend on space and parameters only."
            raise DeclarationError(
                "S119", msg, fix="give the value at the start time; time-dependent terms go in the equation"
            )
        wanted, found = rank(c.field, dim), check_pointwise(where, c.value, (), dim)
        if found != wanted and c.value != 0:
            msg = f"{where} needs {kind(wanted)}, but {text(c.value)} is {kind(found)}."
            one = "give one expression, such as a component of it: sm.Component(..., 0)"
            fix = "give one expression per component: sm.Vector(a, b)" if wanted == 1 else one
            raise DeclarationError("S119", msg, fix=fix)


def check_values(everything: Iterable[sp.Basic], parameters: Mapping[sp.Symbol, float | Role]) -> None:
    """Refuse infinite constants, and fractional orders that are not positive with these parameters."""
    for expr in everything:
        if expr.replace(Norm, lambda e, p: e).has(sp.zoo, sp.nan, sp.oo):
            raise infinite(expr)
        for node in expr.atoms(FractionalLaplacian):
            orders = [node.constants[0].subs(numbers) for numbers in corners(parameters)]
            wrong = [o for o in orders if o.is_number and not o.is_positive]
            if wrong:
                found = f"{min(map(float, wrong)):g}" if all(o.is_real for o in wrong) else text(wrong[0])
                msg = f"the order of {text(node)} must be positive; with these parameters it is {found}."
                symbols = node.constants[0].free_symbols
                is_family = any(isinstance(parameters.get(s), (Range, Law)) for s in symbols)
                role = "sm.Range(0.5, 1.5)" if is_family else "1.5"
                raise DeclarationError("S114", msg, fix=f"parameters={{{text(node.constants[0])}: {role}}}")


def check_bounds(bounds: Mapping[str, tuple[sp.Expr, sp.Expr]], parameters: Mapping[sp.Symbol, float | Role]) -> None:
    """Bounds of domain and time are numbers with low < high once parameters are put in."""
    for (name, ends), values in product(bounds.items(), corners(parameters)):
        numbers = [e.subs(values) for e in ends]
        if not all(n.is_number and n.is_real for n in numbers):
            msg = f"the bounds of {name} may hold parameters only; got {ends[0]} and {ends[1]}."
            raise DeclarationError("S117", msg, fix=f"({name}, 0, 1)")
        if not float(numbers[0]) < float(numbers[1]):
            msg = f"{name} needs low < high; with these parameters it runs from {numbers[0]} to {numbers[1]}."
            raise DeclarationError("S117", msg, fix=f"({name}, 0, 1)")
