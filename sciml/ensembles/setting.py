"""Whether an ensemble is about the same things as a problem: fields, noise, domain and times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sciml.errors import DataError
from sciml.labels import component_names, ensemble_dims, noises

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.problem import Problem

__all__ = ["check_noise", "check_setting"]

ROUNDING = 1e-9  # of the ends of an axis, relative to its length
MAY_DIFFER = "its equations, parameters and initial laws may be others; fields, noise, domain and times may not"


def check_noise(problem: Problem, ensemble: Ensemble) -> None:
    """Refuse an ensemble whose noise is not that of the problem.

    Raises:
        DataError: It has another law, or none.
    """
    theirs, mine = ({n.name: n for n in noises(p)} for p in (ensemble.problem, problem))
    if odd := [n for n in mine if theirs.get(n) != mine[n]]:
        msg = f"the noise {odd[0]} of {problem.name!r} is not that of the ensemble: its increments have another law."
        raise DataError("D223", msg, fix="declare the same noise: the same name, coordinates, modes and spectrum")


def check_setting(problem: Problem, ensemble: Ensemble) -> None:
    """Refuse an ensemble that is not about the fields, noise, domain and times of a problem.

    Raises:
        DataError: It is about others, or its noise is not stored.
    """
    check_noise(problem, ensemble)
    missing = [n.name for n in noises(problem) if n.name not in ensemble.ds]
    if missing:
        msg = f"{ensemble} holds no increments of the noise {missing[0]}."
        raise DataError("D223", msg, fix="problem.sample(...)  stores them")
    _check_fields(problem, ensemble)
    mine, theirs = _axes(problem), _axes(ensemble.problem)
    if list(mine) != list(theirs):
        raise _another(problem, ensemble, f"the axes {', '.join(theirs)}, not {', '.join(mine)}")
    for name, (kind, low, high) in mine.items():
        found, first, last = theirs[name]
        slack = ROUNDING * (high - low) if math.isfinite(high - low) else 0.0
        same = all(math.isclose(a, b, rel_tol=ROUNDING, abs_tol=slack) for a, b in ((low, first), (high, last)))
        if kind != found or not same:
            said = f"{name} {found} in [{first:g}, {last:g}], not {kind} in [{low:g}, {high:g}]"
            raise _another(problem, ensemble, said)


def _check_fields(problem: Problem, ensemble: Ensemble) -> None:
    needed, _ = ensemble_dims(problem)
    mine = {label: needed[label] for label in _field_labels(problem)}
    stored = ensemble.ds.data_vars
    theirs = {label: tuple(stored[label].dims) for label in _field_labels(ensemble.problem) if label in stored}
    if mine != theirs:
        said = [", ".join(f"{n}({', '.join(map(str, d))})" for n, d in sorted(f.items())) for f in (theirs, mine)]
        raise _another(problem, ensemble, f"the fields {said[0] or 'none'}, not {said[1]}")


def _field_labels(problem: Problem) -> list[str]:
    fields = [name for name in problem.variables() if name not in problem.outputs]
    return [label for name in fields for label in component_names(problem, name)]


def _axes(problem: Problem) -> dict[str, tuple[str, float, float]]:
    """Return what each axis is, and its ends."""
    t, start, end = problem.time
    domain = problem.domain
    kinds = [(domain.periodic, "periodic"), (domain.bounded, "bounded"), (domain.infinite, "infinite")]
    axes = {x.name: next(kind for found, kind in kinds if x in found) for x in domain.coordinates}
    times = {t.name: ("time", problem.number(start), problem.number(end))}
    return times | {name: (kind, *problem.bounds[name]) for name, kind in axes.items()}


def _another(problem: Problem, ensemble: Ensemble, what: str) -> DataError:
    msg = f"the ensemble of {ensemble.problem.name!r} does not fit {problem.name!r}: it has {what}."
    return DataError("D245", msg, fix=MAY_DIFFER)
