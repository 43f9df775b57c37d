"""The penalty of weights, where a gradient is asked for as such: the same on every device."""

import numpy as np


def add_penalty(program, parameters, gradient, alpha, l1_ratio=0.0, penalize_intercepts=False):
    """Add the gradient of the penalty to `gradient`; returns the penalty.

    Parameters
    ----------
    program : Program
    parameters, gradient : ndarray of shape (n_parameters,)
        Arenas of the program.
    alpha : float
        Strength of the penalty, divided by the sum of the rows' weights.
    l1_ratio : float, default=0.0
        The part of it that is of the magnitudes; the rest is of the squares.
    penalize_intercepts : bool, default=False
        Whether biases count as well.
    """
    arenas = gradient, parameters
    pairs = list(zip(*map(program.coefs, arenas), strict=True))
    if penalize_intercepts:
        pairs += zip(*map(program.intercepts, arenas), strict=True)
    squares = magnitudes = 0.0
    l2, l1 = alpha * (1 - l1_ratio), alpha * l1_ratio
    for g, w in pairs:
        g += program.dtype.type(l2) * w
        squares += float(np.square(w, dtype=np.float64).sum())
        if l1:
            g += program.dtype.type(l1) * np.sign(w)
            magnitudes += float(np.abs(w, dtype=np.float64).sum())
    return 0.5 * l2 * squares + l1 * magnitudes
