"""Unknown terms of an equation from its trajectories, by regression on its mild form.

In each stored step the solution obeys, with the discrete semigroup A and the weights D of the sources,

    z_n - A z_{n-1} - G ΔW_n - D₀ N(z_{n-1}) - D₁ N(z_n) = Σ_j c_j (D₀ B_j(z_{n-1}) + D₁ B_j(z_n)),

N the known terms and B_j the terms that hold the unknown function, with the j-th monomial in its place. The noise is
known, so that c follows by least squares over all modes, steps and paths: exactly where data have every step of the
integrator that made them, and that integrator treats the unknown term as a source (exponential Euler has the linear
part of 3u - u³ in its semigroup, semi-implicit Euler has not). Elsewhere the modes count that decay little in a stored
step, each with the inverse of what the fit leaves open in it, and c has the error of the quadrature.
Monomials whose coefficients are smaller than a few of their standard errors are left out, the least certain one first.

Brunton, Proctor & Kutz 2016, doi:10.1073/pnas.1517384113 (regression on monomials); the mild form spares derivatives
of rough paths in time and space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sympy as sp
import torch
from torch import Tensor

from sciml.compute import limited_threads
from sciml.dsl.unknown import Unknown
from sciml.errors import DataError, OptionError
from sciml.forms.semilinear import NoiseTerm, NonlinearTerm, SemilinearForm
from sciml.fourier.driving import Driving
from sciml.fourier.reflection import Reflections
from sciml.fourier.system import System
from sciml.solvers.nors.fitting import Piece, TrainingPaths
from sciml.solvers.nors.linear import LinearMFV
from sciml.solvers.nors.numerics import numerics_for
from sciml.solvers.nors.operator import Operator
from sciml.solvers.nors.polynomials import MOST, Polynomial, exponents, known_problem, put_in, slope
from sciml.solvers.nors.setting import Setting

if TYPE_CHECKING:
    from sciml.ensembles.ensemble import Ensemble
    from sciml.problem import Problem
    from sciml.run import Run
    from sciml.solvers.nors.options import FeatureMethod

__all__ = ["identified"]

UNCERTAIN = 4.0  # standard errors that a coefficient must have to be kept
RESOLVED = 0.8  # of a mode after a stored step
EXACT = 1e-9  # share of what is explained that rounding may leave, where the fit is exact
Monomial = tuple[str, tuple[int, ...]]  # function, exponents of its arguments


def identified(method: FeatureMethod, problem: Problem, run: Run, data: Ensemble) -> dict[str, Polynomial]:
    """Return the unknown terms of a problem as polynomials that data determine.

    Raises:
        DataError: States that the equation needs are not stored.
    """
    if not problem.unknown_terms:
        return {}
    with limited_threads(run.threads), torch.no_grad():
        return _Regression(method, problem, run, data).solved()


@dataclass
class _Sums:
    """Normal equations, of each mode: ``(modes, monomials + 1, monomials + 1)``, what is explained last."""

    products: Tensor
    count: int

    def weighted(self, weights: Tensor) -> Tensor:
        return (self.products * weights[:, None, None]).sum(0)


class _Regression:
    def __init__(self, method: FeatureMethod, problem: Problem, run: Run, data: Ensemble) -> None:
        self.problem, self.form = problem, problem.form
        # Sources are taken where the data have them, wherever the features take theirs.
        own = {name: getattr(method, name) for name in ("chunk", "scheme", "differences", "degree")}
        plain = LinearMFV(integrations=0, **own)
        numerics = numerics_for(plain, data)
        empty = known_problem(problem, {})
        operator = Operator(plain, empty, data.grid, run, numerics, _no_prediction)
        self.paths = TrainingPaths(operator, data)
        if len(self.paths.rows) < len(self.form.state):
            msg = "unknown terms are fitted to all states of the equation, and some are not stored in the data."
            raise DataError("D251", msg, fix="declare the equations of stored fields, of first order in time")
        self.nodes = problem_nodes(self.form)
        self.middle, self.half = self._ranges()
        names = {f.name: len(f.arguments) for f in self.nodes}
        self.monomials: list[Monomial] = [
            (n, e) for n, size in sorted(names.items()) for e in exponents(size, method.unknown_degree)
        ]
        if len(self.monomials) > MOST:
            made = f"unknown_degree={method.unknown_degree} makes {len(self.monomials)} monomials"
            msg = f"{made}; at most {MOST} are fitted."
            raise OptionError("O361", msg, fix="a smaller unknown_degree, or functions of fewer arguments")

    def _pieces(self) -> Iterator[Piece]:
        for block in self.paths.blocks:
            yield from self.paths.pieces(block)

    def _ranges(self) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """Return the middle and half of the range of each argument, over the first block of paths."""
        piece = next(self._pieces())
        setting = piece.setting
        arguments = list(dict.fromkeys(a for f in self.nodes for a in f.arguments))
        system = self._system(setting, ())
        program = system.compile(arguments, [s.placeholder for s in self.form.slots])
        states, times = _states(piece), _times(piece)
        values = system.evaluate(program, system.inputs(states), times)
        ends = {a: (float(v.amin()), float(v.amax())) for a, v in zip(arguments, values, strict=True)}
        middle: dict[str, list[float]] = {}
        half: dict[str, list[float]] = {}
        for node in self.nodes:
            name, (low, high) = node.name, zip(*(ends[a] for a in node.arguments), strict=True)
            # Powers of the argument itself, unless its values are far from 0: then of its distance to their middle.
            far = [max(a, -b) > (b - a) / 2 for a, b in zip(low, high, strict=True)]
            middle[name] = [(a + b) / 2 if f else 0.0 for a, b, f in zip(low, high, far, strict=True)]
            ends_of = zip(low, high, middle[name], strict=True)
            half[name] = [max(b - m, m - a) or 1.0 for a, b, m in ends_of]
        return middle, half

    def _system(self, setting: Setting, terms: tuple[NonlinearTerm, ...]) -> System:
        form = replace(self.form, nonlinear=terms, noise=())
        return System(form, setting.modes, Reflections(form, self.problem.faces), setting.made.degree)

    def _terms(self, monomial: Monomial) -> tuple[NonlinearTerm, ...]:
        """Return the terms of the equation with a monomial, of arguments on [-1, 1], in the place of its function."""
        name, powers = monomial
        (node,) = (f for f in self.nodes if f.name == name)
        scaled = zip(node.arguments, self.middle[name], self.half[name], powers, strict=True)
        value = sp.Mul(*(((a - m) / h) ** p for a, m, h, p in scaled))
        found = [(term, (slope(term.n, node) or sp.S.Zero) * value) for term in self.form.nonlinear]
        return tuple(replace(term, n=n, degree=None) for term, n in found if n != 0)

    def _sums(self) -> _Sums:
        total: Tensor | None = None
        count = 0
        systems: tuple[Setting, list[System]] | None = None
        for piece in self._pieces():
            if systems is None or systems[0] is not piece.setting:
                known = tuple(replace(t, n=n) for t in self.form.nonlinear if (n := put_in(t.n, {})) != 0)
                columns = [self._system(piece.setting, self._terms(m)) for m in self.monomials]
                systems = piece.setting, [*columns, self._system(piece.setting, known)]
            found = self._products(piece, systems[1])
            total = found if total is None else total + found
            count += piece.truth.shape[0] * piece.truth.shape[1]
        assert total is not None  # there are samples
        return _Sums(total, count)

    def _products(self, piece: Piece, systems: list[System]) -> Tensor:
        setting, states, times = piece.setting, _states(piece), _times(piece)
        fine = setting.fine
        columns = [fine.driven(s.nonlinear(states, times))[1:] for s in systems]
        driven = torch.zeros_like(states)
        setting.add_noise(driven, piece.increments, piece.first)
        rest = states[1:] - fine.apply(fine.linear, states[:-1]) - driven[1:] - columns.pop()
        if held := [t for t in self.form.noise if t.amplitude.free_symbols & self._placeholders]:
            rest = rest - self._multiplied(piece, held, states, times)
        weight = setting.modes.multiplicity.sqrt()
        both = torch.stack(torch.broadcast_tensors(*columns, rest)) * weight  # column, steps, batch, n, *spectrum
        flat = torch.view_as_real(both.to(torch.complex128)).flatten(4, -2)  # ..., n, modes, 2
        rows = flat.permute(3, 4, 0, 1, 2, 5).flatten(0, 1).flatten(2)
        return (rows @ rows.transpose(1, 2)).cpu()

    @property
    def _placeholders(self) -> set[sp.Symbol]:
        return {s.placeholder for s in self.form.slots}

    def _multiplied(self, piece: Piece, noise: list[NoiseTerm], states: Tensor, times: Tensor) -> Tensor:
        setting = piece.setting
        driving = Driving(self._system(setting, ()), noise, setting.noises)
        fields = {name: setting.modes.backward(v) for name, v in piece.increments.items()}
        added = driving.other(states[:-1], times[:-1], fields)
        return setting.fine.apply(setting.fine.noise, added)

    def solved(self) -> dict[str, Polynomial]:
        """Return the polynomials, without the monomials that data leave uncertain."""
        sums = self._sums()
        weights = torch.ones(len(sums.products), dtype=torch.float64)
        places = list(range(len(self.monomials)))
        first, _, _ = _least_squares(sums.weighted(weights), places, sums)
        left = _left(sums.products, places, first)
        explained = sums.products[:, -1, -1].sum()
        if float(left.sum()) > EXACT * float(explained):  # another integrator, or its steps, leave something open
            weights = self._resolved()
            first, _, _ = _least_squares(sums.weighted(weights), places, sums)
            left = _left(sums.products, places, first)
            weights = weights / (left + left.mean() * 1e-6)
            weights = weights / weights.max()
        while True:
            values, std, _ = _least_squares(sums.weighted(weights), places, sums)
            sure = (values.abs() / std).tolist()
            worst = min(range(len(places)), key=lambda i: sure[i]) if places else 0
            if not places or sure[worst] >= UNCERTAIN:
                break
            places.pop(worst)
        return self._polynomials(places, values, std)

    def _resolved(self) -> Tensor:
        """Return 1 for the modes that decay little in a stored step: in others sources act before they are seen."""
        setting = self.paths.operator.first
        shape, count = setting.modes.spectrum, len(self.form.state)
        if not setting.fine.diagonal:
            return torch.ones(count, *shape, dtype=torch.float64).flatten()
        kept = (setting.fine.linear.abs() > RESOLVED).all(0).to(torch.float64).cpu()
        kept = kept.expand(count, *shape).flatten()
        return kept if kept.sum() > 1 else torch.ones_like(kept)

    def _polynomials(self, places: list[int], values: Tensor, std: Tensor) -> dict[str, Polynomial]:
        """Return polynomials of the arguments themselves."""
        out: dict[str, Polynomial] = {}
        for name in sorted({n for n, _ in self.monomials}):
            own = [(self.monomials[p][1], i) for i, p in enumerate(places) if self.monomials[p][0] == name]
            size = len(self.middle[name])
            a = sp.symbols(f"a:{size}", real=True)
            scale = [(s - m) / h for s, m, h in zip(a, self.middle[name], self.half[name], strict=True)]
            found: dict[tuple[int, ...], list[float]] = {}
            for powers, i in own:
                whole = sp.Poly(sp.expand(sp.Mul(*(s**p for s, p in zip(scale, powers, strict=True)))), *a)
                for monomial, c in whole.terms():
                    entry = found.setdefault(tuple(monomial), [0.0, 0.0])
                    entry[0] += float(c) * float(values[i])
                    entry[1] += (float(c) * float(std[i])) ** 2
            listed = sorted(found, key=lambda e: (sum(e), e))
            out[name] = Polynomial(
                tuple(listed), tuple(found[e][0] for e in listed), tuple(found[e][1] ** 0.5 for e in listed)
            )
        return out


def problem_nodes(form: SemilinearForm) -> list[Unknown]:
    """Return the unknown functions in a form, with the slots that they take."""
    found: set[Unknown] = set().union(*(t.n.atoms(Unknown) for t in form.nonlinear))
    return sorted(found, key=str)


def _states(piece: Piece) -> Tensor:
    return torch.cat([piece.start[None], piece.truth])


def _times(piece: Piece) -> Tensor:
    setting = piece.setting
    values = torch.as_tensor(setting.times, dtype=setting.modes.dtype, device=setting.modes.device)
    return values.reshape(-1, *([1] * (setting.modes.dim + 1)))


def _least_squares(products: Tensor, places: list[int], sums: _Sums) -> tuple[Tensor, Tensor, float]:
    """Return coefficients, standard errors, and the square that is left."""
    gram, wanted, square = products[places][:, places], products[places, -1], float(products[-1, -1])
    scale = gram.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    inverse = torch.linalg.pinv(gram / scale[:, None] / scale, rtol=1e-13, hermitian=True)
    values = inverse @ (wanted / scale) / scale
    left = max(square - float(values @ wanted), EXACT**2 * square)
    freedom = max(sums.count * 2 * len(sums.products) - len(places), 1)
    std = (inverse.diagonal().clamp(min=0) * left / freedom).sqrt() / scale
    return values, std.clamp(min=1e-300), left


def _left(products: Tensor, places: list[int], values: Tensor) -> Tensor:
    """Return the square that is left in each mode."""
    gram, wanted = products[:, places][:, :, places], products[:, places, -1]
    left = products[:, -1, -1] - 2 * wanted @ values + ((gram @ values) * values).sum(1)
    return left.clamp(min=0)


def _no_prediction(setting: Setting, start: Tensor, increments: object) -> Tensor:
    raise AssertionError(setting, start, increments)  # the operator gives the setting of the data only
