"""Recognise incompressible Navier-Stokes by what the equations do, not by how they are written.

    ∂ₜω + (v·∇)ω [- (ω·∇)v] = Σ_j -ν_j(-Δ)^{α_j/2} ω - μω - (U·∇)ω + g,   v = curl (-Δ)⁻¹ ω,

the bracket in three dimensions. Primitive variables and stream functions are taken to vorticity
first. The quadratic part is compared with this through its response to plane waves, the linear
part through its Fourier symbol; every other term is a difference. All of this is for k ≠ 0: the
mean vorticity, which a torus cannot hold, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from sciml.dsl.text import text
from sciml.dsl.wavenumbers import Reciprocal
from sciml.errors import DeclarationError
from sciml.forms.bilinear import velocity_symbol
from sciml.forms.comparison import candidates, compare_linear, compare_others, compare_quadratic, core, forcing
from sciml.forms.differences import vector_name
from sciml.forms.multiplier import multiply
from sciml.forms.semilinear import SemilinearForm
from sciml.forms.vorticity import VorticityForm, vorticity_form

__all__ = ["Recognition", "recognise", "resembles_flow"]

Fields = tuple[sp.Expr, ...]


@dataclass(frozen=True, eq=False)
class Recognition:
    """What a form has in common with incompressible Navier-Stokes, and what not.

    Attributes:
        dim: Number of space dimensions.
        form: The form that the following is about: the declared one, or its vorticity form; without
            terms of degree above 2 and those that are no polynomials.
        vorticity: The state fields that are the vorticity, along each coordinate in three
            dimensions. There initial data must be free of divergence; the evolution keeps it so.
        velocity: The velocity that carries the vorticity, ``curl (-Δ)⁻¹ω + U``.
        diffusion: Pairs (ν, α) of terms ``-ν(-Δ)^{α/2}ω``; the Laplacian has α = 2.
        drag: μ in ``-μω``.
        mean_flow: U, as read off the linear part.
        forcing: g, for each component of the vorticity; may depend on time and space.
        means: For each symbol of a mean velocity that no equation for vorticity determines, the
            declared initial value it is the mean of. It stays constant if the constraints of
            ``form`` hold; with drag, for instance, it must be 0.
        definition: How the vorticity follows from declared fields; empty if it is one.
        pieces: Multiples of the expected terms that make up the quadratic part, by name; empty if
            it holds anything else.
        differences: What distinguishes the form from Navier-Stokes; empty if nothing does.
    """

    dim: int
    form: SemilinearForm
    vorticity: Fields = ()
    velocity: Fields = ()
    diffusion: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    drag: sp.Expr = sp.S.Zero
    mean_flow: Fields = ()
    forcing: Fields = ()
    means: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    definition: str = ""
    pieces: Mapping[str, sp.Expr] = field(default_factory=dict)
    differences: tuple[str, ...] = ()

    @property
    def is_navier_stokes(self) -> bool:
        """True where nothing distinguishes the evolution from Navier-Stokes."""
        return not self.differences

    def __str__(self) -> str:
        if self.differences:
            return "not Navier-Stokes: " + "; ".join(self.differences)
        name = vector_name(self.vorticity, self.form.frame)
        parts = [f"{self.dim}-D incompressible Navier-Stokes, vorticity {name}"]
        parts[0] += f" = {self.definition}" if self.definition else ""
        parts += [f"viscosity {text(c)}" if a == 2 else f"diffusion {text(c)}*|k|^{text(a)}" for c, a in self.diffusion]
        parts += ["no viscosity"] if not self.diffusion else []
        parts += [f"drag {text(self.drag)}"] if self.drag != 0 else []
        if self.means and self.mean_flow == tuple(self.means):
            parts.append("mean flow that of the initial velocity")
        elif any(u != 0 for u in self.mean_flow):
            parts.append(f"mean flow ({', '.join(map(text, self.mean_flow))})")
        if any(g != 0 for g in self.forcing):
            driven = ", ".join(map(text, self.forcing))
            parts.append(f"forcing {driven}" if len(self.forcing) == 1 else f"forcing ({driven})")
        return ", ".join(parts)


def resembles_flow(form: SemilinearForm) -> bool:
    """Tell at little cost whether a form is worth comparing with Navier-Stokes.

    It is in two or three dimensions, holds a product, and inverts an elliptic operator: for a
    velocity, or for the pressure.
    """
    if form.frame.dim not in (2, 3) or all((term.degree or 2) < 2 for term in form.nonlinear):
        return False
    symbols = [*(s.symbol for s in form.slots), *form.inverse_mass]
    symbols += [c for term in form.nonlinear for c in term.column]
    return any(s.has(Reciprocal) for s in symbols)


def recognise(form: SemilinearForm) -> Recognition:
    """Compare a form with incompressible Navier-Stokes in two or three dimensions."""
    dim = form.frame.dim
    if dim not in (2, 3):
        return Recognition(dim, form, differences=(f"it has {dim} space dimension; Navier-Stokes has 2 or 3",))
    # Terms that are differences in any case would make the change of variables long.
    quadratic = core(form)
    try:
        found = _compared(form, quadratic, vorticity_form(quadratic))
        if found.definition and found.pieces == {"advection": -1}:
            # The sign of a stream function is free, unlike that of a vorticity.
            turned = _compared(form, quadratic, vorticity_form(quadratic, flipped=True))
            return found if turned.differences else turned
    except DeclarationError as error:
        return Recognition(dim, form, differences=(f"it has no vorticity form: {error.headline}",))
    return found


def _compared(declared: SemilinearForm, quadratic: SemilinearForm, changed: VorticityForm | None) -> Recognition:
    form = quadratic if changed is None else changed.form
    size = 1 if form.frame.dim == 2 else 3
    if len(form.state) < size:
        names = ", ".join(map(text, form.state))
        return Recognition(
            3, form, differences=(f"the state ({names}) is no vorticity, which has 3 components in 3-D",)
        )
    definition = "" if changed is None else _definition(declared, changed)
    rows = candidates(form, size) if changed is None else tuple(range(size))
    rows, pieces, wrong = compare_quadratic(form, rows, definition)
    flow, unlike = compare_linear(form, rows)
    vorticity = tuple(form.state[r] for r in rows)
    b = velocity_symbol(form.frame.k)
    velocity = tuple(
        sp.Add(u, *(multiply(w, s, form.frame) for w, s in zip(vorticity, row, strict=True)))
        for u, row in zip(flow.mean_flow, b, strict=True)
    )
    return Recognition(
        dim=form.frame.dim,
        form=form,
        vorticity=vorticity,
        velocity=velocity,
        diffusion=flow.diffusion,
        drag=flow.drag,
        mean_flow=flow.mean_flow,
        forcing=forcing(form, rows),
        means={} if changed is None else changed.means,
        definition=definition,
        pieces=pieces,
        differences=(*wrong, *unlike, *compare_others(form, rows, declared, changed)),
    )


def _definition(declared: SemilinearForm, changed: VorticityForm) -> str:
    if changed.axes:
        return f"Curl({vector_name([declared.state[j] for j in changed.axes], declared.frame)})"
    return f"{'' if changed.flipped else '-'}Laplacian({text(declared.state[0])})"
