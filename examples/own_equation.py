"""A system of one's own:  Charney-Hasegawa-Mima,  (Laplacian - 1) psi_t + J(psi, Laplacian psi) + beta psi_x = 0.

Drift waves in a plasma, or Rossby waves of finite radius: the time derivative stands behind an
operator, which becomes the mass symbol M(k) = -(|k|^2 + 1). A single wave is an exact solution and
travels with the speed -beta/(|k|^2 + 1). Run: python examples/own_equation.py
"""

import sympy as sp

import sciml as sm

t, x, y = sm.coords("t x y")
beta = sp.Symbol("beta", positive=True)
psi = sm.Field("psi", t, x, y)
vorticity = sm.Laplacian(psi)
jacobian = sm.Cross(sm.Grad(psi), sm.Grad(vorticity))
phase = 2 * x + y + 2 * beta * t / 6  # |k|^2 + 1 = 6
wave = sp.cos(phase)

problem = sm.Problem(
    name="drift wave",
    equations=sp.Eq(sm.Dt(vorticity - psi) + jacobian + beta * sm.Dx(psi, x), 0),
    domain=sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi)),
    time=(t, 0, 5),
    conditions=[sm.IC(psi, wave.subs(t, 0))],
    parameters={beta: 3.0},
    outputs={"energy": sm.Integral(sm.Dot(sm.Grad(psi), sm.Grad(psi)) + psi**2) / 2},
    exact={psi: wave},
)


def main(points: int = 32) -> float:
    """Return the relative L2 error at the end."""
    print(problem)
    solution = problem.solve(grid=sm.Grid(x=points, y=points, t=5))
    error = float(solution.compare("exact")["psi"][-1])
    energy = solution["energy"].values
    print(f"{solution}\nrelative L2 error {error:.1e}; energy {energy[0]:.12f} -> {energy[-1]:.12f}")
    return error


if __name__ == "__main__":
    main()
