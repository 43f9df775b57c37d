"""Cases of normalizations."""

from functools import partial

import numpy as np

from support import reference
from support.kernel_cases.registry import ROWS, WIDTHS, case, float64


@case
def batchnorm_statistics(ops, some, rng, dtype, eps):
    """A mean of 100 deviations: the variance suffers by that factor, not by its square."""
    for n, m in some([(n, m) for n in [*ROWS, 64, 200] for m in WIDTHS[:9]]):
        for mean in (0, 100):
            x = rng.normal(mean, 1, (n, m)).astype(dtype)
            expected = reference.batch_norm_statistics(*float64(x))
            scale = mean + 3
            yield partial(ops.batchnorm_statistics, x), expected, 20 * eps * scale


def batchnorm_problem(rng, dtype, n, m):
    x, dy = rng.standard_normal((2, n, m)).astype(dtype)
    mean, scale, shift = rng.standard_normal((3, m)).astype(dtype)
    return x, dy, mean, rng.uniform(0.5, 2, m).astype(dtype), scale, shift


@case
def batchnorm(ops, some, rng, dtype, eps):
    """Six roundings of numbers below ten."""
    for n, m in some([(n, m) for n in ROWS for m in WIDTHS[:9]]):
        x, _, mean, variance, scale, shift = batchnorm_problem(rng, dtype, n, m)
        expected = reference.batch_norm_forward(*float64(x, scale, shift, mean, variance), 1e-3)
        call = partial(ops.batchnorm, x, mean, variance, scale, shift, 1e-3)
        yield call, expected, 60 * eps


@case
def batchnorm_gradient(ops, some, rng, dtype, eps):
    """Errors of the forward pass and of sums over the rows, times the normalised x twice."""
    for n, m in some([(n, m) for n in ROWS for m in WIDTHS[:9]]):
        x, dy, mean, variance, scale, _ = batchnorm_problem(rng, dtype, n, m)
        for constant in (False, True) if n > 1 else (True,):  # one row has no statistics
            expected = reference.batch_norm_backward(
                *float64(x, scale, mean, variance), 1e-3, *float64(dy), constant
            )
            call = partial(ops.batchnorm_gradient, x, dy, mean, variance, scale, 1e-3, constant)
            size = np.max((x - mean) ** 2 / variance)
            yield call, expected, 20 * n * eps * (1 + size)


@case
def batchnorm_moving(ops, some, rng, dtype, eps):
    for momentum, correction in ((0.1, 1.0), (1.0, 1.0), (0.1, 0.0)):
        for m in some(WIDTHS[:9]):
            moving, mean = rng.standard_normal((2, m)).astype(dtype)
            moving_variance, variance = rng.uniform(0.5, 2, (2, m)).astype(dtype)
            average = {"mean": moving.astype(float), "variance": moving_variance.astype(float)}
            numbers = 5, momentum, correction
            expected = reference.moving_average(average, *float64(mean, variance), *numbers)
            arguments = moving, moving_variance, mean, variance, *numbers
            yield (
                partial(ops.batchnorm_moving, *arguments),
                [expected["mean"], expected["variance"]],
                16 * eps,
            )


# Width, number of groups: groups of one, of less than a panel, of whole panels and some more.
GROUPS = [(1, 1), (15, 1), (15, 5), (16, 1), (16, 2), (16, 16), (17, 1), (33, 1), (33, 3), (33, 11)]
GROUPS += [(64, 4), (130, 2)]


@case
def rownorm(ops, some, rng, dtype, eps):
    """Errors of batch norm; a mean of some deviations costs the variance that factor."""
    for n, m, groups in some([(n, *shape) for n in (1, 8, 13) for shape in GROUPS]):
        x = rng.normal(3, 1, (n, m)).astype(dtype)
        for n_scales in {m, groups, 0}:
            affine = [rng.uniform(0.5, 2, n_scales).astype(dtype) for _ in range(2)]
            affine = affine if n_scales else [None, None]
            affine64 = [v if v is None else v.astype(float) for v in affine]
            expected = reference.row_norm_forward(x.astype(float), groups, 0.1, *affine64)
            yield partial(ops.rownorm, x, groups, 0.1, *affine), expected, 300 * eps


@case
def rownorm_gradient(ops, some, rng, dtype, eps):
    for n, m, groups in some([(n, *shape) for n in (1, 8, 13) for shape in GROUPS]):
        x, dy = rng.normal(3, 1, (2, n, m)).astype(dtype)
        for n_scales in {m, groups, 0}:
            scale = rng.uniform(0.5, 2, n_scales).astype(dtype) if n_scales else None
            scale64 = None if scale is None else scale.astype(float)
            expected = reference.row_norm_backward(
                x.astype(float), groups, 0.1, dy.astype(float), scale64
            )
            expected = expected if n_scales else expected[0]
            # Gradients of scales are sums of up to n m products.
            bound = (4000 + 4 * n * m) * eps
            yield partial(ops.rownorm_gradient, x, dy, groups, 0.1, scale), expected, bound


def weightnorm_problem(some, rng, dtype):
    """Fewer rows of weights than a task has, as many, and several tasks."""
    shapes = [(1, 1), (5, 3), (24, 17), (61, 16), (9, 33)]
    for n, n_in, m in some([(n, *shape) for n in (1, 8, 13) for shape in shapes]):
        x, dy, v = (rng.standard_normal(s).astype(dtype) for s in [(n, n_in), (n, m), (n_in, m)])
        g, bias = rng.uniform(0.5, 2, (2, m)).astype(dtype)
        x = x.astype(float)
        yield x, (x @ v).astype(dtype), dy, v, g, bias


@case
def weightnorm(ops, some, rng, dtype, eps):
    for x, xv, _, v, g, bias in weightnorm_problem(some, rng, dtype):
        expected = x @ reference.normalised_weights(*float64(v, g)) + bias
        size = np.abs(x) @ np.abs(reference.normalised_weights(*float64(v, g))) + 2
        yield partial(ops.weightnorm, xv, v, g, bias), expected, 20 * eps * size


@case
def weightnorm_gradient(ops, some, rng, dtype, eps):
    """The norm takes out of v's gradient what lies along v."""
    for x, xv, dy, v, g, _ in weightnorm_problem(some, rng, dtype):
        v64, g64, dy64 = float64(v, g, dy)
        dw = x.T @ dy64
        dv, dg = reference.normalised_weights_backward(v64, g64, dw)
        scale = g64 / np.linalg.norm(v64, axis=0)
        expected = dy64 * scale, dg, dy64.sum(axis=0), dv - scale * dw
        bound = 100 * len(x) * eps * (1 + max(np.abs(e).max() for e in expected))
        yield partial(ops.weightnorm_gradient, xv, dy, v, g), expected, bound
