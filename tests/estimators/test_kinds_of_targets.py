"""Targets of many kinds, and rows of weight zero."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.neural_network import MLPClassifier as TheirClassifier

from support.small_fits import X_DIGITS, X_REGRESSION, Y_DIGITS, Y_REGRESSION, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "names, dtype",
    [
        (["no", "yes"], None),
        (["no", "yes"], object),
        (["a", "b", "c"], None),
        (["a", "b", "c"], object),
        ([3, 7], np.int16),
        ([0, 1, 2], np.uint8),
        ([-1.0, 0.0, 2.0], np.float32),
        ([False, True], bool),
    ],
    ids=str,
)
def test_labels_come_back_as_they_were(names, dtype):
    codes = Y_DIGITS % len(names)
    y = np.array(names, dtype=dtype)[codes]
    ours = classifier(max_iter=20).fit(X_DIGITS, y)
    theirs = TheirClassifier((20,), max_iter=20, random_state=0).fit(X_DIGITS, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.classes_.dtype == theirs.classes_.dtype
    predicted = ours.predict(X_DIGITS)
    np.testing.assert_array_equal(predicted, theirs.predict(X_DIGITS))
    assert predicted.dtype == theirs.predict(X_DIGITS).dtype
    probabilities = ours.predict_proba(X_DIGITS)
    assert probabilities.shape == (len(y), len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(ours.predict_log_proba(X_DIGITS), np.log(probabilities))

    validated = classifier(early_stopping=True).fit(X_DIGITS, y)
    by_number = classifier(early_stopping=True).fit(X_DIGITS, codes)
    assert validated.validation_scores_ == by_number.validation_scores_
    np.testing.assert_array_equal(
        validated.predict(X_DIGITS), np.array(names, dtype=dtype)[by_number.predict(X_DIGITS)]
    )


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_several_labels_a_row(container):
    X, y = make_multilabel_classification(100, 10, n_classes=4, random_state=0)
    ours = classifier(max_iter=50).fit(X, container(y))
    theirs = TheirClassifier((20,), max_iter=50, random_state=0).fit(X, container(y))
    predicted, expected = ours.predict(X), theirs.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(expected)
    if sparse.issparse(predicted):
        assert type(predicted) is container
        predicted, expected = predicted.toarray(), expected.toarray()
    np.testing.assert_array_equal(predicted, expected)
    assert predicted.dtype == expected.dtype
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


def test_one_class_only():
    y = np.full(len(X_DIGITS), "only")
    model = classifier().fit(X_DIGITS, y)
    assert list(model.classes_) == ["only"]
    assert set(model.predict(X_DIGITS)) == {"only"}


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_predictions_have_the_shape_of_the_targets(n_outputs, loss):
    y = np.abs(np.column_stack([Y_REGRESSION] * n_outputs))
    model = regressor(loss=loss)
    assert model.fit(X_REGRESSION, y[:, 0]).predict(X_REGRESSION).shape == (200,)
    if n_outputs > 1:
        assert model.fit(X_REGRESSION, y).predict(X_REGRESSION).shape == y.shape
    if loss == "poisson":
        assert (model.predict(X_REGRESSION) > 0).all()


def test_first_partial_fit_need_not_see_all_classes():
    model = classifier()
    model.partial_fit(X_DIGITS[:1], ["b"], classes=["c", "a", "b"])
    assert list(model.classes_) == ["a", "b", "c"]
    model.partial_fit(X_DIGITS[1:3], ["a", "a"])
    assert model.predict_proba(X_DIGITS).shape == (len(X_DIGITS), 3)


def test_rows_of_weight_zero_do_not_count():
    for estimator, X, y in (
        (classifier, X_DIGITS, Y_DIGITS),
        (regressor, X_REGRESSION, Y_REGRESSION),
    ):
        n = len(X)
        weight = np.ones(n)
        weight[n // 2 :] = 0
        options = {"batch_size": n, "shuffle": False}
        weighted = estimator(**options).fit(X, y, sample_weight=weight)
        options["batch_size"] = n // 2
        part = estimator(**options).fit(X[: n // 2], y[: n // 2])
        np.testing.assert_allclose(weighted.coefs_[0], part.coefs_[0], rtol=1e-9)


def test_a_batch_of_weight_zero_does_no_harm():
    weight = np.repeat([0.0, 1.0], 100)
    model = regressor(batch_size=50, shuffle=False, solver="sgd").fit(
        X_REGRESSION, Y_REGRESSION, sample_weight=weight
    )
    assert np.isfinite(model.loss_curve_).all()
