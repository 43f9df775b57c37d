"""Gradients by row, and the rows at which a training's loss jumps."""

import doctest

import numpy as np
import pytest
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn.diagnostics import check_training, generalization, row_gradients, rows
from fastnn.diagnostics.probe import Probe
from support.diagnosed import X_R, Y_R, X, Y, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "options",
    [{}, {"normalization": "batch"}, {"normalization": "layer", "class_weight": "balanced"}],
    ids=str,
)
def test_their_mean_is_the_gradient(options):
    probe = Probe(classifier(**options), X, Y, 40, 0)
    whole, gradients, losses = probe.gradient(), [], []
    for number in range(40):
        losses.append(probe.differentiate_row(number))
        gradients.append(probe.arena[probe._places].copy())
    np.testing.assert_allclose(np.average(gradients, 0, probe.sample_weight), whole, atol=1e-12)
    assert np.average(losses, weights=probe.sample_weight) == pytest.approx(probe.loss())
    finding = row_gradients(classifier(**options), X, Y, max_rows=40)
    weights = 1 if probe.sample_weight is None else probe.sample_weight
    norms = weights * np.linalg.norm(gradients, axis=1)
    order = np.argsort(-norms)
    np.testing.assert_allclose(finding.norms, norms[order])
    np.testing.assert_allclose(finding.losses, np.array(losses)[order])
    assert finding.rows.tolist() == probe.rows[order].tolist()
    assert finding.ok


def test_linear_regression():
    """The gradient of (w x + b - y)^2 / 2 has the norm |w x + b - y| sqrt(1 + |x|^2)."""
    model = regressor(hidden_layer_sizes=(), max_iter=3).fit(X_R, Y_R)
    errors = model.predict(X_R) - Y_R
    norms = abs(errors) * np.sqrt(1 + np.square(X_R).sum(axis=1))
    finding = row_gradients(model, X_R, Y_R)
    assert finding.rows.tolist() == np.argsort(-norms).tolist()
    np.testing.assert_allclose(finding.norms, norms[finding.rows], rtol=1e-9)
    np.testing.assert_allclose(finding.losses, errors[finding.rows] ** 2 / 2, rtol=1e-9)
    few = row_gradients(model, sparse.csr_matrix(X_R), Y_R, rows=[3, 5, 200])
    assert sorted(few.rows) == [3, 5, 200]
    np.testing.assert_allclose(few.norms, norms[few.rows], rtol=1e-9)
    assert len(row_gradients(model, X_R, Y_R, max_rows=20).rows) == 20


def test_a_wrong_label_is_found_after_training():
    wrong = Y.copy()
    wrong[41] = (Y[41] + 5) % 10
    model = make_pipeline(StandardScaler(), classifier(max_iter=40, learning_rate_init=0.003)).fit(
        X, wrong
    )
    finding = row_gradients(model, X, wrong, max_rows=600)
    assert finding.ok and finding.rows[0] == 41


def test_an_outlier_is_a_fault_of_a_new_network():
    y = Y_R.copy()
    y[17] = 3000
    finding = row_gradients(regressor(), X_R, y)
    assert not finding.ok
    assert "times the median, for row 17 with the loss" in finding.verdict
    assert finding.verdict.endswith("look at their values and targets for outliers and errors.")
    spoiled = X_R.copy()
    spoiled[7] = 1e200
    finding = row_gradients(regressor(), spoiled, y)
    assert not finding.ok and finding.rows[0] == 7
    assert finding.verdict.startswith("that of row 7 is not finite")


def test_report_tells_rows_at_which_the_loss_jumps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2400, 3))
    y = X[:, 0] + X[:, 1] ** 2
    y[::300] = 500
    model = regressor(batch_size=20, max_iter=4)
    report = check_training(model, X, y, skip=["curvature", "learning_rate_range"], max_rows=1200)
    finding = report["generalization"]
    assert finding.jumps
    for jump in finding.jumps:
        assert jump.rows[0] % 300 == 0 and len(jump.rows) == 20
    assert " the loss jumped from " in finding.verdict
    largest = max(finding.jumps, key=lambda jump: jump.loss)
    assert f"at a batch with rows {largest.rows[0]}, " in finding.verdict
    calm = generalization(regressor(max_iter=4), X_R, Y_R)
    assert calm.jumps == [] and "jumped" not in calm.verdict


def test_a_pipeline_that_is_not_fitted():
    found = row_gradients(make_pipeline(StandardScaler(), regressor()), X_R, Y_R, max_rows=20)
    expected = row_gradients(regressor(), StandardScaler().fit_transform(X_R), Y_R, max_rows=20)
    np.testing.assert_array_equal(found.norms, expected.norms)


@pytest.mark.parametrize(
    "rows, message",
    [
        ([], "rows must be a list of row numbers"),
        ([0.5], "rows must be a list of row numbers"),
        ([0, 300], "rows must be numbers from 0 to 299, got 0 to 300"),
        ([-1], "rows must be numbers from 0 to 299, got -1 to -1"),
    ],
)
def test_bad_rows(rows, message):
    with pytest.raises(ValueError, match=message):
        row_gradients(regressor(), X_R, Y_R, rows=rows)


def test_example():
    result = doctest.testmod(rows)
    assert result.attempted and not result.failed
