"""An independent evaluation of declared equations: NumPy FFTs, straight from the user's nodes.

It shares nothing with the passes: every operator is applied to arrays as its definition reads.
"""

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import sciml as sm
from sciml.dsl.noise import Noise
from sciml.dsl.operators import Integral
from sciml.dsl.vectors import Component


class Oracle:
    """Evaluate expressions for given fields (name -> array) and rates (name -> list of time derivatives)."""

    def __init__(self, problem, fields, rates, t, points):
        self.problem, self.fields, self.rates = problem, fields, rates
        self.space = problem.frame.space
        self.dim = len(self.space)
        lows = [problem.number(lo) for _, lo, _ in problem.domain.axes]
        lengths = [problem.number(hi - lo) for _, lo, hi in problem.domain.axes]
        axes = [lo + length * np.arange(points) / points for lo, length in zip(lows, lengths, strict=True)]
        mesh = np.meshgrid(*axes, indexing="ij")
        self.shape = mesh[0].shape
        self.values = dict(zip(self.space, mesh, strict=True)) | {problem.frame.time: t}
        self.values |= problem.parameters
        waves = [2 * np.pi / length * np.fft.fftfreq(points, 1 / points) for length in lengths]
        self.k = np.meshgrid(*waves, indexing="ij")
        self.k2 = sum(k**2 for k in self.k)
        with np.errstate(divide="ignore"):
            self.inverse = np.where(self.k2 == 0, 0, -1 / self.k2)
        self.volume = np.prod(lengths)

    def _filter(self, symbol, array):
        axes = tuple(range(-self.dim, 0))
        return np.fft.ifftn(symbol * np.fft.fftn(array, axes=axes), axes=axes).real

    def d(self, axis, array, order=1):
        return self._filter((1j * self.k[axis]) ** order, array)

    def __call__(self, e):
        full = lambda a: np.broadcast_to(a, self.shape)  # noqa: E731
        if isinstance(e, sp.Symbol):
            return full(self.values[e])
        if e.is_number:
            return full(float(e))
        if isinstance(e, AppliedUndef):
            return self.fields[e.func.__name__]
        if isinstance(e, sm.VectorField):
            return np.stack([self.fields[f"{e.name}_{x}"] for x in self.space])
        if isinstance(e, sm.Vector):
            return np.stack([self(c) for c in e.args])
        if isinstance(e, Component):
            index = self.space.index(e.args[1]) if isinstance(e.args[1], sp.Symbol) else int(e.args[1])
            return self(e.args[0])[index]
        if isinstance(e, Noise):
            return full(0.0)  # the right side that is compared is the drift
        if isinstance(e, sm.Dt):
            return self._rate(e.args[0], int(e.args[1]))
        if isinstance(e, sp.Derivative):
            out = self(e.expr)
            for v, n in e.variable_count:
                out = self.d(self.space.index(v), out, int(n))
            return out
        return self._node(e)

    def _rate(self, e, order):
        if isinstance(e, AppliedUndef):
            return self.rates[e.func.__name__][order - 1]
        if isinstance(e, sm.VectorField):
            return np.stack([self.rates[f"{e.name}_{x}"][order - 1] for x in self.space])
        if isinstance(e, sm.Laplacian):
            return self._filter(-self.k2, self._rate(e.operand, order))
        raise NotImplementedError(e)

    def _node(self, e):
        if isinstance(e, sm.Laplacian):
            return self._filter(-self.k2, self(e.operand))
        if isinstance(e, sm.FractionalLaplacian):
            return self._filter(
                -(self.k2 ** (float(e.constants[0].subs(self.problem.parameters)) / 2)), self(e.operand)
            )
        if isinstance(e, sm.InverseLaplacian):
            return self._filter(self.inverse, self(e.operand))
        if isinstance(e, sm.Dx):
            return self.d(self.space.index(e.constants[0]), self(e.operand), int(e.constants[1]))
        if isinstance(e, sm.Grad):
            inner = self(e.operand)
            return np.stack([self.d(j, inner) for j in range(self.dim)])
        if isinstance(e, sm.Div):
            inner = self(e.operand)
            return sum(self.d(j, inner[j]) for j in range(self.dim))
        if isinstance(e, sm.Curl):
            return self._curl(self(e.operand))
        if isinstance(e, sm.BiotSavart):
            return self._curl(self._filter(-self.inverse, self(e.operand)))
        if isinstance(e, sm.Dot):
            a, b = (self(x) for x in e.args)
            return np.einsum("i...,i...->...", a, b)
        if isinstance(e, sm.Outer):
            a, b = (self(x) for x in e.args)
            if a.ndim == self.dim or b.ndim == self.dim:
                return a * b
            return np.einsum("i...,j...->ij...", a, b)
        if isinstance(e, Integral):
            return np.broadcast_to(self(e.args[0]).mean() * self.volume, self.shape)
        parts = [self(a) for a in e.args]
        if isinstance(e, sp.Add):
            return sum(parts[1:], parts[0])
        if isinstance(e, sp.Mul):
            return np.prod(np.broadcast_arrays(*parts), axis=0)
        if isinstance(e, sp.Pow):
            return parts[0] ** parts[1]
        return getattr(np, type(e).__name__)(*parts)

    def _curl(self, a):
        if self.dim == 3:
            return np.stack([self.d(i - 2, a[i - 1]) - self.d(i - 1, a[i - 2]) for i in range(3)])
        if a.ndim == 2:
            return np.stack([self.d(1, a), -self.d(0, a)])
        return self.d(0, a[1]) - self.d(1, a[0])
