"""From declared equations to the semilinear form: the ordered pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp
from sympy.core.function import AppliedUndef

from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.eliminate import Projection, eliminate, projection, solvability, substitute_rows
from sciml.forms.frame import Frame
from sciml.forms.multiplier import Multiplier, atoms_of, is_local, multiply, substitute
from sciml.forms.order import FirstOrder, first_order
from sciml.forms.real import check_real
from sciml.forms.reassemble import difference
from sciml.forms.rows import Origin, Row, refuse, rows_of
from sciml.forms.semilinear import Constraint, NoiseTerm, NonlinearTerm, SemilinearForm, Slot, slot_symbol
from sciml.forms.split import Split, split_row

__all__ = ["semilinear", "semilinear_rows"]

Column = tuple[sp.Expr, ...]


def semilinear(
    equations: Mapping[str, sp.Eq],
    fields: Sequence[sp.Expr],
    frame: Frame,
    lifts: Mapping[sp.Expr, sp.Expr] | None = None,
    *,
    walled: bool = False,
) -> SemilinearForm:
    """Bring equations into semilinear form.

    Args:
        equations: Named equations of the declaration.
        fields: Scalar unknowns (components of vector fields included), in declared order.
        frame: Time and space.
        lifts: ``ℓ(x)`` of each field that takes nonzero values on faces; the state then holds ``u - ℓ``.
        walled: Some axes have faces, where constants have no mode k = 0 of their own.

    Raises:
        DeclarationError: The equations do not determine the unknowns, or leave the form; the
            message underlines the term.
    """
    # Ranks first: everything after works on scalar rows.
    rows = rows_of(equations, frame)
    if walled:
        _check_constraints(rows, lifts or {})
    form = _lifted(rows, fields, lifts, frame) if lifts else semilinear_rows(rows, fields, frame)
    check_real(form, equations)
    return form


def _check_constraints(rows: Sequence[Row], lifts: Mapping[sp.Expr, sp.Expr]) -> None:
    """Between faces a constraint may hold unknowns with homogeneous data only: all else would be lost at k = 0."""
    for row in rows:
        if any(t.expr.atoms(sp.Derivative) for t in row.terms):
            continue
        for term in row.terms:
            fields = term.expr.atoms(AppliedUndef)
            what = "a source without an unknown" if not fields else "a field with nonzero values on a face"
            if not fields or fields & set(lifts):
                fix = "move it into the unknown by hand: with u = v + g(x) write the equation for v"
                raise refuse("S178", f"between faces, an equation without Dt cannot hold {what}", term.origin, fix)


def _lifted(
    rows: Sequence[Row], fields: Sequence[sp.Expr], lifts: Mapping[sp.Expr, sp.Expr], frame: Frame
) -> SemilinearForm:
    """Write the equations for ``v = u - ℓ(x)``, which is zero on the faces where u has data."""
    for row in rows:
        for term in row.terms:
            for m in term.expr.atoms(Multiplier):
                if m.atoms(AppliedUndef) & set(lifts) and not is_local(m.symbol, frame):
                    msg = "a nonlocal operator acts on a field with nonzero values on a face"
                    fix = "its meaning there is a matter of definition: substitute u = v + l(x) by hand"
                    raise refuse("S178", msg, term.origin, fix)
    names = {f.func.__name__ for f in fields}
    homogeneous = {u: sp.Function(_free_name(f"{u.func.__name__}_h", names), real=True)(*u.args) for u in lifts}
    mapping = {u: v + lifts[u] for u, v in homogeneous.items()}
    form = semilinear_rows(substitute_rows(rows, mapping, frame), [homogeneous.get(f, f) for f in fields], frame)
    declared = {v: u for u, v in homogeneous.items()}
    recover = {declared.get(f, f): e + lifts.get(declared.get(f, f), 0) for f, e in form.recover.items()}
    recover |= {u: v + lifts[u] for u, v in homogeneous.items() if v in form.state}
    order = {declared.get(f, f): n for f, n in form.order.items()}
    initial = {z: e.xreplace(declared) - (lifts[declared[z]] if z in declared else 0) for z, e in form.lift.items()}
    return replace(form, order=order, recover=recover, lift=initial)


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "h"
    return name


def semilinear_rows(rows: Sequence[Row], fields: Sequence[sp.Expr], frame: Frame) -> SemilinearForm:
    """Bring scalar rows into semilinear form; see :func:`semilinear`."""
    # Time before elimination, so that constraints may hold lower time derivatives.
    first = first_order(rows, fields, frame)
    algebraic = [f for f in fields if first.order[f] == 0]
    state = tuple(z for f in fields if first.order[f] > 0 for z in first.chain[f])
    _check_counts(first, rows, fields, algebraic)
    # Linear constraints are substituted before the split: the fields they define may be multiplied.
    reduced = eliminate(first.rows, algebraic, [*state, *algebraic], frame)
    multipliers = [a for a in algebraic if a not in reduced.recover]
    ordered = _match([*reduced.evolution, *first.definitions], state)
    splits = [split_row(r, [*state, *multipliers], frame) for r in ordered]
    mass, linear = _matrix(splits, state, "rate"), -_matrix(splits, state, "linear")
    # Multipliers such as the pressure are projected out of the rows last: they act on all of them.
    projected = _project(reduced.constraints, splits, mass, linear, state, multipliers, frame)
    recover = dict(reduced.recover)
    if projected is not None:
        recover |= _recover_multipliers(projected, splits, linear, state, frame)
        recover = {f: substitute(e, recover, frame) for f, e in recover.items()}
        if not projected.keeps_linear:
            linear = (projected.projector * linear).applyfunc(sp.expand)
    constraints = [Constraint(r.equation, r.expr) for r in reduced.constraints]
    constraints += [Constraint(name, substitute(e, recover, frame), True) for name, e in reduced.solvability]
    constraints += _means_of_rows(mass, linear, splits, state, frame)
    form = _assemble(splits, mass, linear, state, first, projected, recover, constraints, frame)
    _check_reassembly(form, ordered, recover, frame)
    return form


def _check_counts(
    first: FirstOrder, rows: Sequence[Row], fields: Sequence[sp.Expr], algebraic: Sequence[sp.Expr]
) -> None:
    if len(algebraic) == len(fields):
        msg = "no equation holds a time derivative; only evolution equations are solved."
        u = text(fields[0])
        fix = f"add  sm.Dt({u})  where an unknown evolves; a steady state is its value after a long time"
        raise DeclarationError("S139", msg, fix=fix)
    if len(rows) != len(fields):
        names = ", ".join(text(f) for f in fields)
        msg = f"{len(fields)} unknown scalar field(s) ({names}) but {len(rows)} scalar equation(s)."
        fix = "an equation is missing; for a pressure that is Div(u) = 0"
        if len(rows) > len(fields):
            fix = "remove equations that repeat others; a constraint such as Div(u) = 0 needs a pressure: add Grad(p)"
        raise DeclarationError("S103", msg, fix=fix)
    for row in first.rows:
        if not row.terms:
            msg = f"equation '{row.equation}' is 0 = 0 in this domain."
            raise DeclarationError("S104", msg, fix="remove it, or write the term that is missing")


def _match(rows: Sequence[Row], state: Sequence[sp.Expr]) -> list[Row]:
    """Put the row that evolves each state field in that field's place."""
    if len(rows) != len(state):
        names = ", ".join(text(f) for f in state)
        msg = f"{len(state)} field(s) evolve in time ({names}), but {len(rows)} equation(s) hold a time derivative."
        fix = "an equation without Dt that ties evolving fields together is substituted by hand:"
        more = "with w = Laplacian(psi) write Dt(Laplacian(psi)) instead of Dt(w)"
        raise DeclarationError("S103", msg, fix=(fix, more))
    holds = []
    for row in rows:
        rates = {d.expr for d in row.expr.atoms(sp.Derivative)}
        holds.append([j for j, f in enumerate(state) if f in rates])
    place: dict[int, int] = {}  # state field -> row
    for i in range(len(rows)):
        if not _augment(i, holds, place, set()):
            msg = f"equation '{rows[i].equation}' repeats time derivatives that others determine already."
            raise refuse("S140", msg, rows[i].terms[0].origin, "each field needs an equation of its own for Dt")
    return [rows[place[j]] for j in range(len(state))]


def _augment(row: int, holds: Sequence[Sequence[int]], place: dict[int, int], tried: set[int]) -> bool:
    """Give a row a field whose rate it holds, moving other rows along if necessary."""
    for j in holds[row]:
        if j in tried:
            continue
        tried.add(j)
        if j not in place or _augment(place[j], holds, place, tried):
            place[j] = row
            return True
    return False


def _matrix(splits: Sequence[Split], fields: Sequence[sp.Expr], kind: str) -> sp.Matrix:
    entries = [[getattr(s, kind).get(f, sp.S.Zero) for f in fields] for s in splits]
    return sp.Matrix(len(splits), len(fields), [sp.expand(e) for row in entries for e in row])


def _project(
    constraints: Sequence[Row],
    splits: Sequence[Split],
    mass: sp.Matrix,
    linear: sp.Matrix,
    state: Sequence[sp.Expr],
    multipliers: Sequence[sp.Expr],
    frame: Frame,
) -> Projection | None:
    if not constraints and not multipliers:
        return None
    held = [split_row(r, state, frame) for r in constraints]
    for s in held:
        if s.nonlinear or s.noise:
            part = (s.nonlinear or s.noise)[0]
            msg = "a constraint on evolving fields must be linear and without forcing"
            raise refuse("S135", msg, part.origin, "write it as a linear constraint such as Div(u) = 0")
    if len(held) != len(multipliers):
        names = ", ".join(text(m) for m in multipliers) or "none"
        msg = f"{len(held)} constraint(s) on evolving fields, but {len(multipliers)} field(s) to enforce them: {names}."
        origin = (held or splits)[0].row.terms[0].origin
        raise refuse("S134", msg, origin, "a constraint such as Div(u) = 0 needs a pressure: add Grad(p)")
    for s in splits:
        for p in s.nonlinear:
            if any(p.n.has(m) for m in multipliers):
                msg = f"{text(p.n)} multiplies a field without time derivative, which only a linear term may hold."
                raise refuse("S135", msg, p.origin, "a pressure enters as Grad(p), without a factor that varies")
    gradient = -_matrix(splits, multipliers, "linear")
    constraint = _matrix(held, state, "linear")
    return projection(mass, linear, gradient, constraint, multipliers, held[0].row.terms[0].origin, frame)


def _recover_multipliers(
    projected: Projection, splits: Sequence[Split], linear: sp.Matrix, state: Sequence[sp.Expr], frame: Frame
) -> dict[sp.Expr, sp.Expr]:
    right = []
    for i, s in enumerate(splits):
        terms = [-multiply(p.n, p.outer, frame) for p in s.nonlinear]
        terms += [-multiply(p.amplitude * p.noise, p.outer, frame) for p in s.noise]
        if not projected.keeps_linear:
            terms += [multiply(f, linear[i, j], frame) for j, f in enumerate(state)]
        right.append(sp.Add(*terms))
    return {
        m: sp.Add(*(multiply(r, projected.on_rows[a, i], frame) for i, r in enumerate(right)))
        for a, m in enumerate(projected.multipliers)
    }


def _means_of_rows(
    mass: sp.Matrix, linear: sp.Matrix, splits: Sequence[Split], state: Sequence[sp.Expr], frame: Frame
) -> list[Constraint]:
    """Where M(0) is singular, as in ``∂ₜΔψ = …``, some mean of the right side must be 0."""
    right = []
    for i, s in enumerate(splits):
        terms = [multiply(f, linear[i, j], frame) for j, f in enumerate(state)]
        right.append(sp.Add(*terms, *(-multiply(p.n, p.outer, frame) for p in s.nonlinear)))
    found = solvability(mass, right, [s.row.equation for s in splits], frame)
    return [Constraint(name, e, True) for name, e in found if e != 0]


def _assemble(
    splits: Sequence[Split],
    mass: sp.Matrix,
    linear: sp.Matrix,
    state: tuple[sp.Expr, ...],
    first: FirstOrder,
    projected: Projection | None,
    recover: Mapping[sp.Expr, sp.Expr],
    constraints: Sequence[Constraint],
    frame: Frame,
) -> SemilinearForm:
    if sp.expand(mass.det(method="berkowitz")) == 0:
        msg = "the equations do not determine all time derivatives: the mass matrix M(k) is singular for every k."
        raise refuse("S140", msg, splits[0].row.terms[0].origin, "each field needs an equation of its own for Dt")
    slots = _Slots(state, frame)
    columns = _Columns(len(state), projected)
    for i, s in enumerate(splits):
        for p in s.nonlinear:
            columns.add(i, p.outer, -p.n, p.origin)
    nonlinear = tuple(
        NonlinearTerm(column, n := slots.replace(expr), slots.degree(n), origins)
        for column, expr, origins in columns.merged(frame)
    )
    noise = tuple(
        NoiseTerm(columns.column(i, p.outer), slots.replace(-p.amplitude), p.noise, (p.origin,))
        for i, s in enumerate(splits)
        for p in s.noise
    )
    lift: dict[sp.Expr, sp.Expr] = {}
    for f, states in first.chain.items():
        if first.order[f] > 0:
            lift |= {z: sp.Derivative(f, (frame.time, n)) if n else f for n, z in enumerate(states)}
    return SemilinearForm(
        frame=frame,
        state=state,
        order=dict(first.order),
        mass=sp.ImmutableMatrix(mass),
        linear=sp.ImmutableMatrix(linear),
        slots=tuple(slots.found),
        nonlinear=nonlinear,
        noise=noise,
        recover=recover,
        lift=lift,
        chain={f: states for f, states in first.chain.items() if first.order[f] > 0},
        constraints=tuple(constraints),
        origins=tuple(tuple(dict.fromkeys(t.origin for t in s.row.terms)) for s in splits),
    )


class _Slots:
    """Deduplicated linear maps of the state that occur in pointwise terms."""

    def __init__(self, state: Sequence[sp.Expr], frame: Frame) -> None:
        self.state, self.frame = list(state), frame
        self.found: list[Slot] = []
        self.known: dict[sp.Expr, sp.Symbol] = {}

    def replace(self, expr: sp.Expr) -> sp.Expr:
        for atom in sorted(atoms_of(expr), key=sp.default_sort_key):
            if atom not in self.known:
                symbol, target = (sp.S.One, atom) if atom in self.state else (atom.symbol, atom.operand)
                slot = Slot(self.state.index(target), symbol, slot_symbol(len(self.found)))
                self.found.append(slot)
                self.known[atom] = slot.placeholder
        return expr.xreplace(self.known)

    def degree(self, n: sp.Expr) -> int | None:
        ys = [s.placeholder for s in self.found if s.placeholder in n.free_symbols]
        if not ys:
            return 0
        try:
            return int(sp.Poly(n, *ys).total_degree())
        except sp.PolynomialError:
            return None


class _Columns:
    """Collects pointwise terms by the Fourier symbols they enter the rows with.

    A product that enters several rows is transformed once; all products that enter the same way
    are summed into one pointwise expression.
    """

    def __init__(self, size: int, projected: Projection | None) -> None:
        self.size, self.projected = size, projected
        self.by_core: dict[sp.Expr, list[sp.Expr]] = {}
        self.origins: dict[sp.Expr, list[Origin]] = {}

    def column(self, row: int, outer: sp.Expr) -> tuple[sp.Expr, ...]:
        unit = [outer if i == row else sp.S.Zero for i in range(self.size)]
        if self.projected is None:
            return tuple(unit)
        return tuple((self.projected.projector * sp.Matrix(unit)).applyfunc(sp.expand))

    def add(self, row: int, outer: sp.Expr, n: sp.Expr, origin: Origin) -> None:
        number, core = n.as_coeff_Mul()
        total = self.by_core.setdefault(core, [sp.S.Zero] * self.size)
        for i, s in enumerate(self.column(row, outer)):
            total[i] += number * s
        self.origins.setdefault(core, []).append(origin)

    def merged(self, frame: Frame) -> list[tuple[Column, sp.Expr, tuple[Origin, ...]]]:
        groups: dict[Column, sp.Expr] = {}
        origins: dict[Column, list[Origin]] = {}
        for core, total in self.by_core.items():
            column, factor = _normalised([sp.expand(s) for s in total], frame)
            if any(column):
                groups[column] = groups.get(column, sp.S.Zero) + factor * core
                origins.setdefault(column, []).extend(self.origins[core])
        return [(c, n, tuple(dict.fromkeys(origins[c]))) for c, n in groups.items() if n != 0]


def _normalised(column: list[sp.Expr], frame: Frame) -> tuple[tuple[sp.Expr, ...], sp.Expr]:
    """Move a real factor from a column into the pointwise term, so that like columns merge."""
    lead = next((s for s in column if s != 0), sp.S.Zero)
    if lead == 0:
        return tuple(column), sp.S.Zero
    if sum(s != 0 for s in column) == 1:
        factor, rest = sp.factor_terms(lead).as_independent(*frame.k.values(), as_Add=False)
        imaginary = sp.I if factor.has(sp.I) else sp.S.One
        factor = sp.expand(factor / imaginary)
        if not factor.has(sp.I) and factor != 0:
            return tuple(sp.expand(imaginary * rest) if s != 0 else sp.S.Zero for s in column), factor
    number = lead.as_coeff_Mul()[0]
    if number.is_real and number != 0:
        return tuple(sp.expand(s / number) for s in column), number
    return tuple(column), sp.S.One


def _check_reassembly(
    form: SemilinearForm, rows: Sequence[Row], recover: Mapping[sp.Expr, sp.Expr], frame: Frame
) -> None:
    substituted = []
    for row in rows:
        terms = tuple(type(t)(substitute(t.expr, recover, frame), t.origin) for t in row.terms)
        substituted.append(Row(row.equation, terms))
    wrong = difference(form, substituted)
    if wrong:
        detail = "; ".join(wrong)
        msg = f"internal check failed: the canonical form differs from the declaration ({detail}). Please report this."
        raise DeclarationError("S199", msg, fix="write the equations in another form meanwhile, e.g. expanded")
