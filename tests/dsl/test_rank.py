"""Ranks and index conventions."""

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.dsl.rank import RankError, rank
from sciml.forms import Frame
from sciml.forms.components import components
from sciml.forms.multiplier import multiply

t, x, y, z = sm.coords("t x y z")
w = sm.Field("w", t, x, y)
u, v = sm.VectorField("u", t, x, y), sm.VectorField("v", t, x, y)
U = sm.VectorField("U", t, x, y, z)


@pytest.mark.parametrize(
    ("expr", "dim", "expected"),
    [
        (w, 2, 0),
        (sm.Grad(w), 2, 1),
        (sm.Grad(u), 2, 2),
        (sm.Div(sm.Grad(u)), 2, 1),
        (sm.Div(sm.Outer(u, v)), 2, 1),
        (sm.Div(sm.Outer(u, w)), 2, 0),
        (sm.Advect(u, v), 2, 1),
        (sm.Dot(sm.Grad(u), v), 2, 1),
        (sm.Curl(u), 2, 0),
        (sm.Curl(w), 2, 1),
        (sm.Curl(U), 3, 1),
        (sm.Cross(u, v), 2, 0),
        (sm.Cross(U, U), 3, 1),
        (sm.BiotSavart(w), 2, 1),
        (sm.BiotSavart(U), 3, 1),
        (2 * w * u, 2, 1),
        (sm.Integral(sm.Dot(u, u)), 2, 0),
        (sp.S.Zero, 2, None),
        (sp.sin(w) + w**2, 2, 0),
    ],
)
def test_rank(expr, dim, expected):
    assert rank(expr, dim) == expected


@pytest.mark.parametrize(
    "expr",
    [
        u + w,
        u * v,
        sp.sin(u),
        u**2,
        sm.Div(w),
        sm.Dot(u, w),
        sm.BiotSavart(u),
        sm.Vector(w, w, w),
        sm.Curl(sm.Grad(u)),
        u[2],
    ],
)
def test_misfits_are_refused(expr):
    with pytest.raises(RankError):
        rank(expr, 2)


def test_gradient_of_a_vector_has_the_derivative_first():
    frame = Frame(t, (x, y))
    array = components(sm.Grad(u), frame)
    for j, xj in enumerate((x, y)):
        for i, xi in enumerate((x, y)):
            assert array[j, i] == multiply(u[xi], sp.I * frame.k[xj], frame)


def test_advection_is_u_dot_grad():
    frame = Frame(t, (x, y))
    array = components(sm.Advect(u, v), frame)
    for i, xi in enumerate((x, y)):
        expected = sum(u[xj] * multiply(v[xi], sp.I * frame.k[xj], frame) for xj in (x, y))
        assert sp.expand(array[i] - expected) == 0


def test_cross_products_agree_with_numpy():
    frame = Frame(t, (x, y, z))
    a, b = [1, -2, 3], [5, 7, -11]
    array = components(sm.Cross(sm.Vector(*a), sm.Vector(*b)), frame)
    assert [int(c) for c in array] == list(np.cross(a, b))
