"""Deep random vortex method: two-dimensional viscous flow from vorticity that may be a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import sympy as sp

from sciml.dsl.arrays import Sampled
from sciml.dsl.operators import Integral, Maximum, Spectrum
from sciml.dsl.random_fields import RandomField
from sciml.dsl.text import text
from sciml.errors import OptionError
from sciml.forms.bilinear import velocity_symbol
from sciml.forms.multiplier import Multiplier, atoms_of, explicit_derivatives, multiply, rebuild
from sciml.method import Method, Unmet, needs_learning
from sciml.options import options
from sciml.train.schedules import Cosine
from sciml.train.training import Training

if TYPE_CHECKING:
    from sciml.forms import Recognition
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solution import Solution

__all__ = ["DRVM"]

FEWEST_BY_DEFAULT = 2**15


@options
class DRVM(Method):
    """Random vortices and one small network for the velocity at each time slice.

    ``∂ₜω + (u·∇)ω = νΔω - μω``, ``u = curl(-Δ)⁻¹ω + U``, in the plane or on a torus, from vorticity that is
    any finite signed measure: functions, arrays, patches, sheets, points. Particles follow
    ``dX = u dt + √(2ν) dW``; the exact average of their Biot-Savart velocities labels points of a slice,
    a network is fitted to the labels, and moves the particles on (see :mod:`march`).

    For one forward solve the network is not more accurate than the sum over the same particles; it is a
    smooth field, cheap to evaluate, and it moves N particles by O(N) operations instead of O(N²).

    ``Solution.provenance["diagnostics"]`` holds, for each slice, the estimated relative error of the labels and
    what the fit left of them. The vorticity is the curl of the fitted velocity and several times less accurate
    than it; at the start it is nan where it is a measure.

    Args:
        n_particles: Particles of a march; a power of 2, at least 64 times ``groups``. The error of
            labels falls as ``N^(-1/2)`` or somewhat faster. None takes 32768 in the plane, 65536 on a
            torus, where labels cost little and vorticity of both signs is spread wide.
        steps: Time slices; graded as ``(k/n)²`` from points and sheets. None takes 20 for these, 40 for
            functions; flows that turn over many times need more.
        fit: ``"lm"`` fits all weights of a small network by Levenberg-Marquardt, ``"ridge"`` the last
            layer of a wide random one in closed form, ``"adam"`` all slices together by first-order
            training on fresh particles, as published. ``"auto"`` takes lm for up to 16 points and sheets, ridge for
            more and for functions.
        hidden: Widths of the hidden layers; None takes (16, 16) for lm, (512,) for ridge, (64, 64) for adam.
        queries: Label points of a slice, a power of 2; None takes 512 for lm and twice the features for ridge.
        marches: Most repetitions with independent particles, whose labels are averaged.
        target: Stop after the march in which the estimated relative error of the labels is below this
            at every slice; None runs all ``marches``.
        groups: Independently scrambled groups, a power of 2, whose spread estimates the error of labels.
        sampling: ``"sobol"`` or ``"iid"`` increments.
        drift: ``"midpoint"`` is the method; ``"euler"`` and ``"none"`` (particles only diffuse) are there to be
            compared with.
        iterations: Most Levenberg-Marquardt iterations of a slice.
        ridge: Penalty of the ridge fit, relative to the mean square of the features.
        training: Steps, optimiser, rate and schedule for ``fit="adam"``.
        batch: Particles of one training step (adam).
        answer: ``"particles"`` stores the sum over the same particles instead of the networks that moved
            them: what the random vortex method alone would say.

    Raises:
        OptionError: An option is out of its range.

    Sources: Zhang, Hu, Meng, et al. 2022, doi:10.1063/5.0110342; Goodman 1987, doi:10.1002/cpa.3160400204.
    """

    name: ClassVar[str] = "drvm"
    summary: ClassVar[str] = "random vortices with a network per time slice (2-D Navier-Stokes)"
    distributed: ClassVar[bool] = True

    n_particles: int | None = None
    steps: int | None = None
    fit: Literal["auto", "lm", "ridge", "adam"] = "auto"
    hidden: tuple[int, ...] | None = None
    queries: int | None = None
    marches: int = 1
    target: float | None = None
    groups: int = 4
    sampling: Literal["sobol", "iid"] = "sobol"
    drift: Literal["midpoint", "euler", "none"] = "midpoint"
    iterations: int = 20
    ridge: float = 1e-10
    training: Training = Training(steps=2000, learning_rate=3e-3, schedule=Cosine())
    batch: int = 1024
    answer: Literal["network", "particles"] = "network"

    def __post_init__(self) -> None:
        choices = {
            "fit": ("auto", "lm", "ridge", "adam"),
            "sampling": ("sobol", "iid"),
            "drift": ("midpoint", "euler", "none"),
            "answer": ("network", "particles"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                msg = f"DRVM({name}=...) is one of {', '.join(map(repr, allowed))}; got {getattr(self, name)!r}."
                raise OptionError("O350", msg)
        whole = {"marches": 1, "groups": 1, "iterations": 1, "batch": 64}
        for name, least in whole.items():
            self._check_whole(name, getattr(self, name), least)
        if self.hidden is not None:
            if not isinstance(self.hidden, (tuple, list)) or not self.hidden:
                msg = f"DRVM(hidden=...) lists the widths of the hidden layers; got {self.hidden!r}."
                raise OptionError("O350", msg, fix="DRVM(hidden=(16, 16))")
            for width in self.hidden:
                self._check_whole("hidden", width, 1)
            object.__setattr__(self, "hidden", tuple(self.hidden))
        for name, least in (("queries", 16), ("n_particles", 64), ("steps", 2)):
            if getattr(self, name) is not None:
                self._check_whole(name, getattr(self, name), least)
        for name in ("n_particles", "groups", "queries", "batch"):
            value = getattr(self, name)
            if value is not None and value & (value - 1):
                near = 2 ** (value.bit_length() - 1)
                msg = f"DRVM({name}=...) is a power of 2, for which Sobol points are balanced; got {value}."
                raise OptionError("O350", msg, fix=f"DRVM({name}={near})  or  DRVM({name}={2 * near})")
        particles = self.n_particles or FEWEST_BY_DEFAULT
        if particles < 64 * self.groups:
            msg = f"DRVM: {self.groups} groups of 64 particles at least; got n_particles={particles}."
            raise OptionError("O350", msg, fix=f"DRVM(n_particles={64 * self.groups})")
        for name in ("target", "ridge"):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and value > 0) and not (name == "target" and value is None):
                msg = f"DRVM({name}=...) is a positive number; got {value!r}."
                raise OptionError("O350", msg)
        if self.target is not None and self.groups < 2:
            msg = "DRVM(target=...) needs at least two groups to estimate the error of labels."
            raise OptionError("O350", msg, fix="DRVM(groups=4)")

        if not isinstance(self.training, Training):
            msg = f"DRVM(training=...) is a Training; got {self.training!r}."
            raise OptionError("O350", msg, fix="DRVM(fit='adam', training=sciml.train.Training(steps=1000))")
        marching = {"answer": "network", "drift": "midpoint", "sampling": "sobol", "marches": 1, "target": None}
        for name, value in marching.items():
            if self.fit == "adam" and getattr(self, name) != value:
                msg = f"DRVM({name}={getattr(self, name)!r}) is about marches, and fit='adam' makes none."
                raise OptionError("O350", msg, fix=f"leave out {name}, or fit='auto'")

    def _check_whole(self, name: str, value: Any, least: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            msg = f"DRVM({name}=...) is a whole number of at least {least}; got {value!r}."
            raise OptionError("O350", msg)

    def predictor(self, solution: Solution) -> Any:
        """Return what evaluates a solution of this method at any time and place."""
        from sciml.solvers.drvm.predictor import FlowPredictor

        return FlowPredictor(self, solution)

    def requires(self, problem: Problem) -> list[Unmet]:
        """Two-dimensional Navier-Stokes with ν > 0, unforced, in the plane or on a torus."""
        if unknown := needs_learning(problem):
            return unknown
        found = problem.recognised
        if found is None:
            return [Unmet("it is a method for incompressible Navier-Stokes, and nothing here is like it")]
        if not found.is_navier_stokes:
            return [Unmet(f"this is {found}")]
        checks = (self._kind, self._terms, self._domain, self._roles, self._initial, self._outputs)
        return next(([u] for check in checks if (u := check(problem, found)) is not None), [])

    def _kind(self, problem: Problem, found: Recognition) -> Unmet | None:
        if found.dim != 2 or len(found.form.state) != 1:
            what = "three-dimensional flow" if found.dim == 3 else "fields beside the flow"
            return Unmet(f"it has no {what} yet: one vorticity in two dimensions")
        if problem.form.noise:
            return Unmet(f"it has no scheme for driving noise ({problem.form.noise[0].noise})", "remove the noise term")
        return None

    def _terms(self, problem: Problem, found: Recognition) -> Unmet | None:
        for coefficient, alpha in found.diffusion:
            if alpha.subs(problem.numbers) != 2:
                return Unmet(f"it has no diffusion of order {text(alpha)} yet: the Laplacian only")
            value = coefficient.subs(problem.numbers)
            if not value.is_number:
                return Unmet(f"its viscosity is a constant, and here it is {text(coefficient)}")
        if not sum(c.subs(problem.numbers) for c, _ in found.diffusion) > 0:
            return Unmet("particles need a viscosity above 0 to spread", "nu > 0, if only a small one")
        forced = [g for g in found.forcing if g != 0]
        if forced:
            return Unmet(f"it has no forcing yet ({text(forced[0])})", "remove the forcing")
        if found.means and found.drag != 0:
            why = "drag slows the mean flow down, which it holds constant"
            return Unmet(why, "write the vorticity equation, whose mean flow is given")
        if not found.drag.subs(problem.numbers).is_number:
            return Unmet(f"its drag is a constant, and here it is {text(found.drag)}")
        return None

    def _domain(self, problem: Problem, found: Recognition) -> Unmet | None:
        domain = problem.domain
        if len(domain.infinite) == 2 or len(domain.periodic) == 2:
            return None
        why = "it works in the whole plane or on a torus: walls make vorticity that it does not know of"
        return Unmet(why, "a Torus, or the WholeSpace")

    def _roles(self, problem: Problem, found: Recognition) -> Unmet | None:
        if problem.family:
            names = ", ".join(map(str, problem.family))
            return Unmet(f"it solves one problem at a time, and {names} has a range", f"parameters={{{names}: 0.1}}")
        if problem.unknowns:
            names = ", ".join(map(str, problem.unknowns))
            return Unmet(f"it infers no parameters yet ({names})", "give them numbers")
        return None

    def _initial(self, problem: Problem, found: Recognition) -> Unmet | None:
        if problem.domain.periodic:
            return None
        for value in problem.initial_values().values():
            data = value.atoms(Sampled, RandomField)
            if data:
                return Unmet(f"initial data in the plane are expressions or measures, not {text(data.pop())}")
        if any(isinstance(a, Multiplier) for a in atoms_of(initial_vorticity(problem, found))):
            return Unmet("the initial vorticity in the plane must follow from the data by derivatives")
        return None

    def _outputs(self, problem: Problem, found: Recognition) -> Unmet | None:
        known = network_atoms(found)
        for name, parts in problem.variables().items():
            if isinstance(problem.outputs.get(name), Spectrum):
                return Unmet(f"it has no spectra (output {name!r})", "remove the output")
            for atom in set().union(*(inner_atoms(found.form.in_states(e)) for e in parts)):
                if isinstance(atom, sp.Derivative):
                    return Unmet(f"it has no time derivatives (output {name!r})", "remove the output")
                if atom not in known and not problem.domain.periodic:
                    shown = "the pressure" if name in {f.func.__name__ for f in found.form.recover} else text(atom)
                    why = f"in the plane it knows vorticity and velocity only, and {name!r} needs {shown}"
                    return Unmet(why, "write the vorticity equation, and outputs of w and v = sm.BiotSavart(w)")
        return None

    def engine(self, problem: Problem, grid: Grid, run: Run) -> Any:
        """Import torch and prepare the computation."""
        if self.fit == "adam":
            from sciml.solvers.drvm.training import TrainedEngine

            return TrainedEngine(self, problem, grid, run)
        from sciml.solvers.drvm.engine import DRVMEngine
        from sciml.train.distributed import refuse_many

        refuse_many(f"drvm with fit={self.fit!r}")
        return DRVMEngine(self, problem, grid, run)


def initial_vorticity(problem: Problem, found: Recognition) -> sp.Expr:
    """Return ω₀ in component language."""
    values = problem.initial_values()
    lifted = rebuild(found.form.lift[found.vorticity[0]], found.form.frame, values.get)
    return explicit_derivatives(lifted, found.form.frame)


def network_atoms(found: Recognition) -> dict[sp.Expr, tuple[int, int]]:
    """Return what a slice network gives: for each atom of an output the place and a sign.

    Places 0 and 1 are the components of the velocity without mean flow, 2 is the vorticity.
    """
    w, frame = found.vorticity[0], found.form.frame
    out: dict[sp.Expr, tuple[int, int]] = {w: (2, 1)}
    for place, row in enumerate(velocity_symbol(frame.k)):
        component = multiply(w, row[0], frame)  # the normal form keeps signs outside
        (atom,) = atoms_of(component)
        out[atom] = place, int(component / atom)
    return out


def inner_atoms(expr: sp.Expr) -> set[sp.Expr]:
    """Return the fields and multipliers in an expression, those inside integrals included."""
    out: set[sp.Expr] = set()
    for atom in atoms_of(expr):
        out |= inner_atoms(atom.args[0]) if isinstance(atom, (Integral, Maximum)) else {atom}
    return out
