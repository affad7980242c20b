"""φ-functions against 50-digit arithmetic, where the textbook formulas lose all digits."""

import math

import mpmath
import numpy as np
import pytest
import torch

from sciml.fourier.phi import phi_diagonal, phi_matrix

SCALARS = [0.0, 1e-12, -1e-8, 1e-4, -1e-2, 0.3, -0.999, 1.001, -5.0, -40.0, -1e4, 3.0]
IMAGINARY = [1e-9j, -1e-3j, 0.5j, 1j, 1.0001j, 20j, -300j, 0.7 + 0.7j, -1 + 1e-6j, -2 - 3j]


def exact_phi(z, j):
    with mpmath.workdps(60):
        z = mpmath.mpc(z)
        if abs(z) < mpmath.mpf(10) ** -15:
            return complex(sum(z**m / mpmath.factorial(m + j) for m in range(8)))
        return complex((mpmath.exp(z) - sum(z**m / mpmath.factorial(m) for m in range(j))) / z**j)


@pytest.mark.parametrize("values", [SCALARS, IMAGINARY], ids=["real", "complex"])
def test_scalar(values):
    dtype = torch.float64 if values is SCALARS else torch.complex128
    results = phi_diagonal(torch.tensor(values, dtype=dtype))
    for j, result in enumerate(results, 1):
        assert result.dtype == dtype
        want = np.array([exact_phi(z, j) for z in values])
        assert np.abs(result.numpy() - want).max() <= 2e-15


def test_the_naive_formula_would_fail():
    z = 1e-4
    naive = (math.exp(z) - 1 - z - z**2 / 2) / z**3
    assert abs(naive - exact_phi(z, 3).real) > 1e-6


MATRICES = {
    "zero": np.zeros((2, 2)),
    "nilpotent": np.array([[0.0, 0.1], [0.0, 0.0]]),
    "oscillator": np.array([[0.0, 0.05], [-0.05 * 400, 0.0]]),
    "on the unit circle": np.array([[0.0, 1.0], [-1.0, 0.0]]),
    "stiff and zero": np.array([[-50.0, 3.0], [0.0, 0.0]]),
    "three by three": np.array([[-1.0, 2.0, 0.0], [0.5, -1.0, 1.0], [0.0, 3.0, -8.0]]),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_matrix(matrix):
    results = phi_matrix(torch.tensor(matrix, dtype=torch.complex128)[None])
    with mpmath.workdps(60):
        a = mpmath.matrix(matrix.tolist())
        n = a.rows
        # φ_j(A) stand in the first row of the exponential of an augmented matrix.
        big = mpmath.zeros(4 * n)
        for i in range(n):
            for j in range(n):
                big[i, j] = a[i, j]
            for block in range(3):
                big[block * n + i, (block + 1) * n + i] = 1
        exponential = mpmath.expm(big, method="pade")
        for block, result in enumerate(results):
            want = np.array([[complex(exponential[i, block * n + j]) for j in range(n)] for i in range(n)])
            assert np.abs(result[0].numpy() - want).max() <= 2e-13 * max(1, np.abs(want).max())


@pytest.mark.parametrize("frequency", [1.0, 1e2, 1e4])
def test_stiff_waves_keep_their_digits(frequency):
    matrix = torch.tensor([[0.0, 1.0], [-(frequency**2), 0.0]], dtype=torch.complex128)[None]
    c, s = math.cos(frequency), math.sin(frequency)
    want = torch.tensor([[c, s / frequency], [-frequency * s, c]], dtype=torch.complex128)
    units = torch.tensor([1.0, frequency], dtype=torch.float64)
    deviation = (phi_matrix(matrix)[0][0] - want) * units[None, :] / units[:, None]
    assert float(deviation.abs().max()) < 1e-15 * (10 + 2 * frequency)


@pytest.mark.parametrize("size", [2, 3, 6, 10])
def test_matrices_of_any_size(size):
    generator = torch.Generator().manual_seed(size)
    a = torch.randn(5, size, size, dtype=torch.complex128, generator=generator)
    a[0] = 0
    _, phi1, phi2, phi3 = phi_matrix(a)
    eye = torch.eye(size, dtype=torch.complex128)
    assert torch.allclose(phi1[0], eye, atol=1e-13)
    assert torch.allclose(a @ phi1, torch.linalg.matrix_exp(a) - eye, atol=1e-11)
    assert torch.allclose(a @ phi3, phi2 - eye / 2, atol=1e-11)


def test_matrix_of_a_diagonal_is_the_diagonal():
    z = torch.tensor([[0.1, -3.0], [1.0, -1e3]], dtype=torch.complex128)
    matrices = phi_matrix(torch.diag_embed(z))[1:]
    for matrix, scalar in zip(matrices, phi_diagonal(z), strict=True):
        assert torch.allclose(torch.diagonal(matrix, dim1=-2, dim2=-1), scalar, rtol=0, atol=1e-12)
