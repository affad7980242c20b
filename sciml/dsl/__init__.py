"""The declaration language: SymPy expressions, domains, conditions. Imports SymPy only."""

from sciml.dsl.complex_fields import ComplexField
from sciml.dsl.conditions import IC
from sciml.dsl.coordinates import Field, coords
from sciml.dsl.domains import Torus
from sciml.dsl.noise import WhiteNoise
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
)
from sciml.dsl.vectors import Advect, Component, Cross, Dot, Outer, Vector, VectorField

__all__ = [
    "IC",
    "Advect",
    "BiotSavart",
    "ComplexField",
    "Component",
    "Cross",
    "Curl",
    "Div",
    "Dot",
    "Dt",
    "Dx",
    "Field",
    "FractionalLaplacian",
    "Grad",
    "Integral",
    "InverseLaplacian",
    "Laplacian",
    "Outer",
    "Torus",
    "Vector",
    "VectorField",
    "WhiteNoise",
    "coords",
]
