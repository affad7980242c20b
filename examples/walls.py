"""A rod heated at one end:  u_t = nu u_xx,  u(0) = 1,  u_x(1) = 0.

The left end is held at the temperature 1, the right end is insulated. On a Box every field needs a
condition on every face; from those the method chooses sines, cosines or, as here, quarter waves.
The closed form is a sum of such waves. Run: python examples/walls.py [folder for a picture]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
nu = sp.Symbol("nu", positive=True)
u = sm.Field("u", t, x)


def wave(n: int) -> sp.Expr:
    """A wave that is 0 at x = 0 and flat at x = 1, and decays."""
    k = (n - sp.Rational(1, 2)) * sp.pi
    return sp.sin(k * x) * sp.exp(-nu * k**2 * t)


exact = 1 - wave(1) - wave(2) / 9

problem = sm.Problem(
    name="heated rod",
    equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
    domain=sm.Box((x, 0, 1)),
    time=(t, 0, 2),
    conditions=[
        sm.IC(u, exact.subs(t, 0)),
        sm.Dirichlet(u, 1, on=(x, 0)),
        sm.Neumann(u, 0, on=(x, 1)),
    ],
    parameters={nu: 0.5},
    outputs={"heat": sm.Integral(u)},
    exact={u: exact},
)


def main(folder: Path | None = None, points: int = 33) -> float:
    """Return the largest relative L2 error over time."""
    print(problem)
    solution = problem.solve(grid=sm.Grid(x=points, t=8))  # both ends are among the points
    error = float(solution.compare("exact")["u"].max())
    ends = solution.at(t=2.0, x=[0.0, 1.0])["u"].values
    heat = solution["heat"].values
    print(f"{solution}\nrelative L2 error {error:.1e}; heat {heat[0]:.6f} -> {heat[-1]:.6f}")
    print(f"at the end u = {ends[0]:.6f} on the left and {ends[1]:.6f} on the right")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        solution.plot("u", path=folder / "walls.png")
    return error


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
