"""The initial vorticity as nodes and as particles: moments, laws, independence, errors."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
import torch
from drvm.cases import CATALOGUE, PLANE, SQUARE, components, engine, flow, gaussian, march_of, window, x, y
from scipy import special

import sciml as sm
from sciml.errors import DataError, DeclarationError
from sciml.solvers.drvm.initial import Component, spectral_radius
from sciml.solvers.drvm.paths import drawn_cloud, sobol
from sciml.streams import stream

WAVES = [(1, 0), (0, 1), (1, 1), (2, -1), (3, 2), (0, 4)]


def moments(parts, about=(0.0, 0.0)):
    """Circulation, centre and ``∫|x - about|² ω`` of the nodes."""
    places = np.concatenate([c.positions.reshape(-1, 2) for c in parts])
    weights = np.concatenate([c.weights.ravel() for c in parts])
    total = weights.sum()
    return total, weights @ places / total, weights @ ((places - about) ** 2).sum(1)


# --- nodes -------------------------------------------------------------------------------------------


def test_points():
    parts = components(CATALOGUE["point-vortex-pair"](ratio=0.25), window(2, 9, t=1))
    assert [c.is_point for c in parts] == [True, True]
    assert [c.circulation for c in parts] == [1.0, 0.25]
    total, centre, inertia = moments(parts)
    assert (total, inertia) == (1.25, 1.25 / 4)
    assert np.abs(centre - [0.5 * 0.75 / 1.25, 0]).max() < 1e-15


def test_a_sheet():
    (sheet,) = components(CATALOGUE["vortex-sheet"](), window(2, 9, t=1))
    assert sheet.spacing == 0
    assert not sheet.is_point
    total, centre, inertia = moments([sheet])
    assert abs(total - np.pi / 2) < 1e-12
    assert np.abs(centre).max() < 1e-12
    assert abs(inertia - np.pi / 8) < 1e-12


def test_a_curved_sheet_of_both_signs_with_a_factor():
    """``γ = cos θ`` on a circle of radius 2, by arc length: ``∫xω = 3·2·2·π``."""
    s = sp.Symbol("s", real=True)
    sheet = sm.VortexSheet(sp.cos(s), curve=(2 * sp.cos(s), 2 * sp.sin(s)), s=(s, 0, 2 * sp.pi))
    (part,) = components(flow(3 * sheet, PLANE), window(3, 9, t=1))
    assert abs(part.circulation) < 1e-12
    assert abs(part.strength - 3 * 8) < 1e-3  # ∫|cos| 2 ds = 8; |cos| has kinks
    assert abs((part.weights * part.positions[:, 0]).sum() - 12 * np.pi) < 1e-10


def test_a_patch():
    """Its edge is cut into cells: an error of the order of a cell."""
    (patch,) = components(CATALOGUE["elliptic-patch"](aspect=2.0), window(3, 9, t=1))
    total, centre, inertia = moments([patch])
    assert abs(total - np.pi) < 1e-3 * np.pi
    assert np.abs(centre).max() < 1e-3
    assert abs(inertia - np.pi * 2.5 / 4) < 3e-3 * inertia


@pytest.mark.parametrize(
    ("place", "width"),
    [((0, 0), 0.3), ((30, -20), 0.5), ((0.5, 0), 20), ((0.2, 0.1), 0.02), ((6, 5), 0.2)],
    ids=["plain", "far from the window", "large", "tiny", "far and small"],
)
def test_a_gaussian_in_the_plane(place, width):
    parts = components(flow(gaussian(*place, 1.5, width), PLANE))
    total, centre, inertia = moments(parts, about=place)
    assert abs(total - 1.5) < 1.5e-5
    assert np.abs(centre - place).max() < 1e-4 * width
    assert abs(inertia - 1.5 * 2 * width**2) < 2e-4 * width**2


def test_two_unlike_gaussians_far_apart_in_the_plane():
    parts = components(flow(gaussian(-3, 0, 1, 0.4) - gaussian(4, 1, 1, 0.5), PLANE))
    assert abs(sum(c.circulation for c in parts)) < 1e-6
    assert abs(sum(c.strength for c in parts) - 2) < 1e-5
    impulse = sum((c.weights[..., None] * c.positions).reshape(-1, 2).sum(0) for c in parts)
    assert np.abs(impulse - [-7, -1]).max() < 1e-5


def test_a_mixture_of_all_kinds():
    s = sp.Symbol("s", real=True)
    sheet = sm.VortexSheet(1, curve=(s, 1), s=(s, 0, 1))
    points = sm.PointVortices(strength=[1, -2], at=[(1, 0), (0, 1)])
    parts = components(flow(2 * points + sheet - gaussian(0, 0, 1, 0.3), PLANE))
    assert sorted(round(c.circulation, 5) for c in parts) == [-4, -1, 1, 2]


def test_values_on_a_torus_are_exact_for_every_mode():
    (part,) = components(flow(2 * sp.sin(x) * sp.cos(2 * y) + sp.cos(3 * x + y) / 2))
    for k, expected in {(1, 2): -1j * 2 * np.pi**2, (3, 1): np.pi**2, (1, 0): 0, (2, 3): 0}.items():
        assert abs(mode(part.positions, part.weights, k) - expected) < 1e-10


def mode(places, weights, k):
    """``∫ω e^{-ik·x}``."""
    places = places.reshape(-1, 2)
    return np.exp(-1j * (places @ np.array(k, dtype=float))) @ weights.ravel()


def test_an_array_on_a_torus():
    n = 24
    axis = 2 * np.pi * np.arange(n) / n
    values = np.cos(axis)[:, None] + np.sin(2 * axis + 0.3) * np.sin(axis)[:, None]
    parts = components(flow(values))
    expected = components(flow(sp.cos(x) + sp.sin(2 * y + sp.Rational(3, 10)) * sp.sin(x)))
    assert np.abs(parts[0].weights - expected[0].weights).max() < 1e-10 * np.abs(expected[0].weights).max()


def test_a_random_field_is_that_of_the_seed():
    problem = flow(sm.RandomField.fourier("a", x, y, modes=3, scale=1))
    made = engine(problem, seed=5)
    drawn = problem.solve(sm.Spectral(dt=1.0), grid=sm.Grid(x=16, y=16, t=1), run=sm.Run(seed=5, threads=1))
    values = drawn.ds["w"].isel(time=0).transpose("x", "y").values
    part = made.flow.components[0]
    cell = (2 * np.pi / 256) ** 2
    assert np.abs(part.weights[::16, ::16] / cell + made.flow.constant - values).max() < 1e-10 * np.abs(values).max()
    other = engine(problem, seed=6).flow.components[0]
    assert np.abs(other.weights - part.weights).max() > 0.1 * np.abs(part.weights).max()


def test_a_constant_on_a_torus_is_left_out():
    plain = engine(flow(sp.exp(sp.cos(x) + sp.cos(y)))).flow
    raised = engine(flow(sp.exp(sp.cos(x) + sp.cos(y)) + 7)).flow
    assert abs(raised.constant - plain.constant - 7) < 1e-12
    assert np.abs(raised.components[0].weights - plain.components[0].weights).max() < 1e-12
    assert abs(raised.mean_vorticity(0.3) - plain.mean_vorticity(0.3) - 7) < 1e-10


def test_what_is_left_out_never_makes_more_to_be_sampled():
    for e in (sp.exp(4 * (sp.cos(x) + sp.cos(y) - 2)), sp.sin(x) * sp.sin(y), 3 + sp.cos(x)):
        made = engine(flow(e)).flow
        (part,) = made.components
        raw = part.weights / (2 * np.pi / 256) ** 2 + made.constant
        for other in (0, raw.mean()):
            assert part.strength <= np.abs(raw - other).sum() * (2 * np.pi / 256) ** 2 * (1 + 1e-9)


@pytest.mark.parametrize("start", [sp.sin(x) * sp.sin(y), sp.exp(-(x**2)), sp.S.One])
def test_what_stays_at_infinity_is_refused_when_declared(start):
    with pytest.raises(DeclarationError, match=r"S163.*vanish at infinity[^$]*Torus"):
        engine(flow(start, PLANE))


@pytest.mark.parametrize("start", [1 / (1 + x**2 + y**2), gaussian(500, 0, 1, 0.1)], ids=["slow decay", "unseen"])
def test_what_is_not_integrable_is_refused(start):
    with pytest.raises(DataError, match=r"D201.*not integrable over the plane[^$]*Torus"):
        engine(flow(start, PLANE))


@pytest.mark.parametrize(
    ("start", "domain"),
    [
        (gaussian(0, 0, 1, 1) + gaussian(0.013, 0, 1, 0.01), PLANE),
        (sp.exp(8000 * (sp.cos(x - 3) + sp.cos(y - 3) - 2)), SQUARE),
    ],
    ids=["narrow in wide", "torus"],
)
def test_what_is_finer_than_the_nodes_is_refused(start, domain):
    """It would have another circulation, silently: of the first 33 % would be lost."""
    with pytest.raises(DataError, match=r"D201.*finer than 256 points[^$]*PointVortices"):
        engine(flow(start, domain))


def test_what_the_nodes_can_hold_is_exact():
    (part,) = components(flow(sp.exp(1500 * (sp.cos(x - 3) + sp.cos(y - 3) - 2))))
    assert abs(part.circulation - (2 * np.pi * special.ive(0, 1500)) ** 2) < 1e-3 * part.circulation


@pytest.mark.parametrize("start", [0, sp.S(3)])
def test_nothing_that_moves_is_refused(start):
    with pytest.raises(DataError, match=r"D201.*0 everywhere"):
        engine(flow(start))


def test_what_is_not_finite_is_refused():
    with pytest.raises(DataError, match=r"D201.*not finite and real[^$]*PointVortices"):
        engine(flow(1 / (x**2 + y**2) * sp.sin(x)))


def test_coarse_nodes_keep_circulation_and_centre():
    (part,) = components(flow(gaussian(0.3, -0.2, 1.5, 0.4), PLANE))
    coarse = part.coarsened()
    assert coarse.weights.shape == (64, 64)
    fine, less = moments([part]), moments([coarse])
    assert abs(fine[0] - less[0]) < 1e-12
    assert np.abs(fine[1] - less[1]).max() < 1e-12
    assert np.abs(coarse.weights).sum() <= part.strength * (1 + 1e-12)


def test_the_radius_of_a_spectrum():
    n = 64
    axis = 2 * np.pi * np.arange(n) / n
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    values = np.cos(axis)[:, None] * np.cos(2 * axis) + 1e-2 * np.cos(9 * axis)[:, None]
    assert spectral_radius(Component(places, values, 0.1), 1e-12) == 9
    assert spectral_radius(Component(places, values, 0.1), 1e-3) == 2


# --- particles ---------------------------------------------------------------------------------------


def cloud_of(parts, size=4096, steps=3, sampling="sobol", groups=range(4), march=0, seed=0):
    return drawn_cloud(parts, groups=groups, size=size, steps=steps, seed=seed, march=march, sampling=sampling)


@pytest.mark.parametrize(
    "problem",
    [
        flow(sp.sin(x) * sp.cos(2 * y) + sp.cos(x + y) / 2),
        CATALOGUE["unlike-vortices"](),
        CATALOGUE["point-vortex-pair"](),
        CATALOGUE["vortex-sheet"](),
        flow(gaussian(0, 0, 1, 0.3) - gaussian(1, 0, 0.4, 0.2), PLANE),
    ],
    ids=["waves", "vortices", "points", "sheet", "gaussians"],
)
def test_particles_have_the_coefficients_of_the_vorticity(problem):
    parts = components(problem)
    total = sum(c.strength for c in parts)
    for sampling, allowed in (("iid", 4.0), ("sobol", 2.0)):
        cloud = cloud_of(parts, sampling=sampling)
        places, weights = cloud.positions.reshape(-1, 2), cloud.weights.ravel() / 4
        for k in WAVES:
            expected = sum(mode(c.positions, c.weights, k) for c in parts)
            assert abs(mode(places, weights, k) - expected) < allowed * total / np.sqrt(len(places))
    # Negative control: the coefficients of a moved cloud are others.
    gaps = [
        abs(mode(places + np.array([0.2, -0.1]), weights, k) - sum(mode(c.positions, c.weights, k) for c in parts))
        for k in WAVES
    ]
    assert max(gaps) > 4 * total / np.sqrt(len(places))


@pytest.mark.parametrize("sampling", ["sobol", "iid"])
def test_circulations_are_exact_for_each_component_and_sign(sampling):
    s = sp.Symbol("s", real=True)
    sheet = sm.VortexSheet(sp.sin(s), curve=(s, 0), s=(s, -1, 2))
    start = sm.PointVortices(strength=[1, -0.3], at=[(1, 0), (0, 1)]) + sheet + gaussian(0, 0, 1, 0.3) * x
    parts = components(flow(start, PLANE))
    cloud = cloud_of(parts, 1024, sampling=sampling)
    assert len(parts) == 4
    for weights, component in zip(cloud.weights, cloud.component, strict=True):
        for i, part in enumerate(parts):
            mine = weights[component == i]
            for sign in (1, -1):
                expected = part.weights[np.sign(part.weights) == sign].sum()
                assert abs(mine[np.sign(mine) == sign].sum() - expected) < 1e-12


def points(*strengths):
    return [Component(np.array([[float(i), 0.0]]), np.array([g]), is_point=True) for i, g in enumerate(strengths)]


@pytest.mark.parametrize("strengths", [(1.0, 1.0), (1.0, 0.5), (1.0, -1.0, 0.5, 0.25)])
def test_a_component_says_nothing_of_the_increments(strengths):
    """Halves of a Sobol sequence are no fair samples of its other coordinates, unless they are."""
    cloud = cloud_of(points(*strengths), size=1024, steps=6, groups=range(8))
    for i in range(len(strengths)):
        normals = cloud.increments[cloud.component == i]
        bound = 4 / np.sqrt(len(normals))
        assert np.abs(normals.mean(0)).max() < bound
        assert np.abs((normals**2).mean(0) - 1).max() < 2 * bound
        flat = normals.reshape(len(normals), -1)
        assert np.abs(np.corrcoef(flat.T) - np.eye(flat.shape[1])).max() < 5 / np.sqrt(len(normals))


def test_the_parity_trap_itself():
    """Negative control: dealt by the parity of the index, components would see halves of one coordinate."""
    uniform = sobol(1024, 2, stream(0, "trap"))
    assert np.abs(uniform[0::2].mean(0) - 0.5).max() > 0.2
    assert np.abs(uniform.mean(0) - 0.5).max() < 1e-3


def test_increments_are_standard_normal_finite_and_uncorrelated():
    for sampling in ("sobol", "iid"):
        normals = cloud_of(points(1.0), size=2048, steps=20, sampling=sampling).increments
        assert np.isfinite(normals).all()
        flat = normals.reshape(-1, 40).astype(float)
        assert np.abs(flat.mean(0)).max() < 4.5 / np.sqrt(len(flat))
        assert np.abs(flat.var(0) - 1).max() < 4.5 * np.sqrt(2 / len(flat))
        assert np.abs(np.corrcoef(flat.T) - np.eye(40)).max() < 5 / np.sqrt(len(flat))
        assert abs((flat**4).mean() - 3) < 0.1


def test_groups_and_marches_are_independent():
    """As estimates: points of equal index of two scramblings are related, means over them are not."""
    found = []
    for seed in range(300):
        clouds = [cloud_of(points(1.0), 64, steps=1, groups=range(2), march=m, seed=seed) for m in (0, 1)]
        found.append([np.exp(-(z**2).sum((1, 2))).mean() for c in clouds for z in c.increments])
    assert np.abs(np.corrcoef(np.array(found).T) - np.eye(4)).max() < 4 / np.sqrt(300)
    whole, some = cloud_of(points(1.0), 512), cloud_of(points(1.0), 512, groups=[2])
    assert np.array_equal(some.increments[0], whole.increments[2])  # whichever others are drawn
    assert not np.array_equal(whole.increments[0], whole.increments[1])


# --- errors of labels --------------------------------------------------------------------------------


def label_errors(sampling, sizes, seeds):
    """Root mean square error of the last label of a spreading vortex, whose velocity is known."""
    out = []
    for size in sizes:
        squares = []
        for seed in range(seeds):
            march = march_of(points(1.0), steps=4, size=size, groups=1, seed=seed, sampling=sampling, drift="none")
            state, k = march.start(), 4
            for j in range(1, k + 1):
                state = replace(state, means=march._moved(state, j), slices=j)
            queries = grid_points()
            found = march.flow.velocity(queries, state.means, march.weights(0, k), march.flow.core(k), k)[0].numpy()
            squares.append(((found - swirl(queries.numpy(), 2 * 0.1)) ** 2).mean())
        out.append(np.sqrt(np.mean(squares)))
    return np.array(out)


def grid_points():
    axis = torch.linspace(-1.5, 1.5, 12, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def swirl(points, variance):
    square = (points**2).sum(1, keepdims=True)
    return np.stack([-points[:, 1], points[:, 0]], axis=1) * -np.expm1(-square / (2 * variance)) / (2 * np.pi * square)


def test_the_error_of_labels_falls_as_it_should():
    sizes = [64, 256, 1024, 4096]
    iid, low = label_errors("iid", sizes, 16), label_errors("sobol", sizes, 8)
    slope = np.polyfit(np.log(sizes), np.log(iid), 1)[0]
    assert -0.6 < slope < -0.4
    assert np.polyfit(np.log(sizes), np.log(low), 1)[0] < -0.55
    assert (low[1:] < 0.7 * iid[1:]).all()


@pytest.mark.parametrize("sampling", ["iid", "sobol"])
def test_modes_decay_as_heat(sampling):
    """Without drift the coefficients of the particles are those of the heat equation."""
    nu, end, lengths = 0.1, 1.0, (2 * np.pi, 2 * np.pi)
    (part,) = components(flow(sp.sin(x) * sp.cos(2 * y) + sp.cos(x + y) / 2))
    march = march_of([part], nu=nu, steps=4, end=end, lengths=lengths, size=4096, sampling=sampling, drift="none")
    state = march.start()
    for _ in range(4):
        state = march.step(state)
    means, weights = state.particles[-1]
    places, weights = means.reshape(-1, 2).numpy(), weights.flatten().numpy()
    total = np.abs(weights).sum()
    for k in [*WAVES, (1, 2), (2, 2)]:
        square = k[0] ** 2 + k[1] ** 2
        ahead = np.exp(-square * march.flow.core(4) / 2)  # the half step of noise to come
        expected = mode(part.positions, part.weights, k) * np.exp(-nu * square * end)
        gap = abs(mode(places, weights, k) * ahead - expected)
        assert gap < 4 * total / np.sqrt(len(places)) * ahead
    strongest = mode(part.positions, part.weights, (1, 1)), mode(places, weights, (1, 1))
    last = 4 * total / np.sqrt(len(places))
    for wrong in (0, 0.5, 1.5):  # negative control: another viscosity
        factor = np.exp(-2 * wrong * nu * end) / np.exp(-2 * march.flow.core(4) / 2)
        assert abs(strongest[1] - strongest[0] * factor) > last
