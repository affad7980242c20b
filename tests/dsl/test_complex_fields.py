"""Complex fields: their real and imaginary parts, and how declarations of them are split."""

import numpy as np
import pytest
import sympy as sp

import sciml as sm
from sciml.dsl.complex_fields import is_complex_field
from sciml.dsl.real_imaginary import real_imaginary

t, x, y = sm.coords("t x y")
psi, chi = sm.ComplexField("psi", t, x), sm.ComplexField("chi", t, x)
a, b = sm.Field("psi_re", t, x), sm.Field("psi_im", t, x)
u = sm.Field("u", t, x)
i, conj = sp.I, sp.conjugate
CIRCLE = sm.Torus((x, 0, 2 * sp.pi))


WAVE = (sm.IC(psi, sp.exp(i * x)),)


def declare(equations, conditions=WAVE, **more):
    return sm.Problem(equations=equations, domain=CIRCLE, time=(t, 0, 1), conditions=list(conditions), **more)


def test_a_complex_field_is_a_pair_of_real_ones():
    assert psi == a + i * b
    assert is_complex_field(psi)
    assert not any(map(is_complex_field, (a, 2 * psi, psi + chi, a - i * b, a + i * u, sp.S.One)))
    assert sp.Abs(psi) ** 2 == a**2 + b**2
    for name, coordinates in (("1", (t, x)), ("psi", ()), ("psi", (x, x))):
        with pytest.raises(sm.DeclarationError, match="S11"):
            sm.ComplexField(name, *coordinates)


@pytest.mark.parametrize(
    "expr, real, imaginary",
    [
        (i * sm.Dt(psi), -sm.Dt(b), sm.Dt(a)),
        ((2 + i) * sm.Laplacian(psi), 2 * sm.Laplacian(a) - sm.Laplacian(b), sm.Laplacian(a) + 2 * sm.Laplacian(b)),
        (sp.Abs(psi) ** 2 * psi, (a**2 + b**2) * a, (a**2 + b**2) * b),
        (psi * conj(psi), a**2 + b**2, 0),
        (psi.diff(x), sp.Derivative(a, x), sp.Derivative(b, x)),
        (conj(sm.Dx(psi, x)), sm.Dx(a, x), -sm.Dx(b, x)),
        (sp.Abs(sm.Dx(psi, x)) ** 2, sm.Dx(a, x) ** 2 + sm.Dx(b, x) ** 2, 0),
        (sp.re(sm.Laplacian(psi)), sm.Laplacian(a), 0),
        (sp.im(sm.Laplacian(psi)), sm.Laplacian(b), 0),
        (sm.Laplacian(u) + sp.Abs(u), sm.Laplacian(u) + sp.Abs(u), 0),
        (sm.Dt(psi, 2), sm.Dt(a, 2), sm.Dt(b, 2)),
        (sm.Integral(i * u), 0, sm.Integral(u)),
        (sm.FractionalLaplacian(psi, 1), sm.FractionalLaplacian(a, 1), sm.FractionalLaplacian(b, 1)),
    ],
)
def test_real_and_imaginary_part(expr, real, imaginary):
    found = real_imaginary(expr)
    assert [sp.expand(f - e) for f, e in zip(found, (real, imaginary), strict=True)] == [0, 0]


def test_vectors_and_products_of_them():
    phi, c, d = sm.ComplexField("phi", t, x, y), *(sm.Field(f"phi_{s}", t, x, y) for s in ("re", "im"))
    current = conj(phi) * sm.Grad(phi)
    real, imaginary = real_imaginary(current)
    assert real == c * sm.Grad(c) + d * sm.Grad(d)
    assert imaginary == c * sm.Grad(d) - d * sm.Grad(c)
    real, imaginary = real_imaginary(sm.Dot(sm.Grad(phi), sm.Grad(phi)))
    assert real == sm.Dot(sm.Grad(c), sm.Grad(c)) - sm.Dot(sm.Grad(d), sm.Grad(d))
    assert imaginary == sm.Dot(sm.Grad(c), sm.Grad(d)) + sm.Dot(sm.Grad(d), sm.Grad(c))
    assert real_imaginary(sm.Vector(i * c, d)) == (sm.Vector(0, d), sm.Vector(c, 0))
    assert real_imaginary(sm.Dx(phi, y) * sm.Vector(1, 2)[0]) == (sm.Dx(c, y), sm.Dx(d, y))


MODEL = {sm.Laplacian: 3, sm.Dx: -2, sm.Dt: 5}  # real linear maps in place of the operators


def evaluate(expr, values):
    """Evaluate in complex arithmetic, independently of the rules under test."""
    if expr in values:
        return values[expr]
    if type(expr) in MODEL:
        return MODEL[type(expr)] * evaluate(expr.args[0], values)
    if not expr.args:
        return complex(expr)
    arguments = [evaluate(e, values) for e in expr.args]
    if expr.is_Add or expr.is_Mul:
        return sum(arguments) if expr.is_Add else np.prod(arguments)
    rules = {sp.Pow: np.power, sp.Abs: np.abs, conj: np.conj, sp.atan2: lambda b, a: np.angle(a + 1j * b)}
    return rules.get(type(expr), getattr(np, type(expr).__name__, None))(*arguments)


@pytest.mark.parametrize(
    "expr",
    [
        psi**3 * conj(psi) + (1 + 2 * i) * sm.Laplacian(psi**2 * conj(chi)),
        (psi + 2 * i) ** -2 + chi / psi,
        (psi + chi) ** 7,
        sm.Dx(i * psi * chi, x) * conj(sm.Dt(psi)) * (3 - i),
        conj(psi - i * sm.Laplacian(conj(psi) * i)),
        sp.exp(i * sm.Dx(psi, x)) + sp.sin(psi * chi) + sp.tanh(chi) * sp.log(psi),
        sp.Abs(psi + sm.Laplacian(chi)) ** 3 * sp.sqrt(psi),
    ],
)
def test_parts_agree_with_complex_arithmetic(expr):
    rng = np.random.default_rng(3)
    fields = (*psi.atoms(sp.Function), *chi.atoms(sp.Function))
    values = {f: complex(v) for f, v in zip(fields, rng.normal(size=4), strict=True)}
    real, imaginary = (evaluate(part, values) for part in real_imaginary(expr))
    assert abs(real.imag) + abs(imaginary.imag) < 1e-12
    assert real + 1j * imaginary == pytest.approx(evaluate(expr, values), rel=1e-12)


def test_parameters_are_real_whatever_they_were_made_with():
    g = sp.Symbol("g")
    assert real_imaginary(sp.exp(i * g * x)) == (sp.cos(g * x), sp.sin(g * x))


def test_a_function_without_known_parts_is_refused():
    with pytest.raises(sm.DeclarationError, match="S143"):
        real_imaginary(sp.gamma(psi))


# --- declarations ----------------------------------------------------------------------------


def test_an_equation_is_split_and_named():
    p = declare({"wave": sp.Eq(i * sm.Dt(psi), -sm.Laplacian(psi))}, exact={psi: sp.exp(i * (x - t))})
    assert list(p.equations) == ["wave (real part)", "wave (imaginary part)"]
    assert p.equations["wave (real part)"] == sp.Eq(-sm.Dt(b), -sm.Laplacian(a))
    assert p.exact == {a: sp.cos(t - x), b: -sp.sin(t - x)}
    assert {c.field: c.value for c in p.conditions} == {a: sp.cos(x), b: sp.sin(x)}
    assert set(p.scalar_fields) == {a, b}


def test_a_copy_and_a_stored_problem_hold_the_real_equations():
    p = declare(sp.Eq(sm.Dt(psi), i * sm.Laplacian(psi)))
    assert sm.Problem.from_json(p.to_json()) == p
    changed = p.with_(conditions=[sm.IC(psi, i * sp.sin(x))])
    assert changed.equations == p.equations
    assert {c.field: c.value for c in changed.conditions} == {a: 0, b: sp.sin(x)}


def test_second_order_in_time():
    p = declare(
        sp.Eq(sm.Dt(psi, 2), sm.Laplacian(psi) + i * psi),
        [sm.IC(psi, sp.exp(i * x)), sm.IC(sm.Dt(psi), i)],
    )
    assert {c.target: c.value for c in p.conditions} == {
        a: sp.cos(x),
        b: sp.sin(x),
        sm.Dt(a): 0,
        sm.Dt(b): 1,
    }


def test_conditions_of_complex_fields():
    by_hand = {c.written for c in sm.IC(psi.diff(t), i).real_parts}
    assert by_hand == {sp.Derivative(a, t), sp.Derivative(b, t)}
    for target in (2 * psi, psi + chi, psi.diff(t) + chi.diff(x), sm.Dt(psi) + psi):
        with pytest.raises(sm.DeclarationError, match="S118"):
            sm.IC(target, 0)


def test_a_real_equation_of_a_complex_field_keeps_its_name():
    n = sm.Field("n", t, x)
    p = declare(
        {
            "field": sp.Eq(i * sm.Dt(psi) + sm.Laplacian(psi), n * psi),
            "density": sp.Eq(sm.Dt(n), sm.Laplacian(n) + psi * conj(psi)),
        },
        [sm.IC(psi, 1), sm.IC(n, 0)],
    )
    assert list(p.equations) == ["field (real part)", "field (imaginary part)", "density"]
    assert p.equations["density"] == sp.Eq(sm.Dt(n), sm.Laplacian(n) + a**2 + b**2)


def test_outputs_of_complex_fields_are_real():
    p = declare(
        sp.Eq(sm.Dt(psi), i * sm.Laplacian(psi)),
        outputs={"density": psi * conj(psi), "current": sp.im(conj(psi) * sm.Dx(psi, x))},
    )
    assert p.outputs["density"] == a**2 + b**2
    assert sp.expand(p.outputs["current"] - (a * sm.Dx(b, x) - b * sm.Dx(a, x))) == 0
    with pytest.raises(sm.DeclarationError, match="S141"):
        p.with_(outputs={"field": psi})


def test_a_complex_equation_of_a_real_field_is_refused_with_the_real_ones_it_stands_for():
    whole = sm.ComplexField("u", t, x)

    def equation(f):
        return sp.Eq(sm.Dt(f), i * sm.Laplacian(f) + sp.exp(sp.cos(x)) * i * f / sp.pi)

    with pytest.raises(sm.DeclarationError, match="S141") as caught:
        declare(equation(u), [sm.IC(u, 0)])
    *_, real, imaginary = caught.value.fix
    written = {"sp": sp, "sm": sm, "u_re": sm.Field("u_re", t, x), "u_im": sm.Field("u_im", t, x), "x": x}
    typed = [eval(line, written) for line in (real, imaginary)]
    by_hand, split = (declare(e, [sm.IC(whole, 1)]) for e in (typed, equation(whole)))
    assert list(by_hand.equations.values()) == list(split.equations.values())


def test_an_imaginary_noise_amplitude_is_refused():
    with pytest.raises(sm.DeclarationError, match="S141"):
        declare(sp.Eq(sm.Dt(u), sm.Laplacian(u) + i * sm.WhiteNoise("xi", t)), [sm.IC(u, 0)])
