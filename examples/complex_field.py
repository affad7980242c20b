"""Nonlinear Schroedinger equation:  i psi_t + psi_xx/2 + |psi|^2 psi = 0,  psi complex.

It is written as in a book. A ComplexField stands for two real unknowns, and the equation, the initial
condition and the exact solution are split into real and imaginary parts; print(problem) shows them,
and the result holds psi_re and psi_im. Run: python examples/complex_field.py [folder for a picture]
"""

import sys
from pathlib import Path

import sympy as sp

import sciml as sm

t, x = sm.coords("t x")
psi = sm.ComplexField("psi", t, x)
soliton = sp.exp(sp.I * x) / sp.cosh(x - t)  # height 1, speed 1; on this circle exact up to its tail, 4e-9

problem = sm.Problem(
    name="bright soliton",
    equations=sp.Eq(sp.I * sm.Dt(psi) + sm.Laplacian(psi) / 2 + sp.Abs(psi) ** 2 * psi, 0),
    domain=sm.Torus((x, -20, 20)),
    time=(t, 0, 2),
    conditions=[sm.IC(psi, soliton.subs(t, 0))],
    outputs={
        "density": sp.Abs(psi) ** 2,
        "mass": sm.Integral(sp.Abs(psi) ** 2),
        "momentum": sm.Integral(sp.im(sp.conjugate(psi) * sm.Dx(psi, x))),
    },
    exact={psi: soliton},
)


def main(folder: Path | None = None, points: int = 512) -> float:
    """Return the larger relative L2 error of the two parts at the end."""
    print(problem)
    solution = problem.solve(sm.Spectral(rtol=1e-8), grid=sm.Grid(x=points, t=8))
    errors = solution.compare("exact")
    error = max(float(errors[part][-1]) for part in ("psi_re", "psi_im"))
    print(f"\n{solution}\nrelative L2 error at the end {error:.1e}")
    for name in ("mass", "momentum"):
        series = solution[name].values
        print(f"{name:<9}{series[0]:.9f} -> {series[-1]:.9f}, exact 2")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        solution.plot("density", path=folder / "complex_field.png")
    return error


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
