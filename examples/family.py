"""Burgers' equation for 16 viscosities at once:  u_t + (u^2/2)_x = nu u_xx,  nu from 0.02 to 0.5.

A parameter with a Range makes a family, which is solved as one batch; nu becomes a coordinate of the
result. A sine wave steepens into a shock of width nu. At t = pi/2 its crest and trough, +1 and -1,
arrive there, so that for small nu the steepest slope tends to 1/(2 nu).
Run: python examples/family.py [folder for a picture]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
nu = sp.Symbol("nu", positive=True)
u = sm.Field("u", t, x)

problem = sm.Problem(
    name="burgers for many viscosities",
    equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), nu * sm.Laplacian(u)),
    domain=sm.Torus((x, 0, 2 * sp.pi)),
    time=(t, 0, 3),
    conditions=[sm.IC(u, sp.sin(x))],
    parameters={nu: sm.Range(0.02, 0.5, scale="log")},
    outputs={"slope": sm.Dx(u, x)},
)


def main(folder: Path | None = None, points: int = 512) -> float:
    """Return the largest difference between one member and the same viscosity solved alone."""
    method, grid = sm.Spectral(dt=0.01), {"x": points, "t": 30}
    solution = problem.solve(method, grid=sm.Grid(nu=16, **grid))
    print(problem, solution, sep="\n\n")
    steepest = abs(solution["slope"]).max(["time", "x"])
    when = abs(solution["slope"]).max("x").idxmax("time")
    print("\n     nu  steepest slope  nu * slope  at time")
    for value, slope, moment in zip(solution.ds["nu"].values, steepest.values, when.values, strict=True):
        print(f"{value:7.4f}  {slope:14.4f}  {value * slope:10.4f}  {moment:7.1f}")
    one = float(solution.ds["nu"][5])
    alone = problem.with_(parameters={nu: one}).solve(method, grid=sm.Grid(**grid))
    difference = float(abs(solution.at(nu=one)["u"] - alone["u"]).max())
    print(f"the member nu = {one:.4f} differs from the single solve by at most {difference:.1e}")
    if folder is not None:
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained")
        inverse = 1 / steepest["nu"]
        figure.subplots().plot(inverse, steepest, "o", inverse, inverse / 2, "--")
        figure.axes[0].set(xlabel="1/nu", ylabel="steepest slope", title="Burgers from sin x; dashed: 1/(2 nu)")
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / "family.png")
    return difference


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
