"""Checks of the noise itself: that it fits the domain, has variances, and respects the constraints."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import sympy as sp

from sciml.dsl.domains import Domain
from sciml.dsl.noise import ColoredNoise, Noise
from sciml.dsl.text import text, typed
from sciml.errors import DeclarationError
from sciml.forms.degrees import ends
from sciml.forms.faces import Faces
from sciml.forms.rows import Origin, refuse
from sciml.forms.semilinear import NoiseTerm, SemilinearForm

__all__ = ["check_driving"]

Ranges = Mapping[sp.Symbol, tuple[float, float]]

SHELLS = 4096  # |k|² in units of the smallest, at which a spectrum is looked at
OCTAVES = 24  # beyond these


def check_driving(form: SemilinearForm, faces: Faces, ranges: Ranges) -> None:
    """Refuse noise in all of space, spectra that are no variances, and noise against a constraint.

    Args:
        form: The canonical form.
        faces: The domain, and what the conditions say on its faces.
        ranges: Lowest and highest value of each parameter, and of the coordinates.

    Raises:
        DeclarationError: With the term that holds the noise underlined.
    """
    domain = faces.domain
    for term in form.noise:
        if domain.infinite:
            x, origin = domain.infinite[0], term.origins[0]
            msg = f"{text(term.noise)} drives all of space, and its solution does not vanish at infinity"
            axes = ", ".join(f"({c}, -10, 10)" for c in domain.coordinates)
            raise refuse("S214", msg, origin, f"domain=sm.Torus({axes}), large enough along {x}")
        if isinstance(term.noise, ColoredNoise):
            _check_spectrum(term.noise, term.origins[0], domain, ranges)
    _check_means(form, faces)


def _check_spectrum(noise: ColoredNoise, origin: Origin, domain: Domain, ranges: Ranges) -> None:
    k = sp.Symbol("k", nonnegative=True)
    law = noise.spectrum(k)
    symbols = sorted(law.free_symbols - {k}, key=str)
    longest = max((ranges[x][1] - ranges[x][0]) * (1 if x in domain.periodic else 2) for x in domain.coordinates)
    shells = np.sqrt(np.concatenate([np.arange(1.0, SHELLS), SHELLS * 2.0 ** np.arange(OCTAVES)]))
    wavenumbers = 2 * math.pi / longest * shells
    function = sp.lambdify([k, *symbols], law, "numpy")
    for values in ends(symbols, ranges):
        with np.errstate(all="ignore"):
            found = np.broadcast_to(np.asarray(function(wavenumbers, *values), complex), wavenumbers.shape)
        bad = ~np.isfinite(found) | (found.imag != 0) | (found.real < 0)
        if bad.any():
            what = "infinite" if not np.isfinite(found[bad][0]) else f"{found[bad][0].real:.3g}"
            msg = f"the spectrum of {noise.name} is a variance, and must not be {what}, as it is at |k| = "
            msg += f"{wavenumbers[bad][0]:.3g}"
            fix = f"a spectrum that is finite and not negative: spectrum=(1 + {noise.args[2]}**2)**(-2)"
            raise refuse("S215", msg, origin, fix)
        at_rest = law.subs(dict(zip(symbols, values, strict=True))).subs(k, 0)
        if noise.has_mean and (at_rest.is_finite is False or at_rest is sp.nan):
            msg = f"the spectrum of {noise.name} is infinite at k = 0, the mean over space"
            raise refuse("S215", msg, origin, f"leave it out: {noise.name} = {_without_mean(noise)}")


def _check_means(form: SemilinearForm, faces: Faces) -> None:
    """Noise must not drive a mean that a constraint keeps at 0, nor a row in which M(0) vanishes."""
    rest = dict.fromkeys(form.frame.k.values(), 0)
    kept = {i: "its own equation" for i in range(len(form.state)) if not any(form.mass.row(i).subs(rest))}
    for c in form.constraints:
        if c.mean_only:
            kept |= {i: f"equation '{c.equation}'" for i, z in enumerate(form.state) if c.expr.has(z)}
    for i, why in kept.items():
        if not _has_mean(form.state[i], faces):
            continue
        for term in form.noise:
            pushed = term.column[i].subs(rest) != 0
            constant = not term.amplitude.free_symbols & _varying(form)
            if pushed and (term.noise.has_mean or not constant):
                raise _refused_mean(term, text(form.declared(form.state[i])), why, constant)


def _has_mean(field: sp.Expr, faces: Faces) -> bool:
    """Tell whether the mode 0 exists: between faces with values of the field there is none."""
    return all(faces.reflection(field, x) == (1, 1) for x in faces.domain.bounded)


def _varying(form: SemilinearForm) -> set[sp.Symbol]:
    return {*form.frame.space, *(s.placeholder for s in form.slots)}


def _refused_mean(term: NoiseTerm, field: str, why: str, constant: bool) -> DeclarationError:
    noise, origin = term.noise, term.origins[0]
    msg = f"{noise.name} drives the mean of {field}, which {why} keeps at 0"
    fix = f"leave it out: {noise.name} = {_without_mean(noise)}"
    if not constant:
        fix = f"take the mean out: sm.Laplacian(sm.InverseLaplacian({typed(origin.term)}))"
    elif len(noise.coordinates) == 1:
        fix = f"remove it: noise over {noise.coordinates[0]} alone drives nothing but the mean"
    return refuse("S213", msg, origin, fix)


def _without_mean(noise: Noise) -> str:
    """Print the noise without its mean as it is typed."""
    given = ", ".join(map(str, noise.coordinates))
    more = f"k={noise.args[2]}, spectrum={typed(noise.args[3])}, " if isinstance(noise, ColoredNoise) else ""
    if noise.modes is not None:
        more = f"modes={noise.modes}, "
    return f'sm.{type(noise).__name__}("{noise.name}", {given}, {more}mean=False)'
