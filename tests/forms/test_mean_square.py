"""Noise that multiplies derivatives, and what a review found in the counting: accepted where it should be."""

import pytest
import sympy as sp

import sciml as sm
from sciml.forms.degrees import ends

t, x, y = sm.coords("t x y")
u, w = sm.Field("u", t, x), sm.Field("w", t, x, y)
B, xi = sm.WhiteNoise("B", t), sm.WhiteNoise("xi", t, x)
k = sp.Symbol("k", nonnegative=True)
CIRCLE, SQUARE = sm.Torus((x, 0, 1)), sm.Torus((x, 0, 1), (y, 0, 1))


def declare(right, left=None, field=u, conditions=(), **more):
    equation = sp.Eq(sm.Dt(field) if left is None else left, right)
    domain = CIRCLE if field is u else SQUARE
    return sm.Problem(
        equations=equation, domain=domain, time=(t, 0, 1), conditions=[sm.IC(field, 0), *conditions], **more
    )


@pytest.mark.parametrize("sigma", [sp.Rational(1, 2), sp.Rational(9, 10)])
def test_transport_noise_below_the_diffusion_is_accepted(sigma):
    """σ² ≤ 2ν with ν = 1/2."""
    assert declare(sm.Laplacian(u) / 2 + sigma * sm.Dx(u, x) * B, calculus="ito").form.is_multiplicative


def test_transport_noise_above_the_diffusion_is_refused_in_one_calculus_only():
    strong = sm.Laplacian(u) / 2 + sp.Rational(11, 10) * sm.Dx(u, x) * B
    with pytest.raises(sm.DeclarationError, match="S218"):
        declare(strong, calculus="ito")
    declare(strong, calculus="stratonovich")


def test_products_without_derivatives_are_always_parabolic():
    assert declare(sm.Laplacian(u) + 100 * u * B, calculus="ito").form.is_multiplicative
    assert declare(sm.Laplacian(u) + u * xi, calculus="ito").degrees.alpha[0] == 0.5


def test_a_wave_has_no_correction_to_be_infinite():
    declare(sm.Laplacian(u) + u * xi, sm.Dt(u, 2), conditions=[sm.IC(sm.Dt(u), 0)], calculus="stratonovich")
    with pytest.raises(sm.DeclarationError, match="S206"):
        declare(sm.Laplacian(u) + u * xi, calculus="stratonovich")


@pytest.mark.parametrize(("spectrum", "alpha"), [(1 - sp.cos(k), 0.0), (sp.sin(k) ** 2 / (1 + k) ** 2, 1.0)])
def test_an_oscillating_spectrum_counts_by_its_envelope(spectrum, alpha):
    noise = sm.ColoredNoise("c", t, x, y, k=k, spectrum=spectrum)
    assert abs(declare(sm.Laplacian(w) + noise, field=w).degrees.alpha[0] - alpha) < 1e-9


def test_few_parameters_are_crossed_and_many_are_not():
    ranges = {sp.Symbol(f"a{i}", positive=True): (0.5, 2.0) for i in range(12)}
    few = list(ranges)[:3]
    assert len(set(ends(few, ranges))) == 8
    many = ends(list(ranges), ranges)
    assert len(many) == 14
    assert {v for corner in many for v in corner} == {0.5, 2.0}


def test_one_name_for_two_noises_is_told_as_such():
    with pytest.raises(sm.DeclarationError, match="S202"):
        declare(sm.Laplacian(u) + xi + sm.WhiteNoise("xi", t, x, modes=3))
