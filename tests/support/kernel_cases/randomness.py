"""Cases of kernels that draw numbers: dropout, noise, random slopes."""

from functools import partial

import numpy as np

from fastnn.activations import RReLU
from support import reference
from support.kernel_cases.registry import case, float64
from support.problems import LAYOUTS, make_counts


@case
def dropout(ops, some, rng, dtype, eps):
    """The mask is exact; the factor 1 / (1 - rate) is rounded, and the product."""
    for rate in (0.2, 0.5, 0.99):
        for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130)]):
            x = rng.standard_normal((n, m)).astype(dtype)
            seed, step, stage, first = int(rng.integers(2**63)), 2**31 + 5, 3, 4 * (n % 3)
            keep = reference.keep_mask(rate, (first + n, m), seed, step - 2**31, stage)[first:]
            expected = reference.dropout(*float64(x), keep, rate)
            call = partial(ops.dropout, x, rate, seed, step - 2**31, stage, first)
            yield call, expected, 2 * eps * np.abs(expected)
            # The original form leaves what it keeps as it is.
            expected = np.where(keep, x, 0)
            yield partial(call, inverted=False), expected, 0


@case
def rrelu(ops, some, rng, dtype, eps):
    """The slope is a product and a sum of two roundings, times x."""
    for spec in (RReLU(), RReLU(0.0, 0.9), RReLU(0.25, 0.25)):
        for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130)]):
            x, g = rng.standard_normal((2, n, m)).astype(dtype)
            seed, step, stage, first = int(rng.integers(2**63)), 77, 3, 4 * (n % 3)
            shape = first + n, m
            slopes = np.where(
                x > 0, 1, reference.random_slopes(spec, shape, seed, step, stage)[first:]
            )
            call = partial(ops.rrelu, x, spec.lower, spec.upper, seed, step, stage, first)
            yield call, x * slopes, 12 * eps
            yield partial(call, gradient=g), g * slopes, 12 * eps


@case
def residual(ops, some, rng, dtype, eps):
    """Two roundings of the branch and one of the sum; the mask is one for the row."""
    for shape, rate in [((1, 1), 0.0), ((9, 17), 0.5), ((6, 33), 0.25)]:
        skip, branch = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
        keep = reference.keep_mask(rate, (8 + shape[0], 1), 2**40 + 1, 7, 2)[8:]
        dropped = reference.dropout(*float64(branch), keep, rate)
        call = partial(ops.residual, skip, branch, rate, 2**40 + 1, 7, 2, 8)
        yield call, skip + dropped, 4 * eps * (abs(skip) + abs(dropped))
        call = partial(ops.residual, None, branch, rate, 2**40 + 1, 7, 2, 8)
        yield call, dropped, 4 * eps * abs(dropped)


@case
def dropout_csr(ops, some, rng, dtype, eps):
    """The mask of an element of a matrix, whether or not the others are stored."""
    for layout in ("csr float32", "csr float64"):
        X = LAYOUTS[layout](make_counts(rng, 30, 17)).astype(dtype)
        keep = reference.keep_mask(0.4, (8 + 30, 17), 2**40 + 1, 7, 2)[8:]
        rows = np.repeat(np.arange(30), np.diff(X.indptr))
        expected = reference.dropout(*float64(X.data), keep[rows, X.indices], 0.4)
        yield partial(ops.dropout_csr, X, 0.4, 2**40 + 1, 7, 2, 8), expected, 4 * eps * expected


@case
def normal_noise(ops, some, rng, dtype, eps):
    """Compare noise within some roundings of numbers below six."""
    for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130), (400, 100)]):
        x = rng.standard_normal((n, m)).astype(dtype)
        seed, step, stage, first = int(rng.integers(2**63)), 5, 3, 4 * (n % 3)
        noise = reference.normal_noise((first + n, m), seed, step, stage)[first:]
        call = partial(ops.normal_noise, x, 0.5, seed, step, stage, first)
        yield call, *float64(x) + 0.5 * noise, 16 * eps
