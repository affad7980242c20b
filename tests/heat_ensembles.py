"""A method that draws ensembles of the heat equation exactly, with NumPy alone; spawned workers import it."""

import os
import signal
import time

import numpy as np
import sympy as sp
import xarray as xr
from scipy import stats

import sciml as sm
from sciml.dsl.roles import Law
from sciml.errors import Diverged
from sciml.labels import Labels
from sciml.method import Method, Unmet
from sciml.options import options
from sciml.streams import stream

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
nu = sp.Symbol("nu", positive=True)
MODES = 3


def heat(law=0.1):
    """Heat on a circle from Σ_m ξ_m cos mx + η_m sin mx; ``law`` is the role of the diffusivity."""
    return sm.Problem(
        name="random heat",
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        domain=sm.Torus((x, 0, 2 * sp.pi)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, sm.RandomField.fourier("a", x, modes=MODES))],
        parameters={nu: law},
        outputs={"energy": sm.Integral(u**2) / 2},
    )


def uniform_heat():
    return heat(stats.uniform(0.1, 0.2))


@options
class ExactHeat(Method):
    """Exact solution, mode by mode; it can be told to fail."""

    name = "exact-heat"
    summary = "exact modes"
    dtype: str = "float64"
    diverges: int = -1  # sample that becomes infinite
    fails: int = -1  # sample that raises Diverged in the sampler
    killed: int = -1  # sample at which its process is killed
    interrupted: int = -1  # sample at which Ctrl-C is pressed
    slow: float = 0.0

    def requires(self, problem):
        return [] if len(problem.fields) == 1 else [Unmet("several fields")]

    def engine(self, problem, grid, run):
        raise NotImplementedError

    def sampler(self, problem, grid, run, recorded=None, model=None):
        return HeatSampler(self, problem, grid, run, recorded)

    def record(self):  # what happens on the way is not what is computed
        return {"name": self.name, "options": {"dtype": self.dtype}}


class HeatSampler:
    device = "cpu, float64"
    threads = 1

    def __init__(self, method, problem, grid, run, recorded):
        self.method, self.problem, self.run, self.recorded = method, problem, run, recorded
        storage = grid.resolve(problem.time[0], problem.domain, {})
        self.times = np.linspace(0, 1, storage.intervals + 1)
        self.labels = Labels(problem, storage, self.times)

    def draw(self, samples):
        self.misbehave(samples)
        # A block-dependent last bit, as real kernels have: sums over the block in another order.
        tilt = 1 + 1e-15 * len(samples)
        waves = np.arange(1, MODES + 1)
        points = waves[:, None] * self.labels.axes["x"]
        values, laws = [], []
        for k in samples:
            diffusivity = self.parameter(k)
            initial = self.initial(k, points)
            decay = np.exp(-diffusivity * waves**2 * self.times[:, None])
            modes = np.fft.rfft(initial)[1 : MODES + 1] * decay
            full = np.zeros((len(self.times), len(initial) // 2 + 1), complex)
            full[:, 1 : MODES + 1] = modes
            values.append(np.fft.irfft(full, len(initial)) * tilt)
            laws.append(diffusivity)
        field = np.array(values, self.method.dtype)
        if self.method.diverges in samples:
            field[samples.index(self.method.diverges), -1, 0] = np.inf
        energy = (field**2).mean(-1) * np.pi
        ds = self.labelled(field, energy)
        if self.problem.family:
            ds["nu"] = ("sample", np.array(laws), {"units": "1"})
        return ds.assign_coords(sample=("sample", np.array(samples))).assign_attrs(steps=len(self.times) - 1)

    def labelled(self, field, energy):
        one = self.labels.dataset({"u": field[:1], "energy": energy[:1]})
        many = {"u": field, "energy": energy}
        return xr.Dataset({n: (("sample", *one[n].dims), many[n], one[n].attrs) for n in many}, one.coords)

    def parameter(self, k):
        role = next(iter(self.problem.parameters.values()))
        if not isinstance(role, Law):
            return float(role)
        if self.recorded is not None:
            return float(self.recorded["nu"].sel(sample=k))
        return float(role.frozen.ppf(stream(self.run.seed, "parameter", "nu", "sample", k).random()))

    def initial(self, k, points):
        if self.recorded is not None:
            return self.recorded["u"].sel(sample=k).isel(time=0).values
        draws = stream(self.run.seed, "field", "a", "sample", k).standard_normal((MODES, 2))
        return (draws[:, :1] * np.cos(points) + draws[:, 1:] * np.sin(points)).sum(0)

    def misbehave(self, samples):
        time.sleep(self.method.slow)
        if self.method.fails in samples:
            raise Diverged("R302", "the step is unstable.", fix="a smaller step")
        if self.method.killed in samples:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.method.interrupted in samples:
            raise KeyboardInterrupt
