"""From velocity and pressure, or from a stream function, to vorticity.

The evolving fields z are maps of the vorticity and, for a velocity, of its mean,

    z = B(k) ω + U,   ω = C(k) z,   C B = 1 on what has mean zero and no divergence,

so that ``∂ₜz = M⁻¹L z + M⁻¹Σ A_m[n_m]`` becomes ``∂ₜω = C M⁻¹ L (Bω + U) + C M⁻¹ Σ A_m[n_m]``. For a
velocity C is the curl: the pressure, and the projection that stands for it, drop out. The mean
velocity has no vorticity; it is a constant of the new equations, and that it does not change in
time is one of their constraints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np
import sympy as sp

from sciml.dsl.vectors import VectorField
from sciml.dsl.wavenumbers import Reciprocal, mean_projector, squared_norm
from sciml.forms.bilinear import TOLERANCE, curl_symbol, velocity_symbol
from sciml.forms.canonical import semilinear_rows
from sciml.forms.frame import Frame
from sciml.forms.linear_flow import common_symbol
from sciml.forms.multiplier import Multiplier, multiply, substitute
from sciml.forms.norm import reduced
from sciml.forms.response import Refusal, monomials, multilinear_symbol
from sciml.forms.rows import Row, Term
from sciml.forms.semilinear import Constraint, NoiseTerm, NonlinearTerm, SemilinearForm
from sciml.forms.split import split_row

__all__ = ["VorticityForm", "vorticity_form"]


@dataclass(frozen=True, eq=False)
class VorticityForm:
    """A form whose first state fields are the vorticity.

    Attributes:
        form: The form; other fields that evolve come after the vorticity. ``recover`` gives the
            velocity ``Bω + U``, and ``lift`` the initial vorticity by the declared initial values.
        axes: Which fields of the original state are the velocity along each coordinate; empty for
            a stream function.
        flipped: ω = Δψ instead of -Δψ for a stream function.
        means: For each symbol of the mean velocity, the declared initial value it is the mean of.
    """

    form: SemilinearForm
    axes: tuple[int, ...]
    flipped: bool = False
    means: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)


@dataclass(frozen=True)
class _Change:
    """``z = back ω + means`` and ``ω = forth z``; the first ``size`` new fields have mean zero."""

    state: tuple[sp.Expr, ...]
    size: int
    back: sp.Matrix
    forth: sp.Matrix
    means: tuple[sp.Expr, ...]

    def mapping(self, old: Sequence[sp.Expr], frame: Frame) -> dict[sp.Expr, sp.Expr]:
        """Return each old state field in terms of the new ones."""
        return {
            z: sp.Add(self.means[j], *(multiply(w, self.back[j, r], frame) for r, w in enumerate(self.state)))
            for j, z in enumerate(old)
        }


def vorticity_form(form: SemilinearForm, *, flipped: bool = False) -> VorticityForm | None:
    """Take a form in primitive variables, or one for a stream function, to vorticity.

    Args:
        form: Its state holds a velocity that a constraint ``Div(u) = 0`` keeps free of
            divergence, in any order and among other fields; or is a scalar in two dimensions
            whose equation holds ``∂ₜΔψ``. Then ω = -Δψ.
        flipped: Take ω = Δψ for a stream function.

    Returns:
        The new form, or None if the state is neither.

    Raises:
        DeclarationError: The result does not reassemble, which would be a fault of this package.
    """
    axes = _velocity(form)
    if axes is None and not _has_stream_function(form):
        return None
    change = _stream_function(form, -1 if flipped else 1) if axes is None else _curl(form, axes)
    mapping = change.mapping(form.state, form.frame)
    rows = _isotropic(_rows(form, change, mapping), change, form.frame)
    new = semilinear_rows(rows, change.state, form.frame)
    recover = mapping | {
        f: _tidy(substitute(e, mapping, form.frame), change, form.frame) for f, e in form.recover.items()
    }
    held = [c for c in form.constraints if axes is None or c.mean_only or not _is_divergence(c, form)]
    constraints = [replace(c, expr=_tidy(substitute(c.expr, mapping, form.frame), change, form.frame)) for c in held]
    constraints += _steady_means(form, axes or (), change)
    new = replace(
        new,
        order={f: 0 for f in form.order} | dict(new.order),
        recover={f: e for f, e in recover.items() if f not in change.state},
        lift=_lift(form, change),
        constraints=tuple(c for c in constraints if c.expr != 0),
    )
    start = _start(form)
    return VorticityForm(new, axes or (), flipped, {change.means[j]: start[j] for j in axes or ()})


# --- which fields are a velocity ----------------------------------------------------------------


def _velocity(form: SemilinearForm) -> tuple[int, ...] | None:
    """Return the state field along each coordinate, if some constraint is their divergence."""
    found = [axes for c in form.constraints if not c.mean_only and (axes := _divergence_of(c, form))]
    return found[0] if found and form.frame.dim in (2, 3) else None


def _is_divergence(constraint: Constraint, form: SemilinearForm) -> bool:
    return _divergence_of(constraint, form) is not None


def _divergence_of(constraint: Constraint, form: SemilinearForm) -> tuple[int, ...] | None:
    """Return ``axes`` if the constraint is ``c(k) Σ_a k_a z[axes[a]] = 0`` for some c."""
    row = Row(constraint.equation, (Term(constraint.expr, form.origins[0][0]),))
    split = split_row(row, form.state, form.frame)
    ks = tuple(form.frame.k.values())
    if len(split.linear) != len(ks) or split.nonlinear:
        return None
    for fields in permutations(split.linear):
        symbols = [split.linear[f] for f in fields]
        if all(sp.expand(s * ks[0] - symbols[0] * k) == 0 for s, k in zip(symbols, ks, strict=True)):
            return tuple(form.state.index(f) for f in fields)
    return None


def _has_stream_function(form: SemilinearForm) -> bool:
    """Tell whether the only field is one whose Laplacian has the time derivative."""
    if form.frame.dim != 2 or len(form.state) != 1:
        return False
    ratio = sp.cancel(form.mass[0, 0] / squared_norm(form.frame.k))
    return not ratio.free_symbols & set(form.frame.k.values())


# --- the change of variables --------------------------------------------------------------------


def _curl(form: SemilinearForm, axes: tuple[int, ...]) -> _Change:
    frame, old = form.frame, form.state
    others = [j for j in range(len(old)) if j not in axes]
    b, c = velocity_symbol(frame.k), curl_symbol(frame.k)
    size = c.shape[0]
    back, forth = sp.zeros(len(old), size + len(others)), sp.zeros(size + len(others), len(old))
    for a, j in enumerate(axes):
        for r in range(size):
            back[j, r], forth[r, j] = b[a, r], c[r, a]
    for r, j in enumerate(others, start=size):
        back[j, r] = forth[r, j] = sp.S.One
    taken = _names(form)
    means = [sp.S.Zero] * len(old)
    for j in axes:
        name = _free(f"{old[j].func.__name__}_mean", taken)
        means[j] = sp.Symbol(name, real=True)
    fields = _vorticity_fields(size, old[axes[0]].args, frame, taken)
    return _Change((*fields, *(old[j] for j in others)), size, back, forth, tuple(means))


def _stream_function(form: SemilinearForm, sign: int) -> _Change:
    square = squared_norm(form.frame.k)
    fields = _vorticity_fields(1, form.state[0].args, form.frame, _names(form))
    back, forth = sp.Matrix([[sign * Reciprocal(square)]]), sp.Matrix([[sign * square]])
    return _Change(fields, 1, back, forth, (sp.S.Zero,))


def _vorticity_fields(size: int, arguments: Sequence[sp.Symbol], frame: Frame, taken: set[str]) -> tuple[sp.Expr, ...]:
    """Return fresh fields, called w or vorticity where that is free."""
    suffixes = [""] if size == 1 else ["", *(f"_{x.name}" for x in frame.space)]
    name = next(n for n in ("w", "vorticity", _free("w", taken)) if not {n + s for s in suffixes} & taken)
    if size == 1:
        return (sp.Function(name, real=True)(*arguments),)
    vector = VectorField(name, *arguments)
    return tuple(vector.component(x) for x in frame.space)


def _names(form: SemilinearForm) -> set[str]:
    fields = {*form.state, *form.recover, *form.order}
    symbols = form.frame.coordinates | form.propagator.free_symbols
    symbols = symbols.union(
        *(term.n.free_symbols.union(*(c.free_symbols for c in term.column)) for term in form.nonlinear)
    )
    return {f.func.__name__ for f in fields} | {s.name for s in symbols}


def _free(name: str, taken: set[str]) -> str:
    while any(t == name or t.startswith(f"{name}_") for t in taken):
        name += "_"
    return name


def _tidy(expr: sp.Expr, change: _Change, frame: Frame) -> sp.Expr:
    """Cancel ``|k|²`` in the maps of the vorticity, which has mean zero."""
    if isinstance(expr, Multiplier):
        operand = _tidy(expr.operand, change, frame)
        exact = operand not in change.state[: change.size]
        return multiply(operand, expr.symbol if exact else reduced(expr.symbol, frame), frame)
    if not expr.args or not expr.has(Multiplier):
        return expr
    return expr.func(*(_tidy(a, change, frame) for a in expr.args))


# --- the new equations --------------------------------------------------------------------------


def _rows(form: SemilinearForm, change: _Change, mapping: Mapping[sp.Expr, sp.Expr]) -> list[Row]:
    """Return ``∂ₜω - C M⁻¹ (L z + Σ A[n] + Σ B[g ξ]) = 0`` with z replaced."""
    frame, origin = form.frame, form.origins[0][0]
    onto = change.forth * form.inverse_mass

    def moved(expr: sp.Expr) -> sp.Expr:
        return _tidy(substitute(expr, mapping, frame), change, frame)

    linear = onto * form.linear
    driven: list[tuple[sp.Expr, NonlinearTerm | NoiseTerm]] = [(moved(form.expression(t.n)), t) for t in form.nonlinear]
    driven += [(moved(form.expression(t.amplitude)) * t.noise, t) for t in form.noise]
    columns = [[_exactly(s, frame) for s in onto * sp.Matrix(t.column)] for _, t in driven]
    rows = []
    for r, w in enumerate(change.state):
        terms = [Term(sp.Derivative(w, frame.time), origin)]
        for z, symbol in zip(form.state, linear.row(r), strict=True):
            terms.append(Term(-_tidy(multiply(mapping[z], sp.expand(symbol), frame), change, frame), origin))
        for (n, t), column in zip(driven, columns, strict=True):
            terms.append(Term(-multiply(n, column[r], frame), t.origins[0]))
        rows.append(
            Row(f"vorticity {r}" if r < change.size else w.func.__name__, tuple(t for t in terms if t.expr != 0))
        )
    return rows


def _exactly(symbol: sp.Expr, frame: Frame) -> sp.Expr:
    """Cancel ``|k|²`` in a symbol and keep its value at k = 0."""
    short = reduced(symbol, frame)
    at_zero = dict.fromkeys(frame.k.values(), 0)
    lost = sp.expand(symbol.subs(at_zero) - short.subs(at_zero))
    return short if lost == 0 else sp.expand(short + lost * mean_projector(frame.k))


def _isotropic(rows: list[Row], change: _Change, frame: Frame) -> list[Row]:
    """Write the linear part with one symbol for all components where it has one.

    On fields without divergence ``(ν|k|² I - ν k kᵀ) ω`` and ``ν|k|² ω`` are equal; the difference
    is added as a term that vanishes.
    """
    splits = [split_row(row, change.state, frame) for row in rows[: change.size]]
    matrix = sp.Matrix([[-s.linear.get(w, sp.S.Zero) for w in change.state[: change.size]] for s in splits])
    common, unlike = common_symbol(matrix, frame)
    if not unlike.is_zero_matrix:
        return rows
    gap = (matrix - reduced(common, frame) * sp.eye(change.size)).applyfunc(sp.expand)
    out = list(rows)
    for r, row in enumerate(rows[: change.size]):
        origin = row.terms[0].origin
        zero = (Term(multiply(w, gap[r, s], frame), origin) for s, w in enumerate(change.state[: change.size]))
        out[r] = Row(row.equation, (*row.terms, *(t for t in zero if t.expr != 0)))
    return out


def _start(form: SemilinearForm) -> list[sp.Expr]:
    """Return the initial state in terms of the declared initial values."""
    return [form.lift[z] for z in form.state]


def _lift(form: SemilinearForm, change: _Change) -> dict[sp.Expr, sp.Expr]:
    """Return the initial vorticity ``C z₀`` in terms of the declared initial values."""
    return {
        w: sp.Add(*(multiply(z, change.forth[r, j], form.frame) for j, z in enumerate(_start(form))))
        for r, w in enumerate(change.state)
    }


def _steady_means(form: SemilinearForm, axes: tuple[int, ...], change: _Change) -> list[Constraint]:
    """Return what must have mean zero so that the mean velocity does not change.

    Drag and forcing can change it; advection cannot, since ``(u·∇)u = ∇·(u⊗u)``.
    """
    at_zero = dict.fromkeys(form.frame.k.values(), 0)
    conserved = _conserves_momentum(form, axes) if axes else True
    mapping = change.mapping(form.state, form.frame)
    out = []
    for j in axes:
        terms = [form.propagator[j, i].subs(at_zero) * change.means[i] for i in axes]
        for m in monomials(form):
            if not (conserved and m.slots and len(m.slots) == 2 and all(s.state in axes for s in m.slots)):
                weight = (form.inverse_mass * sp.Matrix(m.term.column))[j].subs(at_zero)
                terms.append(weight * substitute(form.expression(m.expr), mapping, form.frame))
        out.append(Constraint(form.origins[j][0].equation, _tidy(sp.Add(*terms), change, form.frame), True))
    return out


def _conserves_momentum(form: SemilinearForm, axes: tuple[int, ...]) -> bool:
    """Tell whether the quadratic part gives no mean to a velocity without divergence."""
    response = multilinear_symbol(form, 2)
    if isinstance(response, Refusal):
        return False
    rng = np.random.default_rng(2)
    k, a, b = rng.normal(size=(3, form.frame.dim, 20))
    a, b = (v - k * (v * k).sum(axis=0) / (k * k).sum(axis=0) for v in (a, b))
    values = {s: 1.0 for s in response.parameters}
    mean = response.part(axes, axes, axes).at(np.stack([k, -k]), values)
    return bool(np.abs(np.einsum("ijmx,jx,mx->ix", mean, a, b)).max() <= TOLERANCE * np.abs(mean).max())
