"""Calibration of class probabilities by a temperature."""

import math

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

#: Temperatures are between this and its inverse.
_COLDEST = 0.25
#: Standard deviation of the logarithm of a temperature, before any row is seen.
_PRIOR_STD = 0.5
#: A smaller gain in log-likelihood is no evidence for one parameter (Akaike 1974).
_LEAST_GAIN = 1.0
#: Smallest probability, as scikit-learn's log loss has it for float32.
_TINY = np.finfo(np.float32).eps


def fit_temperature(probabilities, codes, sample_weight=None):
    """Return the temperature at which probabilities of held-out rows have the lowest log loss.

    A temperature above 1 makes probabilities less extreme. It does not change which class is the
    most probable. The logarithm of the temperature has a normal prior about 0, which keeps few
    rows from moving it far; where the gain is no evidence of a miscalibration, it is 1.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Predictions for rows held out.
    codes : ndarray of int of shape (n_rows,)
        Number of the class of each row.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights of the rows.

    References
    ----------
    Guo, C. et al. "On calibration of modern neural networks" (2017), section 4.2.
    """
    logits = _logits(probabilities)
    weights = _scaled_to_rows(sample_weight, len(codes))
    rows = np.arange(len(codes))

    def loss(log_temperature):
        chosen = log_softmax(logits / math.exp(log_temperature), axis=1)[rows, codes]
        return -float(weights @ chosen)

    def penalized(log_temperature):
        return loss(log_temperature) + (log_temperature / _PRIOR_STD) ** 2 / 2

    limit = -math.log(_COLDEST)
    found = minimize_scalar(penalized, bounds=(-limit, limit), method="bounded").x
    return math.exp(found) if loss(0.0) - loss(found) > _LEAST_GAIN else 1.0


def at_temperature(probabilities, temperature):
    """Return probabilities proportional to their powers of 1 / temperature, with a sum of 1."""
    if temperature == 1:
        return probabilities / probabilities.sum(axis=1, keepdims=True)
    return softmax(_logits(probabilities) / temperature, axis=1)


def _logits(probabilities):
    return np.log(np.maximum(probabilities, _TINY), dtype=np.float64)


def _scaled_to_rows(sample_weight, n_rows):
    """Return weights with a sum of n_rows, so that their unit is no evidence."""
    if sample_weight is None:
        return np.ones(n_rows)
    return sample_weight * (n_rows / sample_weight.sum())
