"""py-pde and exponax on the benchmark problems: float64, compiled before they are timed.

Each function takes initial values on the periodic grid (no right end point) and returns
``(final values, times of the repeats in seconds, seconds to build and compile)``. Both run in the
way that is fastest for them: py-pde with its numba backend and a stepper that is built once
(``solve()`` would compile anew at each call), exponax as one XLA program that stays in Fourier
space between steps.
"""

import time
from functools import partial

import numpy as np

TWO_PI = 2 * np.pi


def timed(call, repeats):
    """Run a compiled call several times; return its last result and all wall times."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return result, seconds


def whole_steps(end, dt):
    """Return the number of steps; a dt that does not divide the end would silently end elsewhere."""
    steps = round(end / dt)
    if abs(steps * dt - end) > 1e-9 * end:
        msg = f"dt = {dt} does not divide {end}"
        raise ValueError(msg)
    return steps


# --- py-pde: second-order finite differences, explicit Runge-Kutta 4 -------------------------


def _pypde_stepper(scheme, equation, start, end, dt):
    """Return a compiled stepper, and the seconds that building it took."""
    import logging

    from pde.solvers.base import SolverBase

    logging.getLogger("pde").setLevel(logging.ERROR)
    whole_steps(end, dt)
    began = time.perf_counter()
    solver = SolverBase.from_name(scheme, pde=equation, backend="numba", adaptive=False)
    stepper = solver.make_stepper(start, dt)
    stepper(start.copy(), 0.0, dt)
    return stepper, time.perf_counter() - began


def _pypde(equation, u0, end, dt, repeats):
    import pde

    grid = pde.CartesianGrid([[0, TWO_PI]] * u0.ndim, u0.shape, periodic=True)
    start = pde.ScalarField(grid, u0)
    stepper, built = _pypde_stepper("runge-kutta", equation, start, end, dt)
    states = [start.copy() for _ in range(repeats)]  # a run works in place

    def call():
        state = states.pop()
        stepper(state, 0.0, end)
        return state

    state, seconds = timed(call, repeats)
    return np.array(state.data), seconds, built


def pypde_stable_dt(points, dim, nu, end):
    """Return the largest RK4 step that is stable for diffusion and divides the end."""
    limit = 0.95 * 2.785 / (nu * dim * 4 * (points / TWO_PI) ** 2)
    return end / int(np.ceil(end / limit))


def pypde_allen_cahn(u0, end, dt, repeats, nu=0.01):
    """``u_t = nu Laplacian(u) + u - u^3`` by py-pde's own class."""
    import pde

    return _pypde(pde.AllenCahnPDE(interface_width=nu, mobility=1, bc="periodic"), u0, end, dt, repeats)


def pypde_burgers(u0, end, dt, repeats, nu=0.05):
    """``u_t = nu u_xx - u u_x`` by py-pde; this form is more accurate there than the conservative one."""
    import pde

    equation = pde.PDE({"u": f"{nu!r}*laplace(u) - u*d_dx(u)"}, bc="periodic")
    return _pypde(equation, u0, end, dt, repeats)


def pypde_phi4(u0, end, dt, sigma):
    """``u_t = u_xx + 3u - u^3 + sigma xi`` on [0, 1] by Euler-Maruyama.

    Returns a function that draws one path and returns its final values, and the seconds to build it. py-pde
    divides the variance that it is given by the volume of a cell: ``sigma**2`` is space-time white noise.
    """
    import pde

    equation = pde.PDE({"u": "laplace(u) + 3*u - u**3"}, bc="periodic", noise=sigma**2)
    start = pde.ScalarField(pde.CartesianGrid([[0, 1]], len(u0), periodic=True), u0)
    stepper, built = _pypde_stepper("euler", equation, start, end, dt)

    def path():
        state = start.copy()
        stepper(state, 0.0, end)
        return state.data

    return path, built


# --- exponax: Fourier, ETDRK4, jax ------------------------------------------------------------


def _exponax(make, u0, end, dt, repeats):
    import jax

    jax.config.update("jax_enable_x64", True)
    import equinox
    import exponax
    import jax.numpy as jnp

    steps = whole_steps(end, dt)
    began = time.perf_counter()
    stepper = exponax.RepeatedStepper(make(exponax.stepper), steps)
    start = jnp.asarray(u0)[None]
    run = equinox.filter_jit(lambda s, v: s(v)).lower(stepper, start).compile()
    jax.block_until_ready(run(stepper, start))
    built = time.perf_counter() - began
    result, seconds = timed(lambda: jax.block_until_ready(run(stepper, start)), repeats)
    return np.asarray(result[0]), seconds, built


def exponax_allen_cahn(u0, end, dt, repeats, dealiasing=1 / 2, nu=0.01):
    """``u_t = nu Laplacian(u) + u - u^3``."""
    make = partial(_allen_cahn, points=len(u0), dt=dt, nu=nu, dealiasing=dealiasing)
    return _exponax(make, u0, end, dt, repeats)


def _allen_cahn(stepper, points, dt, nu, dealiasing):
    return stepper.reaction.AllenCahn(
        2,
        TWO_PI,
        points,
        dt,
        diffusivity=nu,
        first_order_coefficient=1.0,
        third_order_coefficient=-1.0,
        order=4,
        dealiasing_fraction=dealiasing,
    )


def exponax_burgers(u0, end, dt, repeats, dealiasing=2 / 3, nu=0.05):
    """``u_t = nu u_xx - (u^2/2)_x``."""

    def make(stepper):
        options = {"diffusivity": nu, "conservative": True, "order": 4, "dealiasing_fraction": dealiasing}
        return stepper.Burgers(1, TWO_PI, len(u0), dt, convection_scale=1.0, **options)

    return _exponax(make, u0, end, dt, repeats)


def exponax_kuramoto_sivashinsky(u0, end, dt, repeats, dealiasing=2 / 3, length=22.0):
    """``u_t = -u u_x - u_xx - u_xxxx``: the class called Conservative; the other has ``(u_x)^2/2``."""

    def make(stepper):
        options = {"conservative": True, "order": 4, "dealiasing_fraction": dealiasing}
        return stepper.KuramotoSivashinskyConservative(1, length, len(u0), dt, **options)

    return _exponax(make, u0, end, dt, repeats)


def exponax_navier_stokes(u0, end, dt, repeats, dealiasing=2 / 3, nu=0.01):
    """``w_t + v.grad(w) = nu Laplacian(w)``; its swirl is the reverse of ours, hence the scale -1."""

    def make(stepper):
        options = {"vorticity_convection_scale": -1.0, "drag": 0.0, "order": 4, "dealiasing_fraction": dealiasing}
        return stepper.NavierStokesVorticity(2, TWO_PI, len(u0), dt, diffusivity=nu, **options)

    return _exponax(make, u0, end, dt, repeats)
