"""Complex equations against the same ones split by hand, and against exact solutions."""

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.problems.nonlinear_schroedinger import nonlinear_schroedinger

t, x = sm.coords("t x")
i = sp.I
psi = sm.ComplexField("psi", t, x)
CIRCLE = sm.Torus((x, 0, 2 * sp.pi))


def parts(solution):
    return np.stack([solution["psi_re"].values, solution["psi_im"].values])


@pytest.mark.filterwarnings("ignore:dealiasing removes")
def test_the_soliton_of_the_catalogue(tmp_path):
    a = sp.Symbol("A", positive=True)
    entry = nonlinear_schroedinger(end=0.5)

    def soliton(time):
        return a / sp.cosh(a * (x - time)) * sp.exp(i * (x + (a**2 - 1) * time / 2))

    problem = sm.Problem(
        equations=sp.Eq(i * sm.Dt(psi) + sm.Laplacian(psi) / 2 + sp.Abs(psi) ** 2 * psi, 0),
        domain=sm.Torus((x, -10 * sp.pi, 10 * sp.pi)),
        time=entry.time,
        conditions=[sm.IC(psi, soliton(0))],
        parameters={a: 1.0},
        outputs={"density": psi * sp.conjugate(psi)},
        exact={psi: soliton(t)},
    )
    grid = sm.Grid(x=256, t=2)
    solution, reference = problem.solve(grid=grid), entry.solve(grid=grid)
    expected = np.stack([reference["p"].values, reference["q"].values])
    assert np.abs(parts(solution) - expected).max() < 1e-12
    assert np.abs(solution["density"].values - (expected**2).sum(0)).max() < 1e-12
    assert max(float(e[-1]) for e in solution.compare("exact").data_vars.values()) < 1e-3
    loaded = sm.load(solution.save(tmp_path / "soliton.h5"))
    assert loaded.problem == problem
    assert loaded.ds.identical(solution.ds)


def test_free_particle_is_exact():
    packet = sp.exp(i * (2 * x - 4 * t)) + sp.exp(i * (-x - t)) / 2
    problem = sm.Problem(
        equations=sp.Eq(i * sm.Dt(psi), -sm.Laplacian(psi)),
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(psi, packet.subs(t, 0))],
        exact={psi: packet},
    )
    errors = problem.solve(grid=sm.Grid(x=16, t=3)).compare("exact")
    assert max(float(e.max()) for e in errors.data_vars.values()) < 1e-13


def ginzburg_landau(equations, conditions):
    return sm.Problem(equations=equations, domain=CIRCLE, time=(t, 0, 1), conditions=conditions)


def test_ginzburg_landau_split_by_hand():
    c1, c2 = 2, sp.Rational(-3, 2)
    start = sp.Rational(1, 2) + i * sp.cos(x) / 3 + sp.exp(2 * i * x) / 5
    whole = (1 + i * c1) * sm.Laplacian(psi) + psi - (1 + i * c2) * sp.Abs(psi) ** 2 * psi
    automatic = ginzburg_landau(sp.Eq(sm.Dt(psi), whole), [sm.IC(psi, start)])
    a, b = sm.Field("psi_re", t, x), sm.Field("psi_im", t, x)
    size = a**2 + b**2
    by_hand = ginzburg_landau(
        [
            sp.Eq(sm.Dt(a), sm.Laplacian(a) - c1 * sm.Laplacian(b) + a - size * (a - c2 * b)),
            sp.Eq(sm.Dt(b), sm.Laplacian(b) + c1 * sm.Laplacian(a) + b - size * (b + c2 * a)),
        ],
        [
            sm.IC(a, sp.Rational(1, 2) + sp.cos(2 * x) / 5),
            sm.IC(b, sp.cos(x) / 3 + sp.sin(2 * x) / 5),
        ],
    )
    grid = sm.Grid(x=64, t=2)
    found, expected = (parts(p.solve(sm.Spectral(dt=0.01), grid=grid)) for p in (automatic, by_hand))
    assert np.abs(found - expected).max() < 1e-12
    # Negative control: one sign of c2 is seen.
    other = sp.Eq(sm.Dt(psi), whole.subs(c2, -c2))
    assert np.abs(parts(automatic.with_(equations=other).solve(sm.Spectral(dt=0.01), grid=grid)) - expected).max() > 0.1


def test_a_plane_wave_of_ginzburg_landau():
    """``ψ = R e^{i(kx - ωt)}`` with ``R² = 1 - k²``, ``ω = c₂ + (c₁ - c₂)k²`` is exact (Stuart & DiPrima 1978)."""
    c1, c2, k = sp.Rational(1, 2), -1, sp.Rational(1, 2)
    wave = sp.sqrt(1 - k**2) * sp.exp(i * (k * x - (c2 + (c1 - c2) * k**2) * t))
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(psi), (1 + i * c1) * sm.Laplacian(psi) + psi - (1 + i * c2) * psi**2 * sp.conjugate(psi)),
        domain=sm.Torus((x, 0, 4 * sp.pi)),
        time=(t, 0, 2),
        conditions=[sm.IC(psi, wave.subs(t, 0))],
        exact={psi: wave},
    )
    errors = problem.solve(sm.Spectral(rtol=1e-9), grid=sm.Grid(x=32, t=2)).compare("exact")
    assert max(float(e[-1]) for e in errors.data_vars.values()) < 1e-8
