"""The published rule: which features there are, and their values by a slow recurrence."""

import hashlib
import os
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from nors.cases import PUBLISHED, SCHEME, features, paths, phi4, spde, u, worst, x

import sciml as sm
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_burgers import stochastic_burgers
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes

# Powers of I[xi] and I_c in the product that each planted tree integrates.
TEN = {
    "I[xi]": None,
    "I_c": None,
    "I[I[xi]]": (1, 0),
    "I[I[xi]^2]": (2, 0),
    "I[I[xi]^3]": (3, 0),
    "I[I[xi]^2 I_c]": (2, 1),
    "I[I[xi] I_c]": (1, 1),
    "I[I[xi] I_c^2]": (1, 2),
    "I[I_c]": (0, 1),
    "I[I_c^2]": (0, 2),
}


def listed(problem, **options):
    return sm.LinearMFV(features="published", max_features=1000, **options).feature_table(problem)


# --- which trees ---------------------------------------------------------------------------------


def test_ten_features_in_a_fixed_order():
    assert PUBLISHED.feature_table(phi4()).names == list(TEN)
    assert listed(phi4(), cutoff=8).names == [*TEN, "I[I_c^3]"]


def enumerated(height, cutoff, width, noisy=0, *, quirk=False):
    """Return trees as nested multisets, and their degrees, from all ordered products.

    ``quirk``: the published code tests the degree of products with noise before they are integrated.
    """
    beta, noise = 2, Fraction(-3, 2)
    known = {"xi": beta + noise, "c": Fraction(2)}
    for _ in range(height - 1):
        more = {}
        for with_noise, most in ((False, width), (True, noisy)):
            for count in range(1, most + 1):
                for factors in product(known, repeat=count):
                    degree = beta + sum(known[f] for f in factors) + (noise if with_noise else 0)
                    if degree - (beta if quirk and with_noise else 0) <= cutoff:
                        counted = frozenset((f, factors.count(f)) for f in factors)
                        more[with_noise, counted] = degree
        known |= more
    return known


def nested(tree):
    if tree.term is None:
        return "c" if tree.name == "I_c" else "xi"
    return tree.name != "I", frozenset((nested(b.tree), count) for b, count in tree.repeated)


def check(forest, expected):
    assert {nested(f.tree): f.degree for f in forest.features} == expected


@pytest.mark.parametrize(("height", "count", "driven"), [(1, 2, 1), (2, 10, 4), (3, 35, 16), (4, 45, 26)])
def test_phi4_by_height(height, count, driven):
    forest = listed(phi4(), height=height)
    check(forest, enumerated(height, 7.5, 3))
    assert len(forest) == count
    assert sum("I_c" not in name for name in forest.names) == driven


def test_the_cutoff_ends_the_list():
    by_height = [listed(phi4(), height=h).names for h in (3, 4, 5)]
    assert by_height[0] != by_height[1] == by_height[2]


@pytest.mark.parametrize(("height", "count", "published"), [(2, 10, 10), (3, 29, 30), (4, 51, 59)])
def test_multiplicative_noise_by_height(height, count, published):
    """The published counts are those of a cutoff at another degree, for trees with noise at their root."""
    forest = listed(parabolic_multiplicative(), height=height, cutoff=5)
    check(forest, enumerated(height, 5, 3, 1))
    assert len(forest) == count
    assert len(enumerated(height, 5, 3, 1, quirk=True)) == published


def test_widths():
    problem = parabolic_multiplicative()
    check(listed(problem, width=2, noise_width=2, cutoff=5), enumerated(2, 5, 2, 2))
    check(listed(problem, noise_width=0), enumerated(2, 7.5, 3))
    assert len(listed(spde(sp.sin(u)), width=2)) == len(enumerated(2, 7.5, 2))


def test_navier_stokes_takes_first_derivatives_as_factors():
    forest = PUBLISHED.feature_table(stochastic_navier_stokes())
    assert len(forest) == 29  # as published: 2, and products of one or two of 2 leaves and their 4 derivatives
    assert "I[I[xi] dx I_c]" in forest.names
    assert "I[(dy I_c)^2]" in forest.names
    degrees = {f.text: f.degree for f in forest.features}
    assert degrees["I[(dy I_c)^2]"] == degrees["I[I_c^2]"] - 2


def test_burgers_in_conservative_form_has_derivatives_too():
    assert any("dx " in name for name in PUBLISHED.feature_table(stochastic_burgers()).names)


def test_weights_are_those_of_picard_iteration():
    v = sp.Symbol("v")
    a, c = sp.symbols("a c")  # I[xi] and I_c
    wanted = sp.Poly(sp.expand((3 * v - v**3).subs(v, a + c)), a, c)
    for feature in listed(phi4(), cutoff=8).features:
        if feature.tree.term is not None:
            powers = TEN.get(feature.text, (0, 3))
            assert feature.weight == int(wanted.coeff_monomial(a ** powers[0] * c ** powers[1]))
    weights = {f.text: f.weight for f in listed(phi4(), height=3).features}
    assert weights["I[I[I[xi]]]"] == 9
    assert weights["I[I[xi] I_c I[I[xi]]]"] == -18  # 3! orders of three factors, times 3
    assert PUBLISHED.feature_table(stochastic_navier_stokes()).features[2].weight is None


# --- values --------------------------------------------------------------------------------------

N, STEPS, DT = 16, 6, 0.05 / 6


def laplacian(periodic=True):
    matrix = -2 * np.eye(N) + np.eye(N, k=1) + np.eye(N, k=-1)
    if periodic:
        matrix[0, -1] = matrix[-1, 0] = 1
    return matrix * N**2


def recurrence(sources, start, matrix):
    """``v_n = M (v_{n-1} + s_n)``, s_n being what is added up to time n."""
    out = [start]
    for added in sources:
        out.append(matrix @ (out[-1] + added))
    return np.array(out)


def slow(start, increments, *, periodic=True, late=True):
    """The ten features of one path, point by point."""
    matrix = np.linalg.inv(np.eye(N) - DT * laplacian(periodic))
    zero = np.zeros(N)
    made = {
        "I[xi]": recurrence(increments[1:], zero, matrix),
        "I_c": recurrence(np.zeros((STEPS, N)), start, matrix),
    }
    for name, powers in TEN.items():
        if powers is not None:
            source = np.empty((STEPS + 1, N))
            for n in range(STEPS + 1):
                for i in range(N):
                    source[n, i] = made["I[xi]"][n, i] ** powers[0] * made["I_c"][n, i] ** powers[1]
            made[name] = recurrence(DT * (source[1:] if late else source[:-1]), zero, matrix)
    return made


@pytest.fixture(scope="module")
def data():
    return paths(phi4(), method=SCHEME)


def of_paths(data, **variant):
    pairs = zip(data["u"].values[:, 0], data["xi"].values, strict=True)
    every = [slow(start, increments, **variant) for start, increments in pairs]
    return {name: np.array([one[name] for one in every]) for name in TEN}


def test_values_are_those_of_the_slow_recurrence(data):
    found = features(phi4(sigma=1), data, PUBLISHED)
    expected = of_paths(data)
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert worst(found[name], values) < 1e-10, name


@pytest.mark.parametrize("variant", [{"late": False}, {"periodic": False}])
def test_other_recurrences_have_other_values(data, variant):
    """Negative control: the source at the other end of the step, the matrix of other faces."""
    found, other = features(phi4(), data, PUBLISHED), of_paths(data, **variant)
    changed = [name for name in TEN if worst(found[name], other[name]) > 1e-2]
    assert changed == list(TEN)[2 if "late" in variant else 0 :]
    early = sm.LinearMFV(features="published", quadrature="left")
    if "late" in variant:
        assert all(worst(values, other[name]) < 1e-10 for name, values in features(phi4(), data, early).items())


def test_the_strength_of_the_noise_is_in_its_leaf():
    problem = phi4(sigma=0.3)
    data = paths(problem, method=SCHEME)
    expected = {name: 0.3 * values for name, values in of_paths(data).items()}["I[xi]"]
    assert worst(features(problem, data, PUBLISHED)["I[xi]"], expected) < 1e-10


def test_noise_multiplies_trees_at_the_start_of_the_step():
    problem = parabolic_multiplicative(spread=0.1)
    data = paths(problem, method=SCHEME)
    found = features(problem, data, sm.LinearMFV(features="published", cutoff=5))
    matrix = np.linalg.inv(np.eye(N) - DT * laplacian())
    for k, (initial, noise) in enumerate(zip(found["I_c"], data["xi"].values, strict=True)):
        ito = recurrence(initial[:-1] * noise[1:], np.zeros(N), matrix)
        late = recurrence(initial[1:] * noise[1:], np.zeros(N), matrix)
        assert worst(found["I[xi I_c]"][k], ito) < 1e-10
        assert worst(found["I[xi I_c]"][k], late) > 1e-2


def test_the_leaf_of_multiplied_noise():
    problem = parabolic_multiplicative(spread=0.1)
    data = paths(problem, method=SCHEME)
    found = features(problem, data, sm.LinearMFV(features="published", cutoff=5))
    assert worst(found["I[xi]"], of_paths(data)["I[xi]"]) < 1e-10


def test_forcing_is_in_the_leaf_of_the_initial_data():
    force = 5 * np.sin(2 * np.pi * np.arange(N) / N)
    problem = spde(5 * sp.sin(2 * sp.pi * x) - u**3)
    data = paths(problem, method=SCHEME)
    found = features(problem, data, PUBLISHED)["I_c"]
    matrix = np.linalg.inv(np.eye(N) - DT * laplacian())
    expected = [recurrence(np.tile(DT * force, (STEPS, 1)), start, matrix) for start in data["u"].values[:, 0]]
    assert worst(found, np.array(expected)) < 1e-10


def test_forcing_by_itself_is_in_the_leaf_of_the_initial_data():
    force = 5 * np.sin(2 * np.pi * np.arange(N) / N)
    problem = spde(5 * sp.sin(2 * sp.pi * x) + 3 * u)
    data = paths(problem, method=SCHEME)
    matrix = np.linalg.inv(np.eye(N) - DT * laplacian())
    expected = [recurrence(np.tile(DT * force, (STEPS, 1)), start, matrix) for start in data["u"].values[:, 0]]
    assert worst(features(problem, data, PUBLISHED)["I_c"], np.array(expected)) < 1e-10


def test_derivatives_are_those_of_the_factors():
    problem = spde(-u * sm.Dx(u, x))
    data = paths(problem, method=SCHEME)
    found = features(problem, data, PUBLISHED)
    slope = np.fft.irfft(2j * np.pi * np.arange(9) * np.fft.rfft(found["I_c"]), N)
    matrix = np.linalg.inv(np.eye(N) - DT * laplacian())
    source = found["I[xi]"] * slope
    expected = np.array([recurrence(DT * s[1:], np.zeros(N), matrix) for s in source])
    assert worst(found["I[I[xi] dx I_c]"], expected) < 1e-10
    assert worst(found["I[dx I[xi] I_c]"], expected) > 1e-2


# --- the order in every process ------------------------------------------------------------------

SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from nors.test_published import printed
print(printed())
"""


def printed():
    """The hash of a word, which changes with the seed of hashes; names and bits of features, which must not."""
    data = paths(phi4(), method=SCHEME)
    lines = [str(hash("I[xi]"))]
    for method in (PUBLISHED, sm.LinearMFV(features="published", height=3), sm.LinearMFV(integrations=4)):
        found = features(phi4(), data, method)
        bits = hashlib.sha256(b"".join(v.tobytes() for v in found.values())).hexdigest()
        lines.append(f"{list(found)} {bits}")
    return "\n".join(lines)


def test_order_and_values_are_the_same_in_every_process():
    here = os.environ.get("PYTHONHASHSEED")
    environment = {**os.environ, "PYTHONHASHSEED": "2" if here == "1" else "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT.format(tests=str(Path(__file__).parent.parent))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    one, other = printed().splitlines(), done.stdout.splitlines()
    assert one[0] != other[0]
    assert one[1:] == other[1:]
    assert len(one) == 4
