"""Normalization."""

import numpy as np

from ..kernels import kernels_of
from ..launch import ONE_BLOCK, over_columns, over_elements, over_matrix, over_rows
from .tables import on_device, padded_vectors, rows_of, tables


def batchnorm_statistics(x):
    """Mean and biased variance of the columns; a single row is taken as its own moving mean."""
    n_rows, n = x.shape
    rows = rows_of(x)
    x_rows, *moving = on_device(rows, rows[0], np.zeros_like(rows[0]))
    mean, variance, inverse = padded_vectors(*np.zeros((3, n), x.dtype))
    kernels_of(x.dtype)("batchnorm_statistics")[over_columns(n)](
        *tables(x.dtype, n_rows), x_rows, *moving, mean, variance, inverse, n, x.dtype.type(0)
    )
    return mean.copy_to_host()[:n], variance.copy_to_host()[:n]


def _inverse_std(mean, variance, epsilon):
    """1 / the standard deviation, on the device."""
    dtype, n = mean.dtype, len(mean)
    *moving, same_mean, same_variance, inverse = padded_vectors(
        mean, variance, *np.zeros((3, n), dtype)
    )
    rows = on_device(np.zeros((1, n), dtype))
    kernels_of(dtype)("batchnorm_statistics", CONSTANT_STATISTICS=True)[over_columns(n)](
        *tables(dtype, 1), *rows, *moving, same_mean, same_variance, inverse, n, dtype.type(epsilon)
    )
    return inverse


def batchnorm(x, mean, variance, scale, shift, epsilon):
    """``scale * (x - mean) / sqrt(variance + epsilon) + shift``"""
    n_rows, n = x.shape
    rows = rows_of(x)
    x_rows, y = on_device(rows, np.zeros_like(rows))
    means, scales, shifts = padded_vectors(mean, scale, shift)
    kernels_of(x.dtype)("batchnorm")[over_matrix(*x.shape)](
        *tables(x.dtype, n_rows),
        x_rows,
        means,
        _inverse_std(mean, variance, epsilon),
        scales,
        shifts,
        y,
        n,
    )
    return y.copy_to_host()[:, :n]


def batchnorm_gradient(x, dy, mean, variance, scale, epsilon, constant_statistics=False):
    """Gradients with respect to x, scale and shift."""
    n_rows, n = x.shape
    step, kernels = tables(x.dtype, n_rows), kernels_of(x.dtype)
    x_rows, d = on_device(rows_of(x), rows_of(dy))
    means, scales, d_scale, d_shift = padded_vectors(mean, scale, *np.zeros((2, n), x.dtype))
    inverse = _inverse_std(mean, variance, epsilon)
    kernels("column_sums", column_term="term_normalised")[over_columns(n)](
        *step, x_rows, d, means, inverse, d_scale, d_shift, n
    )
    kernels("batchnorm_gradient", CONSTANT_STATISTICS=constant_statistics)[over_matrix(*x.shape)](
        *step, x_rows, means, inverse, scales, d_shift, d_scale, d, n
    )
    return [d.copy_to_host()[:, :n], d_scale.copy_to_host()[:n], d_shift.copy_to_host()[:n]]


def batchnorm_moving(
    moving_mean, moving_variance, mean, variance, n_rows, momentum, correction=1.0
):
    """The moving averages after a batch of n_rows rows, n_rows > 1."""
    dtype, n = mean.dtype, len(mean)
    batch, moving = padded_vectors(mean, variance), padded_vectors(moving_mean, moving_variance)
    kernels_of(dtype)("batchnorm_moving")[over_elements(n)](
        *tables(dtype, n_rows), *batch, *moving, n, dtype.type(momentum), dtype.type(correction)
    )
    return [v.copy_to_host()[:n] for v in moving]


def _rownorm(x, groups, epsilon, scale, shift):
    """(normalised rows, statistics), on the device."""
    n_rows, n = x.shape
    rows, none = rows_of(x), np.zeros(1, x.dtype)
    x_rows, y, statistics = on_device(
        rows, np.zeros_like(rows), np.zeros((n_rows, 2 * groups), x.dtype)
    )
    affine = padded_vectors(*(none if v is None else v for v in (scale, shift)))
    kernel = kernels_of(x.dtype)("rownorm", **_affine(scale, groups))
    kernel[over_rows(n_rows * groups)](
        *tables(x.dtype, n_rows), x_rows, *affine, y, statistics, n, groups, x.dtype.type(epsilon)
    )
    return y, statistics


def _affine(scale, groups):
    has_scale = scale is not None
    return {"HAS_SCALE": has_scale, "PER_GROUP": has_scale and len(scale) == groups}


def rownorm(x, groups, epsilon, scale=None, shift=None):
    """Rows with their groups normalised; scale and shift have a number for each column or group."""
    return _rownorm(x, groups, epsilon, scale, shift)[0].copy_to_host()[:, : x.shape[1]]


def rownorm_gradient(x, dy, groups, epsilon, scale=None):
    """Gradients with respect to x and, where there is a scale, to scale and shift."""
    n_rows, n = x.shape
    width, step, kernels = n // groups, tables(x.dtype, n_rows), kernels_of(x.dtype)
    _, statistics = _rownorm(x, groups, epsilon, None, None)
    x_rows, d = on_device(rows_of(x), rows_of(dy))
    of_columns = padded_vectors(*np.zeros((2, n), x.dtype))
    kernels("column_sums", column_term="term_of_group")[over_columns(n)](
        *step, x_rows, d, statistics, width, *of_columns, n
    )
    scales = padded_vectors(np.zeros(1, x.dtype) if scale is None else scale)
    bound = _affine(scale, groups)
    kernels("rownorm_gradient", **bound)[over_rows(n_rows * groups)](
        *step, x_rows, statistics, *scales, d, n, groups
    )
    dx = d.copy_to_host()[:, :n]
    if scale is None:
        return dx
    if bound["PER_GROUP"]:
        of_groups = padded_vectors(*np.zeros((2, groups), x.dtype))
        for columns, sums in zip(of_columns, of_groups, strict=True):
            kernels("group_sums")[ONE_BLOCK](columns, sums, width, groups)
        of_columns = of_groups
    return [dx, *(v.copy_to_host()[: len(scale)] for v in of_columns)]


def _weight_norms(v, g):
    """(1 / |v|, g / |v|), on the device."""
    n_in, n = v.shape
    norms, inverse, scale = padded_vectors(g, *np.zeros((2, n), v.dtype))
    kernels_of(v.dtype)("weightnorm_scales")[over_columns(n)](
        *tables(v.dtype, 1), *on_device(rows_of(v)), norms, inverse, scale, n_in, n
    )
    return inverse, scale


def weightnorm(xv, v, g, bias):
    """``xv * g / |v| + bias``, `xv` being x times v."""
    n_rows, n = xv.shape
    rows = rows_of(xv)
    x_rows, y = on_device(rows, np.zeros_like(rows))
    kernels_of(v.dtype)("weightnorm")[over_matrix(*xv.shape)](
        *tables(v.dtype, n_rows), x_rows, _weight_norms(v, g)[1], *padded_vectors(bias), y, n
    )
    return y.copy_to_host()[:, :n]


def weightnorm_gradient(xv, dy, v, g):
    """Gradients with respect to `xv`, to g and to the bias, and what the norm adds to that of v."""
    (n_rows, n), n_in = xv.shape, len(v)
    step, kernels = tables(v.dtype, n_rows), kernels_of(v.dtype)
    v_rows = rows_of(v)
    x_rows, d, v_rows, dv = on_device(rows_of(xv), rows_of(dy), v_rows, np.zeros_like(v_rows))
    d_scale, d_sum, dg, d_bias = padded_vectors(*np.zeros((4, n), v.dtype))
    inverse, scale = _weight_norms(v, g)
    kernels("column_sums", column_term="term_itself")[over_columns(n)](
        *step, x_rows, d, scale, inverse, d_scale, d_sum, n
    )
    kernels("weightnorm_gradient")[over_matrix(*xv.shape)](*step, scale, d, n)
    kernels("weightnorm_vectors")[over_elements(n)](d_scale, inverse, d_sum, dg, d_bias, n)
    kernels("weightnorm_correct")[over_matrix(*v.shape)](
        d_scale, scale, inverse, v_rows, dv, n_in, n
    )
    dx, dg, d_bias, dv = (a.copy_to_host() for a in (d, dg, d_bias, dv))
    return dx[:, :n], dg[:n], d_bias[:n], dv[:, :n]
