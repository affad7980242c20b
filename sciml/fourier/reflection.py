"""Which series each field has on a box: sines, cosines, or quarter-wave ones.

A field that is odd or even about each face extends to a periodic function, and everything the
method does to it is a Fourier multiplier or a pointwise product, which carry the symmetry along: a
symbol odd in k flips it, a product multiplies it. A *signature* holds +1 (even) or -1 (odd) for the
lower and the upper face of every bounded axis.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

import sympy as sp

from sciml.dsl.text import text
from sciml.forms import SemilinearForm
from sciml.forms.faces import Faces, parity
from sciml.forms.multiplier import Multiplier, atoms_of
from sciml.forms.rows import Origin
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm
from sciml.method import Unmet

__all__ = ["Reflections", "Signature"]

Signature = tuple[int, ...]
ENDS = ((1, 1), (-1, -1), (1, -1), (-1, 1))


class Reflections:
    """Signatures of the states, slots and terms of a form on a box; empty tuples on a torus."""

    def __init__(self, form: SemilinearForm, faces: Faces) -> None:
        self.form, self.faces = form, faces
        self.axes = faces.domain.bounded
        self.states: tuple[Signature, ...] = ((),) * len(form.state)
        if self.axes:
            self._choose([self._declared(z) for z in form.state])

    def _declared(self, z: sp.Expr) -> list[tuple[int, int] | None]:
        (target,) = atoms_of(self.form.lift[z])
        declared = target.expr if isinstance(target, sp.Derivative) else target
        return [self.faces.reflection(declared, x) for x in self.axes]

    def _choose(self, declared: list[list[tuple[int, int] | None]]) -> None:
        """Fill in the fields that need no condition, such that every term fits, by trying."""
        free = [(i, a) for i, axes in enumerate(declared) for a, ends in enumerate(axes) if ends is None]
        for ends in product(ENDS, repeat=len(free)):
            filled = [list(axes) for axes in declared]
            for (i, a), chosen in zip(free, ends, strict=True):
                filled[i][a] = chosen
            self.states = tuple(tuple(s for pair in axes if pair is not None for s in pair) for axes in filled)
            if not free or not [*self._coupled(), *self._terms()]:
                return

    @property
    def neutral(self) -> Signature:
        """Even about every face: constants."""
        return (1,) * (2 * len(self.axes))

    def of_symbol(self, symbol: sp.Expr) -> Signature | None:
        """Return what a symbol multiplies a signature by; None if it is neither even nor odd."""
        signs = [parity(symbol, self.form.frame.k[x]) for x in self.axes]
        return None if None in signs else tuple(s for s in signs for _ in range(2) if s is not None)

    def of(self, expr: sp.Expr) -> Signature | None:
        """Return the signature of a component expression of the states; None if it has none."""
        if not self.axes:
            return ()
        if expr in self.form.state:
            return self.states[self.form.state.index(expr)]
        if isinstance(expr, Multiplier):
            return _times(self.of(expr.operand), self.of_symbol(expr.symbol))
        if isinstance(expr, sp.Derivative):
            return self.of(expr.expr)
        if not expr.free_symbols & {*self.axes} and not atoms_of(expr):
            return self.neutral
        if expr.is_Mul:
            total: Signature | None = self.neutral
            for factor in expr.args:
                total = _times(total, self.of(factor))
            return total
        if expr.is_Pow and expr.exp.is_Integer:
            base = self.of(expr.base)
            return base if base is None or expr.exp % 2 else self.neutral
        parts = {self.of(a) for a in expr.args}
        if len(parts) == 1 and (expr.is_Add or parts == {self.neutral}):
            return parts.pop()
        return None

    def of_term(self, term: NonlinearTerm | NoiseTerm) -> Signature | None:
        """Return the signature that a pointwise term must be given; None if its rows disagree."""
        wanted = set()
        for i, s in enumerate(self.form.inverse_mass * sp.Matrix(term.column)):
            if (s := sp.expand(s)) != 0:
                wanted.add(_times(self.states[i], self.of_symbol(s)))
        return wanted.pop() if len(wanted) == 1 else None

    def is_smooth(self, term: NonlinearTerm) -> bool:
        """Tell whether a term has the symmetry of its rows by itself, so that its series converges fast."""
        return self.of(self.form.expression(term.n)) == self.of_term(term)

    @cached_property
    def unmet(self) -> list[Unmet]:
        """What the conditions on the faces ask for that sine and cosine series cannot give."""
        if not self.axes:
            return []
        return [*self._coupled(), *self._terms(), *self._constraints(), *self._recovered()]

    def _recovered(self) -> list[Unmet]:
        """Fields that follow from the others must satisfy what is declared of them."""
        form, out = self.form, []
        projected = any(not c.mean_only for c in form.constraints)
        for f, e in form.recover.items():
            if form.order.get(f):
                continue
            found = self.of(e)
            for place, x in enumerate(self.axes):
                declared = self.faces.reflection(f, x)
                if declared is not None and found is not None and found[2 * place : 2 * place + 2] != declared:
                    why = f"the conditions on {text(f)} at the faces of {x} differ from those that it inherits"
                    out.append(Unmet(why, f"leave them out: {text(f)} follows from the evolving fields"))
            if projected and any(not t.n.free_symbols & {s.placeholder for s in form.slots} for t in form.nonlinear):
                why = f"between faces {text(f)} cannot balance a force that does not depend on the unknowns"
                out.append(Unmet(why, "write the force as a gradient, and take it into the pressure by hand"))
        return out

    def _coupled(self) -> list[Unmet]:
        form, out = self.form, []
        for i, z in enumerate(form.state):
            for j, other in enumerate(form.state):
                symbol = form.propagator[i, j]
                if symbol != 0 and _times(self.states[j], self.of_symbol(symbol)) != self.states[i]:
                    shown = f"[{form.symbol_text(symbol)}] {text(other)}"
                    out.append(self._mixed(shown, z, form.origins[i]))
        return out

    def _terms(self) -> list[Unmet]:
        out = []
        for term in self.form.nonlinear:
            if self.of_term(term) is None:
                out.append(self._unfit(term, term.n))
        chosen: dict[str, Signature | None] = {}
        for driven in self.form.noise:
            wanted = self.of_term(driven)
            # Noise that is added as it is has one series; a product is extended as its row wants it.
            added = not driven.amplitude.free_symbols & {*self.axes, *(s.placeholder for s in self.form.slots)}
            if wanted is None or (added and chosen.setdefault(driven.noise.name, wanted) != wanted):
                out.append(self._unfit(driven, driven.amplitude * driven.noise))
        return out

    def _unfit(self, term: NonlinearTerm | NoiseTerm, pointwise: sp.Expr) -> Unmet:
        rows = [z for z, s in zip(self.form.state, term.column, strict=True) if s != 0]
        return self._mixed(text(self.form.expression(pointwise)), rows[0], term.origins)

    def _constraints(self) -> list[Unmet]:
        out = []
        for c in self.form.constraints:
            if not c.mean_only and self.of(c.expr) is None:
                msg = f"'{c.equation}' adds sine and cosine series under these face conditions"
                out.append(Unmet(msg, "on each wall: Dirichlet for the normal velocity, Neumann for the others"))
        return out

    def _mixed(self, what: str, row: sp.Expr, origins: tuple[Origin, ...]) -> Unmet:
        where = f" (equation '{origins[0].equation}')" if origins else ""
        series = "its sine and cosine series do not fit the faces"
        return Unmet(
            f"{what} drives {text(row)}, but {series}{where}",
            "use a periodic axis, or conditions that make every term even or odd about each face",
        )


def _times(a: Signature | None, b: Signature | None) -> Signature | None:
    return None if a is None or b is None else tuple(p * q for p, q in zip(a, b, strict=True))
