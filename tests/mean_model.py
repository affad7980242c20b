"""A small method that learns from an ensemble: at each time a linear regression; spawned workers import it.

``u(t_n, x) = a_n u(0, x) + b_n W(t_n, x)`` with the sum W of the noise up to t_n. It learns in four steps, a
quarter of the samples each, by adding up normal equations.
"""

from typing import ClassVar

import numpy as np
import sympy as sp
import xarray as xr

import sciml as sm
from sciml.errors import DataError, MethodMismatch
from sciml.labels import Labels
from sciml.method import Method
from sciml.options import options

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
STEPS = 4
GRID = sm.Grid(x=16, t=8)


def driven(drift=0, *, end=1, length=2 * sp.pi, modes=2, start=0.2):
    """Heat on a circle, driven by smooth noise, from random data around 1."""
    noise = sm.WhiteNoise("xi", t, x, modes=modes)
    return sm.Problem(
        name="driven heat",
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u) / 10 + drift + noise / 2),
        domain=sm.Torus((x, 0, length)),
        time=(t, 0, end),
        conditions=[sm.IC(u, 1 + sm.RandomField.fourier("a", x, modes=2, scale=start))],
        outputs={"mass": sm.Integral(u)},
    )


@options
class MeanModel(Method):
    """Regression at each time."""

    name: ClassVar[str] = "mean-model"
    summary: ClassVar[str] = "regression at each time"
    ridge: float = 1e-9

    def requires(self, problem):
        return []

    def engine(self, problem, grid, run):
        raise MethodMismatch("M201", "'mean-model' needs data.", fix="problem.solve(..., data=problem.sample(1000))")

    def learner(self, problem, grid, run, data):
        return Regression(self, problem, grid, run, data)

    def sampler(self, problem, grid, run, recorded=None, model=None):
        if model is None:
            raise MethodMismatch("M201", "'mean-model' draws with a fitted model only.", fix="solution.sample(n)")
        return Predictor(problem, grid, run, recorded, model)


def features(samples):
    """Return initial values and summed noise at each time, ``(sample, time, x, 2)``."""
    initial = np.broadcast_to(samples["u"].values[:, :1], samples["u"].shape)
    return np.stack([initial, samples["xi"].values.cumsum(1)], axis=-1)


class Regression:
    device = "cpu, float64"
    threads = 1
    total = STEPS

    def __init__(self, method, problem, grid, run, data):
        self.method, self.problem, self.grid, self.run, self.data = method, problem, grid, run, data
        self.intervals = data.ds.sizes["time"] - 1

    def describe(self):
        return [("regression", f"{self.intervals} times, {len(self.data)} samples")]

    def start(self):
        return {"done": 0, "gram": np.zeros((self.intervals + 1, 2, 2)), "right": np.zeros((self.intervals + 1, 2))}

    def step(self, state):
        part = np.array_split(np.arange(len(self.data)), STEPS)[state["done"]]
        samples = self.data.ds.isel(sample=part).load()
        found = features(samples)
        gram = state["gram"] + np.einsum("stxi,stxj->tij", found, found)
        right = state["right"] + np.einsum("stxi,stx->ti", found, samples["u"].values)
        return {"done": state["done"] + 1, "gram": gram, "right": right}

    def finished(self, state):
        return state["done"] == STEPS

    def metrics(self, state):
        return {"samples": float(state["done"])}

    def pack(self, state):
        return dict(state)

    def unpack(self, packed):
        gram, right = packed["gram"].numpy(), packed["right"].numpy()
        if gram.shape != (self.intervals + 1, 2, 2):
            raise ValueError("another number of times")
        return {"done": packed["done"], "gram": gram, "right": right}

    def finish(self, state):
        damped = state["gram"] + self.method.ridge * np.eye(2)
        weights = np.linalg.solve(damped, state["right"][..., None])[..., 0]
        model = {"times": self.data.ds["time"].values, "weights": weights.astype(np.float32)}
        drawn = Predictor(self.problem, self.grid, self.run, None, model).draw(range(1))
        return drawn.isel(sample=0, drop=True).assign_attrs(model=model, learned_from=len(self.data))


class Predictor:
    device = "cpu, float64"
    threads = 1

    def __init__(self, problem, grid, run, recorded, model):
        self.recorded, self.model, self.problem = recorded, model, problem
        storage = grid.resolve(problem.time[0], problem.domain, {})
        start, end = (problem.number(v) for v in problem.time[1:])
        self.times = np.linspace(start, end, storage.intervals + 1)
        self.labels = Labels(problem, storage, self.times)
        self.drawing = None if recorded is not None else sm.Spectral().sampler(problem, grid, run)

    def draw(self, samples):
        if self.recorded is None:
            given = self.drawing.draw(samples)
        else:
            given = self.recorded.sel(sample=list(samples)).load()
        kept = self.places(given["time"].values, "the ensemble")
        inputs = features(given)[:, kept]
        weights = self.model["weights"][self.places(self.model["times"], "the fit")]
        field = (inputs * weights[:, None]).sum(-1)
        noise = np.diff(inputs[..., 1], axis=1, prepend=0)
        dims, more = ("sample", "time", "x"), {"x": self.labels.axes["x"], "time": self.times}
        found = {"u": (dims, field), "mass": (dims[:2], field.mean(-1) * 2 * np.pi), "xi": (dims, noise)}
        return xr.Dataset(found, {"sample": np.array(samples), **more}).assign_attrs(steps=1)

    def places(self, stored, whose):
        apart = np.abs(stored - self.times[:, None])
        if (apart.min(1) > 1e-9).any():
            raise DataError("D207", f"{whose} has no such time.")
        return apart.argmin(1)
