"""Whether noise that multiplies derivatives of the solution leaves the equation parabolic.

With one field, ``du = P u dt + b u dB`` and the symbols P(k), b(k), the mean square of a mode obeys

    d/dt E|û|² = (2 Re P + |b|²) E|û|²                        (Itô)
    d/dt E|û|² = (2 Re P + |b|² + Re b²) E|û|²                (Stratonovich)

and must not grow faster the shorter the waves are. Transport noise ``σ u_x dB`` under viscosity ν needs
``σ² ≤ 2ν`` in Itô's sense, and nothing in Stratonovich's (Krylov & Rozovskii 1981, doi:10.1007/BF01084893).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy as sp

from sciml.dsl.text import text
from sciml.forms.degrees import ends
from sciml.forms.rows import refuse
from sciml.forms.semilinear import NoiseTerm, SemilinearForm

__all__ = ["check_mean_square"]

RADII = 2.0 ** np.arange(8, 21, 4)
FASTER = 4.0  # growth of the rate from one radius to the next that a bounded rate does not show


def check_mean_square(
    form: SemilinearForm, ranges: Mapping[sp.Symbol, tuple[float, float]], calculus: str | None
) -> None:
    """Refuse noise that makes short waves grow in mean square, for one field and amplitudes linear in it.

    Raises:
        DeclarationError: The mean squares of modes grow without bound as they become shorter.
    """
    if len(form.state) > 1:
        return
    for term in form.noise:
        b = _symbol(term, form)
        if b is None or not b.free_symbols & set(form.frame.k.values()):
            continue
        rates = [_rates(form, term, b, calculus, axis, ranges) for axis in range(form.frame.dim)]
        if any(r[-1] > 0 and r[-1] > FASTER * abs(r[-2]) for pair in rates for r in pair):
            origin = term.origins[0]
            shown = text(origin.term)
            msg = f"{shown} outweighs the linear part: mean squares of modes grow faster the shorter they are"
            weaker = "a smaller amplitude, or more diffusion"
            carried = 'calculus="stratonovich", if noise that carries the solution along is meant'
            raise refuse("S218", msg, origin, (weaker, carried) if calculus == "ito" else weaker)


def _symbol(term: NoiseTerm, form: SemilinearForm) -> sp.Expr | None:
    """Return b(k) of an amplitude that is linear in the state with constant coefficients; None for others."""
    placeholders = [s.placeholder for s in form.slots if s.placeholder in term.amplitude.free_symbols]
    slopes = [term.amplitude.diff(y) for y in placeholders]
    varying = {*(s.placeholder for s in form.slots), *form.frame.space, form.frame.time}
    if not placeholders or any(s.free_symbols & varying for s in slopes):
        return None
    symbols = {s.placeholder: s.symbol for s in form.slots}
    column = (form.inverse_mass * sp.Matrix(term.column))[0]
    return sp.expand(column * sp.Add(*(s * symbols[y] for s, y in zip(slopes, placeholders, strict=True))))


def _rates(
    form: SemilinearForm,
    term: NoiseTerm,
    b: sp.Expr,
    calculus: str | None,
    axis: int,
    ranges: Mapping[sp.Symbol, tuple[float, float]],
) -> list[list[float]]:
    """Return the rate at each radius along an axis, for the extreme values of the parameters.

    Noise in space multiplies by many modes at once: of it only the order of b is judged, by a small share.
    """
    k = list(form.frame.k.values())
    share = 1.0 if len(term.noise.coordinates) == 1 else 1e-6
    symbols = sorted((form.propagator[0, 0].free_symbols | b.free_symbols) - set(k), key=str)
    function = sp.lambdify([*k, *symbols], [form.propagator[0, 0], b], "numpy", cse=True)
    out = []
    for values in ends(symbols, ranges):
        found = []
        for radius in RADII:
            wave = [radius if i == axis else 0.0 for i in range(len(k))]
            p, noise = (complex(v) for v in function(*wave, *values))
            own = abs(noise) ** 2 + ((noise**2).real if calculus == "stratonovich" else 0.0)
            found.append(2 * p.real + share * own)
        out.append(found)
    return out
