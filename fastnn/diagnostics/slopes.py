"""Derivatives of a prediction with respect to the outputs of the network, for each row.

Outputs are those that the loss sees: pre-activations where it contains the output activation.
"""

from numbers import Integral

import numpy as np
from scipy.special import expit, softmax

from ..losses import LOSSES, quantiles_of


def slopes_of_target(network, target, of):
    """Return a function of outputs (n_rows, n_outputs), whose slopes have the same shape.

    Parameters
    ----------
    network : Network
        Network of a regressor.
    target, of
        See `fastnn.diagnostics.input_gradients`.
    """
    if of != "prediction":
        raise ValueError(f"of={of!r} is for classifiers: a regressor has its prediction.")
    n_quantiles = max(1, len(quantiles_of(network.loss)))
    sizes = network.program.n_outputs // n_quantiles, n_quantiles
    column, number = _place(target, sizes)

    def slopes(outputs):
        found = np.zeros(outputs.shape, order="F" if n_quantiles > 1 else "C")
        own = outputs[:, column * n_quantiles : (column + 1) * n_quantiles]
        unit = column * n_quantiles + own.argsort(axis=1, kind="stable")[:, number]
        rows = np.arange(len(outputs))
        found[rows, unit] = np.exp(outputs[rows, unit]) if network.loss == "poisson" else 1
        return found

    return slopes


def _place(target, sizes):
    """Return the numbers of a column and a quantile that a target names, if there are several."""
    several = [i for i, size in enumerate(sizes) if size > 1]
    given = target if isinstance(target, tuple) else (target,) * (target is not None)
    place, is_only = [0, 0], not several and given == (0,)
    fits = len(given) == len(several) and all(
        isinstance(number, Integral) and 0 <= number < sizes[i]
        for i, number in zip(several, given, strict=True)
    )
    if not (fits or is_only):
        names = "column of y", "quantile"
        needed = [f"the number of a {names[i]} from 0 to {sizes[i] - 1}" for i in several]
        raise ValueError(f"target must be {' and '.join(needed) or None}, and is {target!r}.")
    for i, number in zip(several, () if is_only else given, strict=True):
        place[i] = number
    return place


def slopes_of_class(network, outputs, target, of):
    """Return a function of outputs (n_rows, n_outputs), whose slopes have the same shape.

    Parameters
    ----------
    network : Network
        Network of a classifier.
    outputs : ndarray of shape (n_rows, n_outputs)
        Outputs for the rows that are explained.
    target, of
        See `fastnn.diagnostics.input_gradients`.
    """
    if of not in ("prediction", "decision"):
        raise ValueError(f"of must be 'prediction', 'decision' or 'loss', and is {of!r}.")
    labels, units = network.encoder, slice(None)
    if labels.kind == "multilabel-indicator":
        label, _ = _place(target, (outputs.shape[1], 1))
        units, codes = slice(label, label + 1), np.ones(len(outputs), int)
    elif labels.kind == "multiclass-multioutput":
        column, target = _column_and_class(target, labels)
        start = sum(labels.n_outputs[:column])
        units = slice(start, start + labels.n_outputs[column])
        codes = _codes(outputs[:, units], labels.classes[column], target)
    else:
        codes = _codes(outputs, labels.classes, target)
    probable = of == "prediction" and LOSSES[network.loss].probabilities
    function = _slopes_of_probability if probable else _slopes_of_decision
    logistic = LOSSES[network.loss].output_activation == "logistic"

    def slopes(outputs):
        found = np.zeros(outputs.shape)
        found[:, units] = function(outputs[:, units], codes, logistic)
        return found

    return slopes


def _column_and_class(target, labels):
    n = len(labels.classes)
    if not isinstance(target, tuple) or len(target) != 2 or target[0] not in range(n):
        raise ValueError(
            f"target must be the number of a column of y from 0 to {n - 1} and one of its classes, "
            f"as in (0, {labels.classes[0][0]!r}), and is {target!r}."
        )
    return target


def _codes(outputs, classes, target):
    """Return the number of the class of each row; None is the one that is predicted."""
    if target is None:
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0).astype(int)
        return outputs.argmax(axis=1)
    (found,) = np.nonzero(classes == target)
    if len(found) != 1:
        raise ValueError(f"target must be None or one of the classes {classes}, and is {target!r}.")
    return np.full(len(outputs), found[0])


def _slopes_of_decision(outputs, codes, logistic):
    """Return 1 for the unit of the class; of two classes, -1 for the other one."""
    if outputs.shape[1] == 1:
        return (2.0 * codes - 1)[:, np.newaxis]
    chosen = np.eye(outputs.shape[1])[codes]
    return 2 * chosen - 1 if outputs.shape[1] == 2 and not logistic else chosen


def _slopes_of_probability(outputs, codes, logistic):
    """Return the derivative of the probability of a class.

    For the softmax it is ``p_k (1{j=k} - p_j)``, for a logistic unit ``p (1 - p)``; logistic units
    of several classes are divided by their sum.
    """
    if outputs.shape[1] == 1:
        return (2.0 * codes - 1)[:, np.newaxis] * expit(outputs) * expit(-outputs)
    chosen, rows = np.eye(outputs.shape[1])[codes], np.arange(len(outputs))
    if not logistic:
        p = softmax(outputs, axis=1)
        return p[rows, codes][:, np.newaxis] * (chosen - p)
    units, slope = expit(outputs), expit(outputs) * expit(-outputs)
    total = units.sum(axis=1, keepdims=True)
    p = units[rows, codes][:, np.newaxis] / total
    return slope * (chosen - p) / total
