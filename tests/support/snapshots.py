"""Comparison of an estimator with what it was before a call."""

import copy

import numpy as np


def snapshot(model):
    """Everything the model holds, the numbers in its arrays included."""
    return copy.deepcopy(vars(model)), dict(vars(model))


def assert_unchanged(model, before):
    copied, same = before
    assert vars(model).keys() == same.keys()
    for name, value in vars(model).items():
        assert value is same[name], name
    for name in ("coefs_", "intercepts_"):
        for array, expected in zip(getattr(model, name, ()), copied.get(name, ()), strict=True):
            np.testing.assert_array_equal(array, expected)
    for name in ("loss_curve_", "validation_scores_"):
        assert getattr(model, name, None) == copied.get(name)
