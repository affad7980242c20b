"""The march: order of the drift, frames, errors of labels, continuation, fits and features."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drvm.cases import march_of

from sciml.least_squares import ridge
from sciml.solvers.drvm import march as march_module
from sciml.solvers.drvm.drift import Frames, moved, turning
from sciml.solvers.drvm.features import Geometry
from sciml.solvers.drvm.fits import FitOptions, fitted
from sciml.solvers.drvm.flow import slice_times
from sciml.solvers.drvm.initial import Component
from sciml.solvers.drvm.networks import Far, Network, fresh_weights, jacobian, perceptron, split_weights
from sciml.solvers.drvm.packing import packed, unpacked

pytestmark = pytest.mark.filterwarnings("ignore:the network at t")  # budgets are tiny here

torch_grid = torch.linspace(-1.4, 1.4, 15, dtype=torch.float64)
GRID = torch.cartesian_prod(torch_grid, torch_grid)


def points(*given):
    """Components of point vortices (x, y, strength)."""
    return [Component(np.array([[a, b]]), np.array([g]), is_point=True) for a, b, g in given]


def through(march, steps=None, state=None):
    state = march.start() if state is None else state
    for _ in range(march.flow.steps if steps is None else steps):
        state = march.step(state)
    return state


def swirl(places, variance, strength=1.0):
    square = places.square().sum(1, keepdim=True)
    turned = torch.stack([-places[:, 1], places[:, 0]], dim=1)
    return strength * turned * -torch.expm1(-square / (2 * variance)) / (2 * np.pi * square.clamp(min=1e-300))


def relative(found, expected):
    return float((found - expected).norm() / expected.norm())


# --- order of the drift --------------------------------------------------------------------------------

PAIR = points((0.5, 0, 1.0), (-0.5, 0, 0.5))


def pair(drift="midpoint", steps=10, size=1024, seed=0):
    march = march_of(PAIR, nu=0.02, steps=steps, end=6.0, size=size, seed=seed, drift=drift, dtype=torch.float32)
    return through(march).networks[-1](GRID)


@pytest.fixture(scope="module")
def pair_reference():
    return pair(steps=24, size=2048, seed=101)


@pytest.mark.slow
def test_euler_has_a_floor_that_particles_do_not_remove(pair_reference):
    few, many = (relative(pair("euler", size=n), pair_reference) for n in (512, 4096))
    assert many > 0.05
    assert many > 0.6 * few
    assert relative(pair("euler", steps=20), pair_reference) < 0.7 * many  # smaller steps do


def test_midpoint_has_no_such_floor(pair_reference):
    found = {drift: relative(pair(drift), pair_reference) for drift in ("midpoint", "euler", "none")}
    assert found["midpoint"] < 0.03
    assert found["euler"] > 3 * found["midpoint"]
    assert found["none"] > 0.1


CLOSE = points((0.25, 0, 1.0), (-0.25, 0, 0.5))


def pair_at_the_end(parts, **more):
    """Angle and length of what joins two vortices of circulations 1 and ½, and their centre."""
    one, other = through(march_of(parts, dtype=torch.float32, **more)).centres[-1].numpy()
    across = one - other
    return np.arctan2(across[1], across[0]), np.hypot(*across), (one + other / 2) / 1.5


def test_frames_that_travel_matter(monkeypatch):
    """Negative control: read at fixed places, young cores are pulled back to where they were."""
    numbers = {"nu": 0.002, "end": 1.0, "steps": 12, "size": 256}
    angle, length, _ = pair_at_the_end(CLOSE, **numbers)
    assert abs(angle - 1.5 / (2 * np.pi * 0.25)) < 0.1
    assert abs(length - 0.5) < 0.02
    monkeypatch.setattr(march_module.March, "_frames", lambda self, state, places, k, since: still(self, places, k))
    angle, length, _ = pair_at_the_end(CLOSE, **numbers)
    assert abs(angle - 1.5 / (2 * np.pi * 0.25)) > 0.2
    assert abs(length - 0.5) > 0.1


def still(march, places, k):
    """No frame, except in the first step, where all velocity is that of the frame."""
    if k > 1:
        return Frames()
    return FRAMES(march, march.start(), places, k, None)


FRAMES = march_module.March._frames


def test_both_vortices_turn_round_their_centre():
    """At distance 1 by the angle t (1 + ρ)/2π as long as cores are small, and the centre stays."""
    angle, length, centre = pair_at_the_end(PAIR, nu=0.002, steps=20, end=4.0, size=256)
    assert abs(angle - 4.0 * 1.5 / (2 * np.pi)) < 0.04
    assert abs(length - 1) < 0.03
    assert np.abs(centre - [0.5 / 3, 0]).max() < 0.02


# --- splitting of the noise ----------------------------------------------------------------------------


@pytest.mark.parametrize("graded", [True, False])
def test_noise_behind_and_ahead_of_a_slice_make_the_age(graded):
    march = march_of(points((0, 0, 1.0)), nu=0.1, steps=7)
    numbers = replace(march.flow, times=slice_times(0.0, 1.0, 7, graded))
    for k in range(1, 8):
        behind = sum(numbers.spread(j) ** 2 for j in range(1, k + 1))
        assert abs(behind + numbers.core(k) - 2 * 0.1 * numbers.times[k]) < 1e-14
        assert abs(numbers.core(k) - 0.1 * numbers.step(k)) < 1e-15  # half of the step's variance 2ν dt


def test_particles_of_one_vortex_have_the_law_of_heat():
    """Drift cannot change it; what is ahead is not yet in the particles."""
    march = march_of(points((0.3, -0.2, 2.0)), nu=0.1, steps=6, size=4096, sampling="iid")
    state = through(march)
    means = state.particles[-1][0].reshape(-1, 2).numpy()
    expected = 2 * 0.1 - march.flow.core(6)
    assert np.abs(means.mean(0) - [0.3, -0.2]).max() < 4 * np.sqrt(expected / len(means))
    for variance in means.var(0):
        assert abs(variance / expected - 1) < 4 * np.sqrt(2 / len(means))
        assert abs(variance / 0.2 - 1) > 4 * np.sqrt(2 / len(means))  # negative control: the whole age


# --- errors of labels ----------------------------------------------------------------------------------


def lamb(seed=0, marches=1, **more):
    march = march_of(points((0, 0, 1.0)), **({"steps": 6, "seed": seed, "size": 512} | more))
    state = march.start()
    for _ in range(marches):
        state = through(march, state=state)
    return march, state


def label_error(march, state, k):
    label = state.labels[k - 1]
    return relative(label.mean, swirl(label.queries, 2 * march.flow.nu * march.flow.times[k]))


def test_the_estimated_error_of_labels_is_the_true_one():
    ratios = []
    for seed in range(10):
        march, state = lamb(seed, size=256, queries=128)
        ratios += [state.labels[k - 1].error / label_error(march, state, k) for k in (2, 4, 6)]
    assert 0.6 < np.median(ratios) < 1.6
    assert np.mean([0.5 < r < 3 for r in ratios]) > 0.8


def test_more_marches_have_better_labels():
    found, count = [], 6
    for seed in range(3):
        march, one = lamb(seed, steps=4, size=256, queries=128)
        state = one
        for _ in range(count - 1):
            state = through(march, state=state)
        assert [label.count for label in state.labels] == [4 * count] * 4
        assert state.march == count
        assert 0.2 < state.labels[3].error / one.labels[3].error < 0.7  # 6^(-1/2) = 0.41 in the mean
        found.append([label_error(march, s, k) for s in (one, state) for k in (2, 4)])
    once, often = np.sqrt(np.mean(np.square(found), axis=0)).reshape(2, 2)
    assert (often < 0.65 * once).all()


def test_one_group_has_no_estimate():
    _, state = lamb(groups=1)
    assert np.isnan(state.labels[-1].error)
    assert all(torch.isfinite(n.flat).all() for n in state.networks)


# --- continuation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [2, 4])
@pytest.mark.parametrize("lengths", [None, (4.0, 3.0)], ids=["plane", "torus"])
def test_a_state_that_was_packed_goes_on_to_the_same_bits(at, lengths, tmp_path):
    def fresh():
        parts = points((1.2, 1, 1.0), (2.2, 1.3, -0.5))
        return march_of(parts, nu=0.05, steps=3, size=64, lengths=lengths, dtype=torch.float32, queries=64)

    total = 7
    march = fresh()
    whole = through(march, total)
    part = through(fresh(), at)
    torch.save(packed(part), tmp_path / "state.pt")
    other = fresh()
    read = unpacked(torch.load(tmp_path / "state.pt", weights_only=True), other.flow, torch.device("cpu"))
    again = through(other, total - at, read)
    assert (again.march, again.slices) == (2, 1)
    assert flat(packed(again)) == flat(packed(whole))


def flat(value):
    """Content as nested lists of plain numbers, where equal means equal bits."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {k: flat(v) for k, v in value.items()}
    return [flat(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.pop("labels"),
        lambda c: c["labels"].pop(),
        lambda c: c.update(slices=-1),
        lambda c: c.update(march=1),
        lambda c: c.update(slices=9),
        lambda c: c["networks"][0].update(flat=torch.zeros(3)),
        lambda c: c["networks"][0].update(centres=torch.zeros(3, 2), radii=torch.ones(3), shares=torch.ones(3)),
        lambda c: c.update(means=[1.0]),
        lambda c: c["networks"][0].pop("far"),
    ],
)
def test_a_content_that_does_not_fit_is_noticed(spoil):
    march = march_of(points((0, 0, 1.0)), steps=4, size=64, queries=64)
    content = packed(through(march, 2))
    unpacked(content, march.flow, torch.device("cpu"))
    spoil(content)
    with pytest.raises((LookupError, TypeError, ValueError)):
        unpacked(content, march.flow, torch.device("cpu"))


def test_seeds_and_nothing_else_make_a_difference():
    a, b, c = (through(march_of(PAIR, steps=3, size=64, queries=64, seed=s)) for s in (0, 0, 1))
    assert flat(packed(a)) == flat(packed(b))
    assert flat(packed(a)) != flat(packed(c))


# --- fits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(2, 5, 2), (4, 7, 6, 2), (3, 4, 5, 6, 2)])
def test_the_jacobian_is_that_of_automatic_differentiation(sizes):
    weights = fresh_weights(sizes, 3)
    x = torch.tensor(np.random.default_rng(0).normal(size=(11, sizes[0])))
    outputs, slopes = jacobian(weights, sizes, x)
    expected = torch.autograd.functional.jacobian(lambda f: layered(f, sizes, x), weights)
    assert float((outputs - perceptron(split_weights(weights, sizes), x)).abs().max()) < 1e-14
    assert slopes.shape == (11, 2, len(weights))
    assert float((slopes - expected).abs().max()) < 1e-10


def layered(weights, sizes, x):
    """The network without operations in place, which automatic differentiation refuses."""
    layers = split_weights(weights, sizes)
    for matrix, bias in layers[:-1]:
        x = torch.tanh(x @ matrix.T + bias)
    return x @ layers[-1][0].T + layers[-1][1]


def test_ridge_solves_the_normal_equations():
    rng = np.random.default_rng(1)
    design, targets = torch.tensor(rng.normal(size=(60, 9))), torch.tensor(rng.normal(size=(60, 2)))
    for penalty in (1e-10, 1e-2, 10.0):
        weight = penalty * float(design.square().sum()) / 9
        expected = torch.linalg.solve(design.T @ design + weight * torch.eye(9).double(), design.T @ targets)
        assert relative(ridge(design, targets, penalty), expected) < 1e-10
    assert relative(ridge(design, targets, 10.0), ridge(design, targets, 1e-10)) > 0.5


@pytest.mark.parametrize(("kind", "hidden", "bound"), [("lm", (16, 16), 2e-3), ("ridge", (128,), 2e-3)])
def test_a_fit_reproduces_a_field(kind, hidden, bound):
    """A Lamb vortex, at points that the fit has not seen; labels turned round are not reproduced."""
    geometry = one_centre(size=0.5)
    rng = np.random.default_rng(2)
    queries = torch.tensor(rng.uniform(-1.5, 1.5, size=(512, 2)))
    options = FitOptions(kind, hidden, 40, 1e-10, 0)
    network, left = fitted(options, geometry, queries, swirl(queries, 0.1), 0.0, None)
    assert left < bound
    assert relative(network(GRID), swirl(GRID, 0.1)) < 2 * bound
    assert relative(network(GRID), -swirl(GRID, 0.1)) > 1


def test_a_fit_starts_from_the_slice_before():
    geometry = one_centre(size=0.5)
    queries = torch.tensor(np.random.default_rng(2).uniform(-1.5, 1.5, size=(256, 2)))
    options = FitOptions("lm", (16, 16), 1, 1e-10, 0)
    good, _ = fitted(replace(options, iterations=60), geometry, queries, swirl(queries, 0.1), 0.0, None)
    _, warm = fitted(options, geometry, queries, swirl(queries, 0.105), 0.0, good)
    _, cold = fitted(options, geometry, queries, swirl(queries, 0.105), 0.0, None)
    assert warm < 0.2 * cold


def test_a_fit_stops_at_the_noise():
    geometry = one_centre(size=0.5)
    queries = torch.tensor(np.random.default_rng(2).uniform(-1.5, 1.5, size=(256, 2)))
    options = FitOptions("lm", (16, 16), 60, 1e-10, 0)
    lefts = [fitted(options, geometry, queries, swirl(queries, 0.1), noise, None)[1] for noise in (0.0, 0.05)]
    assert lefts[0] < lefts[1] < 0.05


# --- features, far field, substeps ---------------------------------------------------------------------


def one_centre(place=(0.0, 0.0), size=0.3, lengths=None):
    one = torch.ones(1).double()
    return Geometry(torch.tensor([place], dtype=torch.float64), size * one, one, lengths)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lengths", [None, (2.0, 3.0)])
def test_features_are_finite_and_smooth_at_centres(dtype, lengths):
    place = (0.5, 0.25)
    geometry = one_centre(place, 0.3, lengths)
    at = torch.tensor([place], dtype=dtype)
    features, envelope = geometry(at)
    assert torch.isfinite(features).all()
    assert features.shape[1] == geometry.width
    assert float(features[:, -2:].abs().max()) == 0
    assert abs(float(envelope) - 1 / 0.3) < 1e-5
    near, _ = geometry(at + torch.tensor([[1e-3, 0]], dtype=dtype))
    assert abs(float(near[0, -2]) / 1e-3 - 1 / 0.3) < 1e-2  # linear in the core
    # As large as the logarithm far away, in the plane.
    if lengths is None:
        far, _ = geometry(at + torch.tensor([[1e3, 0]], dtype=dtype))
        assert abs(float(far[0, 0]) - np.arcsinh(1e3 / 0.3)) < 1e-3


def test_features_of_a_torus_are_periodic():
    geometry = one_centre((0.5, 0.25), 0.3, (2.0, 3.0))
    places = torch.tensor(np.random.default_rng(0).uniform(0, 2, size=(20, 2)))
    for shift in ((2.0, 0.0), (0.0, 3.0), (-4.0, 6.0)):
        moved_on = places + torch.tensor(shift, dtype=torch.float64)
        for a, b in zip(geometry(places), geometry(moved_on), strict=True):
            assert float((a - b).abs().max()) < 1e-12
    assert float((geometry(places)[0] - geometry(places + 0.1)[0]).abs().max()) > 1e-2


def test_outside_the_box_there_is_one_vortex():
    middle, half, centre = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.1, -0.2]], dtype=torch.float64)
    far = Far(middle, half, 3.0, centre)
    places = torch.tensor([[0.9, 1.9], [1.1, 0.0], [0.0, -2.1], [-50.0, 20.0]], dtype=torch.float64)
    inside = torch.full_like(places, 7.0)
    found = far(places, inside)
    assert (found[0] == 7).all()
    offset = places[1:] - centre
    expected = 3 / (2 * np.pi) * torch.stack([-offset[:, 1], offset[:, 0]], dim=1) / offset.square().sum(1)[:, None]
    assert float((found[1:] - expected).abs().max()) < 1e-14


def test_far_away_the_network_of_a_slice_is_right():
    _, state = lamb(steps=4)
    places = torch.tensor([[40.0, 3.0], [-5.0, 5.0], [0.0, 300.0]], dtype=torch.float64)
    found, expected = state.networks[-1](places), swirl(places, 0.2)
    assert float(((found - expected).norm(dim=1) / expected.norm(dim=1)).max()) < 0.01
    bare = replace(state.networks[-1], far=None)(places)
    assert float(((bare - expected).norm(dim=1) / expected.norm(dim=1)).max()) > 0.02  # negative control


@pytest.mark.parametrize(("angle", "order"), [(0.2, 2), (3.0, 4)])
def test_the_order_of_substeps(angle, order):
    """Particles in a rotating frame: ``ẋ = Ω⊥(x - ct) + c`` with the same number of substeps throughout."""
    start = torch.tensor([[1.0, 0.5], [-0.3, 0.2]], dtype=torch.float64)
    c = torch.tensor([0.3, -0.4], dtype=torch.float64)

    def velocity(x, time):
        offset = x - c * time
        return torch.stack([-offset[:, 1], offset[:, 0]], dim=1) + c

    errors = []
    for step in (0.2, 0.1):
        turned = complex(np.cos(step), np.sin(step)) * (start[:, 0] + 1j * start[:, 1])
        exact = torch.stack([turned.real, turned.imag], dim=1) + c * step
        errors.append(float((moved(start, velocity, step, angle) - exact).abs().max()))
    assert 0.8 * 2 ** (order + 1) < errors[0] / errors[1] < 1.25 * 2 ** (order + 1)


def test_turning_is_half_the_vorticity_and_the_strain():
    rotation = turning(GRID, lambda p: torch.stack([-p[:, 1], p[:, 0]], dim=1), 0.5, 1.0)
    strain = turning(GRID, lambda p: torch.stack([p[:, 0], -p[:, 1]], dim=1), 0.5, 1.0)
    assert abs(rotation - 0.5) < 1e-10
    assert abs(strain - 0.5) < 1e-10


def test_networks_in_single_precision():
    sizes = (2, 16, 16, 2)
    network = Network(sizes, fresh_weights(sizes, 0), 1.0, one_centre())
    assert network(GRID.float()).dtype == torch.float32
    assert relative(network(GRID.float()).double(), network(GRID)) < 1e-5
