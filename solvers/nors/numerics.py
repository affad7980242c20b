"""In which discrete time features are taken: that of the integrator that made the data, or the method's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sciml.fourier.discretisation import dealiased_for
from sciml.solvers.nors.names import Quadrature
from sciml.solvers.nors.setting import Numerics

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.solvers.nors.options import FeatureMethod

__all__ = ["numerics_for", "own_numerics"]

SAME = 1e-9


def own_numerics(method: FeatureMethod) -> Numerics:
    """Return the numerics of a method without data: exponential Euler, unless its options say otherwise."""
    return _completed(method, Numerics(), matched=True)


def numerics_for(method: FeatureMethod, data: Ensemble) -> Numerics:
    """Return the numerics that match the integrator of an ensemble.

    Where it took one step for each stored interval, the features take the same semigroup, at the same end of the
    step, and the same weights of increments, and leave out the same modes. Where it took more, or is unknown, sources
    are taken at both ends and increments by their conditional mean: nothing inside an interval is known.
    """
    made = data.method.get("options", {}) if data.method.get("name") == "spectral" else None
    if made is None:
        return _completed(method, Numerics(weighting="path"), matched=False)
    steps = data.ds["time"].values
    interval = float(steps[1] - steps[0])
    matched = made.get("dt") is None or made["dt"] >= interval * (1 - SAME)
    found = Numerics(
        scheme=made.get("scheme") or "exponential-euler",
        differences=bool(made.get("differences")),
        degree=dealiased_for(data.problem.form) if made.get("degree") is None else made["degree"],
        weighting=made.get("weights", "law") if matched else "path",
    )
    return _completed(method, found, matched=matched)


def _completed(method: FeatureMethod, found: Numerics, *, matched: bool) -> Numerics:
    at_end: Quadrature = "right" if method.features == "published" else "left"
    quadrature: Quadrature = method.quadrature or (at_end if matched and method.every == 1 else "trapezoid")
    return Numerics(
        scheme=method.scheme or found.scheme,
        differences=found.differences if method.differences is None else method.differences,
        degree=found.degree if method.degree is None else method.degree,
        weighting=found.weighting,
        quadrature=quadrature,
        every=method.every,
    )
