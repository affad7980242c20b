"""A solution: labelled arrays, where they came from, and what one asks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sympy as sp
import xarray as xr

from sciml.dsl.operators import Spectrum, is_global
from sciml.dsl.roles import Law, Range
from sciml.dsl.text import text
from sciml.dsl.vectors import VectorField
from sciml.errors import DataError, did_you_mean
from sciml.forms.components import components
from sciml.grid import Grid, grid_of
from sciml.interpolate import fourier_interpolate, spline_interpolate
from sciml.labels import component_names, noises
from sciml.norms import Metric, error_size
from sciml.options import checked
from sciml.provenance import origin
from sciml.run import Budget, Run, Status

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.learned_term import LearnedTerm
    from sciml.method import Method
    from sciml.plan import Plan
    from sciml.problem import Problem

__all__ = ["Solution", "Status"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; 0 for what was given."""

    value: float
    std: float

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.std:.2g}" if self.std else f"{self.value:.6g}"


@dataclass(frozen=True, eq=False)
class Solution:
    """What a method computed.

    Attributes:
        ds: All variables, dims ``(time, z, y, x)`` or ``(time,)``, the parameters of a family before them.
        problem: The declaration it solves.
        method: Name and options of the method.
        provenance: Seed, device, versions, wall time, creation date.
        status: ``converged``, ``budget``, ``diverged`` or ``interrupted``.
        reason: Why it stopped.
        model: What the method learned, as arrays; empty for methods that only fill a grid.
        plan: The computation, while it is in memory and could go on; None for what a file gave back.
    """

    ds: xr.Dataset
    problem: Problem
    method: dict[str, Any]
    provenance: dict[str, Any]
    status: Status
    reason: str
    plan: Plan | None = None
    model: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def collect(
        cls,
        ds: xr.Dataset,
        *,
        problem: Problem,
        method: dict[str, Any],
        run: Run,
        status: Status,
        reason: str,
        seconds: float,
        device: str,
        plan: Plan | None = None,
    ) -> Solution:
        """Put a computed dataset together with its provenance."""
        found = {name: value for name, value in ds.attrs.items() if name != "model"}
        provenance = {**origin(run, device, seconds), **found}
        model = ds.attrs.get("model", {})
        return cls(ds.drop_attrs(deep=False), problem, method, provenance, status, reason, plan, model)

    def __getstate__(self) -> dict[str, Any]:
        """Copies and other processes get the results without the computation, which may hold anything."""
        return {**self.__dict__, "plan": None}

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return a variable; a vector by its name has a leading ``component`` dimension."""
        if name in self.ds:
            return self.ds[name]
        names = self.variables()
        if name not in names:
            msg = f"the solution holds no {name!r}.{did_you_mean(name, [*names, *map(str, self.ds)])}"
            raise DataError("D204", msg, fix=f"variables: {', '.join(names)}")
        return _grouped(self.ds, name, names[name], self.problem)

    def variables(self) -> dict[str, list[str]]:
        """Return each field or output with the stored variables that hold it."""
        return {name: component_names(self.problem, name) for name in self.problem.variables()}

    def _known(self) -> list[tuple[sp.Symbol, Estimate]]:
        found = self.parameters
        pairs = [(s, found[s.name]) for s in self.problem.parameters]
        return [(s, p) for s, p in pairs if isinstance(p, Estimate)]

    @property
    def final(self) -> xr.Dataset:
        """The last stored time."""
        return self.ds.isel(time=-1)

    @property
    def tree(self) -> xr.DataTree:
        """Solution and parameters as one tree, as it is saved."""
        known = {n: p for n, p in self.parameters.items() if isinstance(p, Estimate)}
        parameters = xr.Dataset({n: ((), p.value, {"units": "1", "std": p.std}) for n, p in known.items()})
        groups = {"/": self.ds, "/parameters": parameters}
        if self.problem.arrays:
            arrays = {n: ([f"{n}_{i}" for i in range(a.ndim)], a) for n, a in self.problem.arrays.items()}
            groups["/data"] = xr.Dataset(arrays)
        if self.model:
            model = {n: ([f"{n}_{i}" for i in range(a.ndim)], a) for n, a in self.model.items()}
            groups["/model"] = xr.Dataset(model)
        return xr.DataTree.from_dict(groups)

    def at(self, **coordinates: Any) -> xr.Dataset:
        """Evaluate at arbitrary points of space, at stored times and stored parameters of a family.

        A solution whose ``model`` is a function of time and place (DRVM) is evaluated by it, at any time that was
        computed; variables that the model does not know are left out unless all times are stored.

        Args:
            coordinates: A number or 1-D array for each coordinate, as in ``at(t=0.5, x=xs, y=ys)``;
                a coordinate that is not given keeps its stored values.

        Returns:
            A dataset over the product of the given coordinates; a vector is one variable with a
            leading dimension ``component``.

        Raises:
            DataError: A time that is not stored, or a point outside the domain.
        """
        given = {n: coordinates.pop(n) for n in {self.problem.frame.time.name, "time"} & set(coordinates)}
        if len(given) > 1:
            msg = f"at() got the time twice: {given}."
            raise DataError("D206", msg, fix=f"at({self.problem.frame.time}=...)")
        known = self.problem.bounds
        for name in coordinates:
            if name not in known and name not in {s.name for s in self.problem.family}:
                msg = f"at(): the problem has no coordinate {name!r}.{did_you_mean(name, known)}"
                raise DataError("D206", msg, fix=f"coordinates: {self.problem.frame.time}, {', '.join(known)}")
        from sciml.prediction import evaluates, predicted

        times = next(iter(given.values()), None)
        everywhere = evaluates(self)
        modelled = predicted(self, times, coordinates) if everywhere else xr.Dataset()
        names = self.variables()
        rest = {n: parts for n, parts in names.items() if not all(p in modelled for p in parts)}
        if rest and not (everywhere and not self._has_times(times)):
            stored = self._gridded(times, coordinates, [p for parts in rest.values() for p in parts])
            modelled = modelled.merge(stored, compat="override") if everywhere else stored
        kept = {n: parts for n, parts in names.items() if all(p in modelled for p in parts)}
        return xr.Dataset({n: _grouped(modelled, n, parts, self.problem) for n, parts in kept.items()})

    def _has_times(self, times: Any) -> bool:
        stored = self.ds["time"].values
        wanted = np.atleast_1d(stored if times is None else np.asarray(times, dtype=float))
        return bool(np.isclose(wanted[:, None], stored, rtol=1e-9, atol=1e-9 * float(np.ptp(stored))).any(1).all())

    def _gridded(self, times: Any, coordinates: dict[str, Any], names: list[str]) -> xr.Dataset:
        """Return stored arrays interpolated in space."""
        ds = self._at_times(times)
        coordinates = dict(coordinates)
        for symbol in self.problem.family:
            if symbol.name in coordinates:
                ds = _picked(ds, symbol.name, coordinates.pop(symbol.name))
        for name, points in coordinates.items():
            ds = self._interpolated(ds, name, points)
        return ds[names]

    def _interpolated(self, ds: xr.Dataset, name: str, points: Any) -> xr.Dataset:
        coordinate = next(x for x in self.problem.frame.space if x.name == name)
        low, high = self.problem.bounds[name]
        if coordinate in self.problem.domain.infinite:
            low, high = (float(ds[name][i]) for i in (0, -1))
        return _interpolated(ds, name, low, high, points, coordinate in self.problem.domain.periodic)

    def _at_times(self, times: Any) -> xr.Dataset:
        if times is None:
            return self.ds
        return _picked(self.ds, "time", times, self.problem.frame.time.name)

    def compare(
        self,
        other: Solution | Ensemble | xr.Dataset | Literal["exact"],
        *,
        metric: Metric = "rel_l2",
        on: Iterable[str] | None = None,
        times: Sequence[float] | None = None,
    ) -> xr.Dataset:
        """Return the error of each variable at each time, for each member of a family.

        Args:
            other: ``"exact"`` (the declared exact solution), another solution of the same
                coordinates (evaluated on this one's grid), a dataset on the same grid, or an ensemble,
                for whose noise, initial data and parameters the fitted model predicts: see :meth:`replay`.
            metric: ``rel_l2``, ``l2`` (root mean square), ``rel_linf`` or ``linf`` over space.
            on: Variables to compare; None takes all fields and outputs that both have, but not spectra.
            times: Times to compare at; None takes all stored ones.

        Returns:
            Errors ``(time,)``; of an ensemble ``(sample,)``, over space and all times after the first.

        Raises:
            DataError: Nothing in common, or dims that do not agree; nothing is ever broadcast.
        """
        from sciml.ensembles.ensemble import Ensemble

        if isinstance(other, Ensemble):
            return self._compare_paths(other, metric, on, times)
        mine = self._at_times(times)
        theirs = self._other(other, mine)
        fields = self.variables()
        names = fields | {n.name: [n.name] for n in noises(self.problem)}
        both = [n for n, parts in names.items() if all(p in theirs for p in parts)]
        # The spectra of two grids have other wavenumbers, so they are compared on demand only; so is noise.
        plain = [n for n in both if n in fields and not isinstance(self.problem.outputs.get(n), Spectrum)]
        chosen = plain if on is None else list(on)
        for name in chosen:
            if name not in both:
                msg = f"compare: {name!r} is not in both.{did_you_mean(name, both)}"
                raise DataError("D204", msg, fix=f"in both: {', '.join(both) or 'nothing'}")
        if not chosen:
            msg = "compare: the two have no variable in common."
            raise DataError("D204", msg, fix=f"this solution has {', '.join(names)}")
        space = {x.name for x in self.problem.frame.space} | {"wavenumber"}
        errors = {n: _error(mine, theirs, n, names[n], metric, space) for n in chosen}
        return xr.Dataset(errors, attrs={"metric": metric})

    def _compare_paths(self, truth: Ensemble, metric: Metric, on: Any, times: Any) -> xr.Dataset:
        if on is not None or times is not None:
            msg = "compare: on= and times= are for solutions; an ensemble is compared over all times, in all variables."
            raise DataError("D206", msg, fix="solution.replay(ensemble).compare(ensemble, each_time=True)")
        return self.replay(truth).compare(truth, metric)

    def _other(self, other: Any, mine: xr.Dataset) -> xr.Dataset:
        if isinstance(other, Solution):
            other_ds = other._at_times(mine["time"].values if "time" in mine.dims else float(mine["time"]))
            for name, values in ((x.name, mine[x.name].values) for x in self.problem.frame.space):
                if name not in other.problem.bounds:
                    msg = f"compare: the other solution has no coordinate {name!r}."
                    raise DataError("D206", msg, fix="compare solutions of problems with the same coordinates")
                other_ds = other._interpolated(other_ds, name, values)
            return other_ds
        if isinstance(other, str) and other == "exact":
            known = {s: float(p) for s, p in self._known()}
            return exact_dataset(self.problem, mine, {**self.problem.numbers, **known})
        if isinstance(other, xr.Dataset):
            return other
        msg = f"compare needs 'exact', a Solution, an Ensemble or an xarray.Dataset; got {other!r}."
        raise DataError("D208", msg)

    @property
    def parameters(self) -> dict[str, Estimate | Range | Law]:
        """Return every parameter by name: an estimate with its standard error, or the range of a family."""
        found = self.provenance.get("estimates", {"names": (), "values": (), "std": ()})
        fitted = {n: (v, s) for n, v, s in zip(found["names"], found["values"], found["std"], strict=True)}
        out: dict[str, Estimate | Range | Law] = {}
        for symbol, role in self.problem.parameters.items():
            known = (role, 0.0) if isinstance(role, float) else fitted.get(symbol.name)
            out[symbol.name] = Estimate(*known) if known is not None else role  # type: ignore[assignment]
        return out

    @property
    def unknown(self) -> Mapping[str, LearnedTerm]:
        """The unknown terms of the equations that were learned, by name, as in ``solution.unknown["F"].at(u=0.2)``.

        Raises:
            DataError: The solution holds no model that was fitted to data.
        """
        return self._fitted().learned_terms(self.problem, self.model) if self.problem.unknown_terms else {}

    def sample(
        self,
        n: int,
        *,
        grid: Grid | None = None,
        seed: int | None = None,
        to: str | Path | None = None,
        block: int | None = None,
        workers: int = 1,
        run: Run | None = None,
    ) -> Ensemble:
        """Draw noise, initial data and parameters as :meth:`Problem.sample` does, and predict with the fitted model.

        Args:
            n: Number of samples.
            grid: Where samples are stored; that of this solution if not given.
            seed: Root of the random streams, 0 if not given; another one than that of the data gives other noise.
            to: File to write, and to go on with if it was left by the same fit; None keeps all in memory.
            block: Samples that are predicted together.
            workers: Processes that compute blocks.
            run: Device, precision, threads, progress.

        Raises:
            DataError: The solution holds no fitted model.
            MethodMismatch, OptionError, DeclarationError, FileError, Diverged: As :meth:`Problem.sample`.
        """
        method = self._fitted()
        from sciml.ensembles.drawing import draw
        from sciml.ensembles.request import Request

        request = Request.draw(
            self.problem,
            n,
            method,
            grid=self._grid() if grid is None else grid,
            seed=seed,
            to=to,
            block=block,
            workers=workers,
            run=run,
            model=self.model,
        )
        return draw(request)

    def replay(
        self,
        ensemble: Ensemble,
        *,
        grid: Grid | None = None,
        to: str | Path | None = None,
        block: int | None = None,
        workers: int = 1,
        run: Run | None = None,
    ) -> Ensemble:
        """Predict with the fitted model for the noise, initial data and parameters of an ensemble.

        Args:
            ensemble: Any samples with the fields, noise, domain and times of this problem; those of the
                result have the same numbers.
            grid: Where samples are stored; that of the ensemble if not given.
            to: File to write, and to go on with if it was left by the same fit; None keeps all in memory.
            block: Samples that are predicted together; as in the ensemble if not given.
            workers: Processes that compute blocks.
            run: Device, precision, threads, progress.

        Raises:
            DataError: The solution holds no fitted model, or the ensemble does not fit it.
            MethodMismatch, OptionError, FileError, Diverged: As :meth:`Problem.replay`.
        """
        method = self._fitted()
        from sciml.ensembles.drawing import draw
        from sciml.ensembles.ensemble import Ensemble
        from sciml.ensembles.request import Request

        request = Request.repeat(
            self.problem,
            checked("ensemble", ensemble, Ensemble),
            method,
            grid=grid,
            to=to,
            block=block,
            workers=workers,
            run=run,
            model=self.model,
        )
        return draw(request)

    def _grid(self) -> Grid:
        """Return the grid of the samples that it predicts: a method may take more intervals than it stores."""
        stored = grid_of(self.problem, self.ds).axes
        time = self.problem.frame.time.name
        return Grid(**{**stored, time: self.provenance.get("intervals", stored[time])})

    def _fitted(self) -> Method:
        """Return the method whose model this solution holds."""
        from sciml.method import method_from

        if not self.model:
            msg = f"this solution by {self.method.get('name')} holds no model that was fitted to data."
            fix = "problem.solve(method, data=ensemble)  fits one;  problem.sample(n)  draws without a model"
            raise DataError("D247", msg, fix=fix)
        return method_from(self.method)

    def resume(self, budget: Budget | str | None = None) -> Solution:
        """Go on with the computation, from where its plan stands now; a complete one is returned as it is.

        Args:
            budget: Further steps or seconds; None runs to the end.

        Raises:
            DataError: The solution came from a file, which holds results and not the state of the method.
            Diverged: As ``Problem.solve``.
        """
        if self.plan is not None:
            return self.plan.complete(Budget.of(budget))
        if self.status == "converged":
            return self
        msg = f"this solution of {self.problem.name!r} came from a file of results, which cannot be resumed."
        raise DataError("D217", msg, fix="sm.resume(DIR)  with the folder of the run, Run(out=DIR)")

    def save(self, path: str | Path) -> Path:
        """Write one netCDF-4 file that xarray, h5py and netCDF4 can read."""
        from sciml.io import write

        return write(self, path)

    def plot(self, variable: str | None = None, *, path: str | Path | None = None) -> Any:
        """Draw a variable (needs the extra ``plot``); returns the matplotlib figure."""
        from sciml.plot import plot

        return plot(self, variable, path=path)

    def __str__(self) -> str:
        sizes = ", ".join(f"{d}: {n}" for d, n in self.ds.sizes.items())
        names = ", ".join(self.variables())
        name = self.method.get("name")
        return f"Solution of {self.problem.name!r} by {name}: {names} on ({sizes}); {self.status}: {self.reason}"

    __repr__ = __str__


def _grouped(ds: xr.Dataset, name: str, parts: list[str], problem: Problem) -> xr.DataArray:
    if parts == [name]:
        return ds[name]
    directions = [p.removeprefix(f"{name}_") for p in parts]
    joined = xr.concat([ds[p] for p in parts], dim="component", coords="minimal", compat="override")
    return joined.assign_coords(component=directions).rename(name)


def _picked(ds: xr.Dataset, dim: str, values: Any, name: str = "") -> xr.Dataset:
    """Return the stored values of a dimension that is never interpolated: time, or a parameter."""
    name = name or dim
    stored = ds[dim].values
    wanted = np.atleast_1d(np.asarray(values, dtype=float))
    if wanted.ndim != 1:
        msg = f"at({name}=...) needs a number or a 1-D array; got shape {np.shape(values)}."
        raise DataError("D206", msg, fix=f"at({name}=[0.5, 1.0])")
    nearest = np.abs(stored[None, :] - wanted[:, None]).argmin(1)
    tolerance = 1e-9 * max(float(np.ptp(stored)), 1e-9 * float(np.abs(stored).max()), 1e-300)
    off = ~(np.abs(stored[nearest] - wanted) <= tolerance)
    if off.any():
        what = "time" if dim == "time" else dim
        msg = (
            f"{what} {wanted[off][0]:g} is not stored; this solution has {len(stored)} values from "
            f"{stored[0]:g} to {stored[-1]:g}."
        )
        fix = f"choose a grid that includes it: Grid({name}=...)"
        raise DataError("D207", msg, fix=fix)
    return ds.isel({dim: int(nearest[0]) if np.ndim(values) == 0 else nearest})


def _interpolated(ds: xr.Dataset, name: str, low: float, high: float, points: Any, periodic: bool) -> xr.Dataset:
    wanted = np.atleast_1d(np.asarray(points, dtype=float))
    if wanted.ndim != 1:
        msg = f"at({name}=...) needs a number or a 1-D array; got shape {np.shape(points)}."
        raise DataError("D206", msg, fix="at(x=xs, y=ys) evaluates on the product of xs and ys")
    tolerance = 1e-9 * (high - low)
    outside = (wanted < low - tolerance) | (wanted > high + tolerance)
    if outside.any() or not np.isfinite(wanted).all():
        bad = wanted[outside | ~np.isfinite(wanted)][0]
        msg = f"{name} = {bad:g} lies outside [{low:g}, {high:g}], where the solution is known."
        raise DataError("D209", msg)
    attributes = ds[name].attrs
    if np.array_equal(wanted, ds[name].values):
        return ds
    variables: dict[str, Any] = {}
    for key, v in ds.data_vars.items():
        if name in v.dims:
            axis = v.get_axis_num(name)
            if periodic:
                data = fourier_interpolate(v.values, axis, low, high - low, wanted)
            else:
                data = spline_interpolate(v.values, axis, ds[name].values, wanted)
            variables[str(key)] = (v.dims, data, v.attrs)
        else:
            variables[str(key)] = v.variable
    coordinates = {str(c): x.variable for c, x in ds.coords.items() if c != name}
    out = xr.Dataset(variables, {**coordinates, name: (name, wanted, attributes)})
    return out.isel({name: 0}) if np.ndim(points) == 0 else out


def _error(
    mine: xr.Dataset, theirs: xr.Dataset, name: str, parts: list[str], metric: str, over: set[str]
) -> xr.DataArray:
    pairs = [(mine[p], theirs[p]) for p in parts]
    for a, b in pairs:
        if set(a.dims) != set(b.dims) or any(a.sizes[d] != b.sizes[d] for d in a.dims):
            msg = f"compare: {a.name!r} has dims {dict(a.sizes)}, the other has {dict(b.sizes)}."
            raise DataError("D203", msg, fix="nothing was broadcast; bring the other to the same dims and sizes")
        for d in a.dims:
            if d in b.coords and not np.allclose(a[d].values, b[d].values, rtol=1e-9, atol=1e-12):
                msg = f"compare: the coordinate {d!r} of {a.name!r} differs between the two."
                raise DataError("D203", msg, fix="compare with a Solution, which is interpolated, or use the same grid")
    dims = pairs[0][0].dims
    space = tuple(i for i, d in enumerate(dims) if d in over)
    theirs_in_order = [b.transpose(*a.dims).values for a, b in pairs]
    error = error_size(np.stack([a.values for a, _ in pairs]), np.stack(theirs_in_order), metric, space)
    kept = [d for d in dims if d not in over]
    return xr.DataArray(error, {d: mine[d] for d in kept}, kept, name=name)


def exact_dataset(problem: Problem, like: xr.Dataset, known: Mapping[sp.Symbol, float]) -> xr.Dataset:
    """Evaluate the declared exact solution on the grid and times of a dataset, with these parameters."""
    import torch

    from sciml.lower import compile_expressions

    if not problem.exact:
        msg = f"problem {problem.name!r} declares no exact solution."
        raise DataError("D211", msg, fix="exact={u: expression}  in the declaration")
    inputs = [*problem.family, problem.frame.time, *problem.frame.space]
    names = ["time" if s == problem.frame.time else s.name for s in inputs]
    axes = {n: np.atleast_1d(like[n].values) for n in names}
    mesh = [torch.as_tensor(m) for m in np.meshgrid(*axes.values(), indexing="ij")]
    numbers = {s: sp.Float(v, 17) for s, v in known.items() if s not in problem.family}
    outer = len(names) - problem.frame.dim
    arrays: dict[str, Any] = {}
    for key, value in problem.exact.items():
        targets = _stored_names(problem, key)
        whole = isinstance(key, str) and is_global(problem.outputs[key], problem.frame.space)
        for label, expr in zip(targets, components(value, problem.frame).flat, strict=True):
            resolved = problem.expand(expr).doit().xreplace(numbers)
            (result,) = compile_expressions([resolved], inputs)(*mesh)
            values = result.expand(mesh[0].shape).numpy()
            if whole:
                values = values.reshape(*values.shape[:outer], -1)[..., 0]
            arrays[label] = (names[:outer] if whole else names, values)
    exact = xr.Dataset(arrays, axes).transpose(*names[:outer], *reversed(names[outer:]))
    return exact.isel({n: 0 for n in names[:outer] if n not in like.dims})


def _stored_names(problem: Problem, key: Any) -> list[str]:
    if isinstance(key, VectorField):
        return component_names(problem, key.name)
    if isinstance(key, str):
        return component_names(problem, key)
    return [text(key)]
