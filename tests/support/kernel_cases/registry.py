"""The registry of cases, and their comparison with the reference."""

import numpy as np

# Vectors hold 2 to 16 numbers, panels 8 or 16, register tiles up to 64 columns and 12 rows.
WIDTHS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 97, 130]
ROWS = [1, 2, 7, 8, 9, 13, 29]

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def float64(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


def arrays(result):
    return list(result) if isinstance(result, tuple | list) else [result]


def calls_of(name, dtype, ops, some=list):
    """The calls of a case, what they should return, and how far off they may be."""
    dtype = np.dtype(dtype)
    return CASES[name](ops, some, np.random.default_rng(0), dtype, np.finfo(dtype).eps)


def check_against_the_reference(name, dtype, ops, some=list):
    for call, expected, bound in calls_of(name, dtype, ops, some):
        for actual, wanted in zip(arrays(call()), arrays(expected), strict=True):
            actual, wanted = np.asarray(actual), np.asarray(wanted, float)
            assert actual.shape == wanted.shape
            # The reference has roundings of its own, and infinities must be where they belong.
            same = actual == wanted
            with np.errstate(invalid="ignore"):
                close = np.abs(actual - wanted) <= np.asarray(bound) * 1.01 + 1e-300
            assert np.all(same | close), f"{call}: {actual} should be {wanted}"
