"""The semilinear form: what it contains, and that it equals the declaration."""

import dataclasses

import numpy as np
import pytest
import sympy as sp
import torch
from oracle import Oracle

import sciml as sm
from sciml.forms.multiplier import Multiplier, multiply, substitute
from sciml.forms.reassemble import difference, reassemble
from sciml.forms.rows import rows_of
from sciml.method import registry
from sciml.solvers.spectral.engine import SpectralEngine

t, x, y, z = sm.coords("t x y z")
nu = sp.Symbol("nu", positive=True)
CIRCLE, SQUARE = sm.Torus((x, 0, 2 * sp.pi)), sm.Torus((x, 0, 2 * sp.pi), (y, 0, 2 * sp.pi))
CATALOGUE = {name: point.load() for name, point in registry("sciml.problems").items()}


def problem(equations, domain=CIRCLE, conditions=(), **options):
    return sm.Problem(equations=equations, domain=domain, time=(t, 0, 1), conditions=conditions, **options)


def navier_stokes(equation, extra=(), **options):
    w = sm.Field("w", t, x, y)
    return problem(
        [equation(w), *extra], SQUARE, [sm.IC(w, sp.sin(x) * sp.cos(2 * y))], parameters={nu: 0.1}, **options
    )


# --- what a form contains ---------------------------------------------------------------------


def test_mass_linear_and_nonlinear_parts_are_told_apart():
    u = sm.Field("u", t, x)
    form = problem(
        sp.Eq(2 * sm.Dt(u), 3 * sm.Laplacian(u) - u**3 + sp.cos(x) * u + sp.sin(t) * sp.cos(x)),
        conditions=[sm.IC(u, 0)],
    ).form
    k, y0 = form.frame.k[x], form.slots[0].placeholder
    assert form.mass == sp.ImmutableMatrix([[2]])
    assert form.linear == sp.ImmutableMatrix([[-3 * k**2]])
    assert len(form.slots) == len(form.nonlinear) == 1
    assert sp.expand(form.nonlinear[0].n - (-(y0**3) + sp.cos(x) * y0 + sp.sin(t) * sp.cos(x))) == 0
    assert form.degree == 3


def test_second_order_in_time_becomes_a_system():
    u = sm.Field("u", t, x)
    form = problem(
        sp.Eq(sm.Dt(u, 2) + nu * sm.Dt(u), sm.Laplacian(u)),
        conditions=[sm.IC(u, 0), sm.IC(sm.Dt(u), 0)],
        parameters={nu: 1},
    ).form
    k = form.frame.k[x]
    assert [f.func.__name__ for f in form.state] == ["u", "u_t"]
    assert form.linear == sp.ImmutableMatrix([[0, 1], [-(k**2), -nu]])
    assert form.order[u] == 2
    assert not form.is_diagonal


def test_third_order_in_time():
    u = sm.Field("u", t, x)
    conditions = [sm.IC(u, 0), sm.IC(sm.Dt(u), 0), sm.IC(sm.Dt(u, 2), 0)]
    form = problem(sp.Eq(sm.Dt(u, 3), sm.Laplacian(sm.Dt(u))), conditions=conditions).form
    assert form.linear[2, 1] == -(form.frame.k[x] ** 2)
    assert len(form.state) == 3


def test_a_term_of_two_rows_is_transformed_once():
    form = CATALOGUE["gray-scott"]().form
    varying = [term for term in form.nonlinear if term.degree]
    assert len(varying) == 1
    assert varying[0].column == (1, -1)


def test_scaled_and_moved_terms_give_the_same_form():
    def one(w):
        return sp.Eq(sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w), nu * sm.Laplacian(w))

    def other(w):
        return sp.Eq(2 * nu * sm.Laplacian(w) - 2 * sm.Advect(sm.BiotSavart(w), w), 2 * sm.Dt(w))

    a, b = navier_stokes(one).form, navier_stokes(other).form
    assert a.propagator == b.propagator
    ratio = [
        sp.cancel(b.inverse_mass[0, 0] * tb.column[0] * tb.n / ta.n)
        for ta, tb in zip(a.nonlinear, b.nonlinear, strict=True)
    ]
    assert ratio == [1]


def test_stream_function_is_eliminated_and_recovered():
    psi = sm.Field("psi", t, x, y)
    form = navier_stokes(
        lambda w: sp.Eq(sm.Dt(w) + sm.Dx(psi, y) * sm.Dx(w, x) - sm.Dx(psi, x) * sm.Dx(w, y), nu * sm.Laplacian(w)),
        extra=[sp.Eq(sm.Laplacian(psi), -sm.Field("w", t, x, y))],
    ).form
    assert [f.func.__name__ for f in form.state] == ["w"]
    assert isinstance(form.recover[psi], Multiplier)
    assert form.constraints[0].mean_only


def test_coupled_elliptic_constraints_are_solved_together():
    u, a, b = (sm.Field(n, t, x) for n in "uab")
    form = problem(
        [sp.Eq(sm.Dt(u), a + b), sp.Eq(a - sm.Laplacian(a) + b, u), sp.Eq(b - a, sm.Laplacian(u))],
        conditions=[sm.IC(u, 0)],
    ).form
    k = form.frame.k[x]
    # a + b = u - (-Δ)a... solved by hand: a = (1 + k²)u/(2 + k²), b = a - k²u
    expected = 2 * (1 + k**2) / (2 + k**2) - k**2
    assert sp.simplify(form.propagator[0, 0].replace(sm.dsl.wavenumbers.Reciprocal, lambda e: 1 / e) - expected) == 0


def test_pressure_is_projected_out():
    form = CATALOGUE["abc-flow"]().form
    ks = list(form.frame.k.values())
    assert form.is_diagonal
    for term in form.nonlinear:  # every forcing column is free of divergence
        divergence = sum(k * c for k, c in zip(ks, term.column, strict=True))
        plain = divergence.replace(sm.dsl.wavenumbers.Reciprocal, lambda e: 1 / e)
        assert sp.cancel(sp.together(plain)) == 0


def test_noise_enters_the_form():
    u, xi = sm.Field("u", t, x), sm.WhiteNoise("xi", t, x, modes=8)
    equation = sp.Eq(sm.Dt(u), sm.Laplacian(u) + nu * u * xi + sm.Dx(xi, x))
    form = problem(equation, conditions=[sm.IC(u, 0)], parameters={nu: 1}, calculus="ito").form
    amplitudes = {str(term.column[0]): term.amplitude for term in form.noise}
    assert len(amplitudes) == 2
    assert any(a.has(form.slots[0].placeholder) for a in amplitudes.values())


def test_form_prints_without_internal_names():
    shown = str(navier_stokes(lambda w: sp.Eq(sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w), nu * sm.Laplacian(w))).form)
    assert "-nu*|k|^2" in shown
    assert "_k_" not in shown
    assert "Reciprocal" not in shown


# --- the form equals the declaration ----------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_reassembly_over_the_catalogue(name):
    p = CATALOGUE[name]()
    form = p.form
    rows = reassemble(form)
    assert len(rows) == len(form.state)
    evolution = [r for r in rows_of(p.equations, p.frame) if r.expr.atoms(sp.Derivative)]
    if all(order == 1 for f, order in form.order.items()):
        substituted = [
            type(r)(r.equation, tuple(type(s)(substitute(s.expr, form.recover, p.frame), s.origin) for s in r.terms))
            for r in evolution
        ]
        assert difference(form, substituted) == []


def test_a_changed_form_does_not_reassemble():
    p = CATALOGUE["burgers"]()
    rows = rows_of(p.equations, p.frame)
    assert difference(p.form, rows) == []
    k = p.form.frame.k[p.frame.space[0]]
    for change in (
        {"linear": sp.ImmutableMatrix([[2 * p.form.linear[0, 0]]])},
        {"mass": sp.ImmutableMatrix([[1 + k**2]])},
        {"nonlinear": ()},
        {"nonlinear": (dataclasses.replace(p.form.nonlinear[0], n=-p.form.nonlinear[0].n),)},
        {"nonlinear": (dataclasses.replace(p.form.nonlinear[0], column=(2 * sp.I * k,)),)},
    ):
        assert difference(dataclasses.replace(p.form, **change), rows), change


def random_state(engine, modes, seed):
    """A smooth random state whose products are resolved by the grid."""
    rng = np.random.default_rng(seed)
    shape = engine.modes.points
    fields = []
    for _ in engine.form.state:
        total = np.zeros(shape)
        mesh = np.meshgrid(*(2 * np.pi * np.arange(n) / n for n in shape), indexing="ij")
        for _ in range(4):
            m = rng.integers(-modes, modes + 1, size=len(shape))
            total = total + rng.normal() * np.cos(sum(a * b for a, b in zip(m, mesh, strict=True)) + rng.uniform(0, 6))
        fields.append(total)
    return torch.tensor(np.stack(fields))[None]


def divergence_free(state):
    """Project a vector state so that its constraint holds."""
    hats = torch.fft.fftn(state, dim=tuple(range(2, state.ndim)))
    ks = torch.meshgrid(*(torch.fft.fftfreq(n, 1 / n, dtype=torch.float64) for n in state.shape[2:]), indexing="ij")
    k2 = sum(k**2 for k in ks)
    k2[(0,) * len(ks)] = 1
    dot = sum(k * hats[:, i] for i, k in enumerate(ks))
    hats = torch.stack([hats[:, i] - k * dot / k2 for i, k in enumerate(ks)], dim=1)
    return torch.fft.ifftn(hats, dim=tuple(range(2, state.ndim))).real


def on_a_torus(p):
    """The same equations where the oracle can evaluate them: a box without faces, a window of the plane."""
    if isinstance(p.domain, sm.Torus):
        return p
    axes = [(x, -2, 2) if x in p.domain.infinite else (x, lo, hi) for x, lo, hi in p.domain.axes]
    return p.with_(domain=sm.Torus(*axes), conditions=p.initial_conditions)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_right_side_satisfies_the_declared_equations(name):
    """Put a random state and the computed ∂ₜ of it, less what noise adds, into the equations as the user wrote them."""
    p = on_a_torus(CATALOGUE[name]())
    points = {1: 36, 2: 24, 3: 16}[p.frame.dim]
    grid = sm.Grid(**{s.name: points for s in p.frame.space}, t=1)
    engine = SpectralEngine(sm.Spectral(degree=0), p, grid, sm.Run())
    state = random_state(engine, 2, seed=1)
    if any(c for c in p.form.constraints if not c.mean_only):
        state = divergence_free(state)
    hats = engine.modes.forward(state)
    system = engine.discretisation.system
    contractions = engine.driven.contractions(0) if engine.driven else []
    rate = engine.modes.backward(system.linear_rate(hats) + system.nonlinear(hats, 0.0, contractions))
    fields, rates = {}, {}
    for f in p.scalar_fields:
        fields[f.func.__name__] = engine.discretisation.observer(engine.form.in_states(f), hats, 0.0)[0].numpy()
    for j, f in enumerate(p.form.state):
        base = p.form.lift[f]
        root = base.expr if isinstance(base, sp.Derivative) else base
        rates.setdefault(root.func.__name__, []).append(rate[0, j].numpy())
    oracle = Oracle(p, fields, rates, 0.0, points)
    for equation in p.equations.values():
        left, right = np.broadcast_arrays(oracle(equation.lhs), oracle(equation.rhs))
        assert np.abs(left - right).max() <= 1e-10 * (1 + np.abs(left).max())


def test_multiplier_normal_form():
    frame = CATALOGUE["heat"]().frame
    (u,) = CATALOGUE["heat"]().scalar_fields
    k = frame.k[frame.space[0]]
    once = multiply(u, sp.I * k, frame)
    assert multiply(once, sp.I * k, frame) == -Multiplier(u, k**2)
    assert multiply(2 * nu * u + 3, sp.I * k, frame) == 2 * nu * Multiplier(u, sp.I * k)
    assert multiply(sp.Integer(5), 1 + k**2, frame) == 5


# --- what independent review found wrong once -------------------------------------------------

u, v, q = (sm.Field(name, t, x) for name in "uvq")
psi, p, T = (sm.Field(name, t, x, y) for name in ("psi", "p", "T"))
U = sm.VectorField("U", t, x, y)


def final(problem, points=16):
    return problem.solve(grid=sm.Grid(**{s.name: points for s in problem.frame.space}, t=1)).ds.isel(time=-1)


def test_a_mean_that_one_equation_leaves_open_does_not_freeze_the_others():
    equations = [sp.Eq(sm.Dt(sm.Laplacian(psi)), sm.Laplacian(psi)), sp.Eq(sm.Dt(T), 1)]
    end = final(problem(equations, SQUARE, [sm.IC(psi, sp.sin(x)), sm.IC(T, 0)]))
    assert np.allclose(end["T"], 1)
    assert np.allclose(end["psi"], np.e * np.sin(end["x"]))


def test_darcy_flow_keeps_its_mean():
    equations = [sp.Eq(sm.Dt(T), -U[1]), sp.Eq(U, -sm.Grad(p) + sm.Vector(0, T)), sp.Eq(sm.Div(U), 0)]
    end = final(problem(equations, SQUARE, [sm.IC(T, 1)]))
    assert np.allclose(end["T"], np.exp(-1))
    assert np.allclose(end["U_y"], np.exp(-1))


def test_unsolvable_means_and_resonances_are_refused():
    with pytest.raises(sm.DataError, match=r"D202.*mean"):
        final(problem(sp.Eq(sm.Dt(sm.Laplacian(psi)), 1), SQUARE, [sm.IC(psi, sp.sin(x))]))
    resonant = problem([sp.Eq(sm.Dt(u), q), sp.Eq(q + sm.Laplacian(q), u)], conditions=[sm.IC(u, sp.cos(x))])
    with pytest.raises(sm.DataError, match="D212"):
        final(resonant)
    a = sp.Symbol("a")
    with pytest.raises(sm.DataError, match="D212"):
        final(problem(sp.Eq(a * sm.Dt(u), u**2), conditions=[sm.IC(u, 1)], parameters={a: 0}))


def test_rotation_and_pressure():
    """Coriolis force: L does not commute with the projection; geostrophic balance holds exactly."""
    rotating = sp.Eq(sm.Dt(U) + sm.Advect(U, U) + sm.Grad(p), sm.Vector(U[1], -U[0]))
    start = sm.IC(U, sm.Vector(sp.sin(y), 0))
    end = final(problem([rotating, sp.Eq(sm.Div(U), 0)], SQUARE, [start]))
    assert np.allclose(end["U_x"], np.sin(end["y"]) + 0 * end["x"], atol=1e-9)
    assert np.allclose(end["p"], np.cos(end["y"]) + 0 * end["x"], atol=1e-9)  # ∂_y p = -u_x


def test_time_derivatives_in_outputs():
    conditions = [sm.IC(u, sp.sin(x)), sm.IC(sm.Dt(u), sp.cos(x))]
    outputs = {"rate": sm.Dt(u), "acceleration": sm.Dt(u, 2)}
    end = final(problem(sp.Eq(sm.Dt(u, 2), -4 * u), conditions=conditions, outputs=outputs))
    s = end["x"]
    assert np.allclose(end["rate"], -2 * np.sin(2) * np.sin(s) + np.cos(2) * np.cos(s))
    assert np.allclose(end["acceleration"], -4 * end["u"])
    with pytest.raises(sm.DeclarationError, match="S162"):
        problem(sp.Eq(sm.Dt(u), -u), conditions=[sm.IC(u, 1)], outputs={"a": sm.Dt(u, 2)})


@pytest.mark.parametrize("term", [sp.I * u, sp.I * sm.Laplacian(u), sp.log(-1) * u, sp.I * u**2])
def test_real_fields_cannot_have_complex_equations(term):
    with pytest.raises(sm.DeclarationError, match="S141"):
        problem(sp.Eq(sm.Dt(u), term), conditions=[sm.IC(u, 0)])


def test_rates_are_assigned_to_fields_even_if_they_must_move():
    a, b, c = (sm.Field(name, t, x) for name in "abc")
    equations = [sp.Eq(sm.Dt(a) + sm.Dt(b), a), sp.Eq(sm.Dt(b) + sm.Dt(c), b), sp.Eq(sm.Dt(a) - sm.Dt(b), c)]
    form = problem(equations, conditions=[sm.IC(f, 1) for f in (a, b, c)]).form
    assert sp.Matrix(form.mass).det() != 0
    assert all(form.mass[i, i] != 0 for i in range(3))


def test_constraints_may_build_on_each_other_and_on_forcing():
    equations = [
        sp.Eq(sm.Dt(u), q - u),
        sp.Eq(v - sm.Laplacian(v), u + sp.sin(t)),
        sp.Eq(q - sm.Laplacian(q), v * u),
    ]
    form = problem(equations, conditions=[sm.IC(u, sp.cos(x))]).form
    assert set(form.recover) == {v, q}
    assert form.slots[0].symbol != 0


def test_an_operator_on_noise_in_a_product_is_refused():
    xi = sm.WhiteNoise("xi", t, x)
    with pytest.raises(sm.DeclarationError, match=r"S133.*operator acts on noise"):
        problem(sp.Eq(sm.Dt(u), u * sm.Dx(xi, x)), conditions=[sm.IC(u, 0)])


def test_noise_in_a_constraint_is_refused_and_not_dropped():
    xi = sm.WhiteNoise("xi", t, x)
    for equation in (sp.Eq(sm.Laplacian(q) - q, u + xi), sp.Eq(q, xi)):
        with pytest.raises(sm.DeclarationError, match=r"S135.*noise"):
            problem([sp.Eq(sm.Dt(u), q), equation], conditions=[sm.IC(u, 0)])
