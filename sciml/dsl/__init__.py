"""The declaration language: SymPy expressions, domains, conditions. Imports SymPy only."""

from sciml.dsl.complex_fields import ComplexField
from sciml.dsl.conditions import IC, Dirichlet, Neumann
from sciml.dsl.coordinates import Field, coords
from sciml.dsl.domains import Box, Torus, WholeSpace
from sciml.dsl.measures import PointVortices, VortexPatch, VortexSheet
from sciml.dsl.noise import ColoredNoise, WhiteNoise
from sciml.dsl.observations import Observe
from sciml.dsl.operators import (
    BiotSavart,
    Curl,
    Div,
    Dt,
    Dx,
    FractionalLaplacian,
    Grad,
    Integral,
    InverseLaplacian,
    Laplacian,
    Maximum,
    Norm,
    Spectrum,
)
from sciml.dsl.random_fields import RandomField
from sciml.dsl.roles import Infer, Range
from sciml.dsl.unknown import Unknown
from sciml.dsl.vectors import Advect, Component, Cross, Dot, Outer, Vector, VectorField

__all__ = [
    "IC",
    "Advect",
    "BiotSavart",
    "Box",
    "ColoredNoise",
    "ComplexField",
    "Component",
    "Cross",
    "Curl",
    "Dirichlet",
    "Div",
    "Dot",
    "Dt",
    "Dx",
    "Field",
    "FractionalLaplacian",
    "Grad",
    "Infer",
    "Integral",
    "InverseLaplacian",
    "Laplacian",
    "Maximum",
    "Neumann",
    "Norm",
    "Observe",
    "Outer",
    "PointVortices",
    "RandomField",
    "Range",
    "Spectrum",
    "Torus",
    "Unknown",
    "Vector",
    "VectorField",
    "VortexPatch",
    "VortexSheet",
    "WhiteNoise",
    "WholeSpace",
    "coords",
]
