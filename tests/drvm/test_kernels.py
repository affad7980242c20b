"""Velocities of particles: against quadrature, closed forms and Fourier series, in two precisions."""

import math

import numpy as np
import pytest
import torch

from sciml.solvers.drvm import kernels
from sciml.solvers.drvm.kernels import plane_velocity, torus_velocity
from sciml.solvers.drvm.series import Series, particle_series

SQUARE, WIDE, TALL = (2 * math.pi, 2 * math.pi), (5.0, 2.0), (1.5, 4.0)


def density(queries, positions, weights, variance):
    """Vorticity of Gaussians of this variance per coordinate."""
    square = (queries[:, None] - positions).square().sum(-1)
    return torch.exp(-square / (2 * variance)) @ weights / (2 * math.pi * variance)


def cloud(count=200, low=(-1.0, -1.0), lengths=(2.0, 2.0), seed=0):
    """Places and circulations of both signs."""
    rng = np.random.default_rng(seed)
    places = np.array(low) + np.array(lengths) * rng.random((count, 2))
    return torch.tensor(places), torch.tensor(rng.normal(size=count) / count)


def averaged(z, s):
    """``E K(z - sξ)`` by quadrature: in polar coordinates round the singularity nothing is singular."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    reach = np.hypot(*z) + 9 * s
    r, dr = reach * (nodes + 1) / 2, reach * weights / 2
    angle = 2 * np.pi * np.arange(400) / 400
    ex, ey = np.cos(angle)[:, None], np.sin(angle)[:, None]
    gauss = np.exp(-((z[0] - r * ex) ** 2 + (z[1] - r * ey) ** 2) / (2 * s**2)) / (2 * np.pi * s**2)
    share = gauss * dr * (2 * np.pi / 400) / (2 * np.pi)
    return np.array([(-ey * share).sum(), (ex * share).sum()])


def lamb(z, w, s):
    """Sum of Lamb vortices, straight from the formula."""
    square = (z**2).sum(-1)
    factor = -np.expm1(-square / (2 * s**2)) / (2 * np.pi * square) * w
    return np.stack([-(z[..., 1] * factor).sum(-1), (z[..., 0] * factor).sum(-1)], axis=-1)


def fourier(queries, positions, weights, s, lengths, largest):
    """The periodic sum mode by mode, in NumPy: ``û = (ik₂, -ik₁) ω̂/|k|²`` without the mean."""
    m = np.arange(-largest, largest + 1)
    k1, k2 = np.meshgrid(2 * np.pi * m / lengths[0], 2 * np.pi * m / lengths[1], indexing="ij")
    k1, k2 = k1.ravel(), k2.ravel()
    square = k1**2 + k2**2
    hat = np.exp(-1j * (np.outer(k1, positions[:, 0]) + np.outer(k2, positions[:, 1]))) @ weights
    hat = hat * np.exp(-(s**2) * square / 2) / (lengths[0] * lengths[1])
    psi = np.where(square > 0, hat / np.where(square > 0, square, 1), 0)
    waves = np.exp(1j * (np.outer(queries[:, 0], k1) + np.outer(queries[:, 1], k2)))
    return np.stack([(waves @ (1j * k2 * psi)).real, (waves @ (-1j * k1 * psi)).real], axis=1)


def relative(found, expected):
    found, expected = (v.double().numpy() if isinstance(v, torch.Tensor) else v for v in (found, expected))
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


# --- the plane ---------------------------------------------------------------------------------------

PLACES = [(0.05, 0.01), (0.3, -0.1), (-0.2, 0.5), (0.0, 0.7), (-1.5, -1.1)]


@pytest.mark.parametrize("s", [0.05, 0.3, 1.0])
def test_one_vortex_is_the_average_of_the_law_of_biot_and_savart(s):
    def velocity(variance):
        one = torch.ones(1).double()
        return plane_velocity(
            torch.tensor(PLACES, dtype=torch.float64), torch.zeros(1, 2).double(), one, variance
        ).numpy()

    found = velocity(s**2)
    expected = np.array([averaged(np.array(z), s) for z in PLACES])
    assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()
    # Negative controls: each plausible mistake is far outside that tolerance.
    for wrong in (found[:, ::-1], -found, found * [1, -1]):
        assert relative(wrong, expected) > 0.02
    assert relative(velocity(1e-10), expected) > 0.01  # not smoothed
    assert relative(velocity(2 * s**2), expected) > 0.01  # s² is the variance per coordinate, not of the radius


@pytest.mark.parametrize("s", [1e-3, 0.03, 0.5])
@pytest.mark.parametrize("sums", [kernels._expanded, kernels._differences])
def test_both_branches_sum_lamb_vortices(sums, s):
    places, w = cloud()
    queries, _ = cloud(50, seed=1)
    found = sums(queries, places, w / (2 * math.pi), s**2)
    expected = lamb(queries.numpy()[:, None] - places.numpy(), w.numpy(), s)
    # ``SOFT`` is in the squared distance of the branch by differences: an error of 5e-7 in the core.
    assert relative(found, expected) < (1e-6 if sums is kernels._differences else 1e-9)


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("s", [1e-3, 1e-2, 0.1, 1.0])
def test_single_precision(s, offset):
    """Small cores are summed by differences, which keep their digits; far from the origin as well."""
    shift = torch.tensor([offset, -offset], dtype=torch.float32)
    places, w = cloud(2000)
    queries = places[:64] + s * torch.tensor(np.random.default_rng(2).normal(size=(64, 2)))
    near, far = queries.float() + shift, places.float() + shift
    found = plane_velocity(near, far, w.float(), s**2)
    exact = plane_velocity(near.double(), far.double(), w, s**2)
    assert relative(found, exact) < 3e-4
    if s == 1e-3:  # negative control: expanded distances are worthless there
        expanded = kernels._expanded(queries.float(), places.float(), w.float() / (2 * math.pi), s**2)
        truth = plane_velocity(queries.float().double(), places.float().double(), w, s**2)
        assert relative(expanded, truth) > 3e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_particle_does_not_move_itself(dtype):
    places, w = cloud(64)
    at = places[:1].to(dtype)
    for variance in (1e-6, 1e-2):
        found = plane_velocity(at, at, w[:1].to(dtype), variance)
        assert torch.isfinite(found).all()
        assert found.abs().max() < 1e-6 * float(w[0].abs()) / math.sqrt(variance)


@pytest.mark.parametrize("variance", [1e-4, 0.05])
def test_what_particles_do_to_each_other_cancels(variance):
    """``Σ w_i u_i = 0``: the centre of vorticity stands still."""
    places, w = cloud()
    u = plane_velocity(places, places, w, variance)
    scale = float((w.abs()[:, None] * u.abs()).sum())
    assert float((w[:, None] * u).sum(0).abs().max()) < 1e-12 * scale
    for lengths in (SQUARE, WIDE):
        u = torus_velocity(places, places, w, min(variance, 0.01), lengths)
        scale = float((w.abs()[:, None] * u.abs()).sum())
        assert float((w[:, None] * u).sum(0).abs().max()) < 1e-12 * scale
    assert float((w.abs()[:, None] * u).sum(0).abs().max()) > 1e-3 * scale  # negative control: other weights


def test_angular_impulse_of_pairs():
    """``Σ w_i x_i · u_i = 0``: pair velocities are at right angles to what joins the pair."""
    places, w = cloud()
    u = plane_velocity(places, places, w, 0.01)
    scale = float((w.abs()[:, None] * (places * u).abs()).sum())
    assert abs(float((w[:, None] * places * u).sum())) < 1e-12 * scale
    assert abs(float((w[:, None] * places * u.flip(1)).sum())) > 1e-3 * scale


@pytest.mark.parametrize("pairs", [16, 1000])
def test_chunks_do_not_matter(pairs, monkeypatch):
    places, w = cloud()
    queries, _ = cloud(50, seed=1)

    def everything():
        return [
            plane_velocity(queries, places, w, 0.01),
            kernels._differences(queries, places, w, 1e-6),
            torus_velocity(queries, places, w, 0.01, WIDE),
            density(queries, places, w, 0.01),
        ]

    whole = everything()
    monkeypatch.setattr(kernels, "PAIRS", pairs)
    assert kernels._chunk(queries) < len(places)
    for found, expected in zip(everything(), whole, strict=True):
        assert relative(found, expected) < 1e-13


def test_density_is_the_curl_of_the_velocity():
    places, w = cloud(40)
    queries, _ = cloud(30, seed=3)
    h, across = 1e-3, torch.eye(2).double()

    def slope(axis):
        def at(n):
            return plane_velocity(queries + n * h * across[axis], places, w, 0.04)

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)

    dx, dy = slope(0), slope(1)
    expected = density(queries, places, w, 0.04)
    assert relative(dx[:, 1] - dy[:, 0], expected) < 1e-8
    assert float((dx[:, 0] + dy[:, 1]).abs().max()) < 1e-8 * float(expected.abs().max())


# --- the torus ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [SQUARE, WIDE, TALL], ids=["square", "wide", "tall"])
@pytest.mark.parametrize("share", [0.03, 0.12, 0.4])
def test_pairs_on_a_torus_against_the_fourier_series(lengths, share):
    s = share * min(lengths)
    places, w = cloud(12, (0, 0), lengths)
    queries, _ = cloud(25, (-lengths[0], -lengths[1]), (3 * lengths[0], 3 * lengths[1]), seed=1)  # of any copy
    largest = math.ceil(7.5 / s * max(lengths) / (2 * math.pi))
    expected = fourier(queries.numpy(), places.numpy(), w.numpy(), s, lengths, largest)
    found = torus_velocity(queries, places, w, s**2, lengths).numpy()
    assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()
    for wrong in (found[:, ::-1], -found, found * [1, -1]):
        assert relative(wrong, expected) > 0.02
    if share > 0.1:  # the Gaussian reaches round the torus
        assert relative(torus_velocity(queries, places, w, 1e-8, lengths), expected) > 1e-2
    assert relative(plane_velocity(queries, places, w, s**2), expected) > 1e-2  # without images


@pytest.mark.parametrize("lengths", [SQUARE, WIDE, TALL], ids=["square", "wide", "tall"])
def test_the_mean_velocity_of_a_torus_is_zero(lengths):
    """Though the circulation of the particles is not."""
    places, w = cloud(5, (0, 0), lengths)
    w = w.abs()
    n = 96
    axes = [torch.arange(n).double() / n * length for length in lengths]
    queries = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 2)
    s = 0.12 * min(lengths)
    for u in (
        torus_velocity(queries, places, w, s**2, lengths),
        particle_series(places[None], w[None], s**2, lengths, 20).velocity(queries)[0],
    ):
        assert float(u.mean(0).abs().max()) < 1e-10 * float(u.abs().max())
    plane = plane_velocity(queries, places, w, s**2)
    assert float(plane.mean(0).abs().max()) > 1e-3 * float(plane.abs().max())


def test_single_precision_on_a_torus():
    """A query that meets a particle, pairs far and near, at the seam as well."""
    places, w = cloud(500, (0, 0), SQUARE)
    queries = torch.cat([places[:20], places[20:60] + 0.01, torch.tensor([[0.0, 0.0], [2 * math.pi, 1.0]])])
    single = torus_velocity(queries.float(), places.float(), w.float(), 1e-3, SQUARE)
    exact = torus_velocity(queries.float().double(), places.float().double(), w, 1e-3, SQUARE)
    assert torch.isfinite(single).all()
    assert relative(single, exact) < 1e-4


# --- series ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [SQUARE, WIDE, TALL], ids=["square", "wide", "tall"])
def test_series_against_direct_sums(lengths):
    places, w = (torch.stack(v) for v in zip(*(cloud(20, (0, 0), lengths, seed=g) for g in range(3)), strict=True))
    queries, _ = cloud(30, (0, 0), lengths, seed=9)
    s = 0.06 * min(lengths)
    largest = 9
    series = particle_series(places, w, s**2, lengths, largest)
    assert series.vorticity.shape == (3, 2 * largest + 1, largest + 1)
    assert series.largest == largest
    found = series.velocity(queries).numpy()
    expected = np.stack(
        [fourier(queries.numpy(), x.numpy(), g.numpy(), s, lengths, largest) for x, g in zip(places, w, strict=True)]
    )
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    for wrong in (found[..., ::-1], -found, found[::-1]):
        assert relative(wrong, expected) > 0.02


def test_series_and_pairs_meet_when_there_are_modes_enough():
    places, w = cloud(30, (0, 0), WIDE)
    queries, _ = cloud(30, (0, 0), WIDE, seed=1)
    s = 0.2
    pairs = torus_velocity(queries, places, w, s**2, WIDE)
    errors = [
        relative(particle_series(places[None], w[None], s**2, WIDE, n).velocity(queries)[0], pairs) for n in (4, 10, 32)
    ]
    assert errors[2] < 1e-9
    assert errors[0] > 1e-2 > errors[1]


def test_series_in_chunks_and_in_single_precision(monkeypatch):
    places, w = cloud(300, (0, 0), SQUARE)
    queries, _ = cloud(20, (0, 0), SQUARE, seed=1)
    whole = particle_series(places[None], w[None], 0.01, SQUARE, 12)
    single = particle_series(places.float()[None], w.float()[None], 0.01, SQUARE, 12)
    assert relative(single.velocity(queries.float())[0], whole.velocity(queries)[0]) < 1e-5
    monkeypatch.setattr("sciml.solvers.drvm.series.PARTICLES", 7)
    parts = particle_series(places[None], w[None], 0.01, SQUARE, 12)
    assert relative(parts.vorticity.abs(), whole.vorticity.abs()) < 1e-13
    assert relative(parts.velocity(queries), whole.velocity(queries)) < 1e-13


def test_one_mode_of_a_series():
    """ω = 2 cos(x + 2y): ψ = ω/5, u = (ψ_y, -ψ_x)."""
    coefficients = torch.zeros((5, 3), dtype=torch.complex128)
    coefficients[3, 2] = 1  # m = (1, 2), which stands for (-1, -2) too
    queries, _ = cloud(10, (0, 0), SQUARE)
    x, y = queries.T
    expected = torch.stack([-4 * torch.sin(x + 2 * y), 2 * torch.sin(x + 2 * y)], dim=1) / 5
    assert relative(Series(coefficients, SQUARE).velocity(queries), expected) < 1e-14
