"""Bad rows and targets, and failures in training: one clear sentence, and nothing changed."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import NotFittedError

from fastnn import MLPClassifier, MLPRegressor
from fastnn.callbacks import Callback
from support.bad_input import ESTIMATORS, X, Y, fitted, spoiled, wrong
from support.snapshots import assert_unchanged, snapshot

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- rows and targets -----------------------------------------------------------------------------

DAMAGED = "X is a sparse matrix whose arrays do not belong together: "
BAD_ROWS = {
    "nan": (spoiled(np.nan), "Input X contains NaN"),
    "inf": (spoiled(np.inf), "Input X contains infinity"),
    "nan, float32": (spoiled(np.nan).astype(np.float32), "Input X contains NaN"),
    "nan, fortran": (np.asfortranarray(spoiled(np.nan)), "Input X contains NaN"),
    "nan, sparse": (spoiled(np.nan, sparse.csr_array), "Input X contains NaN"),
    "inf, csc": (spoiled(-np.inf, sparse.csc_matrix), "Input X contains infinity"),
    "no rows": (X[:0], r"Found array with 0 sample\(s\)"),
    "no columns": (X[:, :0], r"Found array with 0 feature\(s\)"),
    "one row, 1-D": (X[0], "Expected 2D array, got 1D array"),
    "3-D": (X[np.newaxis], "Found array with dim 3"),
    "strings": (X.astype(str).astype(object) + "?", "could not convert string to float"),
    "complex": (X + 1j, "Complex data not supported"),
    "a column too far": (wrong("indices", 7, 4), DAMAGED),
    "a negative column": (wrong("indices", 7, -1, sparse.csr_matrix), DAMAGED),
    "row pointers that fall": (wrong("indptr", 7, 0), DAMAGED),
    "row pointers that fall to 0": (wrong("indptr", -1, 0), DAMAGED),
    "row pointers from 5 on": (wrong("indptr", 0, 5), DAMAGED),
    "a row pointer beyond": (wrong("indptr", -1, 9999), DAMAGED),
    "a row too far, csc": (wrong("indices", 0, 1 << 20, sparse.csc_array), DAMAGED),
    "a row too far, coo": (wrong("row", 0, 60, sparse.coo_array), DAMAGED),
    "column pointers that fall to 0": (wrong("indptr", -1, 0, sparse.csc_array), DAMAGED),
    "pointers to blocks that fall to 0": (wrong("indptr", -1, 0, sparse.bsr_array), DAMAGED),
    "a block too far": (wrong("indices", 0, 1 << 20, sparse.bsr_array), DAMAGED),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_rows(estimator, kind):
    rows, message = BAD_ROWS[kind]
    y = Y[estimator][: rows.shape[0]]
    for model in (estimator(), fitted(estimator), fitted(estimator, warm_start=True)):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(rows, y)
        assert_unchanged(model, before)
    for call in (model.predict, lambda rows: model.partial_fit(rows, y)):
        with pytest.raises(ValueError, match=message):
            call(rows)
        assert_unchanged(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rows_of_another_width(estimator):
    model = fitted(estimator, warm_start=True)
    before = snapshot(model)
    message = f"X has 3 features, but {estimator.__name__} is expecting 4 features"
    for call in (
        lambda: model.fit(X[:, :3], Y[estimator]),
        lambda: model.partial_fit(X[:, :3], Y[estimator]),
        lambda: model.predict(X[:, :3]),
        lambda: model.predict(sparse.csr_array(X[:, :3])),
    ):
        with pytest.raises(ValueError, match=message):
            call()
        assert_unchanged(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "y, message",
    [
        (np.r_[[np.nan], X[1:, 0]], "Input y contains NaN"),
        (np.r_[[np.inf], X[1:, 0]], "Input y contains infinity"),
        (X[:59, 0], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
        ([], "inconsistent numbers of samples|Found array with 0"),
    ],
)
def test_bad_targets(estimator, y, message):
    for model in (estimator(), fitted(estimator)):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert_unchanged(model, before)


@pytest.mark.parametrize(
    "model, y, message",
    [
        (MLPClassifier(), X[:, 0], "Unknown label type: continuous. Maybe you are"),
        (
            MLPClassifier(loss="hinge"),
            np.arange(120).reshape(60, 2),
            "several columns of classes, and loss='hinge' is for one: use loss='log_loss'",
        ),
        (MLPRegressor(loss="poisson"), X[:, 0], "loss='poisson' needs targets y >= 0"),
        (MLPRegressor(), Y[MLPClassifier], "y must hold numbers, and holds strings"),
        (MLPClassifier(), X[:, :2], "rows of non-negative numbers whose sum is 1: row 0 is"),
        (MLPClassifier(), np.full((60, 2), 0.6), "row 0 is .*its sum 1.2"),
        (
            MLPClassifier(loss="hinge"),
            np.full((60, 2), 0.5),
            "probabilities of the classes in each row, which loss='hinge' cannot .*'log_loss'",
        ),
        (
            MLPClassifier(class_weight="balanced"),
            np.full((60, 2), 0.5),
            "class_weight needs one class a row",
        ),
        (
            MLPClassifier(loss="crammer_singer"),
            np.eye(3, dtype=int)[np.arange(60) % 3],
            "loss='crammer_singer' compares .* use loss='hinge'",
        ),
    ],
    ids=lambda case: case if isinstance(case, str) else type(case).__name__,
)
def test_targets_that_do_not_fit_the_estimator(model, y, message):
    before = snapshot(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
        (np.r_[[np.nan], np.ones(59)], "Input sample_weight contains NaN"),
        (np.r_[[-1], np.ones(59)], "Negative values in data passed to `sample_weight`"),
        (np.zeros(60), "at least one non-zero"),
        (np.ones((60, 2)), "Sample weights must be 1D"),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_weights(estimator, weight, message):
    model = fitted(estimator)
    before = snapshot(model)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, Y[estimator], sample_weight=weight)
        assert_unchanged(model, before)


def test_bad_targets_of_partial_fit():
    model = MLPClassifier(hidden_layer_sizes=(5,))
    before = snapshot(model)
    for y, classes, message in (
        (["a"] * 60, None, "classes must be passed on the first call to partial_fit"),
        (["d"] * 60, ["a", "b", "c"], "`y` has classes not in `self.classes_`.*'y' has .*'d'"),
        ([1] * 60, ["a", "b", "c"], "`y` has classes not in `self.classes_`"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=classes)
        assert_unchanged(model, before)

    model.partial_fit(X, Y[MLPClassifier], classes=["a", "b", "c"])
    before = snapshot(model)
    indicators = np.eye(3, dtype=int)[np.arange(60) % 3]
    for y, classes, message in (
        (["a", "z"] * 30, None, "`y` has classes not in `self.classes_`"),
        (Y[MLPClassifier], ["a", "b"], "is not the same as on last call to partial_fit"),
        (indicators, None, "The object was not fitted with multilabel input"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=classes)
        assert_unchanged(model, before)

    model = MLPClassifier(hidden_layer_sizes=(5,)).partial_fit(X, indicators, classes=[0, 1, 2])
    before = snapshot(model)
    for y in (indicators[:, :2], indicators[:, 0]):
        with pytest.raises(ValueError, match="y must be a label indicator matrix of 3 columns"):
            model.partial_fit(X, y)
        assert_unchanged(model, before)


def test_regressor_of_another_number_of_outputs():
    model = fitted(MLPRegressor)
    before = snapshot(model)
    with pytest.raises(ValueError, match="y has 2 outputs, but was fitted with 1"):
        model.partial_fit(X, X[:, :2])
    assert_unchanged(model, before)


def test_warm_start_with_other_classes():
    model = fitted(MLPClassifier, warm_start=True)
    before = snapshot(model)
    for y in (["a", "b"] * 30, ["a", "b", "d"] * 20):
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
            model.fit(X, y)
        assert_unchanged(model, before)


# --- failing later --------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_error_in_the_middle_of_training_changes_nothing(estimator, solver):
    class Fails(Callback):
        def on_epoch_end(self, context):
            raise RuntimeError("from outside")

    for model in (estimator(solver=solver), fitted(estimator).set_params(solver=solver)):
        model.set_params(callbacks=[Fails()])
        before = snapshot(model)
        with pytest.raises(RuntimeError, match="from outside"):
            model.fit(X, Y[estimator])
        assert_unchanged(model, before)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"]
)
def test_not_fitted(method):
    arguments = (X, Y[MLPClassifier]) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="This MLPClassifier instance is not fitted yet"):
        getattr(MLPClassifier(), method)(*arguments)


def test_a_value_beyond_the_precision_of_the_network_is_named_as_such():
    model = MLPClassifier(precision="float32", max_iter=2).fit(X, Y[MLPClassifier])
    huge = X.copy()
    huge[0, 0] = 1e300
    with pytest.raises(ValueError, match=r"too large for float32.*precision='float64'"):
        model.predict(huge)
    with config_context(assume_finite=True):
        assert len(model.predict(huge)) == len(huge)
