"""Temperatures: they mend what is too sure or too unsure, and leave the rest."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from fastnn.tabular.calibration import at_temperature, fit_temperature


def draw(n_rows, n_classes, seed=0):
    """Return true probabilities, and classes drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = softmax(2 * rng.standard_normal((n_rows, n_classes)), axis=1)
    codes = (probabilities.cumsum(axis=1) > rng.random((n_rows, 1))).argmax(axis=1)
    return probabilities, codes


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("true", [0.5, 2.0, 3.5])
def test_the_temperature_is_found(true, n_classes):
    probabilities, codes = draw(5000, n_classes)
    wrong = at_temperature(probabilities, 1 / true)
    found = fit_temperature(wrong, codes)
    assert found == pytest.approx(true, rel=0.1)
    mended = at_temperature(wrong, found)
    assert log_loss(codes, mended) < log_loss(codes, wrong)
    assert np.array_equal(mended.argmax(axis=1), wrong.argmax(axis=1))
    assert mended.sum(axis=1) == pytest.approx(1)


def test_what_is_calibrated_stays():
    """One of 20 tables or so has a gain by chance, and then a small one."""
    found = [fit_temperature(*draw(300, 3, seed)) for seed in range(40)]
    assert np.mean(np.array(found) == 1) > 0.7
    assert max(abs(np.log(found))) < 0.4
    probabilities, _ = draw(10, 3)
    assert at_temperature(probabilities, 1.0) == pytest.approx(probabilities)


def test_few_rows_move_it_little():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    assert fit_temperature(probabilities, np.array([0, 0, 1])) == 1
    assert 1 < fit_temperature(1e-5 + 0.9999 * np.eye(2)[[0, 1]], np.array([0, 0])) <= 4


def test_probabilities_of_zero_and_weights():
    probabilities = np.repeat(np.eye(3), 50, axis=0)
    codes = np.repeat([0, 1, 2], 50)
    codes[:10] = 1
    hot = fit_temperature(probabilities, codes)
    assert 1 < hot <= 4
    only_right = np.ones(150)
    only_right[:10] = 0
    assert fit_temperature(probabilities, codes, only_right) <= 1
    # Ten times the weight is no more rows.
    assert fit_temperature(probabilities, codes, np.full(150, 10.0)) == hot


@pytest.mark.filterwarnings("error")  # of probabilities whose sum is not 1
def test_an_estimator_has_a_temperature(classifier, new_rows):
    """Probabilities of new rows, and those of rows held out, are at one temperature."""
    X = new_rows[0][:50]
    ensemble = classifier._ensemble
    cold = copy.copy(classifier)
    cold._ensemble = replace(ensemble, temperature=ensemble.temperature / 2)
    expected = at_temperature(classifier.predict_proba(X), 0.5)
    assert cold.predict_proba(X) == pytest.approx(expected, abs=1e-5)
    classes = classifier._training.data.y
    at_one = at_temperature(classifier.oof_decision_, 1 / ensemble.temperature)
    assert log_loss(classes, classifier.oof_decision_) <= log_loss(classes, at_one)
    found = max(1, fit_temperature(at_one, classes))
    assert found == pytest.approx(ensemble.temperature, rel=1e-3)
