"""Wrong roles of parameters, wrong observations and inference."""

import numpy as np
import pandas
import scipy.stats
import sympy as sp
import xarray

import sciml as sm
from wrong.setting import declare, inferred, mu, nu, p, t, table, u, x

many = sp.symbols("a:20")
on_grid = {"t": [0.0, 0.5, 1.0], "lon": [0.0, 0.2, 0.4, 0.6]}
coarse = sm.Grid(x=8, t=2)


def lonlat(**more):
    return xarray.DataArray(np.ones((3, 4)), name="u", dims=("t", "lon"), **more)


def measured(*given, **more):
    """An inverse problem with these measurements of u."""
    return inferred(sm.Observe(u, *given, **more))


ROLES = {
    "range upside down": lambda: declare(parameters={nu: sm.Range(0.1, 0.01)}),
    "range of one value": lambda: declare(parameters={nu: sm.Range(0.1, 0.1)}),
    "logarithmic range from zero": lambda: declare(parameters={nu: sm.Range(0, 0.1, scale="log")}),
    "misspelt scale": lambda: declare(parameters={nu: sm.Range(0.01, 0.1, scale="logarithmic")}),
    "range with a string": lambda: sm.Range("0.1", "high"),
    "range of a positive parameter": lambda: declare(parameters={nu: sm.Range(-0.1, 0.1)}),
    "first guess outside its bounds": lambda: declare(parameters={nu: sm.Infer(init=2, bounds=(0.01, 1))}),
    "bounds that are no pair": lambda: sm.Infer(0.1, bounds=1),
    "first guess of the wrong sign": lambda: declare(parameters={nu: sm.Infer(init=-1)}),
    "role without its values": lambda: declare(parameters={nu: sm.Infer}),
    "role as a string": lambda: declare(parameters={nu: "infer"}),
    "number as a string": lambda: declare(parameters={nu: "0.1"}),
    "truth value": lambda: declare(parameters={nu: True}),
    "role as a pair": lambda: declare(parameters={nu: (0.1, 1.0)}),
    "role as an array": lambda: declare(parameters={nu: np.linspace(0.1, 1, 3)}),
    "role as an expression": lambda: declare(parameters={nu: 1 + sp.sin(x) / 2}),
    "parameter that is complex": lambda: declare(parameters={nu: 0.1j}),
    "parameter that is not finite": lambda: declare(parameters={nu: float("nan")}),
    "parameter by its name": lambda: declare(parameters={"nu": 0.1}),
    "field as a parameter": lambda: declare(parameters={nu: 0.1, u: 0}),
    "coordinate as a parameter": lambda: declare(parameters={nu: 0.1, x: 1}),
    "law that reaches the wrong sign": lambda: declare(parameters={nu: scipy.stats.norm(0.1, 1)}),
    "law without its parameters": lambda: declare(parameters={nu: scipy.stats.norm}),
    "law outside the table": lambda: declare(parameters={nu: scipy.stats.cauchy(1, 1)}),
    # --- inference
    "nothing to infer from": lambda: inferred(),
    "too much to infer": lambda: declare(
        sp.Eq(sm.Dt(u), sm.Laplacian(u) + sum(a * u**n for n, a in enumerate(many))),
        parameters={a: sm.Infer(init=0.1) for a in many},
        observations=[sm.Observe(u, table())],
    ),
    "table instead of observations": lambda: inferred(table()),
    # --- observations
    "columns of unequal length": lambda: measured(table(u=np.ones(4))),
    "column of two dimensions": lambda: measured(table(u=np.ones((5, 2)))),
    "no column of the time": lambda: measured(table(t=None)),
    "column of the time by another name": lambda: measured(table(t=None, t_s=np.ones(5))),
    "misspelt column": lambda: measured(table(t=None, time_s=np.ones(5)), columns={"tme_s": t}),
    "columns the wrong way round": lambda: measured(table(t=None, time_s=np.ones(5)), columns={t: "time_s"}),
    "column that is left over": lambda: measured(table(sensor=np.arange(5))),
    "column with the meaning of another field": lambda: measured(table(), columns={"u": p}),
    "misspelt column of errors": lambda: measured(table(sigma=np.ones(5)), noise_std="sgima"),
    "errors of zero": lambda: measured(table(), noise_std=0),
    "errors of another length": lambda: measured(table(), noise_std=np.ones(3)),
    "column of text": lambda: measured(table(u=["1", "2", "3", "4", "n/a"])),
    "column of dates": lambda: measured(pandas.DataFrame(table(t=pandas.date_range("2020-01-01", periods=5)))),
    "table without values": lambda: measured(table(u=np.full(5, np.nan))),
    "time that is not finite": lambda: measured(table(t=np.full(5, np.nan))),
    "infinite measurement": lambda: measured(table(u=np.full(5, np.inf))),
    "empty table": lambda: measured({}),
    "array instead of a table": lambda: measured(np.ones((5, 3))),
    "labelled data without coordinates": lambda: measured(lonlat()),
    "labelled data with misnamed dims": lambda: measured(lonlat(coords=on_grid)),
    "observation of an unknown output": lambda: inferred(
        sm.Observe("mas", table(x=None)), outputs={"mass": sm.Integral(u)}
    ),
    "observation of an unknown field": lambda: inferred(sm.Observe(p, table())),
    "observation of a number": lambda: inferred(sm.Observe(1, table())),
    "observation with a symbol without a role": lambda: inferred(sm.Observe(mu * u, table())),
    "point outside the domain": lambda: measured(table(x=np.linspace(0, 2, 5)), noise_std=0.1).solve(grid=coarse),
    "time outside the interval": lambda: measured(table(t=np.linspace(0, 2, 5)), noise_std=0.1).solve(grid=coarse),
    "errors of some observations only": lambda: inferred(
        sm.Observe(u, table(), noise_std=0.1), sm.Observe(u, table())
    ).solve(grid=coarse),
}
