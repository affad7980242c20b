"""Fourier pseudo-spectral reference method on tori and boxes, with exponential time stepping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import sympy as sp

from sciml.driven import pathwise_unmet
from sciml.dsl.measures import VortexPatch, measures
from sciml.dsl.operators import Integral, Spectrum
from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal, squared_norm
from sciml.errors import OptionError
from sciml.forms.multiplier import atoms_of
from sciml.fourier import reflection
from sciml.fourier.scheme_names import SCHEMES, WEIGHTS, SchemeName, Weighting
from sciml.method import Method, Unmet, needs_learning
from sciml.options import options

if TYPE_CHECKING:
    import xarray as xr

    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["Spectral"]


@options
class Spectral(Method):
    """Fourier in space, ETDRK4 in time; the reference for periodic problems and for boxes.

    On a box, fields are sine or cosine series by their face conditions; what those cannot represent
    is refused. On the whole plane or space the grid names a window that holds the vorticity, and
    velocities are those of free space.

    Equations with noise are integrated pathwise with one-step schemes: Itô amplitudes at the start of
    each step, Stratonovich ones averaged. The noise of a seed is the same for every dt and space grid.

    Linear terms are integrated exactly. Products of p factors are dealiased by keeping the modes
    below ``N/(p + 1)`` (the 2/3 rule for p = 2); pointwise terms that are not polynomials use the
    2/3 rule.

    Args:
        dt: Time step; rounded so that it divides the storage interval. None chooses and changes
            it so that the estimated error at the end is ``rtol``.
        rtol: Accuracy in time for ``dt=None``: relative L2 error of every field over the whole run,
            estimated by step doubling. Forcing that is zero except for an instant shorter than a
            sixteenth of the storage interval can be missed: store more times there.
        resolution: Intervals per axis that are computed with (as many points on a periodic axis,
            one more on a bounded one); None takes those of the grid. Must be a multiple of the grid's.
        degree: Number of factors to dealias for; None reads it from the equation, 0 switches
            dealiasing off.
        cfl_limit: For a fixed dt, the largest ``dt × rate`` of the explicit terms, net of linear
            damping; 2.8 is the stability limit of the scheme for a pure oscillation.
        max_steps: Most internal steps between two stored times.
        mollify: Standard deviation of the Gaussian that point vortices, sheets and patches are
            convolved with; the Fourier coefficients of points and sheets are otherwise exact. None
            refuses points and sheets, and takes patches as they are.
        scheme: For equations with noise ``"exponential-euler"`` (the default), ``"semi-implicit-euler"``
            or ``"crank-nicolson"``; dt is then one storage interval unless it is given.
        weights: How exponential Euler weights the increments of additive noise: ``"law"`` gives the
            stochastic convolution its exact covariance at any step size, ``"path"`` is the best
            approximation of it along the given path.
        differences: Take the symbols of second-order central differences for derivatives in the linear
            part, as published generators do; for the implicit schemes.

    Raises:
        OptionError: An option is of the wrong type or not positive.

    Sources: Cox & Matthews 2002, doi:10.1006/jcph.2002.6995; Kassam & Trefethen 2005,
    doi:10.1137/S1064827502410633.
    """

    name: ClassVar[str] = "spectral"
    summary: ClassVar[str] = "Fourier in space, exponential steps in time (reference)"

    dt: float | None = None
    rtol: float = 1e-6
    resolution: int | None = None
    degree: int | None = None
    cfl_limit: float = 2.8
    max_steps: int = 1_000_000
    mollify: float | None = None
    scheme: SchemeName | None = None
    weights: Weighting = "law"
    differences: bool = False

    def __post_init__(self) -> None:
        for name, choices in (("scheme", SCHEMES), ("weights", WEIGHTS)):
            value = getattr(self, name)
            if value not in choices and not (value is None and name == "scheme"):
                msg = f"Spectral({name}=...) is {', '.join(map(repr, choices))}; got {value!r}."
                raise OptionError("O333", msg)
        if not isinstance(self.differences, bool):
            msg = f"Spectral(differences=...) is True or False; got {self.differences!r}."
            raise OptionError("O333", msg)
        for name in ("dt", "rtol", "cfl_limit", "mollify"):
            value = getattr(self, name)
            if value is None and name in ("dt", "mollify"):
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
                msg = f"Spectral({name}=...) must be a positive number; got {value!r}."
                raise OptionError("O330", msg)
        for name, least in (("resolution", 4), ("degree", 0), ("max_steps", 1)):
            value = getattr(self, name)
            if value is None and name != "max_steps":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                msg = f"Spectral({name}=...) must be a whole number of at least {least}; got {value!r}."
                raise OptionError("O330", msg)

    def requires(self, problem: Problem) -> list[Unmet]:
        """Deterministic evolution equations on a torus, or on a box where sines and cosines fit."""
        if unknown := needs_learning(problem):
            return unknown
        if problem.domain.infinite and (found := self._free_space(problem)):
            return [found]
        if found := self._stochastic(problem):
            return [found]
        singular = [m for c in problem.initial_conditions for m in measures(c.value) if not isinstance(m, VortexPatch)]
        patches = [m for c in problem.initial_conditions for m in measures(c.value) if isinstance(m, VortexPatch)]
        if patches and problem.domain.bounded and self.mollify is not None:
            return [Unmet("it cannot mollify a patch between faces", "leave out mollify, or use a Torus")]
        if singular and problem.domain.bounded:
            return [Unmet(f"{text(singular[0])} cannot be expanded in sine and cosine series", "use a Torus")]
        if singular and self.mollify is None:
            fix = "Spectral(mollify=0.1) convolves it with a Gaussian of that standard deviation"
            return [Unmet(f"{text(singular[0])} has no values on a grid", fix)]
        if problem.unknowns and problem.family:
            return [Unmet("it infers one problem at a time, not a family", "give the family's parameters numbers")]
        spectra = [n for n, e in problem.outputs.items() if isinstance(e, Spectrum)]
        if spectra and len(problem.domain.periodic) < len(problem.domain.axes):
            return [Unmet(f"the output {spectra[0]!r} is a spectrum, which needs periodic axes", "remove the output")]
        for symbol in (*problem.family, *problem.unknowns):
            if any(symbol in e.free_symbols for e in (*problem.domain.expressions, *problem.time[1:])):
                why = f"the ends of domain or time depend on {symbol}, so its values share no grid"
                return [Unmet(why, f"rescale the coordinate, so that {symbol} enters the equation instead")]
        return reflection.Reflections(problem.form, problem.faces).unmet

    def _stochastic(self, problem: Problem) -> Unmet | None:
        """Say what stands in the way of a scheme for noise, or what is asked of one without noise."""
        form = problem.form
        if not form.noise:
            asked = self.scheme or ("differences" if self.differences else None)
            return Unmet(f"{asked} is for equations with noise", f"leave out {asked}") if asked else None
        if problem.unknowns:
            return Unmet("it cannot infer parameters of an equation with noise", "give the parameters numbers")
        if self.weights == "path" and self.scheme not in (None, "exponential-euler"):
            return Unmet(f'weights="path" is for exponential Euler, not for {self.scheme}', "leave out weights")
        if self.differences and self.scheme in (None, "exponential-euler"):
            return Unmet("differences=True is for implicit schemes", 'scheme="semi-implicit-euler"')
        if self.differences and not all(e.is_polynomial(*form.frame.k.values()) for e in form.propagator):
            return Unmet("the linear part is no polynomial in the wavenumbers", "leave out differences=True")
        return pathwise_unmet(problem)

    def _free_space(self, problem: Problem) -> Unmet | None:
        """Say what stands in the way of a window on the whole space."""
        form = problem.form
        if any(not c.mean_only for c in form.constraints):
            fix = "write the vorticity equation, with v = sm.BiotSavart(w)"
            return Unmet("a velocity does not vanish outside a window of the whole space", fix)
        green = Reciprocal(squared_norm(form.frame.k))
        maps = [*form.propagator, *form.inverse_mass, *(s.symbol for s in form.slots), *form.recover.values()]
        maps += [c for term in form.nonlinear for c in term.column]
        maps += [form.in_states(e) for parts in problem.variables().values() for e in parts]
        powers = {p for e in maps for p in e.atoms(sp.Pow) if p.base == green}
        others = {
            r
            for e in maps
            for r in e.atoms(Reciprocal)
            if r != green and r.args[0].subs(dict.fromkeys(form.frame.k.values(), 0)) == 0
        }
        for name, parts in problem.variables().items():
            for functional in set().union(*(form.in_states(e).atoms(Integral) for e in parts)):
                for term in sp.Add.make_args(sp.expand(functional.args[0])):
                    if term.has(green) and not any(atoms_of(f) and not f.has(green) for f in sp.Mul.make_args(term)):
                        why = f"the output {name!r} integrates a velocity, which does not vanish outside the window"
                        return Unmet(why, "the energy is  sm.Integral(-sm.InverseLaplacian(w)*w)/2  where it is finite")
        if powers or others or (len(form.frame.space) == 1 and any(e.has(green) for e in maps)):
            shown = form.symbol_text(next(iter(powers | others), green))
            return Unmet(f"it has no free-space kernel for the symbol {shown}", "use a Torus large enough")
        return None

    def sampler(
        self,
        problem: Problem,
        grid: Grid,
        run: Run,
        recorded: xr.Dataset | None = None,
        model: Mapping[str, Any] | None = None,
    ) -> Any:
        """Import torch and prepare the drawing of samples."""
        from sciml.solvers.spectral.sampler import SpectralSampler

        return SpectralSampler(self, problem, grid, run, recorded)

    def engine(self, problem: Problem, grid: Grid, run: Run) -> Any:
        """Import torch and prepare the computation."""
        if problem.unknowns:
            from sciml.solvers.spectral.inverse import InverseEngine

            return InverseEngine(self, problem, grid, run)
        from sciml.solvers.spectral.engine import SpectralEngine

        return SpectralEngine(self, problem, grid, run)
