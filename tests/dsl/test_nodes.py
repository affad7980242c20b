"""Invariants of every node class; a new class is checked without being named here."""

import pickle

import pytest
import sympy as sp

import sciml as sm
from sciml.dsl import encoding, operators
from sciml.dsl.arrays import Sampled
from sciml.dsl.operators import LinearOperator, Operator
from sciml.dsl.rank import rank
from sciml.dsl.text import excerpt, latex, text

t, x, y, z = sm.coords("t x y z")
w, q = sm.Field("w", t, x, y), sm.Field("q", t, x, y)
alpha = sp.Symbol("alpha", positive=True)
u = sm.VectorField("u", t, x, y)

EXAMPLES = {
    "Laplacian": sm.Laplacian(w),
    "FractionalLaplacian": sm.FractionalLaplacian(w, alpha),
    "InverseLaplacian": sm.InverseLaplacian(w),
    "Dx": sm.Dx(w**2, x, 2),
    "Grad": sm.Grad(w),
    "Div": sm.Div(u),
    "Curl": sm.Curl(u),
    "BiotSavart": sm.BiotSavart(w),
    "Dt": sm.Dt(w, 2),
    "Integral": sm.Integral(w**2),
    "Maximum": sm.Maximum(w**2),
    "Spectrum": sm.Spectrum(u),
    "Norm": sm.Norm(u, 3),
    "Unknown": sm.Unknown("F", w, sm.Dx(w, x), x),
    "VectorField": u,
    "Vector": sm.Vector(w, 2 * q),
    "Component": sm.Component(sm.Grad(w), y),
    "Dot": sm.Dot(u, sm.Grad(w)),
    "Cross": sm.Cross(u, sm.Grad(w)),
    "Outer": sm.Outer(u, sm.Grad(w)),
    "WhiteNoise": sm.WhiteNoise("xi", t, x, y, modes=8),
    "ColoredNoise": sm.ColoredNoise("xi", t, x, y, k=alpha, spectrum=sp.exp(-(alpha**2))),
    "Sampled": Sampled("data_0123456789abcdef", x, y),
    "FourierField": sm.RandomField.fourier("a", x, y, modes=3, scale=alpha),
    "StationaryField": sm.RandomField.matern("a", x, y, length=alpha, smoothness=2),
    "PointVortices": sm.PointVortices([1, -alpha], at=[(0, 0), (1, alpha)]),
    "VortexSheet": sm.VortexSheet(q.args[1], curve=(sp.cos(alpha), sp.sin(alpha)), s=(alpha, 0, 1)),
    "VortexPatch": sm.VortexPatch(alpha, inside=x**2 + y**2 < 1),
}
ABSTRACT = {
    "Functional",
    "Operator",
    "LinearOperator",
    "Labelled",
    "Named",
    "Noise",
    "_Product",
    "RandomField",
    "Measure",
}
# Written to files by their structure, not by a plain list of expressions.
STRUCTURED = set(encoding.STRUCTURED) | {"Sampled"}


def all_nodes(cls=Operator):
    found = set()
    for sub in cls.__subclasses__():
        found |= {sub} | all_nodes(sub)
    return found


def test_every_node_has_an_example():
    assert {c.__name__ for c in all_nodes() if c.__module__.startswith("sciml.")} - ABSTRACT == set(EXAMPLES)


def test_every_public_node_can_be_stored():
    assert set(EXAMPLES) - STRUCTURED == set(encoding.NODES)


@pytest.mark.parametrize("node", EXAMPLES.values(), ids=EXAMPLES)
class TestNode:
    def test_rebuilds_itself(self, node):
        assert node.func(*node.args) == node
        assert hash(node.func(*node.args)) == hash(node)
        assert pickle.loads(pickle.dumps(node)) == node

    def test_is_real_and_commutative(self, node):
        assert node.is_commutative
        assert node.is_real or isinstance(node, operators.Functional)

    def test_prints(self, node):
        assert "(t, x, y)" not in text(node)
        for shown in (str(node), latex(node), sp.latex(node), sp.pretty(node), sp.pretty(node + w)):
            assert shown

    def test_has_a_rank(self, node):
        assert rank(node, 2) in (0, 1, 2)

    def test_survives_json(self, node):
        assert encoding.decode(encoding.encode(node)) == node

    def test_equation_stays_an_equation(self, node):
        assert isinstance(sp.Eq(node, 0), sp.Equality)

    def test_exchanges_fields(self, node):
        swapped = node.xreplace({w: q, q: w})
        assert swapped.xreplace({w: q, q: w}) == node


@pytest.mark.parametrize("node", sorted(all_nodes(LinearOperator), key=str), ids=lambda n: n.__name__)
def test_linear_operators_send_zero_to_zero(node):
    constants = EXAMPLES[node.__name__].constants
    assert node(0, *constants) == 0


def test_second_time_derivatives_merge():
    assert sm.Dt(sm.Dt(w)) == sm.Dt(w, 2)


def test_components_by_name_and_position():
    assert u[x] == sp.Function("u_x", real=True)(t, x, y)
    assert sm.Vector(w, q)[1] == q


def test_latex_of_a_fractional_laplacian_stands_behind_any_factor():
    alpha, nu = sp.symbols("alpha nu", positive=True)
    node = sm.FractionalLaplacian(w, alpha)
    operator = r"\left[-\left(-\Delta\right)^{\alpha/2}\right] w"
    assert latex(nu * node) == rf"\nu {operator}"
    assert latex(-node) == f"- {operator}"
    assert latex(sp.Add(nu, node)) == rf"\nu + {operator}"


def test_latex_of_navier_stokes():
    nu = sp.Symbol("nu", positive=True)
    v = sm.BiotSavart(w)
    shown = latex(sp.Eq(sm.Dt(w) + sm.Advect(v, w), nu * sm.Laplacian(w)))
    assert shown == r"\left(\mathcal{K}\ast w\cdot\nabla\right) w + \partial_t w = \nu \Delta w"


def test_caret_finds_a_negative_term():
    line = text(sm.Dt(w)) + " = " + text(q - 3 * sm.Laplacian(w))
    assert excerpt(line, -3 * sm.Laplacian(w)).splitlines()[1].count("^") == len("3*Laplacian(w)")
