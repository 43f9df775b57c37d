"""The functions of numbers that CUDA kernels are made of, compiled for the CPU.

They need neither a GPU nor the simulator: what Numba makes of them is the same code but for the
functions of the C library. Those that stand in a registry run through the
cases of ``support/kernel_cases``.
"""

from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from scipy.special import ndtr

from fastnn.activations import ACTIVATIONS, ELEMENTWISE
from support import reference
from support.kernel_cases import check_against_the_reference
from support.kernel_cases.extremes import check_limits_of_activations

numba = pytest.importorskip("numba")
pytest.importorskip("numba_cuda")

from fastnn._core.cuda import activations, kernels  # noqa: E402

pytestmark = pytest.mark.cuda

DTYPES = ["float32", "float64"]


def jit(function=None, device=False, launch_bounds=None):
    """Stands in for ``cuda.jit``; divisions by zero are what they are on a GPU."""
    compiled = numba.njit(error_model="numpy")
    return compiled if function is None else compiled(function)


@cache
def scalar(name, dtype, **bindings):
    """A device function made for the CPU, with all that it calls."""
    with patch.multiple(kernels, cuda=SimpleNamespace(jit=jit), SIMULATED=False):
        return kernels.Kernels(dtype)(name, **bindings)


def each(name, x, *arguments):
    """The function of every number of `x`, an array for each of its results."""
    function, numbers = scalar(name, x.dtype), [x.dtype.type(a) for a in arguments]
    results = np.array([function(value, *numbers) for value in x.flat], x.dtype)
    return results.T.reshape(*results.shape[1:], *x.shape)


def activation(x, code, parameter=0, in_place=False):
    return each(activations.VALUES[code], x, parameter)


def activation_with_derivative(x, code):
    return each(activations.PAIRS[code], x, 0)


def activation_gradient(y, gradient, code, parameter=0, derivative=None):
    if derivative is not None:
        return gradient * derivative
    return gradient * each(activations.DERIVATIVES[code], y, parameter)


def normal_noise(x, deviation, seed, step, stage, first_row):
    function, key = scalar("normal_at", x.dtype), (seed & 0xFFFFFFFF, seed >> 32)
    noise = [function(first_row + i, j, step, stage, *key) for i, j in np.ndindex(x.shape)]
    return x + x.dtype.type(deviation) * np.array(noise, x.dtype).reshape(x.shape)


# Ops for the cases, made of scalar functions.
OPS = [activation, activation_with_derivative, activation_gradient, normal_noise]
SCALAR_OPS = SimpleNamespace(**{op.__name__: op for op in OPS})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["activation", "activation_gradient", "normal_noise"])
def test_functions_against_the_reference(name, dtype):
    check_against_the_reference(name, dtype, SCALAR_OPS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_go_to_their_limits(dtype):
    check_limits_of_activations(dtype, SCALAR_OPS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_passes_through(dtype):
    nan = np.full(1, np.nan, dtype)
    for name in [*activations.VALUES.values(), *activations.PAIRS.values()]:
        assert np.isnan(each(name, nan, 1)).all(), name


def test_every_activation_has_its_functions():
    """A value, and a derivative from the one or the other."""
    codes = {ACTIVATIONS[name].code for name in ELEMENTWISE if name != "identity"}
    assert activations.VALUES.keys() == codes
    assert activations.DERIVATIVES.keys() | activations.PAIRS.keys() == codes
    kept = {row.code for row in ACTIVATIONS.values() if row.keeps_derivative}
    assert activations.PAIRS.keys() == kept & codes == codes - activations.DERIVATIVES.keys()


# Function, its reference, where it is tried, and the error in units and in those of x^2.
ELEMENTARY = {
    "exponential": (np.exp, np.linspace(-87, 88, 500), 3, 0),
    "exponential_minus_1": (np.expm1, np.append(np.linspace(-80, 80, 500), [1e-20, -1e-20]), 3, 0),
    "logarithm": (np.log, np.geomspace(1e-37, 1e37, 500), 3, 0),
    "logarithm_of_1_plus": (np.log1p, np.append(np.linspace(0, 1, 500), 1e-20), 3, 0),
    "square_root": (np.sqrt, np.geomspace(1e-37, 1e37, 500), 1, 0),
    "normal_distribution": (
        lambda x: np.array([ndtr(x), np.exp(-(x**2) / 2)]),
        np.linspace(-12, 12, 500),
        6,
        1,
    ),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions(name, dtype):
    function, where, units, squares = ELEMENTARY[name]
    x = where.astype(dtype)
    z = x.astype(float)
    bound = (units + squares * z**2) * np.finfo(dtype).eps * np.abs(function(z))
    assert np.all(np.abs(each(name, x) - function(z)) <= bound)


@pytest.mark.parametrize("dtype", DTYPES)
def test_elementary_functions_at_the_ends(dtype):
    x = np.array([-np.inf, -1, 0, np.inf, np.nan], dtype)
    nan = np.nan
    np.testing.assert_array_equal(each("exponential", x)[[0, 2, 3, 4]], [0, 1, np.inf, nan])
    np.testing.assert_array_equal(each("logarithm", x), [nan] * 5)
    np.testing.assert_array_equal(each("square_root", x), [nan, nan, 0, np.inf, nan])
    np.testing.assert_array_equal(each("normal_distribution", x)[0, [0, 2, 3, 4]], [0, 0.5, 1, nan])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (0xFFFFFFFF, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_random_words_as_published(word, expected):
    assert scalar("philox", "float32")(*[word] * 6) == expected


def test_random_words_are_those_of_masks():
    seed, step, stage = 2**63 - 12345, 2**32 - 7, 3
    key = seed & 0xFFFFFFFF, seed >> 32
    function = scalar("random_word", "float32")
    for row, column in [(0, 0), (1, 5), (6, 2), (7, 1000), (4 * 10**9, 17)]:
        words = reference.philox4x32((column, row // 4, step, stage), key)
        assert function(row, column, step, stage, *key) == words[row % 4]
