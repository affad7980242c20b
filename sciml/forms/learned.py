"""Checks of unknown functions in a problem: what they take, where they stand, and below which operators.

What a method learns is a smooth function of its arguments at one time and place. It may not decide
whether the problem makes sense: noise is not multiplied by it, and the derivatives of highest order in
an equation are those of known terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.noise import Noise
from sciml.dsl.operators import Dt, Functional, LinearOperator
from sciml.dsl.text import equation_text, excerpt, text, typed
from sciml.dsl.unknown import Unknown, unknown_terms
from sciml.dsl.vectors import Component, VectorField
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.convolution import symbol_orders
from sciml.forms.frame import Frame
from sciml.forms.frozen import frozen, varying
from sciml.forms.multiplier import Multiplier, atoms_of
from sciml.forms.products import exceeds
from sciml.forms.rows import refuse
from sciml.forms.semilinear import NonlinearTerm, SemilinearForm

__all__ = ["check_arguments", "check_known", "check_operators"]

DISSIPATIVE = {2: "nu*sm.Laplacian(u)", 4: "-nu*sm.Laplacian(sm.Laplacian(u))"}  # by order


def check_known(expressions: Mapping[str, sp.Basic], lines: Mapping[str, str] | None = None) -> None:
    """Refuse unknown functions outside equations.

    Args:
        expressions: By where they stand.
        lines: What is shown of an expression, where it is not the expression itself.

    Raises:
        DeclarationError: A condition, output, exact solution, observation or domain holds one.
    """
    for where, expr in expressions.items():
        for node in unknown_terms([expr]):
            msg = f"{where} uses {text(node)}, which is unknown: it can stand in an equation only."
            line = (lines or {}).get(where) or text(expr)
            fix = "write a known expression in its place"
            raise DeclarationError("S220", msg, excerpt=excerpt(line, node), fix=fix)


def check_arguments(equations: Mapping[str, sp.Eq], frame: Frame) -> None:
    """Each unknown function in an equation takes linear maps of fields, and coordinates.

    None is below ``Dt`` or in the spectrum of a noise.

    Raises:
        DeclarationError: With the function underlined.
    """
    for name, equation in equations.items():
        _check_places(name, equation, frame)
        for node in unknown_terms([equation]):
            shown = excerpt(equation_text(equation), node)
            try:
                _check_function(node, equation, frame)
            except DeclarationError as error:
                msg = f"{error.headline} (equation '{name}')"
                raise DeclarationError(error.code, msg, excerpt=shown, fix=error.fix) from None


def _check_function(node: Unknown, equation: sp.Eq, frame: Frame) -> None:
    for argument in node.arguments:
        if why := _unfit(argument, frame):
            msg = f"the argument {text(argument)} of {text(node)} {why}"
            raise DeclarationError("S219", msg, fix=_by_parts(_instead(node, argument, frame), equation))


def _unfit(argument: sp.Expr, frame: Frame) -> str | None:
    """Say why an argument is none; None for a coordinate and for a linear map of fields."""
    if argument in frame.coordinates:
        return None
    for kind, why in ((Unknown, "is unknown itself"), (Noise, "is noise"), (Functional, "is no value at one place")):
        if argument.atoms(kind):
            return why
    expr = components(argument, frame)[()]
    atoms = atoms_of(expr)
    if not atoms:
        return "is no unknown field and no coordinate"
    plain = [isinstance(a.operand if isinstance(a, Multiplier) else a, (AppliedUndef, sp.Derivative)) for a in atoms]
    return None if all(plain) and _is_linear(expr, atoms, frame) else "is no linear map of fields"


def _is_linear(expr: sp.Expr, atoms: set[sp.Expr], frame: Frame) -> bool:
    dummies = {a: sp.Dummy(real=True) for a in atoms}
    inner = expr.xreplace(dummies)
    varying_symbols = frame.coordinates | set(dummies.values())
    slopes = [inner.diff(d) for d in dummies.values()]
    at_rest = inner.xreplace(dict.fromkeys(dummies.values(), sp.S.Zero))
    return at_rest == 0 and not any(s.free_symbols & varying_symbols for s in slopes)


def _instead(node: Unknown, argument: sp.Expr, frame: Frame) -> str:
    """Return the function of what an unfit argument is made of: as it is any function, nothing is lost."""
    parts: dict[sp.Expr, None] = {}
    for a in node.arguments:
        parts |= dict.fromkeys(_made_of(a, frame) if a == argument or _unfit(a, frame) else [a])
    if not parts:
        return f'{node.name} = sm.Unknown("{node.name}", u) with a field u of the equations, or a coordinate'
    given = ", ".join(typed(p) for p in parts)
    return f'{node.name} = sm.Unknown("{node.name}", {given}), which is any function of these'


def _by_parts(line: str, equation: sp.Eq) -> str:
    """Write the halves of complex fields as they are typed."""
    names = {f.func.__name__ for f in equation.atoms(AppliedUndef)}
    for whole in sorted(n.removesuffix("_re") for n in names if n.endswith("_re")):
        if f"{whole}_im" in names:
            line = re.sub(rf"\b{whole}_(re|im)\b", rf"sp.\1({whole})", line)
    return line


def _made_of(expr: sp.Expr, frame: Frame) -> Iterator[sp.Expr]:
    """Yield fields, linear operators of them, and coordinates, in order of appearance."""
    if expr in frame.coordinates or isinstance(expr, (AppliedUndef, Component)):
        yield expr
    elif isinstance(expr, LinearOperator):
        inner = list(_made_of(expr.operand, frame))
        if expr.operand not in inner and not isinstance(expr.operand, VectorField):
            yield from inner
        for f in inner or [expr.operand]:
            if not f.is_Symbol:
                yield expr.func(f, *expr.constants)
    elif not isinstance(expr, (Noise, VectorField)):
        for a in expr.arguments if isinstance(expr, Unknown) else expr.args:
            yield from _made_of(a, frame)


def _check_places(name: str, equation: sp.Eq, frame: Frame) -> None:
    """A time derivative would need the derivatives by the arguments, and the law of a noise is part of the problem."""
    for noise in sorted(equation.atoms(Noise), key=str):
        if held := unknown_terms([noise]):
            msg = f"the spectrum of {noise.name} holds {text(held[0])}, which is unknown (equation '{name}')"
            fix = "a known spectrum, as in spectrum=sp.exp(-k**2)"
            raise DeclarationError("S220", msg, excerpt=excerpt(equation_text(equation), noise), fix=fix)
    for node in sorted(equation.atoms(Dt, sp.Derivative), key=str):
        in_time = isinstance(node, Dt) or frame.time in node.variables
        if in_time and node.args[0].atoms(Unknown):
            (f, *_) = unknown_terms([node])
            msg = f"{text(f)} is unknown and cannot stand below a time derivative (equation '{name}')"
            fix = f"solve for the time derivative of a field: sp.Eq(sm.Dt(u), ... + {f.name})"
            raise DeclarationError("S220", msg, excerpt=excerpt(equation_text(equation), node), fix=fix)


def check_operators(form: SemilinearForm, ranges: Mapping[sp.Symbol, tuple[float, float]]) -> None:
    """Refuse operators on unknown functions that are of the highest order in an equation.

    ``Dt(u) = Laplacian(F(u))`` is well-posed or not by the sign of F', which nobody knows; below a
    linear term of higher order it is well-posed whatever F is.

    Args:
        form: The canonical form.
        ranges: Lowest and highest value of each parameter, and of the coordinates.

    Raises:
        DeclarationError: With the term underlined.
    """
    held = [term for term in form.nonlinear if term.n.atoms(Unknown)]
    if not held:
        return
    known = [v for v in varying(form) if v.coefficient.free_symbols <= set(ranges)]
    generator = form.inverse_mass * frozen(form, known)
    for term in held:
        column = form.inverse_mass * sp.Matrix(term.column)
        for i, outer in enumerate(column):
            own, *others = symbol_orders([outer, *generator.row(i)], form.frame, ranges)
            if exceeds(own, 0) and not exceeds(max(others), own):
                raise _highest(term, own, max(others))


def _highest(term: NonlinearTerm, own: float, others: float) -> DeclarationError:
    origin = next((o for o in term.origins if o.term.atoms(Unknown)), term.origins[0])
    what = " and ".join(f.name for f in unknown_terms([term.n]))
    msg = f"an operator of order {own:g} acts on {what}, and the linear terms beside it are of order {others:g}: "
    msg += f"whether the problem is well-posed depends on {what}, which is unknown"
    higher = next((e for order, e in DISSIPATIVE.items() if own < order), f"nu*sm.FractionalLaplacian(u, {own + 1:g})")
    return refuse("S221", msg, origin, f"add a known linear term of higher order, such as {higher}")
