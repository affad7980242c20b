"""Elimination pass: fields without a time derivative are expressed through the others.

Two cases. A constraint that contains algebraic fields, such as ``Laplacian(psi) = -w``, is solved
for them in Fourier space. A constraint that contains none, such as ``Div(u) = 0``, determines a
multiplier (the pressure): its time derivative is taken and solved for the multiplier, which
projects the evolution equations onto the constraint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal, mean_projector
from sciml.forms.frame import Frame
from sciml.forms.multiplier import multiply, substitute
from sciml.forms.rows import Origin, Row, Term, refuse
from sciml.forms.split import Split, split_row

__all__ = ["Eliminated", "Projection", "eliminate", "inverse", "projection", "solvability", "substitute_rows"]


@dataclass(frozen=True)
class Eliminated:
    """Rows without the algebraic fields that their constraints determine.

    Attributes:
        evolution: Rows that hold a time derivative.
        constraints: Remaining constraints, on evolving fields only.
        recover: Each eliminated field as an expression in the others.
        solvability: Expressions that must have mean zero, with the equation that demands it.
    """

    evolution: tuple[Row, ...]
    constraints: tuple[Row, ...]
    recover: dict[sp.Expr, sp.Expr]
    solvability: tuple[tuple[str, sp.Expr], ...]


def inverse(matrix: sp.Matrix, frame: Frame) -> sp.Matrix | None:
    """Invert a matrix of symbols; None if it is singular for every k.

    Where it is singular at k = 0, the means are treated apart: there the pseudo-inverse of the
    constant matrix takes over, so that a mean which *is* determined is kept (the mean velocity of
    Darcy's law, say) and one that is not is 0 (the mean pressure).
    """
    determinant = sp.factor(matrix.det(method="berkowitz"))
    if sp.expand(determinant) == 0:
        return None
    inverted = matrix.adjugate() * Reciprocal(determinant)
    at_zero = symbol_at_zero(matrix, frame)
    if sp.expand(at_zero.det(method="berkowitz")) == 0 and not at_zero.is_zero_matrix:
        inverted += mean_projector(frame.k) * at_zero.pinv()
    return inverted.applyfunc(sp.expand)


def symbol_at_zero(matrix: sp.Matrix, frame: Frame) -> sp.Matrix:
    """Return the matrix that acts on the means."""
    return matrix.subs(dict.fromkeys(frame.k.values(), 0)).applyfunc(sp.simplify)


def solvability(
    matrix: sp.Matrix, sources: Sequence[sp.Expr], names: Sequence[str], frame: Frame
) -> list[tuple[str, sp.Expr]]:
    """Return combinations of the sources whose mean must vanish, since no unknown can balance it."""
    out = []
    for null in symbol_at_zero(matrix, frame).T.nullspace():
        named = [n for n, weight in zip(names, null, strict=True) if weight != 0]
        out.append((" and ".join(named), sp.Add(*(w * s for w, s in zip(null, sources, strict=True)))))
    return out


def substitute_rows(rows: Sequence[Row], mapping: Mapping[sp.Expr, sp.Expr], frame: Frame) -> list[Row]:
    """Replace fields in every term of every row."""
    return [Row(r.equation, tuple(Term(substitute(t.expr, mapping, frame), t.origin) for t in r.terms)) for r in rows]


def eliminate(rows: Sequence[Row], algebraic: Sequence[sp.Expr], fields: Sequence[sp.Expr], frame: Frame) -> Eliminated:
    """Solve the constraints for the algebraic fields they contain, and substitute these."""
    evolution = [r for r in rows if r.expr.atoms(sp.Derivative)]
    constraints = [r for r in rows if not r.expr.atoms(sp.Derivative)]
    open_fields = list(algebraic)
    recover: dict[sp.Expr, sp.Expr] = {}
    means: list[tuple[str, sp.Expr]] = []
    while block := _next_block(constraints, open_fields, fields, frame):
        splits, unknowns = block
        matrix = sp.Matrix([[s.linear.get(a, sp.S.Zero) for a in unknowns] for s in splits])
        inverted = inverse(matrix, frame)
        if inverted is None:
            names = ", ".join(text(a) for a in unknowns)
            msg = f"the constraint(s) do not determine {names}: their symbol matrix is singular."
            raise refuse("S134", msg, splits[0].row.terms[0].origin, "make the constraints independent of each other")
        sources = [_without(s, unknowns, frame) for s in splits]
        solved = {
            a: sp.Add(*(multiply(-source, inverted[i, j], frame) for j, source in enumerate(sources)))
            for i, a in enumerate(unknowns)
        }
        means += solvability(matrix, sources, [s.row.equation for s in splits], frame)
        used = {s.row.equation for s in splits}
        constraints = substitute_rows([r for r in constraints if r.equation not in used], solved, frame)
        evolution = substitute_rows(evolution, solved, frame)
        recover = {f: substitute(e, solved, frame) for f, e in recover.items()} | solved
        open_fields = [f for f in open_fields if f not in solved]
    return Eliminated(tuple(evolution), tuple(constraints), recover, tuple(means))


def _without(split: Split, unknowns: Sequence[sp.Expr], frame: Frame) -> sp.Expr:
    """Return the part of a constraint that is free of the unknowns."""
    known = [multiply(f, s, frame) for f, s in split.linear.items() if f not in unknowns]
    return sp.Add(*known, *(multiply(p.n, p.outer, frame) for p in split.nonlinear))


def _next_block(
    constraints: Sequence[Row], open_fields: Sequence[sp.Expr], fields: Sequence[sp.Expr], frame: Frame
) -> tuple[list[Split], list[sp.Expr]] | None:
    """Return constraints and as many algebraic fields that they determine: one alone, or all together."""
    if not open_fields:
        return None
    splits = [split_row(r, fields, frame) for r in constraints]
    holding = [(s, [a for a in open_fields if a in s.linear]) for s in splits]
    for s, found in holding:
        if len(found) == 1 and not _hidden(s, found):
            _check_linear(s, found)
            return [s], found
    together = [(s, found) for s, found in holding if found]
    unknowns = [a for a in open_fields if any(a in found for _, found in together)]
    if not unknowns:
        return None
    if len(unknowns) != len(together):
        names = ", ".join(text(a) for a in unknowns)
        msg = f"{len(together)} constraint(s) cannot determine the {len(unknowns)} fields {names}."
        fix = "give as many equations without Dt as there are fields without Dt"
        raise refuse("S134", msg, together[0][0].row.terms[0].origin, fix)
    for s, _ in together:
        _check_linear(s, unknowns)
    return [s for s, _ in together], unknowns


def _hidden(split: Split, algebraic: Sequence[sp.Expr]) -> bool:
    """Tell whether a field also enters a constraint in a product."""
    return any(part.n.has(a) for part in split.nonlinear for a in algebraic)


def _check_linear(split: Split, algebraic: Sequence[sp.Expr]) -> None:
    for part in split.nonlinear:
        found = [a for a in algebraic if part.n.has(a)]
        if found:
            msg = f"{text(found[0])} has no time derivative, so its constraint must be linear in it"
            fix = "with constant coefficients; an implicit product cannot be solved mode by mode"
            raise refuse("S135", msg, part.origin, fix)
    if split.noise:
        msg = "an equation without time derivative cannot hold noise"
        raise refuse("S135", msg, split.noise[0].origin, "let the noise drive an equation with Dt")


@dataclass(frozen=True)
class Projection:
    """``P`` and the multipliers: ``λ = linear z + Σ nonlinear · columns``.

    Attributes:
        projector: ``P = I - G S⁻¹ D M⁻¹`` acting on the right sides.
        on_rows: ``-S⁻¹ D M⁻¹``: multipliers from the right sides.
        keeps_linear: L maps the constraint into itself, so that ``P L z = L z`` there.
        multipliers: The fields that were determined.
    """

    projector: sp.Matrix
    on_rows: sp.Matrix
    keeps_linear: bool
    multipliers: tuple[sp.Expr, ...]


def projection(
    mass: sp.Matrix,
    linear: sp.Matrix,
    gradient: sp.Matrix,
    constraint: sp.Matrix,
    multipliers: Sequence[sp.Expr],
    origin: Origin,
    frame: Frame,
) -> Projection:
    """Project ``M ∂ₜz = L z + G λ + …`` onto ``D z = 0``."""
    inverse_mass = inverse(mass, frame)
    if inverse_mass is None:
        msg = "the time derivatives of the constrained fields are not determined."
        raise refuse("S140", msg, origin, "each field needs an equation of its own for Dt")
    reach = (constraint * inverse_mass).applyfunc(sp.expand)
    schur = (reach * gradient).applyfunc(sp.expand)
    inverted = inverse(schur, frame)
    if inverted is None:
        names = ", ".join(text(m) for m in multipliers)
        msg = f"the constraints do not determine {names}, which has no time derivative."
        raise refuse("S134", msg, origin, "let it enter the equation with Dt whose constraint it keeps: add Grad(p)")
    on_rows = -(inverted * reach).applyfunc(sp.expand)
    projector = (sp.eye(mass.rows) + gradient * on_rows).applyfunc(sp.expand)
    return Projection(projector, on_rows, _keeps(reach * linear, constraint), tuple(multipliers))


def _keeps(moved: sp.Matrix, constraint: sp.Matrix) -> bool:
    """Tell whether ``D M⁻¹ L = c(k) D`` for one symbol c, row by row."""
    for i in range(constraint.rows):
        ratios = {sp.cancel(m / d) for m, d in zip(moved.row(i), constraint.row(i), strict=True) if d != 0}
        stray = any(sp.expand(m) != 0 for m, d in zip(moved.row(i), constraint.row(i), strict=True) if d == 0)
        if stray or len(ratios) > 1:
            return False
    return True
