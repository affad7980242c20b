"""A problem: equations, domain, time, conditions, roles of symbols. Declared once, immutable."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import sympy as sp

from sciml.declaration import check_against_form, check_declaration
from sciml.dsl.arrays import Array, Sampled, array_name
from sciml.dsl.checks import (
    check_pointwise,
    check_roles,
    equations_of,
    fields_of,
    one_of,
)
from sciml.dsl.complex_fields import real_if_possible, split_equations, split_keys
from sciml.dsl.conditions import IC, Condition, FaceCondition
from sciml.dsl.coordinates import check_name
from sciml.dsl.data_checks import check_arrays
from sciml.dsl.domains import Domain, interval
from sciml.dsl.gridded import on_grid
from sciml.dsl.measures import with_measures
from sciml.dsl.observations import Observation, Observe
from sciml.dsl.operators import BiotSavart, Spectrum, as_expression, is_global
from sciml.dsl.parameters import check_parameters, extremes_of, value_of
from sciml.dsl.roles import Infer, Law, Range, Role
from sciml.dsl.text import equation_text, latex, text, typed
from sciml.dsl.unknown import Unknown, unknown_terms
from sciml.dsl.vectors import Vector, VectorField
from sciml.errors import DeclarationError, did_you_mean, shown
from sciml.forms import Frame, Recognition, SemilinearForm, recognise, resembles_flow, semilinear
from sciml.forms.components import components
from sciml.forms.degrees import Degrees, degrees, noise_lines
from sciml.forms.faces import Faces, faces_of
from sciml.forms.learned import check_known
from sciml.forms.multiplier import with_derivatives
from sciml.forms.regularity import regularity
from sciml.forms.smoothing import linear_part
from sciml.grid import Grid
from sciml.options import checked
from sciml.run import Run
from sciml.storage import arguments, normalised_condition, normalised_in, rebuilding, record

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.method import Method, MethodTable
    from sciml.plan import Plan
    from sciml.solution import Solution

__all__ = ["Problem"]

Calculus = Literal["ito", "stratonovich"]
Renormalisation = Literal["wick"]
SAMPLED = (-10.0, 10.0)  # of an infinite axis
CALCULI, RENORMALISATIONS = get_args(Calculus), get_args(Renormalisation)
ARGUMENTS = (
    "equations",
    "domain",
    "time",
    "conditions",
    "parameters",
    "outputs",
    "exact",
    "observations",
    "calculus",
    "renormalise",
    "name",
    "description",
    "references",
)


class Problem:
    """A mathematical problem, as every method reads it.

    Args:
        equations: One ``sp.Eq``, a sequence, or a dict that names them; a bare expression means
            ``= 0``.
        domain: Where it is posed: a ``Torus``, a ``Box`` with faces, or the ``WholeSpace``.
        time: ``(t, start, end)``.
        conditions: Initial conditions, and conditions on the faces of a box.
        parameters: The role of each symbol that is neither coordinate nor unknown: a number, a
            ``Range``, a frozen ``scipy.stats`` law, or ``Infer``.
        outputs: Named expressions that every method evaluates and stores. A lone ``BiotSavart``
            in the equations is stored as ``v`` unless outputs are given.
        exact: Known solution: ``{field or output name: expression}``.
        observations: Measurements, from which parameters with the role ``Infer`` are found.
        calculus: ``"ito"`` or ``"stratonovich"``: what the product of noise with an amplitude that
            contains the unknowns means. Needed there, and refused where it would mean nothing.
        renormalise: ``"wick"`` takes powers of the unknowns as Wick powers, where the solution is
            too rough for ordinary ones.
        name: Title, used in messages and files.
        description: What the problem is, one or two sentences.
        references: Sources, as DOIs or citations.

    Raises:
        DeclarationError: The declaration is incomplete or contradictory; the message underlines
            the place and names the fix.
    """

    name: str
    equations: Mapping[str, sp.Eq]
    domain: Domain
    time: tuple[sp.Symbol, sp.Expr, sp.Expr]
    conditions: tuple[Condition, ...]
    parameters: Mapping[sp.Symbol, float | Role]
    outputs: Mapping[str, sp.Expr]
    exact: Mapping[sp.Expr | str, sp.Expr]
    observations: tuple[Observation, ...]
    arrays: Mapping[str, Array]
    calculus: Calculus | None
    renormalise: Renormalisation | None
    description: str
    references: tuple[str, ...]
    fields: tuple[sp.Expr, ...]

    def __init__(
        self,
        *,
        equations: Any,
        domain: Domain,
        time: Any,
        conditions: Sequence[Condition] = (),
        parameters: Mapping[sp.Symbol, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        exact: Mapping[Any, Any] | None = None,
        observations: Sequence[Observe | Observation] = (),
        calculus: Calculus | None = None,
        renormalise: Renormalisation | None = None,
        name: str = "problem",
        description: str = "",
        references: Sequence[str] = (),
    ) -> None:
        given = dict(locals())
        self._declare(**{name: given[name] for name in ARGUMENTS})
        check_against_form(self)

    def _declare(
        self,
        equations: Any,
        domain: Any,
        time: Any,
        conditions: Sequence[Condition],
        parameters: Mapping[sp.Symbol, Any] | None,
        outputs: Mapping[str, Any] | None,
        exact: Mapping[Any, Any] | None,
        observations: Sequence[Observe | Observation],
        calculus: Any,
        renormalise: Any,
        name: str,
        description: str,
        references: Sequence[str],
        arrays: Mapping[str, Array] | None = None,
    ) -> None:
        # Complex equations first: everything after, and every file, holds real ones.
        real = split_equations(equations_of(equations))
        named = {n: normalised_in(f"equation '{n}'", e) for n, e in real.items()}
        if not isinstance(domain, Domain):
            msg = f"domain must be a domain object; got {shown(domain)}."
            raise DeclarationError("S117", msg, fix="domain=sm.Torus((x, 0, 1))")
        if isinstance(conditions, Condition):
            conditions = [conditions]
        if not isinstance(conditions, (list, tuple)) or any(not isinstance(c, Condition) for c in conditions):
            raise _no_conditions(conditions)
        conditions = [part for c in conditions for part in c.real_parts]
        for what, given in (("outputs", outputs), ("exact", exact)):
            if given is not None and not isinstance(given, Mapping):
                msg = f"{what} must be a dict; got {shown(given)}."
                example = '{"energy": sm.Integral(u**2)/2}' if what == "outputs" else "{u: sp.sin(x - t)}"
                raise DeclarationError("S129", msg, fix=f"{what}={example}")
        found = fields_of(named.values(), domain.coordinates)
        store = object.__setattr__
        store(self, "name", str(name))
        store(self, "equations", MappingProxyType(named))
        store(self, "domain", domain)
        store(self, "time", interval(time, "time"))
        store(self, "parameters", MappingProxyType(check_parameters(parameters or {})))
        store(self, "arrays", dict(arrays or {}))
        resolved = [self._with_arrays(c) for c in conditions]
        store(self, "conditions", tuple(sorted(map(normalised_condition, resolved), key=str)))
        store(self, "outputs", MappingProxyType(self._outputs(outputs)))
        store(self, "exact", MappingProxyType(self._exact(exact or {})))
        store(self, "calculus", one_of("calculus", calculus, CALCULI))
        store(self, "renormalise", one_of("renormalise", renormalise, RENORMALISATIONS))
        store(self, "description", " ".join(str(description).split()))
        store(self, "references", tuple(map(str, references)))
        store(self, "fields", tuple(found))
        check_declaration(self)
        store(self, "observations", tuple(self._observation(o) for o in _listed(observations)))
        needed = {a.name for c in self.initial_conditions for a in c.value.atoms(Sampled)}
        store(self, "arrays", MappingProxyType(check_arrays(self.arrays, needed, self.observations)))

    def __setattr__(self, name: str, value: Any) -> None:
        msg = "a Problem is immutable; use problem.with_(...) to get a changed copy"
        raise AttributeError(msg)

    def _with_arrays(self, condition: Condition) -> Condition:
        if not isinstance(condition, IC):
            return condition
        named, arrays = on_grid(condition, self.domain, self.numbers)
        if named.value.has(sp.DiracDelta):
            named = IC(named.written, with_measures(named.value, self.domain.coordinates))
        self.arrays.update({array_name(a): a for a in arrays})  # type: ignore[attr-defined]
        return named

    def _observation(self, declared: Observe | Observation) -> Observation:
        quantity = declared.quantity
        if isinstance(quantity, str):
            if quantity not in self.outputs:
                names = ", ".join(self.outputs) or "none"
                msg = f"{declared}: the problem has no output {quantity!r}.{did_you_mean(quantity, self.outputs)}"
                raise DeclarationError("S190", msg, fix=f"outputs: {names}")
            expr = self.outputs[quantity]
        else:
            expr = normalised_in(str(declared), quantity)
            check_known({str(declared): expr})
            check_pointwise(str(declared), expr, self.fields, self.frame.dim)
            check_roles({}, {str(declared): expr}, {}, {*self.parameters, self.time[0], *self.frame.space})
        if isinstance(declared, Observation):
            return declared
        alone = is_global(expr, self.frame.space)
        coordinates = [self.time[0], *(() if alone else self.frame.space)]
        parts = tuple(components(expr, self.frame).flat)
        return declared.resolve(coordinates, parts, lambda e: components(e, self.frame)[()])

    def _outputs(self, declared: Mapping[str, Any] | None) -> dict[str, sp.Expr]:
        if declared is None:
            velocities = set().union(*(e.atoms(BiotSavart) for e in self.equations.values()))
            return {"v": velocities.pop()} if len(velocities) == 1 else {}
        given = {check_name(n, "an output"): as_expression(e, f"output {n!r}") for n, e in declared.items()}
        return {n: normalised_in(f"output {n!r}", real_if_possible(e)) for n, e in given.items()}

    def _exact(self, declared: Mapping[Any, Any]) -> dict[sp.Expr | str, sp.Expr]:
        given = split_keys({k: as_expression(e, f"exact solution for {k}") for k, e in declared.items()})
        return {k: normalised_in(f"exact solution for {k}", e) for k, e in given.items()}

    @cached_property
    def frame(self) -> Frame:
        """Time and space coordinates."""
        return Frame(self.time[0], self.domain.coordinates)

    @property
    def scalar_fields(self) -> tuple[sp.Expr, ...]:
        """The unknowns, vector fields split into components."""
        out: list[sp.Expr] = []
        for f in self.fields:
            out += [f.component(x) for x in self.frame.space] if isinstance(f, VectorField) else [f]
        return tuple(out)

    @cached_property
    def form(self) -> SemilinearForm:
        """The canonical form; print it to see what the package understood."""
        walled = bool(self.domain.bounded)
        return semilinear(self.equations, self.scalar_fields, self.frame, self.faces.lifts, walled=walled)

    @cached_property
    def faces(self) -> Faces:
        """What the conditions say about each scalar field on the faces of the domain."""
        return faces_of(self.face_conditions, self.domain, self.frame, self.scalar_fields, self.numbers)

    @property
    def initial_conditions(self) -> tuple[IC, ...]:
        """The conditions at the start time."""
        return tuple(c for c in self.conditions if isinstance(c, IC))

    @property
    def face_conditions(self) -> tuple[FaceCondition, ...]:
        """The conditions on faces of a box."""
        return tuple(c for c in self.conditions if isinstance(c, FaceCondition))

    @cached_property
    def recognised(self) -> Recognition | None:
        """How the equations compare with incompressible Navier-Stokes; None if nothing is alike."""
        return recognise(self.form) if resembles_flow(self.form) else None

    def initial_values(self) -> dict[sp.Expr, sp.Expr]:
        """Return the declared initial value of each scalar field or time derivative.

        Keys are fields and ``Derivative(field, (t, n))``; values are in component language.
        """
        out: dict[sp.Expr, sp.Expr] = {}
        for c in self.initial_conditions:
            targets, values = components(c.field, self.frame), components(c.value, self.frame)
            for f, value in zip(targets.flat, values.flat if values.ndim else [values[()]] * targets.size, strict=True):
                key = sp.Derivative(f, (self.frame.time, c.order)) if c.order else f
                if key in out:
                    msg = f"{text(key)} has two initial conditions."
                    raise DeclarationError("S161", msg, fix="remove one of them")
                out[key] = value
        return out

    def variables(self) -> Mapping[str, tuple[sp.Expr, ...]]:
        """Return what a solution holds: name → component expressions (one for a scalar)."""
        return self._variables

    @cached_property
    def _variables(self) -> Mapping[str, tuple[sp.Expr, ...]]:
        out: dict[str, tuple[sp.Expr, ...]] = {}
        for f in self.fields:
            name = f.name if isinstance(f, VectorField) else f.func.__name__
            out[name] = tuple(components(f, self.frame).flat)
        for name, e in self.outputs.items():
            # A spectrum is of all components at once.
            parts = components(e.args[0] if isinstance(e, Spectrum) else e, self.frame).flat
            out[name] = tuple(parts)
        return MappingProxyType(out)

    def is_vector(self, name: str) -> bool:
        """Tell whether a variable has components."""
        if name in self.outputs:
            return check_pointwise(f"output {name!r}", self.outputs[name], self.fields, self.frame.dim) > 0
        return any(isinstance(f, VectorField) and f.name == name for f in self.fields)

    def expand(self, expr: Any) -> sp.Expr:
        """Write an expression in components, with ordinary derivatives wherever they exist."""
        array = components(as_expression(expr, "expand"), self.frame)
        parts = [with_derivatives(e, self.frame) for e in array.flat]
        return Vector(*parts) if array.ndim == 1 else parts[0] if array.ndim == 0 else sp.Array(parts, array.shape)

    @cached_property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Ends of each space axis, with the parameter values."""
        return {x.name: (self.number(low), self.number(high)) for x, low, high in self.domain.axes}

    @property
    def ranges(self) -> dict[sp.Symbol, tuple[float, float]]:
        """Lowest and highest value of each parameter."""
        return {s: extremes_of(p) for s, p in self.parameters.items()}

    @cached_property
    def extents(self) -> Mapping[sp.Symbol, tuple[float, float]]:
        """Lowest and highest value of each parameter and coordinate; infinite axes are cut off."""
        t, start, end = self.time
        # On an infinite axis coefficients are judged near the origin.
        far = dict.fromkeys(self.domain.infinite, SAMPLED)
        places = {x: far.get(x, self.bounds[x.name]) for x in self.frame.space}
        return MappingProxyType({**self.ranges, t: (self.number(start), self.number(end)), **places})

    @cached_property
    def degrees(self) -> Degrees | None:
        """How rough the noise makes the solution, and what that means for its products; None without noise."""
        return degrees(self.form, self.extents)

    def number(self, expr: sp.Expr) -> float:
        """Evaluate a bound or other constant with the parameter values."""
        return float(expr.subs(self.numbers))

    @cached_property
    def numbers(self) -> Mapping[sp.Symbol, float]:
        """One value of each parameter: its number, the middle of its range, the median, the first guess."""
        return MappingProxyType({s: value_of(p) for s, p in self.parameters.items()})

    @cached_property
    def family(self) -> Mapping[sp.Symbol, Range | Law]:
        """The parameters that take many values."""
        return MappingProxyType({s: p for s, p in self.parameters.items() if isinstance(p, (Range, Law))})

    @cached_property
    def unknowns(self) -> Mapping[sp.Symbol, Infer]:
        """The parameters that are to be inferred."""
        return MappingProxyType({s: p for s, p in self.parameters.items() if isinstance(p, Infer)})

    @cached_property
    def unknown_terms(self) -> tuple[Unknown, ...]:
        """The functions in the equations that are to be learned from data, by name."""
        return unknown_terms(self.equations.values())

    def with_(self, **changes: Any) -> Problem:
        """Return a copy with some arguments replaced; ``parameters`` are merged, and None removes one."""
        if "parameters" in changes:
            given = dict(changes["parameters"])
            removed = [s for s, v in given.items() if v is None]
            kept = {s: p for s, p in self.parameters.items() if s not in removed}
            changes["parameters"] = kept | check_parameters({s: v for s, v in given.items() if v is not None})
        now = {name: getattr(self, name) for name in ARGUMENTS}
        for name in changes:
            if name not in now:
                msg = f"with_() has no argument {name!r}.{did_you_mean(name, now)}"
                raise DeclarationError("S198", msg, fix=f"arguments: {', '.join(now)}")
        arguments = {**now, **changes}
        problem = Problem.__new__(Problem)
        problem._declare(**arguments, arrays=self.arrays)
        check_against_form(problem)
        return problem

    # --- methods -------------------------------------------------------------------------------

    def methods(self) -> MethodTable:
        """Tell which installed methods can solve this problem, and why the others cannot."""
        from sciml.method import table

        return table(self)

    def plan(
        self,
        method: Method | str | None = None,
        *,
        data: Ensemble | None = None,
        grid: Grid | None = None,
        run: Run | None = None,
    ) -> Plan:
        """Prepare a solution without computing it; ``print(plan)`` tells what will be done."""
        from sciml.method import check_learns, check_match, find_method

        # Everything that can be refused is refused before torch is loaded.
        found = find_method(method)
        points = checked("grid", Grid() if grid is None else grid, Grid)
        run = checked("run", Run() if run is None else run, Run)
        check_match(found, self)
        if data is not None:
            check_learns(found)
            from sciml.ensembles.training_data import training_data

            data = training_data(self, data)
            points = data.grid if grid is None else points
        from sciml.plan import Plan

        return Plan(self, found, points, run, data)

    def solve(
        self,
        method: Method | str | None = None,
        *,
        data: Ensemble | None = None,
        grid: Grid | None = None,
        run: Run | None = None,
    ) -> Solution:
        """Solve the problem.

        Args:
            method: A method object such as ``Spectral(dt=0.01)``, its name, or None for the
                reference method.
            data: Samples that the method learns from, for methods that do. They have the fields, noise,
                domain and times of this problem; their equations, parameters and initial laws may be others.
            grid: Where the answer is stored; where the data are, if not given.
            run: Seed, device, precision, budget, output folder.

        Raises:
            UnknownMethod, MethodMismatch, DataError: Nothing was computed.
            Diverged: The computation failed; ``error.solution`` holds what there is.
        """
        return self.plan(method, data=data, grid=grid, run=run).complete()

    def sample(
        self,
        n: int,
        method: Method | str | None = None,
        *,
        grid: Grid | None = None,
        seed: int | None = None,
        to: str | Path | None = None,
        block: int | None = None,
        workers: int = 1,
        run: Run | None = None,
    ) -> Ensemble:
        """Draw independent samples: of the initial data, the parameters with a law or a range, the driving noise.

        Sample k is the same for any ``n``, ``to`` and ``workers``: it depends on problem, method, grid
        and seed, and in its last bits on the block that it is computed in.

        Args:
            n: Number of samples.
            method: As in :meth:`solve`.
            grid: Where samples are stored.
            seed: Root of the random streams, 0 if not given; or that of ``run``.
            to: File to write; a file of the same ensemble that was stopped, killed or made with fewer
                samples is gone on with, and one that has enough is returned. None keeps all in memory.
            block: Samples that are computed together: 64 if not given, or n where that is less. The last
                block is computed whole, and cut.
            workers: Processes that compute blocks. A script that takes more than one needs
                ``if __name__ == "__main__":``.
            run: Device, precision, threads, progress.

        Raises:
            UnknownMethod, MethodMismatch, OptionError, DeclarationError: Nothing was computed.
            FileError: The file belongs to another ensemble, or the disk is too small.
            Diverged: Some samples are not finite; ``error.solution`` holds the complete blocks before them.
        """
        from sciml.ensembles.request import Request

        request = Request.draw(self, n, method, grid=grid, seed=seed, to=to, block=block, workers=workers, run=run)
        from sciml.ensembles.drawing import draw

        return draw(request)

    def replay(
        self,
        ensemble: Ensemble,
        method: Method | str | None = None,
        *,
        grid: Grid | None = None,
        to: str | Path | None = None,
        block: int | None = None,
        workers: int = 1,
        run: Run | None = None,
    ) -> Ensemble:
        """Solve once more with the initial data, parameters and noise of an ensemble.

        Args:
            ensemble: Samples 0, 1, 2, ... of this problem or of one driven by the same noise.
            method: That of the ensemble if not given.
            grid: Where samples are stored; that of the ensemble if not given.
            to: File to write.
            block: Samples that are computed together; as in the ensemble if not given.
            workers: Processes that compute blocks.
            run: Device, precision, threads, progress.

        Raises:
            DataError: The ensemble holds other samples than 0, 1, 2, ...
            UnknownMethod, MethodMismatch, OptionError, DeclarationError, FileError, Diverged: As :meth:`sample`.
        """
        from sciml.ensembles.ensemble import Ensemble
        from sciml.ensembles.request import Request

        given = checked("ensemble", ensemble, Ensemble)
        request = Request.repeat(self, given, method, grid=grid, to=to, block=block, workers=workers, run=run)
        from sciml.ensembles.drawing import draw

        return draw(request)

    # --- identity and storage ------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON-ready data, without any code."""
        return record(self)

    @classmethod
    def from_json(cls, data: Any, arrays: Mapping[str, Array] | None = None) -> Problem:
        """Rebuild a problem; nothing in ``data`` is executed.

        Args:
            data: What :meth:`to_json` returned.
            arrays: The ``arrays`` of that problem, where it held any.

        Raises:
            FileError: The data is not a problem of this schema.
        """
        problem = cls.__new__(cls)
        with rebuilding():
            problem._declare(**arguments(data, arrays or {}))
        return problem

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal problems have equal digests."""
        plain = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Problem.from_json, (self.to_json(), dict(self.arrays))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    # --- printing ------------------------------------------------------------------------------

    def __str__(self) -> str:
        t, start, end = self.time
        rows = [(n, equation_text(e)) for n, e in self.equations.items()]
        rows.append(("domain", f"{self.domain!r}, {t} in [{text(start)}, {text(end)}]"))
        learned = f"; {', '.join(map(text, self.unknown_terms))} to be learned" if self.unknown_terms else ""
        rows.append(("unknown", ", ".join(map(text, self.fields)) + learned))
        rows += [("initial", f"{text(c.target)} = {text(c.value)}") for c in self.initial_conditions]
        rows += [("face", _face_text(c)) for c in self.face_conditions]
        if self.parameters:
            rows.append(("parameters", ", ".join(_parameter_text(s, p) for s, p in self.parameters.items())))
        if self.degrees is not None:
            rows += [("noise", line) for line in noise_lines(self.form, self.degrees, self.calculus, self.renormalise)]
        rows += [("output", f"{n} = {text(e)}") for n, e in self.outputs.items()]
        rows += [("exact", f"{text(k)} = {text(e)}") for k, e in self.exact.items()]
        rows += [("observed", str(o)) for o in self.observations]
        width = max(len(n) for n, _ in rows)
        lines = [f"Problem {self.name!r}", *(f"  {n:<{width}}  {value}" for n, value in rows)]
        lines += ["canonical form", *(f"  {line}" for line in str(self.form).splitlines())]
        lines.append(f"  linear part: {linear_part(self.form, self.ranges)}")
        for c in self.initial_conditions:
            smooth = regularity(c.value, self.domain, self.numbers)
            if smooth.order is None or smooth.order < math.inf:
                lines.append(f"  initial {text(c.target)}: {smooth}")
        if self.recognised is not None:
            found = "this is " if self.recognised.is_navier_stokes else ""
            lines.append(f"  {found}{self.recognised}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Problem {self.name!r}: {', '.join(map(text, self.fields))} on {self.domain!r}>"

    def latex(self) -> str:
        """Return the equations in LaTeX, one aligned line each."""
        lines = [rf"{latex(e.lhs)} &= {latex(e.rhs)}" for e in self.equations.values()]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$$ {self.latex()} $$"


def _listed(given: Any) -> list[Observe | Observation]:
    listed = [given] if isinstance(given, (Observe, Observation)) else given
    if not isinstance(listed, (list, tuple)) or any(not isinstance(o, (Observe, Observation)) for o in listed):
        listed = listed if isinstance(listed, (list, tuple)) else []
        odd = next((o for o in listed if not isinstance(o, (Observe, Observation))), given)
        msg = f"observations must be a list of Observe(...); got {shown(odd)}."
        raise DeclarationError("S190", msg, fix="observations=[sm.Observe(u, table, noise_std=0.01)]")
    return list(listed)


def _no_conditions(given: Any) -> DeclarationError:
    """Return the error of conditions that are no list of them."""
    pairs = given.items() if isinstance(given, Mapping) else []
    listed = given if isinstance(given, (list, tuple)) else [given]
    odd = next((c for c in listed if not isinstance(c, Condition)), given)
    if isinstance(odd, sp.Equality):
        pairs = [(odd.lhs, odd.rhs)]
    meant = ", ".join(f"sm.IC({typed(u)}, {typed(sp.sympify(value, strict=True))})" for u, value in pairs)
    msg = f"conditions must be a list of conditions; got {text(odd) if isinstance(odd, sp.Basic) else shown(odd)}."
    return DeclarationError("S118", msg, fix=f"conditions=[{meant or 'sm.IC(u, sp.sin(x))'}]")


def _parameter_text(symbol: sp.Symbol, parameter: float | Role) -> str:
    if isinstance(parameter, float):
        return f"{symbol} = {parameter:g}"
    return f"{symbol} in {parameter}" if isinstance(parameter, Range) else f"{symbol} ~ {parameter}"


def _face_text(c: FaceCondition) -> str:
    place = f"at both ends of {c.coordinate}" if c.point is None else f"at {c.coordinate} = {text(c.point)}"
    left = text(c.target) if not c.derivatives else f"d/dn {text(c.target)}"
    return f"{left} = {text(c.value)} {place}"
