"""Functionals that are evaluated on the fly: norms, maxima, spectra; the scales of a plan."""

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.errors import DeclarationError, MethodMismatch

t, x, y = sm.coords("t x y")
u, q = sm.Field("u", t, x), sm.Field("q", t, x, y)
v = sm.VectorField("v", t, x, y)


def heat(field, value, domain, **outputs):
    return sm.Problem(
        equations=sp.Eq(sm.Dt(field), sm.Laplacian(field) / 10),
        domain=domain,
        time=(t, 0, 1),
        conditions=[sm.IC(field, value)],
        outputs=outputs,
    )


CIRCLE = sm.Torus((x, 0, 2 * sp.pi))
PLANE = sm.Torus((x, 0, 2 * sp.pi), (y, 0, 4 * sp.pi))


def test_norms_of_a_sine():
    """‖sin‖₁ = 4, ‖sin‖₂ = √π, ‖sin‖₄⁴ = 3π/4, ‖sin‖_∞ = 1 at the start, times e^{-t/10}."""
    outputs = {f"n{p}": sm.Norm(u, p) for p in (1, 2, 4)} | {"top": sm.Norm(u, sp.oo), "highest": sm.Maximum(u - 3)}
    ds = heat(u, -sp.sin(x), CIRCLE, **outputs).solve(grid=sm.Grid(x=64, t=2)).ds
    decay = np.exp(-ds["time"].values / 10)
    expected = {"n2": np.sqrt(np.pi), "n4": (3 * np.pi / 4) ** 0.25, "top": 1.0}
    for name, value in expected.items():
        assert np.abs(ds[name].values - value * decay).max() < 1e-12
    assert np.abs(ds["n1"].values - 4 * decay).max() < 0.01  # a kink: second order in the spacing
    assert np.abs(ds["highest"].values - (decay - 3)).max() < 1e-12


def test_norms_of_a_vector():
    ds = (
        heat(v, sm.Vector(3 * sp.cos(x), 4 * sp.sin(x)), PLANE, n=sm.Norm(v), top=sm.Norm(v, sp.oo))
        .solve(grid=sm.Grid(x=16, y=8, t=1))
        .ds
    )
    assert float(ds["n"][0]) == pytest.approx(np.sqrt((9 + 16) / 2 * 8 * np.pi**2), rel=1e-13)
    assert float(ds["top"][0]) == pytest.approx(4, rel=1e-13)


def test_a_spectrum_sorts_the_mean_square_by_wavenumber(tmp_path):
    """cos x + 2 cos 3y + constant, on a torus whose longest period is 4π: k₀ = 1/2."""
    value = 1 + sp.cos(x) + 2 * sp.cos(3 * y / 2) + sp.cos(4 * x) * sp.cos(3 * y)
    solution = heat(q, value, PLANE, E=sm.Spectrum(q)).solve(grid=sm.Grid(x=32, y=32, t=2))
    spectrum = solution["E"]
    assert spectrum.dims == ("time", "wavenumber")
    assert np.allclose(spectrum["wavenumber"].values[:4], [0, 0.5, 1, 1.5])
    at_start = spectrum.values[0]
    expected = np.zeros_like(at_start)
    expected[[0, 2, 3, 10]] = 1, 0.5, 2, 0.25  # |k| = 5 is the tenth shell
    assert np.abs(at_start - expected).max() < 1e-14
    assert spectrum.values[1, 2] == pytest.approx(0.5 * np.exp(-2 * 0.1 * 0.5), rel=1e-12)
    loaded = sm.load(solution.save(tmp_path / "s.h5"))
    assert loaded.ds.identical(solution.ds)
    solution.plot("E", path=tmp_path / "s.png")
    assert "E" not in solution.compare(loaded)
    assert float(solution.compare(loaded, on=["E"])["E"].max()) == 0


@pytest.mark.parametrize("shape", [(16, 16), (15, 17), (16, 9)])
def test_parseval(shape):
    value = sp.exp(sp.sin(x) + sp.cos(y / 2) / 2)
    problem = heat(v, sm.Vector(value, sp.sin(x) * value), PLANE, E=sm.Spectrum(v), n=sm.Norm(v))
    ds = problem.solve(grid=sm.Grid(x=shape[0], y=shape[1], t=1)).ds
    assert np.allclose(ds["E"].sum("wavenumber"), ds["n"] ** 2 / (8 * np.pi**2), rtol=1e-12)


def test_families_have_spectra_too():
    nu = sp.Symbol("nu", positive=True)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), nu * sm.Laplacian(u)),
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, sp.sin(2 * x))],
        parameters={nu: sm.Range(0.1, 0.3)},
        outputs={"E": sm.Spectrum(u), "top": sm.Maximum(u)},
    )
    ds = problem.solve(grid=sm.Grid(x=16, t=1, nu=3)).ds
    assert ds["E"].dims == ("nu", "time", "wavenumber")
    assert np.allclose(ds["E"][:, -1, 2], 0.5 * np.exp(-8 * ds["nu"]))
    assert np.allclose(ds["top"][:, -1], np.exp(-4 * ds["nu"]))


def test_where_functionals_make_no_sense():
    with pytest.raises(DeclarationError, match="S196"):
        heat(u, sp.sin(x), CIRCLE, twice=2 * sm.Spectrum(u))
    with pytest.raises(DeclarationError, match="S197"):
        sm.Norm(u, 0.5)
    with pytest.raises(DeclarationError, match="S136"):
        heat(u, 0, CIRCLE).with_(equations=sp.Eq(sm.Dt(u), sm.Norm(u)))
    walls = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)),
        domain=sm.Box((x, 0, 1)),
        time=(t, 0, 1),
        conditions=[sm.IC(u, 0), sm.Dirichlet(u, 0, on=x)],
        outputs={"E": sm.Spectrum(u)},
    )
    with pytest.raises(MethodMismatch, match="periodic"):
        walls.solve("spectral")


def test_a_plan_prints_the_scales_of_the_problem():
    """Burgers from 2 sin x: |u| = √2, viscous rate 1/10, advection 2 sin x · 2 cos x / |2 sin x| = 1."""
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u) + sm.Dx(u**2 / 2, x), sm.Laplacian(u) / 10),
        domain=CIRCLE,
        time=(t, 0, 1),
        conditions=[sm.IC(u, 2 * sp.sin(x))],
    )
    shown = str(problem.plan(grid=sm.Grid(x=32, t=1)))
    assert "|u| = 1.4; rates at the start: linear 0.1, other 1 per unit time, other/linear 10" in shown
