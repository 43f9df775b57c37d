"""Failure cases: what is shown of the rows that a model predicts worst."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fastnn import MLPClassifier, MLPRegressor
from fastnn.plots import FailureCasesDisplay
from fastnn.plots.axes import shortened
from support.displayed import (
    NAMES,
    WINE,
    X_moons,
    X_train,
    X_val,
    classifier,
    moons,
    pixels,
    regressor,
    wine,
    y_moons,
    y_train,
    y_val,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_failures_are_sorted_and_told():
    display = FailureCasesDisplay.from_estimator(classifier, X_val, y_val, image_shape="square")
    predicted, sure = classifier.predict(X_val), classifier.predict_proba(X_val).max(axis=1)
    wrong = np.flatnonzero(predicted != y_val)
    assert len(wrong) > 20, "the case tells nothing"
    assert sorted(display.cases) == wrong.tolist()
    assert (np.diff(sure[display.cases]) <= 0).all()
    assert len(display.axes_) == 20
    title = f"{len(wrong)} of {len(y_val)} rows are wrong; the 20 surest"
    assert display.figure_.get_suptitle() == title
    for ax, row in zip(display.axes_, display.cases, strict=False):
        [image] = ax.get_images()
        assert np.allclose(image.get_array(), X_val[row].reshape(8, 8))
        told = f"target {y_val[row]}\npredicted {predicted[row]} ({100 * sure[row]:.0f} %)"
        assert ax.get_title() == told
    same = FailureCasesDisplay.from_predictions(
        y_val, predicted, X_val, confidence=sure, image_shape=(8, 8)
    )
    assert np.array_equal(pixels(same), pixels(display))
    plain = FailureCasesDisplay.from_predictions(y_val, predicted, X_val, image_shape=(8, 8))
    assert plain.cases.tolist() == wrong.tolist()
    assert (
        plain.axes_[0].get_title() == f"target {y_val[wrong[0]]}\npredicted {predicted[wrong[0]]}"
    )
    assert plain.figure_.get_suptitle().endswith("the first 20")


def test_bars_are_deviations():
    display = FailureCasesDisplay.from_estimator(wine, WINE.data, NAMES, n_features=4)
    assert len(display.axes_) == 9
    deviations = ((WINE.data - WINE.data.mean()) / WINE.data.std(ddof=0)).to_numpy()
    for ax, row in zip(display.axes_, display.cases, strict=False):
        chosen = np.argsort(-np.abs(deviations[row]))[:4][::-1]
        assert np.allclose([bar.get_width() for bar in ax.patches], deviations[row, chosen])
        labels = [text.get_text() for text in ax.get_yticklabels()]
        assert labels[0].startswith(shortened(WINE.data.columns[chosen[0]], 18))
        assert labels[0].endswith(f"= {WINE.data.iloc[row, chosen[0]]:.3g}")
        colors = {bar.get_facecolor() for bar in ax.patches if bar.get_width() > 0}
        assert colors.isdisjoint(bar.get_facecolor() for bar in ax.patches if bar.get_width() < 0)


@pytest.mark.parametrize("kind", ["pandas", "polars", "sparse"])
def test_rows_of_many_kinds(kind):
    expected = FailureCasesDisplay.from_estimator(classifier, X_val, y_val)
    rows = {
        "pandas": pd.DataFrame(X_val).set_axis([f"feature {i}" for i in range(64)], axis=1),
        "polars": pl.DataFrame(X_val, schema=[f"feature {i}" for i in range(64)]),
        "sparse": sparse.csr_matrix(X_val),
    }[kind]
    targets = pd.Series(y_val) if kind == "pandas" else y_val
    display = FailureCasesDisplay.from_predictions(
        targets, classifier.predict(X_val), rows, confidence=classifier.predict_proba(X_val).max(1)
    )
    assert display.cases.tolist() == expected.cases.tolist()
    assert np.array_equal(pixels(display), pixels(expected))
    kwargs = dict(image_shape="square", n_cases=4)
    images = [
        one.plot(**kwargs).axes_[3].get_images()[0].get_array() for one in (display, expected)
    ]
    assert np.array_equal(*images)


def test_sparse_rows_of_bytes():
    rows = (X_val * 16).astype(np.uint8)
    predicted = classifier.predict(X_val)
    one, other = (
        FailureCasesDisplay.from_predictions(y_val, predicted, kind(rows), n_cases=1)
        for kind in (np.asarray, sparse.csr_matrix)
    )
    assert np.array_equal(pixels(one), pixels(other))


def test_columns_without_numbers_and_missing_values():
    frame = pd.DataFrame(
        {"word": ["a", "b", "c", "a"] * 10, "number": np.arange(40.0), "none": 1.0}
    )
    targets = np.arange(40) % 2
    encode = make_column_transformer((OneHotEncoder(), ["word"]), remainder="passthrough")
    model = make_pipeline(encode, MLPClassifier((4,), max_iter=1, random_state=0))
    model.fit(frame, targets)
    display = FailureCasesDisplay.from_estimator(model, frame, targets)
    labels = [text.get_text().split(" =")[0] for text in display.axes_[0].get_yticklabels()]
    assert labels == ["none", "number"]
    frame.loc[3, "number"] = np.nan
    display = FailureCasesDisplay.from_predictions(targets, 1 - targets, frame, n_cases=4)
    assert [bar.get_width() for bar in display.axes_[3].patches] == [0, 0]
    with pytest.raises(ValueError, match="X has no numeric column"):
        FailureCasesDisplay.from_predictions(targets, 1 - targets, frame[["word"]])


def test_failures_of_losses_without_probabilities():
    model = MLPClassifier((8,), loss="hinge", max_iter=3, random_state=0).fit(X_train, y_train)
    display = FailureCasesDisplay.from_estimator(model, X_val, y_val)
    scores = np.sort(model.decision_function(X_val), axis=1)
    margins = (scores[:, -1] - scores[:, -2])[display.cases]
    assert (np.diff(margins) <= 0).all()
    assert f"(by {margins[0]:.2g})" in display.axes_[0].get_title()
    model = MLPClassifier((2,), loss="hinge", max_iter=1, random_state=0).fit(X_moons, y_moons)
    display = FailureCasesDisplay.from_estimator(model, X_moons, y_moons)
    assert (np.diff(np.abs(model.decision_function(X_moons))[display.cases]) <= 0).all()


def test_largest_errors():
    targets = X_moons[:, 0] ** 2
    display = FailureCasesDisplay.from_estimator(regressor, X_moons, targets, n_cases=5)
    errors = regressor.predict(X_moons) - targets
    assert display.cases.tolist() == np.argsort(-np.abs(errors), kind="stable").tolist()
    assert display.figure_.get_suptitle() == "the 5 largest errors of 120 rows"
    row = display.cases[0]
    predicted = f"{targets[row] + errors[row]:.4g} ({errors[row]:+.3g})"
    assert display.axes_[0].get_title() == f"target {targets[row]:.4g}\npredicted {predicted}"
    whole = FailureCasesDisplay.from_predictions(
        [1, 2, 3], [1, 2, 5], [[1], [2], [3]], regression=True
    )
    assert whole.cases.tolist() == [2, 0, 1]
    labels = FailureCasesDisplay.from_predictions([1, 2, 3], [1, 2, 5], [[1], [2], [3]])
    assert labels.cases.tolist() == [2]


def test_failures_of_several_targets():
    Y = np.column_stack([X_moons[:, 0] ** 2, X_moons[:, 1]])
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X_moons, Y)
    display = FailureCasesDisplay.from_estimator(model, X_moons, Y)
    sizes = np.linalg.norm(model.predict(X_moons) - Y, axis=1)
    assert (np.diff(sizes[display.cases]) <= 0).all()
    assert display.axes_[0].get_title().startswith("target (")
    labels = np.column_stack([y_moons, X_moons[:, 0] > 0]).astype(int)
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, labels)
    display = FailureCasesDisplay.from_estimator(model, X_moons, labels)
    wrong = (model.predict(X_moons) != labels).any(axis=1)
    assert display.cases.tolist() == np.flatnonzero(wrong).tolist()
    columns = np.column_stack([y_moons, (X_moons[:, 0] // 1).astype(int)])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, columns)
    display = FailureCasesDisplay.from_estimator(model, X_moons, columns)
    assert len(display.cases) == (model.predict(X_moons) != columns).any(axis=1).sum()
    soft = np.column_stack([0.9 - 0.8 * y_moons, 0.1 + 0.8 * y_moons])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, soft)
    display = FailureCasesDisplay.from_estimator(model, X_moons, soft)
    assert len(display.cases) == (model.predict(X_moons) != y_moons).sum()


def test_no_failures():
    right = classifier.predict(X_val)
    display = FailureCasesDisplay.from_estimator(classifier, X_val, right, image_shape="square")
    [text] = display.axes_[0].texts
    assert text.get_text() == "All 450 rows are predicted right."
    _, axes = plt.subplots(1, 2)
    display.plot(axes)
    assert not any(ax.axison for ax in axes)


def test_one_failure_in_a_place_and_in_several():
    right = classifier.predict(X_val)
    targets = right.copy()
    targets[7] = (right[7] + 1) % 10
    _, axes = plt.subplots(1, 3)
    display = FailureCasesDisplay.from_estimator(classifier, X_val, targets, ax=axes[0])
    assert len(display.axes_) == 1 and display.axes_[0] is not axes[0]
    texts = [text.get_text() for ax in display.figure_.axes for text in ax.texts]
    assert texts == ["1 of 450 rows are wrong"]
    display.plot(axes[1:])
    assert display.axes_.tolist() == [axes[1]] and not axes[2].axison


def test_colour_images():
    rng = np.random.default_rng(0)
    rows = rng.integers(256, size=(6, 48)).astype(np.uint8)
    labels = np.array(list("abcabc"))
    display = FailureCasesDisplay.from_predictions(
        labels, labels[::-1], rows, image_shape=(4, 4, 3)
    )
    image = display.axes_[0].get_images()[0].get_array()
    assert image.shape == (4, 4, 3)
    low, high = rows.min(), rows.max()
    assert np.allclose(image, (rows[0].reshape(4, 4, 3) - low) / (high - low))
    display.plot(image_shape=(8, 6, 1))
    assert display.axes_[0].get_images()[0].get_array().shape == (8, 6)


def test_long_names_do_not_touch():
    names = np.array(["a class with quite a long name", "another such class", "c"])
    display = FailureCasesDisplay.from_predictions(
        names[y_val % 3], names[(y_val + 1) % 3], X_val, image_shape="square", n_cases=9
    )
    pixels(display)
    boxes = [ax.get_tightbbox() for ax in display.axes_]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_wrong_failures():
    predicted = classifier.predict(X_val)
    for parameters, message in (
        (dict(image_shape=(8, 9)), r"image_shape=\(8, 9\) has 72 numbers, and a row of X 64\."),
        (dict(image_shape="round"), "image_shape must be "),
        (dict(image_shape=(8, 4, 2)), "image_shape must be "),
        (dict(image_shape=64), "image_shape must be "),
        (dict(n_cases=0), "n_cases must be a whole number of at least 1, got 0"),
        (dict(n_features=None), "n_features must be a whole number of at least 1, got None"),
        (dict(n_features=1.5), "n_features must be a whole number of at least 1, got 1.5"),
        (dict(confidence=[0.5]), "inconsistent numbers of samples"),
    ):
        with pytest.raises(ValueError, match=message):
            FailureCasesDisplay.from_predictions(y_val, predicted, X_val, **parameters)
    with pytest.raises(ValueError, match="needs a square number of features, and X has 2"):
        FailureCasesDisplay.from_estimator(moons, X_moons, 1 - y_moons, image_shape="square")
    with pytest.raises(ValueError, match="must be of one shape"):
        FailureCasesDisplay.from_predictions(np.ones((3, 2)), np.ones(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FailureCasesDisplay.from_estimator(classifier, X_val, y_val[:-1])
