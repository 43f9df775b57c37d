"""The kernels of normalisation, losses and rows as Python calls: see ``ops.py``."""

import numpy as np

from fastnn.program import Column

from ._numba import cuda
from .kernels import kernels_of
from .launch import ONE_BLOCK, over_columns, over_elements, over_rows
from .losses import loss_kernel, output_kernel
from .ops import on_device, rows_of, tables


def _vectors(*vectors):
    """Copies of vectors in rows of padded width, on the device."""
    return on_device(*(rows_of(v)[0] for v in vectors))


def _coefficients(**columns):
    """A table of one step, in which nothing is mixed; `columns` are names of Column."""
    table = np.zeros((1, 32))
    for name, value in {"MIX_WEIGHT": 1.0, **columns}.items():
        table[0, Column[name]] = value
    return table


def _row_numbers(order):
    return on_device(np.zeros(1, np.int64) if order is None else np.asarray(order, np.int64))[0]


def batchnorm_statistics(x):
    """Mean and biased variance of the columns; a single row is taken as its own moving mean."""
    n_rows, n = x.shape
    rows = rows_of(x)
    x_rows, *moving = on_device(rows, rows[0], np.zeros_like(rows[0]))
    mean, variance, inverse = _vectors(*np.zeros((3, n), x.dtype))
    kernels_of(x.dtype)("batchnorm_statistics")[over_columns(n)](
        *tables(x.dtype, n_rows), x_rows, *moving, mean, variance, inverse, n, x.dtype.type(0)
    )
    return mean.copy_to_host()[:n], variance.copy_to_host()[:n]


def _inverse_std(mean, variance, epsilon):
    """1 / the standard deviation, on the device."""
    dtype, n = mean.dtype, len(mean)
    *moving, same_mean, same_variance, inverse = _vectors(mean, variance, *np.zeros((3, n), dtype))
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
    means, scales, shifts = _vectors(mean, scale, shift)
    kernels_of(x.dtype)("batchnorm")[over_elements(x.size)](
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
    means, scales, d_scale, d_shift = _vectors(mean, scale, *np.zeros((2, n), x.dtype))
    inverse = _inverse_std(mean, variance, epsilon)
    kernels("column_sums", column_term="term_normalised")[over_columns(n)](
        *step, x_rows, d, means, inverse, d_scale, d_shift, n
    )
    kernels("batchnorm_gradient", CONSTANT_STATISTICS=constant_statistics)[over_elements(x.size)](
        *step, x_rows, means, inverse, scales, d_shift, d_scale, d, n
    )
    return [d.copy_to_host()[:, :n], d_scale.copy_to_host()[:n], d_shift.copy_to_host()[:n]]


def batchnorm_moving(moving_mean, moving_variance, mean, variance, n_rows, momentum):
    """The moving averages after a batch of n_rows rows, n_rows > 1."""
    dtype, n = mean.dtype, len(mean)
    batch, moving = _vectors(mean, variance), _vectors(moving_mean, moving_variance)
    kernels_of(dtype)("batchnorm_moving")[over_elements(n)](
        *tables(dtype, n_rows), *batch, *moving, n, dtype.type(momentum)
    )
    return [v.copy_to_host()[:n] for v in moving]


def _rownorm(x, groups, epsilon, scale, shift):
    """(normalised rows, statistics), on the device."""
    n_rows, n = x.shape
    rows, none = rows_of(x), np.zeros(1, x.dtype)
    x_rows, y, statistics = on_device(
        rows, np.zeros_like(rows), np.zeros((n_rows, 2 * groups), x.dtype)
    )
    affine = _vectors(*(none if v is None else v for v in (scale, shift)))
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
    of_columns = _vectors(*np.zeros((2, n), x.dtype))
    kernels("column_sums", column_term="term_of_group")[over_columns(n)](
        *step, x_rows, d, statistics, width, *of_columns, n
    )
    scales = _vectors(np.zeros(1, x.dtype) if scale is None else scale)
    bound = _affine(scale, groups)
    kernels("rownorm_gradient", **bound)[over_rows(n_rows * groups)](
        *step, x_rows, statistics, *scales, d, n, groups
    )
    dx = d.copy_to_host()[:, :n]
    if scale is None:
        return dx
    if bound["PER_GROUP"]:
        of_groups = _vectors(*np.zeros((2, groups), x.dtype))
        for columns, sums in zip(of_columns, of_groups, strict=True):
            kernels("group_sums")[ONE_BLOCK](columns, sums, width, groups)
        of_columns = of_groups
    return [dx, *(v.copy_to_host()[: len(scale)] for v in of_columns)]


def _weight_norms(v, g):
    """(1 / |v|, g / |v|), on the device."""
    n_in, n = v.shape
    norms, inverse, scale = _vectors(g, *np.zeros((2, n), v.dtype))
    kernels_of(v.dtype)("weightnorm_scales")[over_columns(n)](
        *tables(v.dtype, 1), *on_device(rows_of(v)), norms, inverse, scale, n_in, n
    )
    return inverse, scale


def weightnorm(xv, v, g, bias):
    """``xv * g / |v| + bias``, `xv` being x times v."""
    n_rows, n = xv.shape
    rows = rows_of(xv)
    x_rows, y = on_device(rows, np.zeros_like(rows))
    kernels_of(v.dtype)("weightnorm")[over_elements(xv.size)](
        *tables(v.dtype, n_rows), x_rows, _weight_norms(v, g)[1], *_vectors(bias), y, n
    )
    return y.copy_to_host()[:, :n]


def weightnorm_gradient(xv, dy, v, g):
    """Gradients with respect to `xv`, to g and to the bias, and what the norm adds to that of v."""
    (n_rows, n), n_in = xv.shape, len(v)
    step, kernels = tables(v.dtype, n_rows), kernels_of(v.dtype)
    v_rows = rows_of(v)
    x_rows, d, v_rows, dv = on_device(rows_of(xv), rows_of(dy), v_rows, np.zeros_like(v_rows))
    d_scale, d_sum, dg, d_bias = _vectors(*np.zeros((4, n), v.dtype))
    inverse, scale = _weight_norms(v, g)
    kernels("column_sums", column_term="term_itself")[over_columns(n)](
        *step, x_rows, d, scale, inverse, d_scale, d_sum, n
    )
    kernels("weightnorm_gradient")[over_elements(xv.size)](*step, scale, d, n)
    kernels("weightnorm_vectors")[over_elements(n)](d_scale, inverse, d_sum, dg, d_bias, n)
    kernels("weightnorm_correct")[over_elements(v.size)](
        d_scale, scale, inverse, v_rows, dv, n_in, n
    )
    dx, dg, d_bias, dv = (a.copy_to_host() for a in (d, dg, d_bias, dv))
    return dx[:, :n], dg[:n], d_bias[:n], dv[:, :n]


def loss(
    z, targets, code, order=None, weights=None, scale=1.0, parameter=0.0, smoothing=0.0, mixing=None
):
    """(output activation, gradient with respect to z, loss of each row)

    With `mixing`, the weight and the shift, they are those of mixed rows.
    """
    name, bound = loss_kernel(code)
    return _loss(name, bound, z, targets, order, weights, scale, parameter, smoothing, mixing)


def loss_of_user(z, targets, value, derivative, order=None, weights=None, scale=1.0):
    """(gradient with respect to z, loss of each row), of the user's functions"""
    bound = {"user_loss": value, "user_loss_derivative": derivative}
    return _loss("loss_of_user", bound, z, targets, order, weights, scale, 0.0, 0.0, None)[1:]


def _loss(name, bound, z, targets, order, weights, scale, parameter, smoothing, mixing):
    dtype, (n_rows, n) = z.dtype, z.shape
    weight, shift = mixing or (1.0, 0)
    coefficients = _coefficients(MIX_WEIGHT=weight, MIX_SHIFT=shift, SMOOTHING=smoothing)
    rows = rows_of(z)
    z_rows, dz, row_loss = on_device(rows, np.zeros_like(rows), np.zeros(n_rows, dtype))
    of_rows = on_device(targets)[0], _row_numbers(order)
    weights_row = on_device(np.ones(1, dtype) if weights is None else weights)[0]
    choices = {"ORDERED": order is not None, "HAS_WEIGHTS": weights is not None}
    choices |= {"MIXES": mixing is not None, "SMOOTHS": smoothing > 0}
    kernels_of(dtype)(name, **bound, **choices)[over_rows(n_rows)](
        *tables(dtype, n_rows, coefficients=coefficients, scale=scale),
        z_rows,
        *of_rows,
        weights_row,
        dz,
        row_loss,
        n,
        dtype.type(parameter),
    )
    return z_rows.copy_to_host()[:, :n], dz.copy_to_host()[:, :n], row_loss.copy_to_host()


def output(z, code, parameter=0.0):
    """The output activation that belongs to a loss."""
    n_rows, n = z.shape
    rows = on_device(rows_of(z))[0]
    if output_kernel(code) is not None:
        name, bound = output_kernel(code)
        kernels_of(z.dtype)(name, **bound)[over_rows(n_rows)](
            *tables(z.dtype, n_rows), rows, n, z.dtype.type(parameter)
        )
    return rows.copy_to_host()[:, :n]


def gather(X, dtype, order=None, first_row=0, n_rows=None):
    """Rows of dense X in the engine's type."""
    n = len(order) if order is not None else X.shape[0] - first_row if n_rows is None else n_rows
    return _gathered("gather", X, dtype, order, first_row, n, None)


def mix_rows(X, dtype, mixing, order=None, start=0, n_rows=None, first_row=0):
    """Rows first_row .. of a batch, mixed; the batch is X[order], or n_rows rows from `start`.

    `mixing` is (weight, shift, first, run, n_runs, stride), see program.h.
    """
    names = [f"MIX_{name}" for name in ("WEIGHT", "SHIFT", "FIRST", "RUN", "N_RUNS", "STRIDE")]
    coefficients = _coefficients(**dict(zip(names, mixing, strict=True)))
    n = n_rows if order is None else len(order)
    return _gathered("mix_rows", X, dtype, order, start, n, coefficients)[first_row:]


def _gathered(name, X, dtype, order, start, n_rows, coefficients):
    dtype, n = np.dtype(dtype), X.shape[1]
    x = cuda.to_device(rows_of(np.zeros((n_rows, n), dtype)))
    step = tables(dtype, n_rows, start, coefficients=coefficients)
    kernels_of(dtype)(name, ORDERED=order is not None)[over_elements(n_rows * n)](
        *step, *on_device(X), _row_numbers(order), x
    )
    return x.copy_to_host()[:, :n]


def weighted_sum(values, weights=None, order=None):
    """Sum of values times weights[order], in the type of the values."""
    dtype = values.dtype
    arrays = on_device(values, np.ones_like(values) if weights is None else weights)
    total = on_device(np.zeros(1, dtype))[0]
    kernels_of(dtype)("weighted_sum", ORDERED=order is not None)[ONE_BLOCK](
        *arrays, _row_numbers(order), total, len(values)
    )
    return total.copy_to_host()[0]
