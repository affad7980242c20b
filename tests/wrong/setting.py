"""Coordinates, fields and right declarations, from which the wrong ones differ in one thing."""

import numpy as np
import sympy as sp

import sciml as sm

t, x, y, z = sm.coords("t x y z")
nu, mu, alpha = sp.symbols("nu mu alpha", positive=True)
u, p, r = (sm.Field(name, t, x) for name in "upr")
w = sm.Field("w", t, x, y)
V, q = sm.VectorField("V", t, x, y), sm.Field("q", t, x, y)
W = sm.VectorField("W", t, x, y, z)
xi, psi = sm.WhiteNoise("xi", t, x), sm.ComplexField("psi", t, x)

CIRCLE, SQUARE = sm.Torus((x, 0, 1)), sm.Torus((x, 0, 1), (y, 0, 1))
CUBE = sm.Torus((x, 0, 1), (y, 0, 1), (z, 0, 1))
ROD, PLATE = sm.Box((x, 0, 1)), sm.Box((x, 0, 1), (y, 0, 2))
CHANNEL = sm.Box((x, 0, 1), (y, 0, 2), periodic=[x])
PLANE, LINE = sm.WholeSpace(x, y), sm.WholeSpace(x)

HEAT = sp.Eq(sm.Dt(u), nu * sm.Laplacian(u))
PLATE_HEAT = sp.Eq(sm.Dt(w), nu * sm.Laplacian(w))
BEAM = sp.Eq(sm.Dt(u), -nu * sm.Dx(u, x, 4))
MOMENTUM = sp.Eq(sm.Dt(V) + sm.Advect(V, V) + sm.Grad(q), nu * sm.Laplacian(V))
CONTINUITY = sp.Eq(sm.Div(V), 0)
VORTICITY = sp.Eq(sm.Dt(w) + sm.Advect(sm.BiotSavart(w), w), nu * sm.Laplacian(w))
start = sm.IC(u, sp.sin(2 * sp.pi * x))
fixed = sm.Dirichlet(u, 0, on=x)
bump = sm.IC(w, sp.exp(-(x**2) - y**2))


def declare(equations=HEAT, domain=CIRCLE, time=(t, 0, 1), conditions=(start,), parameters=None, **more):
    """A heat equation on a circle."""
    parameters = {nu: 0.1} if parameters is None else parameters
    return sm.Problem(
        equations=equations, domain=domain, time=time, conditions=list(conditions), parameters=parameters, **more
    )


def plane(equations, conditions=None, parameters=None, domain=SQUARE, **more):
    """An equation of w on a torus in two dimensions."""
    conditions = [sm.IC(w, sp.sin(2 * sp.pi * x))] if conditions is None else conditions
    return declare(equations, domain, conditions=conditions, parameters=parameters or {}, **more)


def flow(conditions=(bump,), domain=PLANE, parameters=None, equations=VORTICITY, **more):
    """Navier-Stokes in the whole plane."""
    parameters = {nu: 0.1} if parameters is None else parameters
    return declare(equations, domain, conditions=conditions, parameters=parameters, **more)


def rod(*faces, equations=HEAT, **more):
    """A heat equation on an interval."""
    return declare(equations, ROD, conditions=[start, *faces], **more)


def plate(*faces, domain=PLATE, **more):
    """A heat equation on a rectangle."""
    return declare(PLATE_HEAT, domain, conditions=[sm.IC(w, sp.sin(sp.pi * x)), *faces], **more)


def table(**columns):
    """Measurements of u; each column may be replaced, or left out by None."""
    given = {"t": np.linspace(0.1, 1, 5), "x": np.linspace(0, 0.8, 5), "u": np.ones(5)} | columns
    return {name: column for name, column in given.items() if column is not None}


def inferred(*observations, **more):
    """Heat conduction with an unknown conductivity."""
    given = {"parameters": {nu: sm.Infer(init=0.1)}} | more
    return declare(observations=list(observations), **given)
