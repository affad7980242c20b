"""The neural operator on model features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sciml.errors import DataError, OptionError
from sciml.options import options
from sciml.solvers.nors.names import ANSWERS, Answer
from sciml.solvers.nors.options import FeatureMethod
from sciml.train.schedules import Cosine
from sciml.train.training import Training

if TYPE_CHECKING:
    import xarray as xr

    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["NORS"]

POINTS = {1: 32, 2: 16, 3: 16}  # of the network's grid on an axis, by the dimension of space


@options
class NORS(FeatureMethod):
    """Neural operator with regularity structures: ``u = Σ_f (w_f + δ_f) F_f + G(F)``.

    F are the iterated integrals of noise and initial data that the equation makes (:class:`LinearMFV`), w their ridge
    fit, and G a Fourier network on normalised features, which learns what that leaves. Training starts at the linear
    model, and ends with it where the network does not better it on the samples kept aside.

    In one shot over the whole time, or over each window from the model's own prediction (``window``). The network lives
    on a grid of its own, to which the lowest modes of features are taken: one model serves every grid and step.

    Args:
        channels: Channels of the network.
        layers: Its Fourier layers.
        points: Points of its grid on each space axis; None takes 32 in one dimension, 16 in more. Between faces the
            axis is that of the periodic extension.
        space_modes: Modes kept on each space axis; None takes 3/8 of the points.
        time_modes: Modes kept in time.
        answer: ``"path"`` predicts all steps, ``"terminal"`` the ends of windows alone, by a network in space.
        batch: Paths (or windows of paths) in a step of training.
        validation: Share of the samples kept aside to tell whether training helps; the ridge fit, with its few
            weights, takes all samples.
        training: Steps, optimiser, rate; None takes Adam, 1000 steps from 0.01 down half a cosine.
        memory: Largest memory in GiB for what is trained on, which is held as a whole.

    Further options are those of :class:`~sciml.solvers.nors.options.FeatureMethod`.

    Raises:
        OptionError: An option is out of its range.

    Sources: Hu, Meng, Chen et al. 2022, arXiv:2204.06255; ours differs: linear terms are in the semigroup, features are
    normalised, and the linear fit is part of the model.
    """

    name: ClassVar[str] = "nors"
    summary: ClassVar[str] = "Fourier network on iterated integrals of the noise (SPDEs)"

    channels: int = 12
    layers: int = 3
    points: int | None = None
    space_modes: int | None = None
    time_modes: int = 8
    answer: Answer = "path"
    batch: int = 20
    validation: float = 0.1
    training: Training | None = None
    memory: float = 8.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choices({"answer": ANSWERS})
        for name in ("channels", "layers", "points", "space_modes", "time_modes", "batch"):
            value = getattr(self, name)
            if value is None and name in ("points", "space_modes"):
                continue
            least = 4 if name == "points" else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                self._refuse(name, f"is a whole number of at least {least}", value)
        for name, low, high in (("validation", 0, 0.5), ("memory", 0, np.inf)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not low < value <= high:
                self._refuse(name, f"is a number above {low}" + (f", at most {high:g}" if high < np.inf else ""), value)
        if self.training is not None and not isinstance(self.training, Training):
            self._refuse("training", "is a Training(steps=...) of sciml.train", self.training)
        if self.points and self.space_modes and 2 * self.space_modes > self.points:
            msg = (
                f"NORS(space_modes={self.space_modes}) needs {2 * self.space_modes} points or more; got {self.points}."
            )
            raise OptionError("O361", msg, fix=f"points={2 * self.space_modes}, or space_modes={self.points // 2}")

    @property
    def terminal(self) -> bool:
        """Whether predictions are at the ends of windows alone."""
        return self.answer == "terminal"

    @property
    def trained(self) -> Training:
        """How the network is trained."""
        default = Training(steps=1000, learning_rate=1e-2, schedule=Cosine(), evaluate_every=100)
        return self.training or default

    def grid_points(self, dim: int) -> int:
        """Return the points of the network's grid on an axis."""
        return self.points or max(POINTS[dim], 2 * (self.space_modes or 0))

    def engine(self, problem: Problem, grid: Grid, run: Run) -> Any:
        """Refuse to solve without data.

        Raises:
            DataError: Always.
        """
        raise self._needs_data()

    def learner(self, problem: Problem, grid: Grid, run: Run, data: Ensemble) -> Any:
        """Prepare the fit and the training."""
        from sciml.solvers.nors.identify import identified
        from sciml.solvers.nors.training import NORSEngine

        return NORSEngine(self, problem, grid, run, data, identified(self, problem, run, data))

    def sampler(
        self,
        problem: Problem,
        grid: Grid,
        run: Run,
        recorded: xr.Dataset | None = None,
        model: Mapping[str, np.ndarray[Any, Any]] | None = None,
    ) -> Any:
        """Prepare predictions with the fitted model.

        Raises:
            DataError: There is none.
        """
        if model is None:
            raise self._needs_data()
        from sciml.solvers.nors.fitting import fitted
        from sciml.solvers.nors.training import channels_of

        return fitted(self, problem, grid, run, recorded, model, channels_of(self))

    def _needs_data(self) -> DataError:
        msg = f"{self.name!r} is trained on an ensemble, and there is none."
        fix = (
            f"fit = problem.solve({type(self).__name__}(), data=problem.sample(1000, grid=...)); fit.sample(n)",
            "LinearMFV(weights='picard')  needs no data",
        )
        return DataError("D250", msg, fix=fix)
