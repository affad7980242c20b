"""The linear model on model features, and the untrained Picard expansion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sciml.errors import DataError
from sciml.options import options
from sciml.solvers.nors.names import WEIGHINGS, Weighing
from sciml.solvers.nors.options import FeatureMethod

if TYPE_CHECKING:
    import xarray as xr

    from sciml.ensembles.ensemble import Ensemble
    from sciml.grid import Grid
    from sciml.problem import Problem
    from sciml.run import Run

__all__ = ["LinearMFV"]


@options
class LinearMFV(FeatureMethod):
    """A linear combination of model features: ``u = Σ_f w_f F_f``, one weight for all times and places.

    The features are the iterated integrals that Picard iteration of the mild equation makes of the noise and the
    initial data. Over short times they leave little to be learned; what a network adds has to be compared with this.

    ``Solution.provenance["diagnostics"]`` holds the features, their weights, and the relative error on the data with
    the weights of the equation and with the fitted ones.

    Args:
        weights: ``"ridge"`` fits them to an ensemble, each path weighted by the inverse of its norm;
            ``"picard"`` takes those of the equation and needs no data.

    Further options are those of :class:`~sciml.solvers.nors.options.FeatureMethod`.

    Raises:
        OptionError: An option is out of its range.

    Sources: Chevyrev, Gerasimovičs & Weber 2024, doi:10.1007/s10915-023-02401-4; Hu et al. 2022, arXiv:2204.06255.
    """

    name: ClassVar[str] = "linear-mfv"
    summary: ClassVar[str] = "linear model on iterated integrals of the noise (SPDEs)"

    weights: Weighing = "ridge"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choices({"weights": WEIGHINGS})

    def engine(self, problem: Problem, grid: Grid, run: Run) -> Any:
        """Prepare the Picard expansion, which needs no data.

        Raises:
            DataError: Weights are to be fitted, and there are no data.
        """
        self._check_untrained(problem)
        from sciml.solvers.nors.untrained import UntrainedEngine

        return UntrainedEngine(self, problem, grid, run)

    def learner(self, problem: Problem, grid: Grid, run: Run, data: Ensemble) -> Any:
        """Prepare the fit."""
        if self.weights == "picard":
            msg = "weights='picard' are those of the equation, and learn nothing from data."
            raise DataError("D250", msg, fix="LinearMFV()  fits them;  or leave out data=")
        from sciml.solvers.nors.fitting import RidgeEngine
        from sciml.solvers.nors.identify import identified

        return RidgeEngine(self, problem, grid, run, data, identified(self, problem, run, data))

    def sampler(
        self,
        problem: Problem,
        grid: Grid,
        run: Run,
        recorded: xr.Dataset | None = None,
        model: Mapping[str, np.ndarray[Any, Any]] | None = None,
    ) -> Any:
        """Prepare predictions, with the fitted model or the weights of the equation."""
        if model is None:
            self._check_untrained(problem)
            from sciml.solvers.nors.untrained import untrained

            return untrained(self, problem, grid, run, recorded)
        from sciml.solvers.nors.fitting import fitted

        return fitted(self, problem, grid, run, recorded, model)

    def _check_untrained(self, problem: Problem) -> None:
        if problem.unknown_terms:
            names = " and ".join(f.name for f in problem.unknown_terms)
            msg = f"{names} is to be learned from an ensemble, and there is none."
            raise DataError("D250", msg, fix="problem.solve(LinearMFV(), data=ensemble)")
        if self.weights != "picard":
            msg = f"{self.name!r} is fitted to an ensemble, and there is none."
            fix = (
                f"fit = problem.solve({type(self).__name__}(), data=problem.sample(1000, grid=...)); fit.sample(n)",
                "LinearMFV(weights='picard')  needs no data",
            )
            raise DataError("D250", msg, fix=fix)
