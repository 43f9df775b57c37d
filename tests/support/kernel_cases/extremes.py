"""Checks of what kernels do with NaN, infinities and the largest numbers."""

import numpy as np

from fastnn import losses
from support import reference
from support.kernel_cases.activations import EACH_ACTIVATION, native, times_derivative
from support.problems import EACH_LOSS
from support.reference import ACTIVATIONS, loss_of


def check_that_nan_passes_through(dtype, ops):
    """NaN is not lost: training could not notice that it diverged."""
    x = np.zeros((3, 20), dtype)
    x[1, 18] = np.nan
    for each in EACH_ACTIVATION:
        y = ops.activation(x, *native(each)[1])
        assert np.isnan(y[1, 18])
        assert np.isnan(y).sum() == 1
    for of in EACH_LOSS:
        row, parameter = losses.row_and_parameter(of)
        y = np.zeros(3, np.int32) if row.class_codes else np.zeros((3, 20), dtype)
        *_, value = ops.loss(x, y, row.code, parameter=parameter)
        assert np.isnan(value[1])
        assert np.isfinite(value[[0, 2]]).all()
    g, *_ = ops.finish_gradient(np.ones(20, dtype), x[1], 0.1, 0.1, 1.0)
    assert np.isnan(g[18])
    assert np.isnan(g).sum() == 1
    _, variance = ops.batchnorm_statistics(x)
    assert np.isnan(variance[18])
    for y in (
        ops.prelu(x, np.ones(1, dtype)),
        ops.maxout(x, 2),
        ops.maxout(x[:, ::-1], 2),
    ):
        assert np.isnan(y[1]).sum() == 1
    assert np.isnan(ops.rownorm(x, 2, 0.1)[1, 10:]).all()
    assert np.isfinite(ops.rownorm(x, 2, 0.1)[[0, 2]]).all()


def check_losses_of_extreme_outputs(of, dtype, ops):
    """Nothing overflows on the way, and ties are broken as in the reference."""
    row, parameter = losses.row_and_parameter(of)
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4], [0, 0, 0]], dtype)
    if row.class_codes:
        y = np.array([0, 0, 1, 2], np.int32)
    elif of == "soft_log_loss":
        y = np.array([[0.5, 0.25, 0.25], [0, 0.5, 0.5], [1, 0, 0], [0.25, 0.5, 0.25]], dtype)
    else:
        y = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]], dtype)
    for smoothing in (0.0, 0.25) if row.probabilities else (0.0,):
        output, delta, value = ops.loss(z, y, row.code, parameter=parameter, smoothing=smoothing)
        z64 = z.astype(float)
        target = y
        if smoothing:
            n_classes = 2 if of == "binary_log_loss" else 3
            target = reference.smoothed(reference.as_target(y, z), n_classes, smoothing)
        expected = loss_of(of)
        eps = np.finfo(dtype).eps
        at_most = {"rtol": 300 * eps, "atol": 4 * eps * 1e4}  # two numbers of 1e4 may cancel
        np.testing.assert_allclose(value, expected.value(z64, target), **at_most)
        np.testing.assert_allclose(delta, expected.delta(z64, target), 300 * eps, eps)
        assert np.isfinite(output).all()


def check_limits_of_activations(dtype, ops):
    """Values go to their limits, and derivatives stay finite: nothing overflows on the way."""
    largest = np.finfo(dtype).max
    x = np.array([-np.inf, -largest, -1e10, 1e10, largest, np.inf], dtype)
    for name in [name for name in ACTIVATIONS if name != "identity"]:
        with np.errstate(all="ignore"):
            limits = ACTIVATIONS[name].value(np.float64([-1e300, 1e300]))
        limits = np.where(abs(limits) > 1e9, np.copysign(np.inf, limits), limits)
        y = ops.activation(x, *native(name)[1])
        np.testing.assert_allclose(y[[0, -1]], limits, rtol=1e-6)
        np.testing.assert_allclose(y[2:4], ACTIVATIONS[name].value(np.float64(x[2:4])), rtol=1e-6)
        d = times_derivative(ops, x, y, np.ones_like(x), *native(name))
        slopes = ACTIVATIONS[name].derivative(np.float64([-1e10, 1e10]))
        np.testing.assert_allclose(d, np.repeat(slopes, 3), rtol=1e-6, atol=1e-6)


def check_softmax_of_any_logits(dtype, ops):
    z = np.array([[1e4, -1e4, 0], [-1e30, -1e30, -1e30], [80, 89, 100], [5, 5, 5]], dtype)
    p = ops.output(z, losses.LOSSES["log_loss"].code)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(p[1], 1 / 3, rtol=1e-6)
