"""The default rule: Butcher's elementary differentials, and how fast their sum converges."""

import numpy as np
import pytest
import sympy as sp
from nors.cases import UNIT, paths, phi4, spde, t, u, untrained, w, x, xi, y

import sciml as sm
from sciml.forms.semilinear import NonlinearTerm
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_burgers import stochastic_burgers
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes
from sciml.problems.stochastic_wave import stochastic_wave
from sciml.solvers.nors import untrained as untrained_module

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")  # grids are tiny here

# --- which trees ---------------------------------------------------------------------------------


def sizes(problem, integrations, **options):
    forest = sm.LinearMFV(integrations=integrations, **options).feature_table(problem)
    counted = [f.tree.integrations for f in forest.features]
    return [counted.count(n) for n in range(integrations + 1)]


def test_trees_of_a_smooth_term_are_all_rooted_trees():
    assert sizes(spde(sp.sin(u)), 5) == [1, 1, 1, 2, 4, 9]


def test_nodes_of_a_power_have_as_many_branches():
    assert sizes(spde(u**2), 4) == [1, 1, 1, 2, 3]  # no node with three branches
    assert sizes(spde(u**3), 4) == [1, 1, 1, 2, 4]
    assert sizes(spde(u - u**3), 4) == sizes(spde(u**3), 4)  # linear terms are in the semigroup
    assert sizes(spde(u**2 - u**3), 2) == [1, 2, 4]  # two kinds of node
    assert sizes(parabolic_multiplicative(), 2) == [1, 2, 4]
    assert sizes(spde(0 * u), 3) == [1, 0, 0, 0]


def test_names_are_products_where_the_term_is_a_power():
    forest = sm.LinearMFV(integrations=3).feature_table(phi4())
    assert forest.names == ["v", "I[v^3]", "I[v^2 I[v^3]]", "I[v I[v^3]^2]", "I[v^2 I[v^2 I[v^3]]]"]
    other = sm.LinearMFV().feature_table(spde(sp.sin(u)))
    assert other.names == ["v", "I[n0]", "I[n0'(I[n0])]"]
    assert "n0 = sin(u), in the equation of u" in str(other)


def test_height_and_cutoff_bound_the_trees():
    names = sm.LinearMFV(integrations=3, height=3).feature_table(phi4()).names
    assert names == ["v", "I[v^3]", "I[v^2 I[v^3]]", "I[v I[v^3]^2]"]
    assert sm.LinearMFV(integrations=3, cutoff=4).feature_table(phi4()).names == ["v", "I[v^3]"]


def two_fields(first, second, noise=xi / 10, **more):
    """Two fields on a circle, the second driven by noise."""
    start = [sm.IC(u, 1 + sp.cos(2 * sp.pi * x) / 2), sm.IC(w, 1 + sp.sin(2 * sp.pi * x) / 2)]
    first = sp.Eq(sm.Dt(u), sm.Laplacian(u) / 10 + first)
    second = sp.Eq(sm.Dt(w), sm.Laplacian(w) / 5 + second + noise)
    return sm.Problem(equations=[first, second], domain=UNIT, time=(t, 0, 0.05), conditions=start, **more)


@pytest.mark.parametrize(
    "problem",
    [
        spde(sp.sin(u)),
        spde(u**2 - u**3 / 3 + 2 * u**4),
        two_fields(u**2 * w, sp.sin(u) - w * u),
    ],
    ids=["sin", "polynomial", "system"],
)
def test_sums_of_trees_are_taylor_polynomials(problem):
    """With v constant each integral is one in time: what trees add up to is the solution of ``ż = f(z)``."""
    forest = sm.LinearMFV(integrations=4, max_features=1000).feature_table(problem)
    form, z = forest.form, sp.symbols(f"z:{len(forest.form.state)}")
    at = {slot.placeholder: z[slot.state] for slot in form.slots}
    drift = [term for term in forest.terms if isinstance(term, NonlinearTerm)]
    f = [sum(term.column[i] * term.n.xreplace(at) for term in drift) for i in range(len(z))]
    taylor, derivative = list(z), list(z)
    for order in range(1, 5):
        derivative = [sum(sp.diff(d, a) * b for a, b in zip(z, f, strict=True)) for d in derivative]
        taylor = [have + d * t**order / sp.factorial(order) for have, d in zip(taylor, derivative, strict=True)]
    values = [list(z)]
    for feature in forest.features[1:]:
        source = 0
        for p in feature.products:
            factors = [values[place][form.slots[slot].state] for slot, place in p.factors]
            source += p.coefficient.xreplace(at) * sp.Mul(*factors)
        grown = sp.integrate(sp.expand(source), (t, 0, t))
        values.append([c * grown for c in forest.terms[feature.term].column])
    total = [sum(v[i] for v in values) for i in range(len(z))]
    assert all(sp.expand(a - b) == 0 for a, b in zip(total, taylor, strict=True))
    without = [sum(v[i] for v in values[:-1]) for i in range(len(z))]
    assert any(sp.expand(a - b) != 0 for a, b in zip(without, taylor, strict=True))


# --- how fast it converges -----------------------------------------------------------------------

BOX = sm.Box((x, 0, sp.pi))


def system(end):
    return two_fields(-u + u**2 * w, u * w - u**2 * w).with_(time=(t, 0, end))


def between_faces(end):
    problem = spde(2 * sp.sin(u), start=2 * sp.sin(x), domain=BOX, faces=[sm.Dirichlet(u, 0, on=x)])
    return problem.with_(time=(t, 0, end))


def flow(end):
    w2 = sm.Field("w", *sm.coords("t x y"))
    start = sm.IC(w2, 20 * (sp.sin(2 * sp.pi * x) + sp.cos(2 * sp.pi * (x - 2 * y))))
    return stochastic_navier_stokes(nu=1e-3, sigma=0.01, end=end).with_(conditions=[start])


def quiet_phi4(end):
    return phi4(end, 0.01).with_(conditions=[sm.IC(u, 1 + sp.cos(2 * sp.pi * x) / 2)])


# The longest time, and the power of the time that one more integral brings.
FALLS = {
    "phi4": (quiet_phi4, 0.01, 1),
    "multiplicative": (lambda end: parabolic_multiplicative(3.0, end=end), 0.001, 0.5),
    "wave": (lambda end: stochastic_wave(end=end), 0.05, 1.5),  # the noise drives the velocity
    "burgers": (lambda end: stochastic_burgers(modes=4, sigma=0.01, nu=0.2, end=end), 0.1, 1),
    "system": (system, 0.05, 1),
    "box": (between_faces, 0.05, 1),
    "flow": (flow, 0.02, 1),
}


def errors(name, most=3):
    """Root mean square error at the end against the scheme itself, ``[integrations][halvings of the time]``."""
    make, end, _ = FALLS[name]
    found = []
    for halvings in range(3):
        problem = make(end / 2**halvings)
        data = paths(problem, 6, {"flow": 12, "box": 17}.get(name, 16), 8)
        variable = str(problem.form.state[0].func)
        for p in range(most + 1):
            difference = (untrained(problem, data, integrations=p)[variable] - data[variable]).values[:, -1]
            found.append(np.sqrt((difference**2).mean()))
    return np.array(found).reshape(3, -1).T


@pytest.mark.parametrize("name", FALLS)
def test_each_integral_gains_an_order(name):
    table, gain = errors(name), FALLS[name][2]
    orders = np.log2(table[:, :-1] / table[:, 1:])
    expected = gain * np.arange(1, 5)[:, None]
    assert (np.abs(orders - expected) < 0.1 + 0.1 * expected).all(), orders
    assert table[3, -1] < 1e-3 * table[0, -1]


def test_a_wrong_weight_loses_an_order(monkeypatch):
    """Negative control: the tree with two integrals five per cent too large."""
    right = errors("phi4", 2)
    original = untrained_module.picard_weights

    def wrong(setting):
        weights = original(setting)
        weights[2:] *= 1.05
        return weights

    monkeypatch.setattr(untrained_module, "picard_weights", wrong)
    table = errors("phi4", 2)
    assert np.array_equal(table[:2], right[:2])
    orders = np.log2(table[2, :-1] / table[2, 1:])
    assert (np.abs(orders - 2) < 0.3).all(), orders
