"""Every lowering rule against SymPy's own arbitrary-precision value, on each dtype and device."""

import pytest
import sympy as sp
import torch

from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DeclarationError
from sciml.lower import compile_expressions
from sciml.lower.rules import RULES

x, y = sp.symbols("x y", real=True)

EXPRESSIONS = [
    x + 2 * y - 3,
    x * y * sp.Rational(1, 3),
    x**2,
    x**3,
    x**-1,
    x**-3,
    x**7,
    sp.sqrt(x + 2),
    sp.sqrt(2) * x,
    (x + 3) ** sp.Rational(2, 3),
    2**x,
    (x + 2) ** y,
    sp.exp(x),
    sp.log(x + 2),
    sp.sin(x),
    sp.cos(x),
    sp.tan(x),
    sp.cot(x),
    sp.sec(x),
    sp.csc(x),
    sp.asin(x / 2),
    sp.acos(x / 2),
    sp.atan(x),
    sp.atan2(y, x),
    sp.sinh(x),
    sp.cosh(x),
    sp.tanh(x),
    sp.sech(x),
    sp.csch(x),
    sp.coth(x),
    sp.asinh(x),
    sp.acosh(x + 3),
    sp.atanh(x / 2),
    sp.sinc(x),
    sp.erf(x),
    sp.erfc(x),
    sp.erfinv(x / 2),
    sp.gamma(x + sp.Rational(1, 10)),
    sp.loggamma(x + 3),
    sp.Abs(x),
    sp.sign(x),
    sp.floor(3 * x),
    sp.ceiling(3 * x),
    sp.Mod(x, 2),
    sp.Max(x, 0),
    sp.Max(x, y, sp.Rational(1, 2)),
    sp.Min(x, y),
    sp.Heaviside(x),
    sp.Heaviside(x, 0),
    sp.re(x),
    sp.im(x),
    sp.conjugate(x),
    Reciprocal(x),
    sp.Piecewise((x, x < 0), (x**2, x < 1), (1, True)),
    sp.Piecewise((sp.sin(x), sp.And(x >= 0, x <= 1)), (y, sp.Or(x > 1, sp.Ne(y, 0))), (0, True)),
    sp.Piecewise((1, sp.Eq(x, 0)), (2, True)),
    sp.sin(sp.Rational(1, 2)) + 0 * x,
    sp.S.Pi,
    sp.Integer(3),
]
POINTS = [(-1.5, 0.25), (-0.75, -0.5), (0.5, 0.75), (1.25, -1.25)]


def expected(expr, a, b):
    value = expr.subs({x: sp.Rational(a), y: sp.Rational(b)})
    value = value.replace(Reciprocal, lambda e: 1 / e if e != 0 else sp.S.Zero)
    return complex(sp.N(value, 30))


def evaluate(expr, dtype, device="cpu"):
    values = [torch.tensor([p[i] for p in POINTS], dtype=dtype, device=device) for i in (0, 1)]
    (result,) = compile_expressions([expr], [x, y])(*values)
    return result.expand(len(POINTS)) if result.ndim == 0 else result


def check(expr, dtype, device="cpu"):
    result = evaluate(expr, dtype, device)
    assert result.dtype == dtype
    assert result.device.type == device
    tolerance = {torch.float64: 1e-13, torch.float32: 2e-5}[dtype]
    for (a, b), got in zip(POINTS, result.tolist(), strict=True):
        want = expected(expr, a, b)
        if want.imag:  # a real function outside its domain gives nan, as in NumPy
            assert got != got
        else:
            assert abs(got - want.real) <= tolerance * (1 + abs(want.real)), (expr, a, b)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_rule(expr, dtype):
    check(expr, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_rule_on_cuda(expr):
    check(expr, torch.float64, "cuda")


def test_every_rule_is_tested():
    used = {type(node) for e in EXPRESSIONS for node in sp.preorder_traversal(e)}
    untested = {r.__name__ for r in RULES} - {u.__name__ for u in used}
    # These SymPy turns into the others when they are applied to a real symbol or a relation.
    assert untested <= {"re", "im", "conjugate", "Not", "exp", "ExpBase"}, untested


def test_complex_parts_and_negation():
    z = sp.Symbol("z")
    values = torch.tensor([1 + 2j, -3j], dtype=torch.complex128)
    real, imaginary, conjugate = compile_expressions([sp.re(z), sp.im(z), sp.conjugate(z)], [z])(values)
    assert torch.equal(real, values.real)
    assert torch.equal(imaginary, values.imag)
    assert torch.equal(conjugate.resolve_conj(), values.conj().resolve_conj())
    flipped = sp.Piecewise((1, sp.Not(sp.Xor(x < 0, y < 0, evaluate=False), evaluate=False)), (0, True))
    with pytest.raises(DeclarationError, match="S151"):
        compile_expressions([flipped], [x, y])
    (value,) = compile_expressions([sp.Piecewise((1, sp.Not(sp.Eq(x, 0), evaluate=False)), (0, True))], [x])(
        torch.zeros(2)
    )
    assert value.tolist() == [0, 0]


def test_symbols_in_k_are_complex():
    (value,) = compile_expressions([sp.I * x + x**2], [x])(torch.tensor([2.0], dtype=torch.float64))
    assert value.dtype == torch.complex128
    assert value.item() == 4 + 2j


def test_reciprocal_drops_the_zero_mode():
    (value,) = compile_expressions([Reciprocal(x**2)], [x])(torch.tensor([0.0, 2.0], dtype=torch.float64))
    assert value.tolist() == [0.0, 0.25]


def test_shared_subexpressions_are_computed_once():
    shared = sp.sin(x * y)
    program = compile_expressions([shared**2 + sp.exp(shared), shared], [x, y])
    rules = [i.rule for i in program._instructions]
    assert rules.count(torch.sin) == 1


def test_gradients_flow_through():
    values = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    (result,) = compile_expressions([sp.sin(x) * x**3 + sp.Max(x, sp.Rational(1, 2))], [x])(values)
    result.sum().backward()
    want = torch.cos(values) * values**3 + 3 * torch.sin(values) * values**2 + (values > 0.5)
    assert torch.allclose(values.grad, want, rtol=1e-14)


def test_parameters_are_inputs():
    nu = sp.Symbol("nu")
    program = compile_expressions([nu * x**2], [x, nu])
    points = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for value in (0.5, 3.0):
        assert program(points, torch.tensor(value, dtype=torch.float64))[0].tolist() == [value, 4 * value]


def test_missing_symbol_and_missing_rule_are_named():
    with pytest.raises(DeclarationError, match="y has no value"):
        compile_expressions([x + y], [x])
    with pytest.raises(DeclarationError, match="besselj has no numerical rule"):
        compile_expressions([sp.besselj(0, x)], [x])
