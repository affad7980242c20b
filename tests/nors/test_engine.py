"""The feature engine: variants that must agree, discrete integrals, linear equations, gradients."""

import numpy as np
import pytest
import sympy as sp
import torch
from nors.cases import (
    PUBLISHED,
    RUN,
    UNIT,
    block,
    features,
    paths,
    phi4,
    spde,
    spectra,
    t,
    u,
    untrained,
    w,
    worst,
    x,
    xi,
)

import sciml as sm
from sciml.fourier.scheme_names import SCHEMES
from sciml.problems.dynamic_phi4_2d import dynamic_phi4_2d
from sciml.problems.parabolic_multiplicative import parabolic_multiplicative
from sciml.problems.stochastic_burgers import stochastic_burgers
from sciml.problems.stochastic_navier_stokes import stochastic_navier_stokes
from sciml.problems.stochastic_wave import stochastic_wave
from sciml.solvers.nors.duhamel import Duhamel
from sciml.solvers.nors.model import picard_weights, windows
from sciml.solvers.nors.names import QUADRATURES

pytestmark = pytest.mark.filterwarnings("ignore:dealiasing removes")  # grids are tiny here

DEEP = sm.LinearMFV(integrations=3)
BUILT = {
    "phi4": (phi4, DEEP),
    "published": (phi4, PUBLISHED),
    "published noise": (parabolic_multiplicative, sm.LinearMFV(features="published", height=3, cutoff=4)),
    "multiplicative": (parabolic_multiplicative, DEEP),
    "wave": (stochastic_wave, sm.LinearMFV()),
    "burgers": (lambda: stochastic_burgers(modes=4), DEEP),
    "flow": (stochastic_navier_stokes, DEEP),
}


@pytest.fixture(scope="module", params=BUILT)
def built(request):
    make, method = BUILT[request.param]
    problem = make()
    return problem, paths(problem, 5, 12 if problem.frame.dim > 1 else 16), method


# --- variants ------------------------------------------------------------------------------------


def test_all_paths_at_once_are_paths_one_by_one(built):
    problem, data, method = built
    engine = method.learner(problem, data.grid, RUN, data)
    together = spectra(next(engine.paths.pieces(range(5))))
    for k in range(5):
        alone = spectra(next(engine.paths.pieces([k])))[:, :, 0]
        scale = together.abs().amax((0, 2, 3), keepdim=True)[:, :, 0]
        assert ((together[:, :, k] - alone).abs() <= 1e-12 * scale).all()
    assert (together[:, :, 0] - together[:, :, 1]).abs().max() > 1e-6 * together.abs().max()


def test_blocks_of_any_size_have_the_same_fit():
    problem = phi4()
    data = paths(problem, 40, 64, 50)
    fits = [problem.solve(sm.LinearMFV(integrations=1, chunk=c), data=data, run=RUN) for c in (1, 32)]
    plans = [problem.plan(sm.LinearMFV(integrations=1, chunk=c), data=data, run=RUN) for c in (1, 32)]
    assert [p.total for p in plans] == [7, 1]
    assert np.abs(fits[0].model["weights"] - fits[1].model["weights"]).max() < 1e-10
    both = [f.sample(20, seed=5, run=RUN)["u"].values for f in fits]
    assert worst(*both) < 1e-12


def test_sums_without_their_summands_are_sums(built):
    problem, data, method = built
    piece = block(problem, data, method)
    s, made = piece.setting, spectra(piece)
    weights = torch.rand(made.shape[1], made.shape[3], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = weights.reshape(1, len(weights), 1, -1, *([1] * s.modes.dim))
    leaves, moments = s.leaves(piece.start, piece.increments), s.moments(piece.increments)
    total = (made * rows).sum(1)
    fused = s.features.combined(leaves, moments, weights)
    assert (fused - total).abs().max() < 1e-12 * total.abs().max()
    other = s.features.combined(leaves, moments, weights * torch.linspace(1, 1.001, len(weights))[:, None])
    assert (other - total).abs().max() > 1e-9 * total.abs().max()


# --- integrals in time ---------------------------------------------------------------------------


def recurrences(problem, scheme, quadrature, steps=7):
    data = paths(problem, 2, 12, steps, sm.Spectral(scheme=scheme))
    return block(problem, data, sm.LinearMFV(quadrature=quadrature)).setting.fine


def random(*shape):
    both = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.complex(*both)


@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_march_is_a_triangular_toeplitz_matrix(scheme, quadrature):
    """``I[s]_n = Σ_j a^{n-j} (d₀ s_{j-1} + d₁ s_j)``, mode by mode."""
    duhamel = recurrences(phi4(), scheme, quadrature)
    a = duhamel.linear[0, 0].to(torch.complex128).numpy()
    sources = random(8, 1, 1, len(a))
    nothing = torch.zeros_like(duhamel.linear)
    before, after = ((nothing if d is None else d)[0, 0].numpy() for d in (duhamel.before, duhamel.after))
    n = np.arange(8)
    lags = np.subtract.outer(n, n)
    for k in range(len(a)):
        powers = np.where(lags >= 0, a[k] ** np.maximum(lags, 0), 0)
        powers[:, 0] = 0  # what is added at the first time is nothing
        s = sources[:, 0, 0, k].numpy()
        expected = powers @ (before[k] * np.concatenate([[0], s[:-1]]) + after[k] * s)
        assert worst(duhamel.integrate(sources)[:, 0, 0, k].numpy(), expected) < 1e-12
        noisy = powers @ (duhamel.noise[0, 0, k].numpy() * s)
        assert worst(duhamel.integrate(sources, stochastic=True)[:, 0, 0, k].numpy(), noisy) < 1e-12


def test_the_march_of_a_system_is_a_block_toeplitz_matrix():
    duhamel = recurrences(stochastic_wave(), "exponential-euler", "left")
    k, sources = 3, random(8, 1, 2, duhamel.linear.shape[-1])
    a, d = duhamel.linear[0, ..., k].numpy(), duhamel.before[0, ..., k].numpy()
    s = sources[:, 0, :, k].numpy()
    expected = [
        sum((np.linalg.matrix_power(a, n - j) @ d @ s[j - 1] for j in range(1, n + 1)), 0 * s[0]) for n in range(8)
    ]
    assert worst(duhamel.integrate(sources)[:, 0, :, k].numpy(), np.array(expected)) < 1e-12


def integral_error(quadrature, steps):
    """Error of ``∫₀¹ e^{-3(1-s)} cos 4s ds``."""
    parts = torch.full((1, 1, 1), -3.0, dtype=torch.float64), torch.zeros(1, 1, 1, dtype=torch.float64)
    made = Duhamel.of(
        parts,
        1 / steps,
        (),
        scheme="exponential-euler",
        quadrature=quadrature,
        weighting="path",
        diagonal=True,
        dtype=torch.complex128,
    )
    times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    found = made.integrate(torch.cos(4 * times).to(torch.complex128).reshape(-1, 1, 1, 1))[-1].item()
    exact = (3 * np.cos(4) + 4 * np.sin(4) - 3 * np.exp(-3)) / 25
    return abs(found - exact)


@pytest.mark.parametrize(("quadrature", "order"), [("left", 1), ("right", 1), ("trapezoid", 2)])
def test_order_of_the_quadrature(quadrature, order):
    table = np.array([integral_error(quadrature, n) for n in (128, 256, 512, 1024)])
    slopes = np.log2(table[:-1] / table[1:])
    assert (np.abs(slopes - order) < 0.1).all(), slopes
    assert table[-1] < (1e-6 if order == 2 else 1e-3)


# --- linear equations ----------------------------------------------------------------------------


def linear(**more):
    """Forcing, noise with an amplitude that varies, a term without derivatives: all is in v."""
    force = sp.cos(t) * sp.sin(2 * sp.pi * x)
    return spde(3 * u + sm.Dx(u, x) + force, (1 + sp.sin(2 * sp.pi * x) / 2) * xi + xi / 3, **more)


def pair():
    equations = [sp.Eq(sm.Dt(u), sm.Laplacian(u) + w + xi), sp.Eq(sm.Dt(w), sm.Laplacian(w) / 2 - u + 1)]
    start = [sm.IC(u, sp.sin(2 * sp.pi * x)), sm.IC(w, 1)]
    return sm.Problem(equations=equations, domain=UNIT, time=(t, 0, 0.05), conditions=start)


def wave():
    start = [sm.IC(u, sp.sin(2 * sp.pi * x)), sm.IC(sm.Dt(u), 0)]
    return sm.Problem(
        equations=sp.Eq(sm.Dt(u, 2), sm.Laplacian(u) + xi), domain=UNIT, time=(t, 0, 0.5), conditions=start
    )


LINEAR = {"heat": linear, "pair": pair, "wave": wave}


INTEGRATORS = {
    "exponential": {"weights": "path"},
    "implicit": {"scheme": "semi-implicit-euler"},
    "implicit differences": {"scheme": "semi-implicit-euler", "differences": True},
    "crank-nicolson": {"scheme": "crank-nicolson"},
    "crank-nicolson differences": {"scheme": "crank-nicolson", "differences": True},
}


@pytest.mark.parametrize("made", INTEGRATORS)
@pytest.mark.parametrize("name", LINEAR)
def test_linear_equations_are_solved_by_v(name, made):
    problem = LINEAR[name]()
    data = paths(problem, method=sm.Spectral(**INTEGRATORS[made]))
    fit = problem.solve(sm.LinearMFV(), data=data, run=RUN)
    assert fit.provenance["diagnostics"]["features"] == ["v"]
    assert max(fit.provenance["diagnostics"]["error_with_prior"]) < 1e-12
    assert worst(fit.replay(data, run=RUN)["u"].values, data["u"].values) < 1e-12
    scheme = "crank-nicolson" if made.startswith("implicit") else "semi-implicit-euler"
    other = problem.solve(sm.LinearMFV(scheme=scheme), data=data, run=RUN)
    assert max(other.provenance["diagnostics"]["error_with_prior"]) > 1e-4


def test_linear_equations_between_faces():
    problem = spde(3 * u, domain=sm.Box((x, 0, 1)), start=sp.sin(sp.pi * x), faces=[sm.Dirichlet(u, 0, on=x)])
    data = paths(problem, points=17)
    assert worst(untrained(problem, data, integrations=0)["u"].values, data["u"].values) < 1e-12


def test_the_noise_of_a_seed_is_that_of_the_reference():
    problem = linear()
    one = problem.solve(sm.LinearMFV(weights="picard"), grid=sm.Grid(x=16, t=6), run=sm.Run(seed=4, threads=1))
    other = problem.solve(sm.Spectral(), grid=sm.Grid(x=16, t=6), run=sm.Run(seed=4, threads=1))
    assert worst(one["u"].values, other["u"].values) < 1e-12
    assert np.array_equal(one["xi"].values, other["xi"].values)


def test_noise_over_time_multiplies_fields_too():
    beta = sm.WhiteNoise("beta", t)
    problem = spde(3 * u, u * beta, calculus="ito")
    data = paths(problem)
    found = features(problem, data, sm.LinearMFV(integrations=8, max_features=20))
    total = sum(found.values())  # eight integrals for six steps: all that the scheme does
    assert worst(total, data["u"].values) < 1e-12
    assert worst(total - found["I[beta v]"], data["u"].values) > 1e-3


# --- windows -------------------------------------------------------------------------------------


def test_windows_cut_the_noise():
    parts = windows({"xi": torch.arange(7)}, 3)
    assert [(first, part["xi"].tolist()) for first, part in parts] == [(0, [0, 1, 2]), (3, [3, 4, 5]), (6, [6])]
    assert len(windows({"xi": torch.arange(7)}, None)) == 1


def test_windows_of_one_step_are_the_scheme():
    problem = phi4()
    data = paths(problem)
    step = untrained(problem, data, window=0.05 / 6, integrations=1)
    assert worst(step["u"].values, data["u"].values) < 1e-12
    assert worst(untrained(problem, data, integrations=1)["u"].values, data["u"].values) > 1e-6


def test_windows_of_wick_powers_are_the_scheme():
    """What they subtract is the variance since the beginning, not since the window's."""
    problem = dynamic_phi4_2d(sigma=1.0)
    data = paths(problem)
    step = untrained(problem, data, window=0.025 / 6, integrations=1)
    assert worst(step["u"].values, data["u"].values) < 1e-12
    assert worst(untrained(problem, data, integrations=1)["u"].values, data["u"].values) > 1e-6


def test_parameters_of_each_path_are_its_own():
    c = sp.Symbol("c", positive=True)
    problem = spde(-c * u**3, parameters={c: sm.Range(0.5, 2)})
    data = paths(problem, 6)
    step = untrained(problem, data, window=0.05 / 6, integrations=1)
    assert np.array_equal(step["c"].values, data["c"].values)
    assert worst(step["u"].values, data["u"].values) < 1e-12
    one = problem.with_(parameters={c: 1.0})
    assert worst(untrained(one, data, window=0.05 / 6, integrations=1)["u"].values, data["u"].values) > 1e-4


def test_terms_that_depend_on_time_know_where_a_window_begins():
    problem = spde(sp.cos(40 * t) * u**2 + 10 * sp.sin(30 * t), start=1)
    data = paths(problem)
    assert worst(untrained(problem, data, window=0.05 / 6, integrations=1)["u"].values, data["u"].values) < 1e-12


# --- gradients -----------------------------------------------------------------------------------


def through(piece, start, increments):
    """Return all features, and their sum as predictions make it."""
    s = piece.setting
    leaves, moments = s.leaves(start, {"xi": increments}), s.moments({"xi": increments})
    made = s.features.combined(leaves, moments, picard_weights(s))
    return torch.view_as_real(s.features(leaves, moments)), torch.view_as_real(made)


@pytest.mark.parametrize("make", [phi4, lambda: parabolic_multiplicative(spread=0.1)], ids=["additive", "multiplied"])
def test_gradients_are_those_of_differences(make):
    problem = make()
    piece = block(problem, paths(problem, 1, 8, 3), sm.LinearMFV())
    start = piece.start.clone().requires_grad_()
    increments = piece.increments["xi"].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: through(piece, a, b), (start, increments))
