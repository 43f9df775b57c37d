"""Greedy choice of an ensemble."""

import itertools

import numpy as np
import pytest

from fastnn.tabular.selection import greedy_weights

rng = np.random.default_rng(0)
Y = rng.normal(size=200)


def squared_error(predictions):
    return np.mean((predictions - Y) ** 2)


def loss_of(weights, decisions):
    return squared_error(np.tensordot(weights, decisions, axes=1))


def test_weights_sum_to_one_and_beat_each_candidate():
    decisions = Y + rng.normal(size=(6, 200)) * rng.uniform(0.5, 1, (6, 1))
    weights = greedy_weights(decisions, squared_error)
    assert weights.sum() == pytest.approx(1)
    assert loss_of(weights, decisions) < min(map(squared_error, decisions))
    assert loss_of(weights, decisions) < loss_of(np.full(6, 1 / 6), decisions)


def test_it_is_near_the_best_of_two():
    decisions = Y + rng.normal(size=(2, 200)) * [[0.5], [0.8]]
    weights = greedy_weights(decisions, squared_error)
    grid = np.linspace(0, 1, 101)
    best = min(loss_of([w, 1 - w], decisions) for w in grid)
    assert loss_of(weights, decisions) < best * 1.001


def test_it_is_the_greedy_one():
    decisions = Y + rng.normal(size=(3, 200))
    weights = greedy_weights(decisions, squared_error, n_draws=2)
    first = int(np.argmin([squared_error(one) for one in decisions]))
    pairs = itertools.product([first], range(3))
    candidates = [np.bincount(pair, minlength=3) / 2 for pair in pairs] + [np.eye(3)[first]]
    expected = min(candidates, key=lambda each: loss_of(each, decisions))
    np.testing.assert_array_equal(weights, expected)


def test_one_that_harms_has_no_weight():
    decisions = np.stack([Y, Y + 100, Y + 0.001])
    np.testing.assert_array_equal(greedy_weights(decisions, squared_error), [1, 0, 0])


def test_one_alone_has_all_weight():
    np.testing.assert_array_equal(greedy_weights([Y], squared_error), [1])
