"""Refusals of equations with noise that mean nothing as they stand, with the term and the reason.

The rules follow from the degrees in ``degrees.py``: products of distributions, the noise times a rough
unknown, terms that are as rough as the noise (criticality), counterterms that nobody chose.
"""

from __future__ import annotations

import math

import sympy as sp

from sciml.dsl.domains import MOST_AXES
from sciml.dsl.noise import Noise
from sciml.dsl.text import text
from sciml.errors import DeclarationError
from sciml.forms.components import components
from sciml.forms.degrees import Degrees, exponent_text
from sciml.forms.multiplier import atoms_of, is_local
from sciml.forms.products import Monomial, exceeds
from sciml.forms.rows import Origin, Row, Term, refuse
from sciml.forms.semilinear import NoiseTerm, SemilinearForm
from sciml.forms.split import split_row

__all__ = ["check_admissible"]

MODES = 32  # of the noise that a fix suggests


def check_admissible(
    form: SemilinearForm, found: Degrees | None, calculus: str | None, renormalise: str | None
) -> None:
    """Refuse what has no solution theory, or needs a choice that was not made, or holds one that means nothing.

    Args:
        form: The canonical form.
        found: Its degrees; None without noise.
        calculus: ``"ito"``, ``"stratonovich"`` or None.
        renormalise: ``"wick"`` or None.

    Raises:
        DeclarationError: With the term underlined.
    """
    if found is None:
        none = "is for equations with noise, and these hold none."
        if calculus is not None:
            raise DeclarationError("S203", f'calculus="{calculus}" {none}', fix=f'remove calculus="{calculus}"')
        if renormalise is not None:
            raise DeclarationError(
                "S207", f'renormalise="{renormalise}" {none}', fix=f'remove renormalise="{renormalise}"'
            )
        return
    for term in form.noise:
        if slots := form.slots_in(term.amplitude):
            _check_multiplicative(term, slots, form, found, calculus)
    for check in (_check_functions, _check_subcritical):
        for p in found.terms:
            check(p, form, found)
    _check_renormalised(form, found, renormalise)


def _check_multiplicative(
    term: NoiseTerm, slots: tuple[int, ...], form: SemilinearForm, found: Degrees, calculus: str | None
) -> None:
    origin, noise = term.origins[0], term.noise
    rough = [i for i in slots if not exceeds(found.slots[i], 0)]
    if rough:
        msg = f"{text(origin.term)} is undefined: {_roughness(rough[0], form, found)}, and noise multiplies no "
        raise refuse("S205", f"{msg}distribution", origin, _smoother(noise))
    if calculus is None:
        msg = f"{text(origin.term)} multiplies noise by an unknown, and what that means depends on the calculus"
        fix = ('calculus="ito"           the amplitude is taken before the noise acts',)
        raise refuse("S204", msg, origin, (*fix, 'calculus="stratonovich"  the limit of noise that is smooth in time'))
    summable = exceeds(2 * found.rho[noise.name], form.frame.dim)
    if calculus == "stratonovich" and not summable and _acts_back(term, slots, form):
        msg = f"{text(origin.term)} has an infinite correction in Stratonovich's sense: the variances of the modes of "
        raise refuse("S206", f"{msg}{noise.name} have no finite sum", origin, ('calculus="ito", or', _smoother(noise)))


def _acts_back(term: NoiseTerm, slots: tuple[int, ...], form: SemilinearForm) -> bool:
    """Tell whether a noise drives what its own amplitude depends on; that of a wave holds u, and drives u_t."""
    driven = [form.inverse_mass * sp.Matrix(t.column) for t in form.noise if t.noise == term.noise]
    return any(column[form.slots[i].state] != 0 for column in driven for i in slots)


def _check_functions(p: Monomial, form: SemilinearForm, found: Degrees) -> None:
    for f in p.factors:
        if not f.is_slot and not exceeds(f.regularity, 0):
            origin = _origin_of(p, form)
            worst = min(f.slots, key=lambda i: found.slots[i])
            msg = (
                f"{text(origin.term)} is undefined: {_roughness(worst, form, found)}, and has powers, but no functions"
            )
            raise refuse("S212", msg, origin, _smoother(_roughest(form, found)))


def _check_subcritical(p: Monomial, form: SemilinearForm, found: Degrees) -> None:
    i = p.fails_at
    if i is None:
        return
    origin, noise = _origin_of(p, form), _roughest(form, found)
    if not exceeds(found.beta[i], 0):
        rough = min((j for f in p.factors for j in f.slots), key=lambda j: found.slots[j])
        msg = f"{text(origin.term)} has no meaning here: {_roughness(rough, form, found)}, and the linear part of "
        msg += f"{text(form.declared(form.state[i]))} does not smooth, so that counting finds no solution"
        raise refuse("S211", msg, origin, _smoother(noise))
    # Both sides less what the linear part gains; the noise as this state feels it.
    degree, own = p.reaches[i] - found.beta[i], found.alpha[i] - found.beta[i]
    below = exceeds(own, degree)
    relation, kind = ("below", "supercritical") if below else ("equal to", "critical")
    msg = f"{text(origin.term)} has degree {exponent_text(degree)}, {relation} the noise degree {exponent_text(own)}: "
    msg += f"the equation is {kind}, not subcritical, and counting finds no solution"
    raise refuse("S210", msg, origin, _smoother(noise))


def _check_renormalised(form: SemilinearForm, found: Degrees, renormalise: str | None) -> None:
    singular = sorted((p for p in found.terms if p.is_singular), key=lambda p: p.degree)
    needing = [p for p in singular if p.needs_renormalisation]
    if singular and not found.wick_suffices:
        origin = _origin_of((needing or singular)[0], form)
        msg = f"{text(origin.term)} needs more than Wick powers: the solution without its Gaussian part is still too "
        msg += "rough to be multiplied by them, and by this count a second counterterm would be needed"
        raise refuse("S209", msg, origin, _smoother(_roughest(form, found)))
    if needing and form.is_multiplicative:
        origin = _origin_of(needing[0], form)
        msg = f"{text(origin.term)} multiplies distributions, and Wick powers need noise that no unknown multiplies"
        raise refuse("S208", msg, origin, _smoother(_roughest(form, found)))
    if needing and renormalise is None:
        origin = _origin_of(needing[0], form)
        rough = min((i for f in needing[0].factors for i in f.slots), key=lambda i: found.slots[i])
        msg = f"{text(origin.term)} multiplies distributions: {_roughness(rough, form, found)}"
        fix = ('renormalise="wick"  takes its products as Wick powers; or', _smoother(_roughest(form, found)))
        raise refuse("S208", msg, origin, fix)
    if renormalise is not None and not needing:
        _refuse_renormalised(form, found, bool(singular), renormalise)


def _refuse_renormalised(form: SemilinearForm, found: Degrees, singular: bool, renormalise: str) -> None:
    why = "no product of rough factors occurs"
    if singular:
        why = "the infinite constants of its products cancel by symmetry"
    elif form.is_multiplicative:
        why = "what noise times an unknown means is said by calculus="
    elif not any(a < math.inf for a in found.alpha):
        why = "the noise is smooth in space"
    elif found.terms:
        why = "the solution is smooth enough for all its products"
    msg = f'renormalise="{renormalise}" would change the equation for nothing: {why}.'
    raise DeclarationError("S207", msg, fix=f'remove renormalise="{renormalise}"')


def _roughness(slot: int, form: SemilinearForm, found: Degrees) -> str:
    """Say how rough a slot is, in the user's fields."""
    y = form.slots[slot]
    what = text(form.declared(form.state[y.state]))
    if y.symbol != 1:
        what = f"a derivative of {what}" if is_local(y.symbol, form.frame) else f"an operator of {what}"
    return f"{what} is in C^a for a < {exponent_text(found.slots[slot])} only"


def _roughest(form: SemilinearForm, found: Degrees) -> Noise:
    noises = {term.noise.name: term.noise for term in form.noise}
    roughest: Noise = noises[min(found.noise, key=lambda name: found.noise[name])]
    return roughest


def _smoother(noise: Noise) -> str:
    if len(noise.coordinates) > 1 + MOST_AXES:
        return f"a problem has 1 to {MOST_AXES} coordinates in space"
    given = ", ".join(map(str, noise.coordinates))
    return f'smooth noise: {noise.name} = sm.WhiteNoise("{noise.name}", {given}, modes={MODES}), or a sm.ColoredNoise'


def _origin_of(p: Monomial, form: SemilinearForm) -> Origin:
    """Return the user's term that holds a product: the one with the same factors."""
    wanted = atoms_of(form.expression(p.piece))
    origins = form.nonlinear[p.term].origins
    for origin in origins:
        for expr in components(origin.term, form.frame).flat:
            if expr == 0:
                continue
            row = Row(origin.equation, (Term(form.in_states(expr), origin),))
            for part in split_row(row, form.state, form.frame).nonlinear:
                if any(atoms_of(piece) == wanted for piece in sp.Add.make_args(part.n)):
                    return origin
    return origins[0]
