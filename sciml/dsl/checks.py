"""Checks of a declaration that need no form: names, roles, coordinates, conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.arrays import Array, array_name
from sciml.dsl.conditions import IC
from sciml.dsl.domains import Domain
from sciml.dsl.measures import Measure, PointVortices, VortexSheet
from sciml.dsl.noise import WhiteNoise
from sciml.dsl.observations import Observation
from sciml.dsl.operators import FractionalLaplacian, Functional, LinearOperator, Norm, Spectrum
from sciml.dsl.random_fields import RandomField
from sciml.dsl.rank import RankError, kind, rank
from sciml.dsl.roles import Role, role_of
from sciml.dsl.text import equation_text, excerpt, text
from sciml.dsl.vectors import Named, VectorField
from sciml.errors import DeclarationError, did_you_mean

__all__ = [
    "check_arrays",
    "check_bounds",
    "check_condition_values",
    "check_data_nodes",
    "check_fields",
    "check_names",
    "check_parameters",
    "check_pointwise",
    "check_roles",
    "check_values",
    "corners",
    "equations_of",
    "extremes_of",
    "fields_of",
    "value_of",
]

RESERVED = {"time", "wavenumber", "parameters", "data", "component", "sample", "member", "body", "space"}


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
        msg = f"equation names must be text; got {name!r}."
        raise DeclarationError("S100", msg)
    if isinstance(declared, (bool, sp.logic.boolalg.BooleanAtom)):
        same = bool(declared)
        why = "both sides are identical" if same else "SymPy found that the sides can never be equal"
        msg = f"equation '{name}' became {same} before it reached Problem: {why}."
        raise DeclarationError("S108", msg, fix="compare the two sides; write Eq(lhs, rhs) with the unknown in it")
    if isinstance(declared, sp.Expr):
        return sp.Eq(declared, 0, evaluate=False)
    if not isinstance(declared, sp.Equality):
        msg = f"equation '{name}' must be sp.Eq(lhs, rhs) or an expression; got {type(declared).__name__}."
        fix = (
            "strings are never parsed: build the equation from fields and operators"
            if isinstance(declared, str)
            else ()
        )
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
            if isinstance(node, (Named, RandomField)):
                yield node.name, f"a {type(node).__name__}", node
            elif isinstance(node, AppliedUndef):
                yield node.func.__name__, "a field", node
        for symbol in sorted(expr.free_symbols, key=str):
            yield symbol.name, "a symbol", symbol


def _refuse_twins(name: str, first: tuple[str, Any], second: tuple[str, Any]) -> None:
    (what, a), (other, b) = first, second
    if isinstance(a, sp.Symbol) and isinstance(b, sp.Symbol):
        shown = " and ".join(_assumptions(s) for s in (a, b))
        msg = f"two different symbols are called {name!r}: they were made with {shown}."
        raise DeclarationError("S102", msg, fix="create each symbol once and reuse it")
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
            raise DeclarationError("S106", msg, fix="use the same coordinates in fields, domain and time")


def _list(symbols: Iterable[Any]) -> str:
    return ", ".join(map(str, symbols))


def check_parameters(parameters: Any) -> dict[sp.Symbol, float | Role]:
    """Bring parameters to floats or roles; every value they can take must fit the symbol."""
    if not isinstance(parameters, Mapping):
        msg = f"parameters must be a dict {{symbol: number}}; got {parameters!r}."
        raise DeclarationError("S107", msg, fix="parameters={nu: 0.01}")
    out: dict[sp.Symbol, float | Role] = {}
    for symbol, value in parameters.items():
        if not isinstance(symbol, sp.Symbol):
            msg = f"the keys of parameters are symbols; got {symbol!r}."
            raise DeclarationError("S107", msg, fix='nu = sp.Symbol("nu", positive=True);  parameters={nu: 0.01}')
        role = role_of(value, symbol)
        out[symbol] = _number(symbol, value) if role is None else role
        for number in {value_of(out[symbol]), *extremes_of(out[symbol])}:
            _check_assumptions(symbol, number)
    return dict(sorted(out.items(), key=lambda item: str(item[0])))


def _number(symbol: sp.Symbol, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        msg = f"parameter {symbol} must be a finite real number; got {value!r}."
        fix = (f"parameters={{{symbol}: 0.01}}", "or a role: sm.Range(0.01, 0.1), sm.Infer(init=0.05)")
        raise DeclarationError("S107", msg, fix=fix)
    return number


def _check_assumptions(symbol: sp.Symbol, number: float) -> None:
    exact = sp.Integer(int(number)) if number.is_integer() else sp.Float(number)
    for fact, truth in sorted(symbol.assumptions0.items(), key=_plainest):
        found = getattr(exact, f"is_{fact}", None)
        if found is not None and found != truth:
            stated = fact if truth else f"not {fact}"
            msg = f"parameter {symbol} was declared {stated}, but its value is {number:g}."
            raise DeclarationError("S107", msg, fix="change the value, or declare the symbol with other assumptions")


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


def check_roles(
    equations: Mapping[str, sp.Eq],
    others: Mapping[str, sp.Basic],
    parameters: Iterable[sp.Symbol],
    coordinates: set[sp.Symbol],
) -> None:
    """Every free symbol is a coordinate or a parameter, and every parameter occurs somewhere."""
    known = {*parameters, *coordinates}
    used: set[sp.Symbol] = set()
    for where, expr, line in [
        *((f"equation '{n}'", e, equation_text(e)) for n, e in equations.items()),
        *((n, e, text(e)) for n, e in others.items()),
    ]:
        used |= expr.free_symbols
        for symbol in sorted(expr.free_symbols - known, key=str):
            close = did_you_mean(symbol.name, [s.name for s in known])
            msg = f"symbol {symbol.name!r} in {where} has no role.{close}"
            fix = (
                f"add  parameters={{{symbol.name}: 0.01}}                  known value",
                f"     parameters={{{symbol.name}: sm.Range(1e-3, 0.1)}}   a family",
                f"     parameters={{{symbol.name}: sm.Infer(init=0.05)}}   unknown; needs observations",
            )
            raise DeclarationError("S101", msg, excerpt=excerpt(line, symbol), fix=fix)
    for symbol in parameters:
        if symbol not in used:
            close = did_you_mean(symbol.name, [s.name for s in used])
            msg = f"parameter {symbol.name!r} occurs nowhere in the problem.{close}"
            raise DeclarationError("S101", msg, fix="remove it from parameters, or use it")


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
            raise DeclarationError("S184", msg, excerpt=text(expr), fix="sm.IC(u, ...)")
    if expr.has(Spectrum) and not (isinstance(expr, Spectrum) and where.startswith("output")):
        msg = f"{where} uses a Spectrum inside an expression; it is a series of numbers, an output of its own."
        raise DeclarationError("S193", msg, excerpt=text(expr), fix="outputs={'spectrum': sm.Spectrum(u)}")
    if noises := expr.atoms(WhiteNoise):
        msg = f"{where} uses the noise {text(noises.pop())}, which only an equation can hold."
        raise DeclarationError("S133", msg, excerpt=text(expr), fix="add the noise to the equation")
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
        if c.value.atoms(AppliedUndef, VectorField, Functional) or time in c.value.free_symbols:
            msg = f"{where}: the value {text(c.value)} may depend on space and parameters only."
            raise DeclarationError(
                "S119", msg, fix="give the value at the start time; time-dependent terms go in the equation"
            )
        wanted, found = rank(c.field, dim), check_pointwise(where, c.value, (), dim)
        if found != wanted and c.value != 0:
            msg = f"{where} needs {kind(wanted)}, but {text(c.value)} is {kind(found)}."
            fix = "give one expression per component: sm.Vector(a, b)" if wanted == 1 else ()
            raise DeclarationError("S119", msg, fix=fix)


def check_values(everything: Iterable[sp.Basic], parameters: Mapping[sp.Symbol, float | Role]) -> None:
    """Refuse infinite constants, and fractional orders that are not positive with these parameters."""
    for expr in everything:
        if expr.replace(Norm, lambda e, p: e).has(sp.zoo, sp.nan, sp.oo):
            msg = f"an expression is infinite or undefined: {text(expr)}."
            raise DeclarationError("S142", msg, fix="a division by zero happened when it was built")
        for node in expr.atoms(FractionalLaplacian):
            for numbers in corners(parameters):
                order = node.constants[0].subs(numbers)
                if order.is_number and not order.is_positive:
                    msg = f"the order of {text(node)} must be positive; with these parameters it is {order}."
                    raise DeclarationError("S114", msg, fix=f"parameters={{{text(node.constants[0])}: 1.5}}")


def corners(parameters: Mapping[sp.Symbol, float | Role]) -> list[dict[sp.Symbol, float]]:
    """Return the parameters at their values, and at either end where they have a range."""
    middle = {s: value_of(p) for s, p in parameters.items()}
    out = [middle]
    for s, p in parameters.items():
        out += [{**middle, s: end} for end in extremes_of(p) if end != middle[s]]
    return out


def check_data_nodes(
    equations: Mapping[str, sp.Eq], conditions: Sequence[IC], domain: Domain, numbers: Mapping[sp.Symbol, float]
) -> None:
    """Random fields and measures stand in initial conditions, on a domain where they make sense."""
    for name, equation in equations.items():
        for node in equation.atoms(RandomField, Measure):
            msg = f"equation '{name}' uses {text(node)}, which belongs to initial conditions."
            raise DeclarationError("S184", msg, excerpt=excerpt(equation_text(equation), node), fix="sm.IC(u, ...)")
    for c in conditions:
        for field in c.value.atoms(RandomField):
            if set(field.coordinates) != set(domain.coordinates) or domain.infinite:
                has, needs = _list(field.coordinates), _list(domain.coordinates)
                msg = f"{c}: the random field {field.name} is over ({has}), the domain is {domain!r}."
                raise DeclarationError("S181", msg, fix=f"it needs a Torus or Box and the coordinates ({needs})")
        for term in sp.Add.make_args(c.value):
            rest = term.as_independent(Measure)[1] if term.has(Measure) else None
            if rest is not None and not _is_linear(rest, term, domain):
                msg = f"{c}: a measure may only be multiplied by constants and added; got {text(term)}."
                raise DeclarationError("S182", msg, fix="put the factor into its strength")
        for measure in c.value.atoms(Measure):
            _check_measure(c, measure, domain, numbers)


def _is_linear(rest: sp.Expr, term: sp.Expr, domain: Domain) -> bool:
    """Tell whether a term is a measure, or a linear operator of one, times a constant."""
    while isinstance(rest, LinearOperator):
        rest = rest.operand
    factors = [f for f in sp.Mul.make_args(term) if not f.has(Measure)]
    return isinstance(rest, Measure) and not sp.Mul(*factors).free_symbols & set(domain.coordinates)


def _check_measure(c: IC, measure: Measure, domain: Domain, numbers: Mapping[sp.Symbol, float]) -> None:
    if isinstance(c.field, VectorField) or len(domain.axes) != 2:
        msg = f"{c}: {type(measure).__name__} is the vorticity of a flow in two dimensions, a scalar."
        raise DeclarationError("S182", msg, fix="sm.IC(w, ...) for the scalar vorticity w")
    if isinstance(measure, VortexSheet):
        s, low, high = measure.args[2]
        ends = [tuple(p.subs(s, e) for p in measure.args[1]) for e in (low, high)]
    else:
        ends = [place for _, place in measure.vortices] if isinstance(measure, PointVortices) else []
    for place in ends:
        if len(place) != len(domain.axes):
            msg = f"{c}: the position {place} has {len(place)} coordinates, the domain has {len(domain.axes)}."
            raise DeclarationError("S182", msg)
        for p, (x, low, high) in zip(place, domain.axes, strict=True):
            value, start, end = (e.subs(numbers) for e in (p, low, high))
            if value.is_number and not start <= value <= end:
                msg = f"{c}: {type(measure).__name__} reaches {x} = {value}, outside [{low}, {high}]."
                raise DeclarationError("S182", msg, fix="move it inside, by whole periods on a torus")


def check_arrays(
    arrays: Mapping[str, Array], needed: set[str], observations: Iterable[Observation]
) -> dict[str, Array]:
    """Return the arrays that a problem refers to; each must be there."""
    held = {array_name(a): a for o in observations for a in o.arrays}
    if missing := sorted(needed - set(arrays)):
        msg = f"the data {missing[0]} of an initial condition are missing."
        raise DeclarationError("S191", msg, fix="load the problem from its file, which holds them")
    return held | {name: arrays[name] for name in sorted(needed)}


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
