"""Korteweg-de Vries:  u_t + 6 u u_x + u_xxx = 0,  a soliton that keeps its shape.

Takes the catalogue's declaration, asks which methods can solve it, compares with the exact solution
at every stored time and between grid points. Run: python examples/soliton.py
"""

import numpy as np

import sciml as sm
from sciml.problems.korteweg_de_vries import korteweg_de_vries


def main(points: int = 256) -> float:
    """Return the largest relative L2 error over time."""
    problem = korteweg_de_vries(speed=4.0)
    print(problem, problem.methods(), sep="\n\n")
    solution = problem.solve(sm.Spectral(rtol=1e-8), grid=sm.Grid(x=points, t=10))
    error = float(solution.compare("exact")["u"].max())
    crest = np.linspace(1.9, 2.1, 201)  # at t = 1 the crest has arrived at x = 2
    heights = solution.at(t=1.0, x=crest)["u"].values
    found = float(heights.max()), float(crest[int(heights.argmax())])
    print(f"relative L2 error {error:.1e}; crest {found[0]:.6f} at x = {found[1]:.3f}, exact 2 at 2")
    return error


if __name__ == "__main__":
    main()
