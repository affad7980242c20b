"""Wrong declarations: each is refused at the line that is wrong, in the user's words, with the fix.

The declarations are in ``tests/wrong``, a file a topic.
"""

import re

import pytest
import snapshot
import sympy as sp
from wrong import TOPICS, WRONG
from wrong.setting import CONTINUITY, CUBE, MOMENTUM, SQUARE, V, W, declare, flow, nu, plane, q, w, x

import sciml as sm
from sciml.errors import ScimlError

# What a user never typed: placeholders, wavenumbers, addresses, Python's own trace of an error.
INTERNAL = (
    "Dummy",
    "_k_",
    "Traceback",
    "object at 0x",
    " at 0x",
    "Derivative(",
    "Multiplier",
    "[k_",
    "zoo",
    "0000000000",
)


@pytest.mark.filterwarnings("ignore:dealiasing removes")
@pytest.mark.parametrize("name", WRONG)
def test_message(name):
    with pytest.raises(ScimlError) as caught:
        WRONG[name]()
    error = caught.value
    snapshot.check("declaration_errors", name, f"{type(error).__name__} {error}")
    assert error.fix
    assert all(line.strip() for line in error.fix)
    assert re.fullmatch(r"[A-Z]\d{3}", error.code)
    assert not [word for word in INTERNAL if word in str(error)]


def test_titles_are_distinct():
    assert len(WRONG) == sum(map(len, TOPICS))


def test_the_right_declaration_is_accepted():
    assert declare().name == "problem"
    assert flow().recognised.is_navier_stokes
    assert plane([MOMENTUM, CONTINUITY], [sm.IC(V, sm.Vector(0, 0))], {nu: 1}).fields == (V, q)


def test_there_are_no_stale_messages():
    assert set(snapshot.load("declaration_errors")) == set(WRONG)


# --- flows that are not Navier-Stokes are no errors: the printed problem says what differs

V2, V3 = sm.BiotSavart(w), sm.BiotSavart(W)
TRANSPORT, STRETCHING = sm.Advect(V3, W), sm.Advect(W, V3)
DIFFERENT = {
    "sign of advection": (w, -sm.Advect(V2, w)),
    "factor of 2": (w, 2 * sm.Advect(V2, w)),
    "velocity of another field": (w, sm.Advect(sm.Grad(sm.InverseLaplacian(w)), w)),
    "missing stretching": (W, TRANSPORT),
    "flipped stretching": (W, TRANSPORT + STRETCHING),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_not_navier_stokes(name):
    field, quadratic = DIFFERENT[name]
    domain, value = (SQUARE, sp.sin(2 * sp.pi * x)) if field == w else (CUBE, sm.Vector(0, sp.sin(2 * sp.pi * x), 0))
    problem = declare(
        {"vorticity": sp.Eq(sm.Dt(field) + quadratic, nu * sm.Laplacian(field))},
        domain,
        conditions=[sm.IC(field, value)],
    )
    line = str(problem).splitlines()[-1].strip()
    snapshot.check("not_navier_stokes", name, line)
    assert line.startswith("not Navier-Stokes: ")
    assert "expected minus declared: " in line
    assert not [word for word in INTERNAL if word in line]


def test_there_are_no_stale_differences():
    assert set(snapshot.load("not_navier_stokes")) == set(DIFFERENT)
