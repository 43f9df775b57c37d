"""Batch, layer, group, instance and weight normalization."""

import numpy as np


def batch_norm_statistics(x):
    """Mean and (biased) variance of every column over the rows of a batch."""
    return x.mean(axis=0), x.var(axis=0)


def batch_norm_forward(x, scale, shift, mean, variance, epsilon):
    """Ioffe and Szegedy, "Batch normalization" (2015), algorithm 1."""
    return scale * (x - mean) / np.sqrt(variance + epsilon) + shift


def batch_norm_backward(x, scale, mean, variance, epsilon, dy, constant_statistics):
    """Gradients with respect to x, scale and shift (Ioffe and Szegedy 2015, section 3).

    The mean and the variance depend on every row, unless they are constants (moving averages).
    The two terms subtracted are what the batch's mean and variance take out of the gradient.
    """
    deviation = np.sqrt(variance + epsilon)
    x_hat = (x - mean) / deviation
    dscale, dshift = np.sum(dy * x_hat, axis=0), dy.sum(axis=0)
    dx_hat = dy * scale
    if constant_statistics:
        return dx_hat / deviation, dscale, dshift
    through_mean = dx_hat.mean(axis=0)
    through_variance = x_hat * np.mean(dx_hat * x_hat, axis=0)
    return (dx_hat - through_mean - through_variance) / deviation, dscale, dshift


def mean_only_forward(x, scale, shift, mean):
    """Salimans and Kingma, "Weight normalization" (2016), section 4, where the scale is 1."""
    return scale * (x - mean) + shift


def mean_only_backward(scale, dy, constant_statistics):
    """Gradients with respect to x and shift (Salimans and Kingma 2016, section 4)."""
    through_mean = 0.0 if constant_statistics else dy.mean(axis=0)
    return scale * (dy - through_mean), dy.sum(axis=0)


def moving_average(average, mean, variance, n_rows, momentum, correction=1):
    """Averages for prediction (Ioffe and Szegedy 2015, section 3.1), with the unbiased variance.

    `momentum` is the weight of the new batch; with a correction of 0 the variance is the biased.
    """
    return {
        "mean": (1 - momentum) * average["mean"] + momentum * mean,
        "variance": (1 - momentum) * average["variance"]
        + momentum * variance * n_rows / (n_rows - correction),
    }


# Layer, group and instance norm are each a normalisation of groups of consecutive columns in every
# row (Wu and He, "Group normalization", 2018, equations 1 to 4): of one group (Ba, Kiros, Hinton,
# "Layer normalization", 2016), or of channels (Ulyanov, Vedaldi, Lempitsky, "Instance
# normalization", 2016).


def n_groups(norm):
    """Return the number of groups of a spec of `fastnn.normalization`."""
    return getattr(norm, "n_groups", getattr(norm, "n_channels", 1))


def row_norm_forward(x, groups, epsilon, scale=None, shift=None):
    """Scale and shift have a number for each column, or for each group."""
    parts = x.reshape(len(x), groups, -1)
    deviation = np.sqrt(parts.var(axis=2, keepdims=True) + epsilon)
    normalised = ((parts - parts.mean(axis=2, keepdims=True)) / deviation).reshape(x.shape)
    if scale is None:
        return normalised
    repeats = x.shape[1] // len(scale)
    return np.repeat(scale, repeats) * normalised + np.repeat(shift, repeats)


def row_norm_backward(x, groups, epsilon, dy, scale=None):
    """Gradients with respect to x, scale and shift: of each group as batch norm's of a column."""
    repeats = 1 if scale is None else x.shape[1] // len(scale)
    normalised = row_norm_forward(x, groups, epsilon)
    parts, x_hat = (a.reshape(len(x), groups, -1) for a in (x, normalised))
    dx_hat = dy if scale is None else dy * np.repeat(scale, repeats)
    dx_hat = dx_hat.reshape(parts.shape)
    through_mean = dx_hat.mean(axis=2, keepdims=True)
    through_variance = x_hat * np.mean(dx_hat * x_hat, axis=2, keepdims=True)
    deviation = np.sqrt(parts.var(axis=2, keepdims=True) + epsilon)
    dx = ((dx_hat - through_mean - through_variance) / deviation).reshape(x.shape)
    if scale is None:
        return dx, None, None
    dscale, dshift = (a.sum(axis=0).reshape(-1, repeats).sum(axis=1) for a in (dy * normalised, dy))
    return dx, dscale, dshift


def normalised_weights(v, g):
    """Salimans and Kingma, "Weight normalization" (2016), equation 2, for each column."""
    return g * v / np.linalg.norm(v, axis=0)


def normalised_weights_backward(v, g, dw):
    """Gradients with respect to v and g (Salimans and Kingma 2016, equation 3)."""
    norm = np.linalg.norm(v, axis=0)
    dg = np.sum(dw * v, axis=0) / norm
    return g / norm * dw - g * dg / norm**2 * v, dg
