"""Training of the network on what the linear model leaves of an ensemble: the ridge fit first, then the network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
import xarray as xr
from torch import Tensor

from sciml.compute import device_of
from sciml.errors import DataError, OptionError
from sciml.solvers.nors.cases import Cases, Objective
from sciml.solvers.nors.channels import Channels
from sciml.solvers.nors.correction import Correction, Shape
from sciml.solvers.nors.fitting import Piece, RidgeEngine, RidgeState
from sciml.solvers.nors.model import FeatureModel
from sciml.solvers.nors.polynomials import Polynomial
from sciml.solvers.nors.ridge import norms
from sciml.train.trainer import Trainer, TrainingState

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.nors import NORS

__all__ = ["NORSEngine", "channels_of"]

GIB = 2**30
HELD = 12  # bytes for each number while it is collected: single precision, joined and scaled
GAIN = 1 - 1e-3  # of the error on samples kept aside, below which the network is taken


def channels_of(method: NORS) -> Callable[[Problem, Sequence[int]], Channels]:
    """Return what makes the channels of a method, by the problem and the points of its network."""
    return partial(Channels, path=not method.terminal, windowed=method.window is not None)


@dataclass(frozen=True)
class NORSState:
    """Where a fit stands: the sums of the ridge fit, and the training that follows it."""

    ridge: RidgeState
    training: TrainingState | None = None


class NORSEngine:
    """Blocks of the ridge fit, then steps of training."""

    def __init__(
        self,
        method: NORS,
        problem: Problem,
        grid: Grid,
        run: Run,
        data: Ensemble,
        known: Mapping[str, Polynomial],
    ) -> None:
        self.method, self.run = method, run
        self.ridge = RidgeEngine(method, problem, grid, run, data, known)
        self.problem = problem = self.ridge.problem
        points = [method.grid_points(problem.frame.dim)] * problem.frame.dim
        self.channels = channels_of(method)(problem, points)
        for setting in (self.ridge.operator.first, self.ridge.paths.operator.first):
            self.channels.check(setting)
        self._check_windows()
        self.count = max(1, round(method.validation * len(data)))  # samples kept aside, the last ones
        if len(data) - self.count < 2:
            msg = f"of {len(data)} samples {self.count} would be kept aside, and fewer than 2 be left to train on."
            raise DataError("D253", msg, fix="more samples: data=problem.sample(1000, grid=...)")
        self._check_memory()
        self._ended: RidgeState | None = None

    def _check_windows(self) -> None:
        length = self.ridge.paths.window
        for operator in (self.ridge.operator, self.ridge.paths.operator):
            count = operator.storage.intervals
            if length is not None and self.method.window is not None:
                steps = round(self.method.window / operator.first.h)
                if count % steps:
                    whole = count * operator.first.h
                    nearest = whole / max(1, round(whole / self.method.window))
                    msg = (
                        f"windows of {self.method.window:g} do not divide the whole time, {count * operator.first.h:g}."
                    )
                    raise OptionError("O362", msg, fix=f"all windows must be alike: window={nearest:.8g}")

    def _check_memory(self) -> None:
        bytes_of = HELD * self._sizes()[0]
        if bytes_of > self.method.memory * GIB:
            held, most = bytes_of / GIB, self.method.memory
            msg = f"what the network is trained on takes {held:.3g} GiB, more than memory={most:g}."
            fix = ("fewer samples, points or features; windows; answer='terminal'", f"memory={1.1 * held:.2g}")
            raise OptionError("O364", msg, fix=fix)

    def _sizes(self) -> tuple[int, int]:
        """Return the numbers that are held, and the number of cases."""
        paths = self.ridge.paths
        steps = paths.operator.storage.intervals // self.ridge.numerics.every
        windows = paths.operator.storage.intervals // (paths.window or paths.operator.storage.intervals)
        cases = len(paths.data) * windows
        frames = steps // windows + 1 if self.channels.path else 1
        channels = self.shape.features + self.shape.others + self.shape.states
        points = self.channels.points[0] ** len(self.channels.points)
        return cases * channels * frames * points, cases

    @property
    def shape(self) -> Shape:
        """Sizes of the network."""
        method, n, points = self.method, len(self.problem.form.state), self.channels.points[0]
        return Shape(
            features=self.ridge.operator.count * n,
            others=self.channels.count,
            states=n,
            width=method.channels,
            layers=method.layers,
            has_time=int(self.channels.path),
            time_modes=method.time_modes if self.channels.path else 0,
            space_modes=method.space_modes or max(1, 3 * points // 8),
        )

    @property
    def total(self) -> int:
        """Blocks of the ridge fit and steps of training."""
        return self.ridge.total + self.method.trained.steps

    @property
    def device(self) -> str:
        """Where it computes and in which precision."""
        return self.ridge.device

    @property
    def threads(self) -> int | None:
        """CPU threads that suit the size of the problem."""
        return self.ridge.threads

    def describe(self) -> list[tuple[str, str]]:
        """Say what will be fitted and trained, and at which cost."""
        shape, training = self.shape, self.method.trained
        numbers, cases = self._sizes()
        count = sum(p.numel() for p in Correction(shape, self.channels).parameters())
        seen = "all steps of a window" if self.channels.path else "the end of a window"
        modes = f"{shape.time_modes} x " * shape.has_time + " x ".join(
            [str(shape.space_modes)] * len(self.channels.points)
        )
        grid = " x ".join(map(str, self.channels.points))
        return [
            *self.ridge.describe(),
            (
                "network",
                f"{shape.layers} layers of width {shape.width}, {modes} modes on {grid} points; {count} weights",
            ),
            ("input", f"{shape.features} features and {shape.others} other channels at {seen}"),
            ("training", f"{training.optimizer}, {training.steps} steps of {self.method.batch} of {cases} windows"),
            ("memory", f"{HELD * numbers / 2**20:.3g} MiB at most for what is trained on"),
        ]

    def start(self) -> NORSState:
        """Return the state before the first block."""
        return NORSState(self.ridge.start())

    def step(self, state: NORSState) -> NORSState:
        """Take a block of paths, or a step of training."""
        if not self.ridge.finished(state.ridge):
            return replace(state, ridge=self.ridge.step(state.ridge))
        trainer = self._trainer_after(state.ridge)
        return replace(state, training=trainer.step(state.training or trainer.start()))

    def _trainer_after(self, ridge: RidgeState) -> Trainer:
        self._ended = self._ended or ridge
        return self.trainer

    @cached_property
    def trainer(self) -> Trainer:
        """The training; made when the ridge fit is done."""
        assert self._ended is not None  # it begins where the ridge fit ends
        device, seed = device_of(self.run), self.run.seed
        weights, _ = self.ridge.fit(self._ended)
        count = len(self.ridge.paths.data)
        with torch.no_grad():
            collected = self._collected(weights, range(count - self.count))
            module = Correction(self.shape, self.channels, seed)
            module.normalise(collected[0], collected[2])
            kept = self._cases(module, self._collected(weights, range(count - self.count, count)), device)
            cases = self._cases(module, collected, device)
        module.to(device)
        objective = Objective(module, cases, self.method.batch, seed)
        return Trainer(objective, self.method.trained, evaluate=lambda: kept.score(module, self.method.batch))

    def _collected(self, weights: Tensor, places: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return features, other channels, what the linear model leaves, and weights, of some samples on the CPU."""
        size, parts = self.ridge.paths.size, []
        for a in range(0, len(places), size):
            parts += [self._case(p, weights) for p in self.ridge.paths.pieces(places[a : a + size])]
        first, second, third, fourth = (torch.cat(column) for column in zip(*parts, strict=True))
        return first, second, third, fourth

    def _case(self, piece: Piece, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        setting, channels = piece.setting, self.channels
        features = piece.features()
        shape = (1, len(weights), 1, weights.shape[1], *([1] * setting.modes.dim))
        seen = features if channels.path else features[-1:]
        linear = (seen * weights.to(seen.device, setting.modes.dtype).reshape(shape)).sum(1)
        truth = torch.cat([piece.start[None], piece.truth]) if channels.path else piece.truth[-1:]
        rest = channels.on_grid(truth - linear).movedim(0, 2)
        others = channels.others(setting, piece.first, len(piece.truth))
        sizes = norms(truth[1:] if channels.path else truth, setting.modes.multiplicity)
        share = torch.where(sizes > 0, 1 / sizes.square(), torch.zeros_like(sizes))  # states that are not stored are 0
        count = features.shape[2]
        own = others.float().expand(count, *others.shape[1:])
        made = channels.features(features).float(), own, rest if channels.path else rest.squeeze(2), share
        return made[0].cpu(), made[1].cpu(), made[2].cpu(), made[3].cpu()

    def _cases(
        self, module: Correction, collected: tuple[Tensor, Tensor, Tensor, Tensor], device: torch.device
    ) -> Cases:
        features, others, rest, share = collected
        scale = module.scale.reshape(1, -1, *([1] * (rest.ndim - 2)))
        inputs = torch.cat([module.inputs(f, o) for f, o in zip(features.split(64), others.split(64), strict=True)])
        weights = (share * module.scale.square()).float()
        targets, dim = (rest / scale).float().to(device), len(self.channels.points)
        return Cases(inputs.to(device), targets, weights.to(device), dim, self.channels.path).in_units(
            alike=bool(self.problem.family)
        )

    def finished(self, state: NORSState) -> bool:
        """Tell whether all steps are taken."""
        return state.training is not None and state.training.step >= self.method.trained.steps

    def metrics(self, state: NORSState) -> Mapping[str, float]:
        """Return the paths taken by the ridge fit, or those of the training."""
        if state.training is None:
            return self.ridge.metrics(state.ridge)
        return self.trainer.metrics(state.training)

    def pack(self, state: NORSState) -> dict[str, Any]:
        """Return the sums of the ridge fit and the training."""
        packed = {"ridge": self.ridge.pack(state.ridge)}
        return packed if state.training is None else {**packed, "training": self.trainer.pack(state.training)}

    def unpack(self, packed: dict[str, Any]) -> NORSState:
        """Return the state that was packed.

        Raises:
            LookupError, TypeError, ValueError, RuntimeError: It is not one of this fit.
        """
        ridge = self.ridge.unpack(packed["ridge"])
        if "training" not in packed:
            return NORSState(ridge)
        if not self.ridge.finished(ridge):
            msg = "training begins where the ridge fit ends"
            raise ValueError(msg)
        return NORSState(ridge, self._trainer_after(ridge).unpack(packed["training"]))

    def finish(self, state: NORSState) -> xr.Dataset:
        """Return the solution for the seed of the run, with the model and what fit and training say."""
        weights, told = self.ridge.fit(state.ridge)
        model = FeatureModel(weights, self.ridge.numerics, terminal=self.method.terminal)
        if state.training is None:
            return self.ridge.result(model, told)
        told = {**told, "training_steps": state.training.step, **self._judged(state.training)}
        with self.trainer.best(state.training) as module:
            assert isinstance(module, Correction)
            if told["error_kept_aside"] < GAIN:
                model = replace(model, correction=module)
            return self.ridge.result(model, told)

    def _judged(self, training: TrainingState) -> dict[str, float]:
        """Return the error on samples kept aside, relative to that of the linear model."""
        score = training.score
        if training.step == 0 or score == float("inf"):
            assert self.trainer.evaluate is not None  # it was given
            score = self.trainer.evaluate()
        if score >= GAIN and self.finished(NORSState(self._ended or self.ridge.start(), training)):
            msg = (
                f"on samples kept aside the network has {score:.3g} times the error of the linear model, which is kept."
            )
            warnings.warn(f"{msg} Train longer, at a smaller rate, or on more samples.", RuntimeWarning, stacklevel=2)
        return {"error_kept_aside": score}
