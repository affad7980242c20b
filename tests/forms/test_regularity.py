"""Regularity of declared data: each rule, and against the decay of Fourier coefficients."""

import math

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.forms.regularity import regularity

t, x, y = sm.coords("t x y")
k = sp.Symbol("k", nonnegative=True)
LINE, PLANE = sm.Torus((x, 0, 1)), sm.Torus((x, 0, 1), (y, 0, 1))

CASES = {
    "smooth": (sp.exp(sp.sin(2 * sp.pi * x)), LINE, math.inf),
    "constant": (sp.Integer(3), LINE, math.inf),
    "not periodic": (x, LINE, 0.5),
    "kink at the seam": (x * (1 - x), LINE, 1.5),
    "smooth bump": (sp.exp(-200 * (x - sp.Rational(1, 2)) ** 2), LINE, math.inf),
    "jump": (sp.Heaviside(sp.sin(2 * sp.pi * x)), LINE, 0.5),
    "modulus": (sp.Abs(sp.sin(2 * sp.pi * x)), LINE, 1.5),
    "derivative of a kink": (sm.Dx(sp.Abs(sp.sin(2 * sp.pi * x)), x), LINE, 0.5),
    "velocity of a point vortex": (sm.BiotSavart(sm.PointVortices([1], [(0.5, 0.5)])), PLANE, 0.0),
    "point vortex": (sm.PointVortices([1], [(0.5, 0.5)]), PLANE, -1.0),
    "sheet": (sm.VortexSheet(1, curve=(k, 0.5), s=(k, 0, 1)), PLANE, -0.5),
    "patch": (sm.VortexPatch(1, inside=x < y), PLANE, 0.5),
    "Matern": (sm.RandomField.matern("a", x, y, length=0.1, smoothness=1.5), PLANE, 1.5),
    "power law": (sm.RandomField.spectrum("a", x, k=k, density=(1 + k**2) ** -2), LINE, 1.5),
    "gaussian": (sm.RandomField.spectrum("a", x, k=k, density=sp.exp(-(k**2))), LINE, math.inf),
    "fourier": (sm.RandomField.fourier("a", x, modes=3), LINE, math.inf),
    "the worst counts": (x * (1 - x) + sm.RandomField.matern("a", x, length=0.1, smoothness=0.5), LINE, 0.5),
}


@pytest.mark.parametrize(("value", "domain", "order"), CASES.values(), ids=CASES)
def test_order(value, domain, order):
    assert regularity(value, domain, {}).order == pytest.approx(order)


@pytest.mark.parametrize("name", ["not periodic", "kink at the seam", "modulus"])
def test_the_order_is_that_of_the_fourier_coefficients(name):
    """|û_k| ~ k^{-s-1/2} in one dimension."""
    value, _, order = CASES[name]
    n = 4096
    points = (np.arange(n) + 0.5) / n
    hats = np.abs(np.fft.rfft(sp.lambdify(x, value)(points))) / n
    odd = np.arange(2, 64, 2)
    slope = np.polyfit(np.log(odd), np.log(hats[odd] + 1e-300), 1)[0]
    assert abs(-slope - 0.5 - order) < 0.05


def test_a_problem_prints_it():
    u = sm.Field("u", t, x)
    problem = sm.Problem(
        equations=sp.Eq(sm.Dt(u), sm.Laplacian(u)), domain=LINE, time=(t, 0, 1), conditions=[sm.IC(u, x * (1 - x))]
    )
    assert "in H^s for s < 1.5 (a kink between the ends of x)" in str(problem)
    assert "H^s" not in str(problem.with_(conditions=[sm.IC(u, sp.sin(2 * sp.pi * x))]))
