"""Losses."""

import numpy as np

from ..kernels import kernels_of
from ..launch import over_matrix, over_rows
from ..losses import loss_kernel, output_kernel
from .tables import coefficients_of, on_device, row_numbers, rows_of, tables


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
    coefficients = coefficients_of(MIX_WEIGHT=weight, MIX_SHIFT=shift, SMOOTHING=smoothing)
    rows = rows_of(z)
    z_rows, dz, row_loss = on_device(rows, np.zeros_like(rows), np.zeros(n_rows, dtype))
    of_rows = on_device(targets)[0], row_numbers(order)
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
        grid = over_matrix(n_rows, n) if name == "output" else over_rows(n_rows)
        kernels_of(z.dtype)(name, **bound)[grid](
            *tables(z.dtype, n_rows), rows, n, z.dtype.type(parameter)
        )
    return rows.copy_to_host()[:, :n]


def head_weight(log_variance, weight, terms):
    """The factor of the loss of a head, and what is added to it."""
    dtype = log_variance.dtype.type
    own, numbers = on_device(log_variance, np.zeros(4, dtype))
    kernels_of(log_variance.dtype)("head_weight")[1, 1](own, dtype(weight), dtype(terms), numbers)
    return numbers.copy_to_host()[:2]


def log_variance_gradient(gradient, weight, terms, part, factor, loss, accumulate=False):
    """The gradient of a log variance, or the sum of it and the one that is there."""
    dtype = gradient.dtype.type
    numbers, own = on_device(np.array([factor, 0, loss, part], dtype), gradient.reshape(-1))
    kernel = kernels_of(gradient.dtype)("log_variance_gradient", ACCUMULATES=accumulate)
    kernel[1, 1](numbers, dtype(weight), dtype(terms), own)
    return own.copy_to_host().reshape(gradient.shape)
