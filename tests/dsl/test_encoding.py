"""Expressions as JSON: round trips, and hostile trees that must run nothing and end fast."""

import json
import time

import pytest
import sympy as sp

import sciml as sm
from sciml.dsl.encoding import decode, encode
from sciml.errors import DeclarationError, FileError

t, x = sm.coords("t x")
u = sm.Field("u", t, x)
nu = sp.Symbol("nu", positive=True)

EXPRESSIONS = [
    sp.Integer(7),
    sp.Rational(-3, 7),
    sp.Float("0.1"),
    sp.pi * x,
    sp.Symbol("n", integer=True) + nu,
    sp.sin(x) ** 2 + sp.exp(-nu * t) / sp.cosh(x),
    sp.Piecewise((x, x < 0), (sp.sqrt(x), sp.And(x >= 0, x < 2)), (1, True)),
    sp.Max(x, 0) + sp.Heaviside(x) + sp.Abs(u),
    sp.Derivative(u, (x, 3), t),
    sm.Dx(u**2 / 2, x) - nu * sm.FractionalLaplacian(u, sp.Rational(3, 2)),
    u * sm.Unknown("F", u, sm.Dx(u, x), t) - sp.Derivative(sm.Unknown("G", u), x),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_round_trip(expr):
    tree = json.loads(json.dumps(encode(expr)))
    assert decode(tree) == expr


def test_floats_keep_every_bit():
    value = 0.1 + 0.2
    assert float(decode(encode(sp.Float(value)))) == value


def test_what_is_not_in_the_table_is_refused():
    with pytest.raises(DeclarationError, match="cannot be used"):
        encode(sp.besselj(0, x))


def nested(n):
    tree = 1
    for _ in range(n):
        tree = ["sin", tree]
    return tree


def tower(n):
    tree = ["Float", (10.0).hex()]
    for _ in range(n):
        tree = ["exp", tree]
    return tree


HOSTILE = {
    "code": "__import__('os').system('touch /tmp/owned')",
    "unknown constructor": ["eval", "1+1"],
    "attribute": ["Symbol", "__class__.__init__", {}],
    "assumption": ["Symbol", "x", {"__class__": True}],
    "9**9**9": ["Pow", 9, ["Pow", 9, 9]],
    "huge power": ["Pow", 9, 10**9],
    "power of a huge power": ["Pow", ["Float", (2.0).hex()], ["Float", (1e300).hex()]],
    "huge integer": 1 << 100_000,
    "integer product": ["Mul", *[(1 << 4000) + i for i in range(5000)]],
    "sum of coprime fractions": ["Add", *[["Rational", 1, (1 << 4000) + i] for i in range(5000)]],
    "factorial": ["gamma", 10**9],
    "deep": nested(5000),
    "wide": ["Add", *[["Symbol", f"a{i}", {}] for i in range(200_000)]],
    "tower": tower(12),
    "compared tower": ["Max", tower(8), 1],
    "division by zero": ["Rational", 1, 0],
    "wrong arity": ["Dx", 1],
    "derivative of huge order": [
        "Derivative",
        ["Field", "u", ["Symbol", "x", {"real": True}]],
        [["Symbol", "x", {"real": True}], 10**9],
    ],
    "float text": ["Float", "9**9**9"],
    "not a list": {"Pow": [9, 9]},
    "boolean": True,
    "field of strings": ["Field", "u", "x"],
    "unknown function of nothing": ["Unknown", "F"],
    "unknown function of strings": ["Unknown", "F", "x"],
    "unknown function without a name": ["Unknown", ["Symbol", "F", {}], ["Symbol", "x", {"real": True}]],
    "unknown function named by code": ["Unknown", "F.__class__", ["Symbol", "x", {"real": True}]],
    "unknown function of too much": ["Unknown", "F", *[["Symbol", f"a{i}", {}] for i in range(200_000)]],
}


@pytest.mark.parametrize("tree", HOSTILE.values(), ids=HOSTILE)
def test_hostile_trees_end_in_a_clear_error_at_once(tree):
    began = time.process_time()
    with pytest.raises(FileError, match=r"\[F401\]"):
        decode(tree)
    assert time.process_time() - began < 1.0
