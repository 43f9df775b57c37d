"""Targets of the networks of a table."""

import numpy as np
import pytest

from fastnn.tabular.targets import ClassTargets, NumberTargets

rng = np.random.default_rng(0)
SKEWED = np.exp(rng.normal(size=500))


@pytest.mark.parametrize("transform", [None, "log", "sqrt"])
@pytest.mark.parametrize("weights", [None, rng.uniform(size=500)])
def test_numbers_are_standardised_and_come_back(transform, weights):
    targets = NumberTargets(SKEWED, weights, transform)
    encoded = targets.encode(SKEWED, transform)
    assert encoded.dtype == np.float32 and encoded.shape == (500, 1)
    mean = np.average(encoded[:, 0], weights=weights)
    assert mean == pytest.approx(0, abs=1e-5)
    assert np.average((encoded[:, 0] - mean) ** 2, weights=weights) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(targets.decode(encoded, transform), SKEWED, rtol=1e-4)


@pytest.mark.parametrize("transform", [None, "log", "sqrt"])
def test_predictions_stay_in_the_range_of_targets(transform):
    targets = NumberTargets(SKEWED, None, transform)
    low, high = targets.decode(np.array([[-1e6], [1e6]], np.float32), transform)
    assert low == pytest.approx(SKEWED.min()) and high == pytest.approx(SKEWED.max())


@pytest.mark.parametrize(
    ("y", "offered"),
    [
        (SKEWED, (None, "log")),
        (np.where(np.arange(500) < 250, 0, SKEWED**2), (None, "sqrt")),
        (SKEWED - 1, (None,)),
        (np.log(SKEWED) + 10, (None,)),
        (-SKEWED, (None,)),
        (np.full(500, 3.0), (None,)),
    ],
    ids=["positive", "zeros", "negative", "not skewed", "to the left", "constant"],
)
def test_skewed_targets_have_transforms_to_choose_from(y, offered):
    assert NumberTargets(y, None, "auto").transforms == offered


@pytest.mark.parametrize(
    ("transform", "low", "message"),
    [("log", 0.0, "above 0, and the lowest is 0"), ("sqrt", -1.0, "of 0 or more")],
)
def test_targets_that_a_transform_is_not_for(transform, low, message):
    with pytest.raises(ValueError, match=f"target_transform='{transform}' needs targets {message}"):
        NumberTargets(np.array([low, 1.0, 2.0]), None, transform)


def test_targets_too_large():
    with pytest.raises(ValueError, match="their squares overflow"), np.errstate(over="ignore"):
        NumberTargets(np.array([-1e300, 1e300]), None, None)


def test_the_factor_corrects_the_bias_of_the_logarithm():
    targets = NumberTargets(SKEWED, None, "log")
    too_low = np.full(500, np.exp(np.log(SKEWED).mean()))
    factor = targets.bias_factor(too_low, SKEWED, None)
    assert factor * too_low[0] == pytest.approx(SKEWED.mean())
    assert targets.bias_factor(np.zeros(500), SKEWED, None) == 1


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_probabilities_of_classes(n_classes):
    labels = np.array(list("abc"))[np.arange(30) % n_classes]
    targets = ClassTargets(labels)
    codes = targets.labels.codes(labels)
    encoded = targets.encode(codes, None)
    assert len(encoded) == 30
    outputs = rng.uniform(0.1, 0.9, (30, targets.n_outputs)).astype("f4")
    outputs /= outputs.sum(axis=1, keepdims=True) if n_classes == 3 else 1
    probabilities = targets.decode(outputs, None)
    assert probabilities.shape == (30, n_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    own = probabilities[np.arange(30), codes]
    weights = rng.uniform(size=30)
    expected = np.average(-np.log(own), weights=weights)
    assert targets.mean_loss(probabilities, codes, weights) == pytest.approx(expected)


def test_a_probability_of_zero_costs_much_but_not_all():
    targets = ClassTargets(np.array([0, 1]))
    assert 10 < targets.mean_loss(np.array([[0.0, 1.0]]), np.array([0]), None) < 20
