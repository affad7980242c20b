"""Methods: what a solver must offer, and how names find them.

A method is an immutable option object. Packages register methods under the entry-point group
``sciml.methods``; naming one loads its options, and its engine only when a plan starts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sciml.dsl.text import text
from sciml.errors import DataError, MethodMismatch, OptionError, UnknownMethod, did_you_mean
from sciml.options import as_record, rebuilt
from sciml.train.task import Task

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.learned_term import LearnedTerm
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solution import Solution

__all__ = [
    "Engine",
    "Method",
    "MethodTable",
    "Sampler",
    "Unmet",
    "check_learns",
    "check_match",
    "check_samples",
    "find_method",
    "installed",
    "method_from",
    "needs_learning",
    "registry",
    "table",
]

GROUP = "sciml.methods"
REFERENCE = "spectral"


@dataclass(frozen=True)
class Unmet:
    """Something a method needs and a problem does not have."""

    reason: str
    fix: str = ""


class Engine(Task, Protocol):
    """The computing side of a method: a task of the training loop that can describe itself and its result."""

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be done, before any cost is paid."""
        ...

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        ...

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem; None for torch's own number."""
        ...

    def finish(self, state: Any) -> xr.Dataset:
        """Return everything computed so far, labelled; the computation can go on afterwards."""
        ...


class Sampler(Protocol):
    """Draws samples of a problem.

    A sample depends on problem, method, grid, seed and its number, and in its last bits on the block it
    is computed in. Samplers are made once in each process that draws.
    """

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        ...

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem; None for torch's own number."""
        ...

    def draw(self, samples: Sequence[int]) -> xr.Dataset:
        """Draw the samples of these numbers: a range, but where a model predicts for chosen recorded samples.

        A sample that explodes is returned as it is, not finite, so that it costs no other of its block.

        Returns:
            Fields and outputs with the dims ``(sample, time, z, y, x)``, labelled as in a solution; each
            driving noise under its name, ``(sample, time, z, y, x)`` or ``(sample, time)``, as increments
            over ``(t_{n-1}, t_n]`` that are zero at the first time; each random parameter, ``(sample,)``.
            The coordinate ``sample`` holds the numbers; ``attrs``, the same in all blocks, is JSON-ready.
        """
        ...


class Method(ABC):
    """Base of all option objects; subclasses are decorated with ``@options``."""

    name: ClassVar[str]
    summary: ClassVar[str]
    distributed: ClassVar[bool] = False  # whether several processes, started by torchrun, can share the work

    @abstractmethod
    def requires(self, problem: Problem) -> list[Unmet]:
        """Return why this method cannot solve the problem; empty if it can."""

    @abstractmethod
    def engine(self, problem: Problem, grid: Grid, run: Run) -> Engine:
        """Import the engine and prepare it."""

    def learner(self, problem: Problem, grid: Grid, run: Run, data: Ensemble) -> Engine:
        """Import the engine that fits this method to an ensemble; only methods that learn from data have it.

        Its result carries what was learned as ``ds.attrs["model"]``, named arrays, with which
        :meth:`sampler` predicts.

        Args:
            problem: What is learned; its equations, parameters and initial laws may differ from those of the data.
            grid: Where the answer is stored; that of the data if the user gave none.
            run: Seed, device, precision, threads.
            data: Samples with the fields, noise, domain and times of the problem, all finite.

        Raises:
            MethodMismatch: The method learns nothing from data.
        """
        raise _learns_nothing(self)

    def sampler(
        self,
        problem: Problem,
        grid: Grid,
        run: Run,
        recorded: xr.Dataset | None = None,
        model: Mapping[str, np.ndarray[Any, Any]] | None = None,
    ) -> Sampler:
        """Import what draws ensembles, and prepare it; only methods that draw them have it.

        Args:
            problem: What is drawn from; parameters with a law or a range are drawn with each sample.
            grid: Where samples are stored.
            run: Seed, device, precision, threads.
            recorded: An ensemble whose initial data, noise and parameters are used instead of drawn
                ones: sample k takes those of ``recorded.sel(sample=k)``.
            model: What the method learned, as its engine left it in ``ds.attrs["model"]``, where a solution
                predicts; None where a problem is sampled. A method that draws with a model only says so here.

        Raises:
            MethodMismatch: The method draws no ensembles.
        """
        raise _draws_none(self)

    def learned_terms(self, problem: Problem, model: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, LearnedTerm]:
        """Return the unknown terms of a problem as a fitted model has them; only methods that learn terms have it."""
        return {}

    def predictor(self, solution: Solution) -> Any:
        """Return what evaluates a solution anywhere, from its ``model``; only methods that store one have it."""
        msg = f"{self.name!r} stores no model that could be evaluated off the grid."
        raise DataError("D206", msg)

    def record(self) -> dict[str, Any]:
        """Return name and options as JSON-ready data."""
        return {"name": self.name, "options": as_record(self)}


def method_from(record: Any) -> Method:
    """Return the method that :meth:`Method.record` described.

    Raises:
        UnknownMethod: It is not installed here.
        OptionError, ValueError: The record is not one of that method.
    """
    known = find_method(str(record["name"]))
    return rebuilt(type(known), record["options"])


def registry(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name; two of one name are an error."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in found and found[point.name].value != point.value:
            msg = (
                f"two installed packages offer {point.name!r} in {group}: {found[point.name].value} and {point.value}."
            )
            raise UnknownMethod("M203", msg, fix="uninstall one of them")
        found[point.name] = point
    return dict(sorted(found.items()))


@cache
def installed() -> dict[str, EntryPoint]:
    """Return the installed methods by name."""
    return registry(GROUP)


def find_method(method: Method | str | None) -> Method:
    """Turn a name into a method with default options; pass objects through.

    Raises:
        UnknownMethod: No installed method has this name.
    """
    if method is None:
        method = REFERENCE
    if isinstance(method, Method):
        return method
    if isinstance(method, type) and issubclass(method, Method):
        msg = f"method={method.__name__} is a class."
        raise OptionError("O303", msg, fix=f"write {method.__name__}() or {method.name!r}")
    known = installed()
    if not isinstance(method, str) or method not in known:
        hint = did_you_mean(method, known) if isinstance(method, str) else ""
        msg = f"no method {method!r}.{hint}"
        raise UnknownMethod("M200", msg, fix=f"installed: {', '.join(known) or 'none'}")
    loaded: Method = known[method].load()()
    return loaded


@dataclass(frozen=True)
class MethodTable:
    """Which installed methods can solve a problem; prints as a table."""

    problem: str
    rows: dict[str, tuple[str, list[Unmet]]]

    @property
    def able(self) -> list[str]:
        """Names of the methods that can."""
        return [name for name, (_, unmet) in self.rows.items() if not unmet]

    def __str__(self) -> str:
        lines = [f"methods for {self.problem!r}"]
        for name, (summary, unmet) in self.rows.items():
            lines.append(f"  {name:<10} {'yes' if not unmet else 'no '}  {summary if not unmet else unmet[0].reason}")
        return "\n".join(lines)

    __repr__ = __str__


def table(problem: Problem) -> MethodTable:
    """Ask every installed method about a problem."""
    rows = {}
    for name, point in installed().items():
        method = point.load()()
        rows[name] = (method.summary, method.requires(problem))
    return MethodTable(problem.name, rows)


def needs_learning(problem: Problem) -> list[Unmet]:
    """Return why a method that learns no terms cannot solve a problem; empty if all terms are known."""
    if not problem.unknown_terms:
        return []
    names = " and ".join(map(text, problem.unknown_terms))
    many = len(problem.unknown_terms) > 1
    what, it = ("are unknown; they are", "them") if many else ("is unknown; it is", "it")
    fix = f"problem.with_(equations=...) with known terms for {names}, or a method that learns {it}"
    return [Unmet(f"{names} {what} learned from data, and this method takes known terms only", fix)]


def check_match(method: Method, problem: Problem) -> None:
    """Refuse a problem that the method cannot solve.

    Raises:
        MethodMismatch: With the first reason, and the methods that can.
    """
    unmet = method.requires(problem)
    if unmet:
        others = ", ".join(table(problem).able) or "none installed"
        fix = [u.fix for u in unmet if u.fix] + [f"methods that can: {others}"]
        msg = f"{method.name!r} cannot solve {problem.name!r}: {unmet[0].reason}."
        raise MethodMismatch("M201", msg, fix=fix)


def check_samples(method: Method) -> None:
    """Refuse a method that draws no ensembles, before anything heavy is loaded.

    Raises:
        MethodMismatch: With the methods that do.
    """
    if type(method).sampler is Method.sampler:
        raise _draws_none(method)


def check_learns(method: Method) -> None:
    """Refuse data for a method that learns nothing from them, before anything heavy is loaded.

    Raises:
        MethodMismatch: With the methods that do.
    """
    if type(method).learner is Method.learner:
        raise _learns_nothing(method)


def _draws_none(method: Method) -> MethodMismatch:
    return MethodMismatch("M204", f"{method.name!r} draws no ensembles.", fix=_those_with("sampler"))


def _learns_nothing(method: Method) -> MethodMismatch:
    fix = (_those_with("learner"), "leave out data=")
    return MethodMismatch("M205", f"{method.name!r} learns nothing from data.", fix=fix)


def _those_with(hook: str) -> str:
    """Name the installed methods that have a hook of their own."""
    able = [n for n, point in installed().items() if getattr(point.load(), hook) is not getattr(Method, hook)]
    return f"methods that do: {', '.join(able) or 'none installed'}"
