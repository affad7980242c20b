"""What methods on model features have in common: which features, in which discrete time, of which problems."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sciml.driven import pathwise_unmet
from sciml.dsl.text import text
from sciml.dsl.unknown import Unknown
from sciml.errors import OptionError
from sciml.fourier.scheme_names import SCHEMES, SchemeName
from sciml.method import Method, Unmet
from sciml.options import options
from sciml.solvers.nors.expansion import expansion, graded
from sciml.solvers.nors.forest import Forest, Limits
from sciml.solvers.nors.names import INPUTS, QUADRATURES, RULES, Inputs, Quadrature, Rule
from sciml.solvers.nors.polynomials import from_arrays, slope, terms_of
from sciml.solvers.nors.published import published

if TYPE_CHECKING:
    import numpy as np

    from sciml.forms import SemilinearForm
    from sciml.learned_term import LearnedTerm
    from sciml.problem import Problem

__all__ = ["FeatureMethod"]

PUBLISHED_CUTOFF = 7.5
MOST_DEGREE = 20  # of a polynomial
FOR_RULE = {"integrations": "expansion", "width": "published", "noise_width": "published"}


@options
class FeatureMethod(Method):
    """Model features of a problem, and how their integrals are discretised; the base of methods that use them.

    Args:
        features: ``"expansion"`` takes the expansion around v, the solution of the linear equation with its initial
            data and additive noise: linear terms are in the semigroup, products and coefficients those of the
            equation. ``"published"`` takes the integrals of all products, as the published code does.
        integrations: Most integrals in time of a tree (expansion); None takes 2.
        height: Largest height of a tree, 1 for what is known without products; None takes 2 for the published rule.
        cutoff: Largest degree of a tree; None takes 7.5 for the published rule, any for the expansion.
        width: Most factors of a product (published); None takes the degree of the equation.
        noise_width: Most factors that noise is multiplied with (published); None takes 1 where noise is multiplied.
        max_features: More features than this are refused.
        window: Length of the windows that the features are restarted in, from the model's own prediction, in units
            of time; None takes the whole interval at once.
        every: Stored intervals in a step of the trees. v is always computed with every stored increment of the
            noise, so that coarse steps see the rough part exactly; predictions are at these steps.
        quadrature: Where the sources of trees are taken: ``"left"``, ``"right"``, ``"trapezoid"``; None takes the
            place of the integrator that made the data (left; right for the published rule), and trapezoid where
            that is not the stored steps.
        scheme: Semigroup of the linear flow, as in ``Spectral``; None takes that of the data.
        differences: Symbols of central differences, as in ``Spectral``; None takes those of the data.
        degree: Factors to dealias for, as in ``Spectral``; None takes those of the data.
        unknown_degree: Total degree of the polynomial that an unknown term is fitted by; monomials that the data leave
            uncertain are left out.
        inputs: ``"all"``; or ``"initial"``, which hides the noise: what is learned is then the mean over the noise,
            and no model can be better than what the noise leaves open.
        penalty: Of the ridge fit, relative to the mean square of each feature; it draws the weights to those of
            the equation (expansion) or to 0 (published).
        chunk: Size in MiB that the features of the paths computed together may have.

    Raises:
        OptionError: An option is out of its range, or is for another rule.
    """

    features: Rule = "expansion"
    integrations: int | None = None
    height: int | None = None
    cutoff: float | None = None
    width: int | None = None
    noise_width: int | None = None
    max_features: int = 256
    window: float | None = None
    every: int = 1
    quadrature: Quadrature | None = None
    scheme: SchemeName | None = None
    differences: bool | None = None
    degree: int | None = None
    unknown_degree: int = 5
    inputs: Inputs = "all"
    penalty: float = 1e-12
    chunk: int = 32

    def __post_init__(self) -> None:
        self._check_choices({"features": RULES, "quadrature": (None, *QUADRATURES), "scheme": (None, *SCHEMES)})
        self._check_choices({"differences": (None, True, False), "inputs": INPUTS})
        if not isinstance(self.penalty, float) or not 0 < self.penalty < 1:
            self._refuse("penalty", "is a number between 0 and 1", self.penalty)
        least = {"integrations": 0, "height": 1, "width": 1, "noise_width": 0, "max_features": 1, "every": 1}
        for name, low in {**least, "degree": 0, "chunk": 1, "unknown_degree": 1}.items():
            value = getattr(self, name)
            if value is None and name not in ("max_features", "every", "chunk", "unknown_degree"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                self._refuse(name, f"is a whole number of at least {low}", value)
        if self.unknown_degree > MOST_DEGREE:
            self._refuse("unknown_degree", f"is at most {MOST_DEGREE}", self.unknown_degree)
        for name in ("cutoff", "window"):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if value is not None and not (number and (value > 0 or name == "cutoff")):
                self._refuse(name, "is a positive number" if name == "window" else "is a number", value)
        for name, rule in FOR_RULE.items():
            if getattr(self, name) is not None and self.features != rule:
                msg = f"{type(self).__name__}({name}=...) is for features={rule!r}."
                other = "height, cutoff and width" if rule == "expansion" else "integrations, height and cutoff"
                raise OptionError("O361", msg, fix=f"features={rule!r}, or bound the features by {other}")
        if self.every > 1 and self.quadrature not in (None, "trapezoid"):
            msg = f"coarse steps, every={self.every}, take their sources at both ends, not {self.quadrature!r}."
            raise OptionError("O361", msg, fix="leave out quadrature")
        if self.every > 1 and self.features == "published":
            msg = f"coarse steps, every={self.every}, are for features='expansion', which keeps the rough part in v."
            raise OptionError("O361", msg, fix="features='expansion'")

    def _check_choices(self, choices: dict[str, tuple[Any, ...]]) -> None:
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                shown = ", ".join(repr(a) for a in allowed if a is not None)
                self._refuse(name, f"is one of {shown}", getattr(self, name))

    def _refuse(self, name: str, what: str, value: Any) -> None:
        msg = f"{type(self).__name__}({name}=...) {what}; got {value!r}."
        raise OptionError("O361", msg)

    def learned_terms(self, problem: Problem, model: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, LearnedTerm]:
        """Return the polynomials that unknown terms were fitted by."""
        return terms_of(problem.unknown_terms, from_arrays(model, problem.unknown_terms))

    @property
    def terminal(self) -> bool:
        """Whether predictions are at the ends of windows alone."""
        return False

    def forest(self, form: SemilinearForm, problem: Problem) -> Forest:
        """Return the features of a form of a problem."""
        if self.features == "published":
            height, cutoff = self.height or 2, PUBLISHED_CUTOFF if self.cutoff is None else self.cutoff
            limits = Limits(None, height, cutoff, self.max_features)
            known = {s: v for s, v in problem.numbers.items() if isinstance(problem.parameters[s], float)}
            return published(form, problem.degrees, limits, width=self.width, noisy=self.noise_width, numbers=known)
        integrations = 2 if self.integrations is None else self.integrations
        limits = Limits(integrations, self.height, self.cutoff, self.max_features)
        found = expansion(form, problem.degrees, problem.extents, limits)
        return replace(found, wick=problem.renormalise == "wick")

    def feature_table(self, problem: Problem) -> Forest:
        """Return the features of a problem, a table when it is printed: name, degree, height, cost, Picard weight.

        Raises:
            OptionError: There are too many.
        """
        return self.forest(problem.form if self.features == "published" else graded(problem.form), problem)

    def requires(self, problem: Problem) -> list[Unmet]:
        """Noise, a torus or a box, Itô; for the published rule one field of first order on a torus.

        Unknown terms are learned on a torus, where the equation is linear in them.
        """
        form = problem.form
        if problem.unknown_terms and (found := self._unknown_unmet(problem)):
            return [found]
        if not form.noise:
            return [Unmet("it needs a driving noise", 'add  sigma*sm.WhiteNoise("xi", t, x)')]
        if problem.domain.infinite:
            return [Unmet("it knows no free space: features are Fourier series", "a Torus, or a Box with faces")]
        if problem.unknowns:
            names = ", ".join(map(str, problem.unknowns))
            return [Unmet(f"it infers no parameters ({names})", "give them numbers, or a Range to learn a family")]
        if form.is_multiplicative and problem.calculus == "stratonovich":
            fix = 'calculus="ito" with the correction term written into the equation'
            return [Unmet("its iterated integrals are those of Itô", fix)]
        for symbol in problem.family:
            if any(symbol in e.free_symbols for e in (*problem.domain.expressions, *problem.time[1:])):
                why = f"the ends of domain or time depend on {symbol}, so its values share no grid"
                return [Unmet(why, f"rescale the coordinate, so that {symbol} enters the equation instead")]
        if problem.faces.lifts:
            return [Unmet("it takes no faces with values other than 0", "subtract a function with these values")]
        if self.every > 1 and form.is_multiplicative:
            why = "coarse steps would lose the products of noise with the solution inside of them"
            return [Unmet(why, "every=1 where an unknown multiplies noise")]
        if found := pathwise_unmet(problem):
            return [found]
        return [found] if self.features == "published" and (found := self._published_unmet(problem)) else []

    def _unknown_unmet(self, problem: Problem) -> Unmet | None:
        names = " and ".join(f.name for f in problem.unknown_terms)
        if problem.domain.bounded:
            return Unmet(f"it learns unknown terms ({names}) of periodic fields only", "a Torus")
        for term in problem.form.nonlinear:
            if any(slope(term.n, node) is None for node in term.n.atoms(Unknown)):
                shown = text(term.origins[0].term)
                fix = f"give {shown} a name of its own: sm.Unknown(...) of the same arguments"
                return Unmet(f"it learns unknown terms that the equation is linear in, and {shown} is not", fix)
        return None

    def _published_unmet(self, problem: Problem) -> Unmet | None:
        fix = "features='expansion' takes systems, waves, faces and any pointwise term"
        form = problem.form
        if len(form.state) > 1:
            return Unmet("the published features are for one field of first order in time", fix)
        if problem.domain.bounded:
            return Unmet("the published features are for periodic fields", fix)
        if problem.renormalise:
            return Unmet("the published features have no Wick powers", fix)
        if len({t.noise for t in form.noise}) > 1:
            return Unmet("the published features are for one noise", fix)
        return None
