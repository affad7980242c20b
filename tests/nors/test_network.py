"""The network and what stands round it: symmetries, the time axis, modes, scales, arrays of a file."""

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch
from nors.cases import RUN, UNIT, phi4, spde, t, u, w, x, xi, y

import sciml as sm
from sciml.solvers.nors.channels import Channels
from sciml.solvers.nors.correction import Correction, Shape
from sciml.solvers.nors.network import FourierNetwork, SpectralLayer
from sciml.solvers.nors.truncation import embedded, lowest
from sciml.train import Training

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")

SHORT = sm.NORS(integrations=1, channels=3, layers=1, points=16, time_modes=3, training=Training(steps=4))


def generator(seed):
    return torch.Generator().manual_seed(seed)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def network(kind=FourierNetwork, *, modes=(4, 4), has_time=True, inputs=2, layers=2):
    """Return a network in float64 whose last layer is not 0."""
    made = kind(inputs, 1, width=4, layers=layers, modes=modes, has_time=has_time, seed=1).double()
    with torch.no_grad():
        made.last.weight.copy_(drawn(*made.last.weight.shape, seed=5))
        made.last.bias.fill_(0.3)
    return made


def smooth(steps, points):
    """Return two smooth inputs on [0, 1] and a circle, ``(1, 2, steps + 1, points)``."""
    time = torch.linspace(0, 1, steps + 1, dtype=torch.float64)[:, None]
    angle = 2 * math.pi * torch.arange(points, dtype=torch.float64)[None] / points
    one = torch.sin(angle + 2 * time) * torch.exp(-time) + time**2
    return torch.stack([one, torch.cos(2 * angle) * (1 + time)])[None]


def largest(values):
    return float(values.detach().abs().max())


# --- the network ---------------------------------------------------------------------------------


def test_it_adds_nothing_before_training():
    made = FourierNetwork(2, 3, width=4, layers=2, modes=(4, 4), has_time=True, seed=1)
    assert torch.equal(made(smooth(10, 16).float()), torch.zeros(1, 3, 11, 16))
    assert largest(network()(smooth(10, 16))) > 0.1


def test_the_seed_alone_draws_it():
    before = torch.get_rng_state()
    first, again, other = (
        FourierNetwork(2, 1, width=4, layers=2, modes=(3,), has_time=False, seed=s) for s in (1, 1, 2)
    )
    assert torch.equal(before, torch.get_rng_state())
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.lift.weight, other.lift.weight)


@pytest.mark.parametrize(
    ("modes", "shape"), [((3,), (12,)), ((3, 3), (9, 12)), ((2, 3, 3), (8, 7, 10))], ids=["1-D", "2-D", "3-D"]
)
def test_translation_along_periodic_axes(modes, shape):
    made, fields = network(modes=modes, has_time=False), drawn(2, 2, *shape, seed=3)
    for axis in range(2, 2 + len(shape)):
        there, back = made(fields.roll(2, axis)), made(fields).roll(2, axis)
        assert largest(there - back) < 1e-13 * largest(back)


def test_translation_in_time_is_none():
    """The time axis is not periodic; space beside it still is."""
    made, fields = network(), drawn(2, 2, 11, 12, seed=3)
    plain = made(fields)
    assert largest(made(fields.roll(2, 3)) - plain.roll(2, 3)) < 1e-13 * largest(plain)
    assert largest(made(fields.roll(2, 2)) - plain.roll(2, 2)) > 1e-2 * largest(plain)


def test_more_points_are_the_same_function():
    """What is left are the harmonics that the activation makes above the coarse grid."""
    made = network()
    coarse = made(smooth(20, 16))
    for points in (32, 64):
        assert largest(made(smooth(20, points))[..., :: points // 16] - coarse) < 1e-6 * largest(coarse)
    assert largest(made(smooth(20, 6))[..., ::3] - made(smooth(20, 24))[..., ::12]) > 1e-6 * largest(coarse)


class WholeEnds(FourierNetwork):
    """The ends of the time axis are counted in full."""

    def _in_time(self, spectral, h):
        steps = h.shape[2]
        padded = torch.cat([h, h.new_zeros(*h.shape[:2], round((steps - 1) * 1.2) - steps, *h.shape[3:])], dim=2)
        return spectral(padded)[:, :, :steps]


class FixedPadding(FourierNetwork):
    """As many zeros for every step."""

    def _in_time(self, spectral, h):
        steps = h.shape[2]
        ends = h.new_ones(steps, 1)
        ends[0] = ends[-1] = 0.5
        padded = torch.cat([h * ends, h.new_zeros(*h.shape[:2], 6, *h.shape[3:])], dim=2)
        return spectral(padded)[:, :, :steps]


def refined(kind, counts, fine):
    """Return the relative errors at each number of steps against many, at the times of the first."""
    with torch.no_grad():
        made, few = network(kind), counts[0]
        exact = made(smooth(fine, 16))[:, :, :: fine // few]
        return [largest(made(smooth(n, 16))[:, :, :: n // few] - exact) / largest(exact) for n in counts]


def test_smaller_steps_are_the_same_function_to_second_order():
    errors = refined(FourierNetwork, (10, 20, 40, 80), 1280)
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(1.8 < order < 2.2 for order in orders), errors
    assert errors[0] < 0.05
    assert errors[-1] < 6e-4


@pytest.mark.parametrize("kind", [WholeEnds, FixedPadding])
def test_other_continuations_are_not_of_second_order(kind):
    """Negative control."""
    errors = refined(kind, (10, 20, 40, 80), 1280)
    assert errors[-1] > 10 * refined(FourierNetwork, (10, 80), 1280)[-1]
    assert math.log2(errors[1] / errors[-1]) / 2 < 1.4


def test_the_order_holds_for_every_number_of_steps():
    errors = refined(FourierNetwork, (64, 128), 2048)
    assert errors[0] / errors[1] > 3


# --- the spectral layer --------------------------------------------------------------------------


def layer(width, modes):
    return SpectralLayer(width, modes, generator(2)).double()


@pytest.mark.parametrize(("modes", "shape"), [((3,), (9,)), ((2, 3), (5, 8))])
def test_gradients_of_the_layer(modes, shape):
    made, fields = layer(2, modes), drawn(2, 2, *shape, seed=4).requires_grad_()

    def value(h, weight):
        return torch.func.functional_call(made, {"weight": weight}, (h,))

    assert torch.autograd.gradcheck(value, (fields, made.weight))


def test_the_layer_multiplies_each_mode_with_its_matrix():
    """By hand, in complex exponentials: R(m) for m ≥ 0 in the last axis, both signs in the others."""
    made, (first, second) = layer(2, (2, 3)), (8, 10)
    r = torch.view_as_complex(made.weight).detach().reshape(3, 3, 2, 2)
    a = 2 * math.pi * torch.arange(first, dtype=torch.float64)[:, None] / first
    b = 2 * math.pi * torch.arange(second, dtype=torch.float64)[None] / second
    for place, m, n in ((0, 0, 2), (1, 1, 1), (2, -1, 2)):
        wave = torch.exp(1j * (m * a + n * b))
        out = made(torch.stack([wave.real, torch.zeros_like(wave.real)])[None])[0]
        wanted = torch.stack([(r[place, n, 0, j] * wave).real for j in range(2)])
        assert largest(out - wanted) < 1e-13
    beyond = torch.cos(3 * b) + 0 * a
    assert largest(made(torch.stack([beyond, beyond])[None])) < 1e-14


def test_modes_that_the_grid_does_not_hold_leave_the_others_alone():
    made = layer(1, (8, 2))

    def out(points):
        angle = 2 * math.pi * torch.arange(points, dtype=torch.float64)[:, None] / points
        return made((torch.cos(5 * angle) + torch.zeros(1, 6, dtype=torch.float64))[None, None])

    assert largest(out(12) - out(24)[:, :, ::2]) < 1e-12  # five waves are held by twelve points


@pytest.mark.parametrize("frames", [2, 4])
def test_a_short_time_axis_is_taken(frames):
    given = drawn(1, 2, frames, 16)
    made = network(modes=(8, 4))(given)
    assert made.shape[2:] == given.shape[2:]
    assert torch.isfinite(made).all()
    assert largest(made) > 0


# --- truncation ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "kept"),
    [((9,), (5,)), ((10,), (5,)), ((7, 8), (4, 4)), ((8, 7), (3, 4)), ((6, 5, 8), (3, 3, 3))],
    ids=["9", "10", "7 x 8", "8 x 7", "6 x 5 x 8"],
)
def test_modes_go_there_and_back(shape, kept):
    spectrum = [*shape[:-1], shape[-1] // 2 + 1]
    counts = [*(2 * k - 1 for k in kept[:-1]), kept[-1]]
    few = torch.complex(drawn(2, *counts), drawn(2, *counts, seed=1))
    whole = embedded(few, kept, spectrum)
    assert list(whole.shape) == [2, *spectrum]
    assert torch.equal(lowest(whole, kept), few)
    assert int((whole != 0).sum()) == few.numel()
    # By wavenumber: what is kept is |m| < kept on every axis.
    axes = [torch.fft.fftfreq(n, 1 / n) for n in shape[:-1]] + [torch.arange(spectrum[-1])]
    inside = torch.ones(spectrum, dtype=torch.bool)
    for axis, (m, k) in enumerate(zip(axes, kept, strict=True)):
        inside &= (m.abs() < k).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    assert torch.equal(whole[0] != 0, inside)
    once = torch.complex(drawn(*spectrum), drawn(*spectrum, seed=1))
    assert torch.equal(embedded(lowest(once, kept), kept, spectrum), once * inside)


z = sm.coords("z")


def diffusion(dim):
    space = (x, y, z)[:dim]
    field, noise = sm.Field("u", t, *space), sm.WhiteNoise("xi", t, *space, modes=2)
    return sm.Problem(
        equations=sp.Eq(sm.Dt(field), sm.Laplacian(field) - field + noise),
        domain=sm.Torus(*((s, 0, 1) for s in space)),
        time=(t, 0, 1),
        conditions=[sm.IC(field, 0)],
    )


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("own", [8, 7], ids=["even", "odd"])
def test_band_limited_fields_are_the_same_on_both_grids(dim, own):
    """From a fine grid to that of the network and back, against values of the same function."""
    channels = Channels(diffusion(dim), [own] * dim, path=True, windowed=False)
    fine = (20, 18, 12)[:dim]

    def field(points):
        angles = torch.meshgrid(*(2 * math.pi * torch.arange(n).double() / n for n in points), indexing="ij")
        return (
            sum(torch.cos(a + 1) * torch.sin(2 * angles[-1]) + torch.cos((3 - i) * a) for i, a in enumerate(angles)) + 2
        )

    axes = tuple(range(dim))
    hats = torch.fft.rfftn(field(fine), dim=axes, norm="forward")
    low = channels.on_grid(hats[None])[0]
    assert largest(low - field([own] * dim)) < 1e-13
    assert largest(channels.to_modes(low[None], hats.shape)[0] - hats) < 1e-14
    # The mode at the end of an even spectrum has no partner: it is left out, both ways.
    end = torch.cos(math.pi * torch.arange(8).double()).expand([8] * dim)
    if own == 8:
        assert largest(channels.to_modes(end[None], hats.shape)) < 1e-15
        assert largest(channels.on_grid(torch.fft.rfftn(end, dim=axes, norm="forward")[None])) < 1e-15


# --- the correction ------------------------------------------------------------------------------


def prepared(problem, points, method=SHORT, n=3):
    """Return the engine of a method on data of some points, a piece of them, and a correction with random weights."""
    grid = sm.Grid(**{s.name: points for s in problem.frame.space}, t=10)
    data = problem.sample(n, grid=grid, seed=1, run=RUN)
    engine = method.learner(problem, data.grid, RUN, data)
    piece = next(engine.ridge.paths.pieces(range(n)))
    module = Correction(engine.shape, engine.channels, seed=3)
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(drawn(*p.shape, seed=10 + i) / 3)
    features = piece.features()
    rest = drawn(n, engine.shape.states, 11, *engine.channels.points, seed=7)
    module.normalise(engine.channels.features(features), 0.2 * rest)
    return engine, piece, module, features


def two_fields():
    equations = [sp.Eq(sm.Dt(u), sm.Laplacian(u) - u**3 + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) + u * w)]
    start = [sm.IC(u, sp.cos(2 * sp.pi * x)), sm.IC(w, sp.sin(4 * sp.pi * x))]
    return sm.Problem(equations=equations, domain=UNIT, time=(t, 0, 0.1), conditions=start)


@pytest.mark.parametrize("make", [phi4, two_fields])
def test_states_are_what_training_sees(make):
    """On a grid like that of the network, without a mode at its end."""
    method = sm.NORS(**{**SHORT.record()["options"], "points": 17, "training": SHORT.training})
    engine, piece, module, features = prepared(make(), 17, method)
    others = engine.channels.others(piece.setting, 0, 10)
    inputs = module.inputs(engine.channels.features(features), others)
    seen = inputs[:, : module.shape.features].double()
    assert largest(seen.mean((0, 2, 3))) < 1e-6
    spread = seen.std((0, 2, 3))
    assert ((spread - 1).abs().lt(1e-6) | (module.spread.eq(1) & spread.eq(0))).all()  # 0 stays 0
    assert (spread > 0).sum() >= 2
    with torch.no_grad():
        wanted = module(inputs).double() * module.scale.reshape(1, -1, 1, 1)
        found = piece.setting.modes.backward(module.states(piece.setting, features, 0))
    assert largest(found.movedim(0, 2) - wanted) < 1e-5 * largest(wanted)
    assert abs(float(module.scale[0]) / 0.2 - 1) < 0.1


def test_the_linear_part_acts_on_all_modes():
    _, piece, module, features = prepared(phi4(), 64)
    torch.nn.init.zeros_(module.network.last.weight)
    torch.nn.init.zeros_(module.network.last.bias)
    with torch.no_grad():
        hats = module.states(piece.setting, features, 0)
        change = (module.skip.double() * module.scale / module.spread[:, None])[None, :, None, :, None]
        wanted = (features * change).sum(1)
        constant = (change[0, :, 0, 0, 0] * module.mean).sum()
    assert largest(hats[..., 1:] - wanted[..., 1:]) < 1e-14 * largest(wanted)
    assert largest(hats[..., 20:]) > 0  # beyond the eight of the network
    assert largest(hats[..., 0] - wanted[..., 0] + constant) < 1e-14 * largest(wanted)


def test_the_network_adds_nothing_where_a_window_begins():
    _, piece, module, features = prepared(phi4(), 32)
    torch.nn.init.zeros_(module.skip)
    with torch.no_grad():
        sizes = piece.setting.modes.backward(module.states(piece.setting, features, 0)).abs().amax((1, 2, 3))
    assert sizes[0] == 0
    assert (sizes[1:] > 1e-3).all()


@pytest.mark.parametrize("make", [phi4, two_fields])  # of one state an odd number of weights comes before R
def test_arrays_give_the_same_network(make):
    engine, piece, module, features = prepared(make(), 16)
    arrays = module.arrays()
    again = Correction.of(arrays, lambda points: Channels(engine.problem, points, path=True, windowed=False), "cpu")
    assert {n: v.tobytes() for n, v in again.arrays().items()} == {n: v.tobytes() for n, v in arrays.items()}
    with torch.no_grad():
        assert torch.equal(again.states(piece.setting, features, 0), module.states(piece.setting, features, 0))
    if make is phi4:
        before = module.skip.numel() + next(module.network.lift.parameters()).numel()
        assert len(arrays["network"]) % 2 == 1 or before % 2 == 1


def test_what_stands_beside_the_features():
    """Time in the window, when it began, place, and parameters in their ranges."""
    a, b = sp.symbols("a b", positive=True)
    problem = spde(
        t * u - a * u**3 * (2 + sp.cos(2 * sp.pi * x)),
        b * xi,
        parameters={a: sm.Range(1, 3), b: sm.Range(0.1, 10, scale="log")},
        end=0.4,
    )
    method = sm.NORS(**{**SHORT.record()["options"], "window": 0.2, "training": SHORT.training})
    engine, piece, _, _ = prepared(problem, 16, method, n=5)
    pieces = list(engine.ridge.paths.pieces(range(5)))
    assert (engine.channels.count, [p.first for p in pieces]) == (6, [0, 5])
    since, start, sine, cosine, *own = engine.channels.others(piece.setting, 5, 5).unbind(1)
    ones = torch.ones(5, 6, 16, dtype=torch.float64)
    angle = 2 * math.pi * torch.arange(16).double() / 16
    assert largest(since - torch.linspace(-1, 1, 6).double()[:, None] * ones) < 1e-6
    assert largest(start - 0 * ones) < 1e-12  # half of the time is over
    assert largest(sine - angle.sin() * ones) < 1e-12
    assert largest(cosine - angle.cos() * ones) < 1e-12
    drawn_a, drawn_b = (piece.setting.drawn.parameters[s] for s in (a, b))
    assert np.abs(own[0][:, 0, 0].numpy() - (drawn_a - 2)).max() < 1e-12
    assert np.abs(own[1][:, 0, 0].numpy() - np.log10(drawn_b)).max() < 1e-12
    # Without windows, or where nothing depends on the time, its start says nothing.
    assert Channels(problem, [16], path=True, windowed=False).count == 5
    assert Channels(phi4(), [16], path=True, windowed=True).count == 1
    assert Channels(phi4(), [16], path=False, windowed=True).count == 0


def test_a_shape_makes_the_network_it_describes():
    made = Shape(3, 2, 1, 4, 2, 1, 3, 5).network(2, 0)
    assert made.lift.weight.shape == (4, 5)
    assert [tuple(s.weight.shape) for s in made.spectral] == [(5 * 9 * 5, 4, 4, 2)] * 2
    assert made.last.weight.shape == (1, 8)
