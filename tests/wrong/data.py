"""Wrong initial data: conditions, arrays, random fields, measures."""

import numpy as np
import pandas
import sympy as sp
import xarray

import sciml as sm
from wrong.setting import (
    CIRCLE,
    CONTINUITY,
    HEAT,
    LINE,
    MOMENTUM,
    VORTICITY,
    V,
    declare,
    flow,
    mu,
    nu,
    p,
    plane,
    start,
    t,
    u,
    w,
    x,
    xi,
    y,
)

places = np.arange(8) / 8
closed = np.linspace(0, 1, 9)  # with both ends of a period
s = sp.Symbol("s", real=True)
rand = sm.RandomField.fourier("a", x, modes=4)
one = sm.PointVortices(strength=[1], at=[(0, 0)])


def given(value, **more):
    """A heat equation with this initial value."""
    return declare(conditions=[sm.IC(u, value)], **more)


def vortices(strength, at):
    return flow([sm.IC(w, sm.PointVortices(strength, at))])


def on_torus(value):
    return plane(VORTICITY, [sm.IC(w, value)], {nu: 1})


def velocity(value):
    return plane([MOMENTUM, CONTINUITY], [sm.IC(V, value)], {nu: 1})


DATA = {
    "conditions as a dict": lambda: sm.Problem(equations=HEAT, domain=CIRCLE, time=(t, 0, 1), conditions={u: 0}),
    "condition as an equation": lambda: declare(conditions=[sp.Eq(u, sp.sin(x))]),
    "target at the start time": lambda: declare(conditions=[sm.IC(u.subs(t, 0), sp.sin(x))]),
    "target by its name": lambda: sm.IC("u", sp.sin(x)),
    "target with a factor": lambda: sm.IC(2 * u, sp.sin(x)),
    "value as a string": lambda: given("sin(x)"),
    "value as a function": lambda: given(lambda x: np.sin(x)),
    "value as a function of NumPy": lambda: given(np.sin),
    "value as an equation": lambda: given(sp.Eq(u, 1)),
    "value as a dict": lambda: given({"x": places, "u": places}),
    "value that is missing": lambda: given(None),
    "value with the unknown": lambda: given(2 * u),
    "value in another coordinate": lambda: given(sp.sin(y)),
    "value that divides by zero": lambda: given(1 / sp.S.Zero),
    "value with a singularity": lambda: given(1 / x).solve(grid=sm.Grid(x=8, t=2)),
    "velocity as a list": lambda: velocity([sp.sin(y), 0]),
    "velocity as a matrix": lambda: velocity(sp.Matrix([sp.sin(y), 0])),
    "condition of a field that is not there": lambda: declare(conditions=[start, sm.IC(p, 0)]),
    "initial velocity of an equation of first order": lambda: declare(conditions=[start, sm.IC(sm.Dt(u), 0)]),
    # --- arrays
    "array of too many dimensions": lambda: given(np.ones((8, 8))),
    "array of too few dimensions": lambda: on_torus(np.ones(8)),
    "array with components last": lambda: velocity(np.ones((8, 8, 2))),
    "array with a gap": lambda: given(np.array([1, 2, 3, np.nan])),
    "complex array of a real field": lambda: given(np.ones(8) * 1j),
    "array of text": lambda: given(["a", "b", "c", "d"]),
    "array with too few points": lambda: given([1, 2, 3]),
    "array with both ends of a period": lambda: given(np.cos(2 * np.pi * closed)),
    "labelled array with both ends of a period": lambda: given(xarray.DataArray(closed, {"x": closed}, dims="x")),
    "data frame": lambda: given(pandas.DataFrame({"x": places, "u": np.sin(places)})),
    "series with an index": lambda: given(pandas.Series(np.sin(places), index=places)),
    "misnamed dim": lambda: given(xarray.DataArray(np.ones(8), dims="lon")),
    "data of several times": lambda: given(xarray.DataArray(np.ones((3, 8)), dims=("time", "x"))),
    "dataset without the field": lambda: given(xarray.Dataset({name: ("x", places) for name in "ab"})),
    # --- random fields
    "random field in an equation": lambda: declare(sp.Eq(sm.Dt(u), nu * sm.Laplacian(u) + rand)),
    "random field in an output": lambda: given(rand, outputs={"noise": 2 * rand}),
    "two laws of one name": lambda: given(rand + sm.RandomField.fourier("a", x, modes=8)),
    "name of a random field and of an unknown": lambda: given(sm.RandomField.fourier("u", x, modes=2)),
    "random field over another coordinate": lambda: given(sm.RandomField.fourier("a", y, modes=8)),
    "random field over time": lambda: given(sm.RandomField.fourier("a", t, x, modes=8)),
    "random field in the whole space": lambda: given(rand, domain=LINE),
    "random field without a law": lambda: sm.RandomField("a", x),
    "random field with a law that varies": lambda: sm.RandomField.fourier("a", x, modes=2, scale=sp.sin(x)),
    "random field of negative length": lambda: sm.RandomField.matern("a", x, length=-1, smoothness=1),
    "random field of negative density": lambda: sm.RandomField.spectrum("a", x, k=s, density=-1),
    "scale of a random field without a role": lambda: given(sm.RandomField.fourier("a", x, modes=2, scale=mu)),
    "white noise as initial data": lambda: given(xi),
    # --- measures
    "point vortices at one place": lambda: vortices([1, 2], [(0.5, 0), (sp.Rational(1, 2), 0)]),
    "point vortices that meet for a parameter": lambda: flow(
        [sm.IC(w, sm.PointVortices([1, 1], [(mu, 0), (1, 0)]))], parameters={nu: 1, mu: 1}
    ),
    "point vortices a period apart": lambda: on_torus(sm.PointVortices([1, 2], [(0, 0), (1, 0)])),
    "point vortex outside the domain": lambda: on_torus(sm.PointVortices([1], [(2, 0)])),
    "point vortex in three dimensions": lambda: vortices([1], [(0, 0, 0)]),
    "point vortex that is not in a list": lambda: sm.PointVortices(strength=[1], at=(0, 0)),
    "strengths and places of unequal number": lambda: vortices([1, 2], [(0, 0)]),
    "strength without a role": lambda: vortices([sp.Symbol("gamma")], [(0, 0)]),
    "strength that varies in space": lambda: vortices([x], [(0, 0)]),
    "point vortex on a line": lambda: given(one, domain=LINE),
    "point vortex as a velocity": lambda: velocity(one),
    "point vortex in an equation": lambda: plane(sp.Eq(sm.Dt(w), sm.Laplacian(w) + one)),
    "point vortex squared": lambda: flow([sm.IC(w, one**2)]),
    "sheet that ends outside": lambda: on_torus(sm.VortexSheet(1, curve=(s, 0.5), s=(s, 0, 2))),
    "sheet that runs backwards": lambda: on_torus(sm.VortexSheet(1, curve=(s, 0.5), s=(s, 1, 0))),
    "sheet that is a point": lambda: sm.VortexSheet(1, curve=(0.5, 0.5), s=(s, 0, 1)),
    "patch without an inequality": lambda: on_torus(sm.VortexPatch(1, x**2 + y**2)),
    "delta function of a radius": lambda: flow([sm.IC(w, sp.DiracDelta(x**2 + y**2 - 1))]),
    "delta function of one coordinate": lambda: flow([sm.IC(w, sp.DiracDelta(x - 1))]),
    "delta function on a line": lambda: given(sp.DiracDelta(x), domain=LINE),
    "delta function as a source": lambda: plane(sp.Eq(sm.Dt(w), sm.Laplacian(w) + sp.DiracDelta(x))),
}
