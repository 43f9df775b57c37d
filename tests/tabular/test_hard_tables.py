"""Targets and weights of any kind, and tables with next to nothing in them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fastnn import TabularMLPClassifier, TabularMLPRegressor
from support.mixed_table import mixed_table

pytestmark = pytest.mark.usefixtures("few_epochs")

X, NUMBERS = mixed_table(60)
HIGH = NUMBERS > 4


def classifier(**parameters):
    return TabularMLPClassifier(**{"n_networks": 4, "n_folds": 2, "random_state": 0} | parameters)


def regressor(**parameters):
    return TabularMLPRegressor(**{"n_networks": 4, "n_folds": 2, "random_state": 0} | parameters)


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        HIGH,
        np.where(HIGH, "yes", "no"),
        np.where(HIGH, "yes", "no").tolist(),
        pd.Series(np.where(HIGH, "yes", "no"), dtype="category"),
        pd.Series(HIGH, dtype="boolean"),
        pl.Series(np.where(HIGH, "yes", "no")),
        np.where(HIGH, 7, -2),
        HIGH.astype(float),
    ],
    ids=["bool", "str", "list", "category", "boolean", "polars", "int", "float"],
)
def test_labels_of_any_kind(labels):
    model = classifier().fit(X, labels)
    expected = classifier().fit(X, HIGH)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert set(model.predict(X)) <= set(model.classes_) == set(labels)
    assert model.score(X, labels) == expected.score(X, HIGH)


@pytest.mark.parametrize("container", [list, pd.Series, pl.Series, lambda y: y.reshape(-1, 1)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_numbers_of_any_kind(container):
    model, expected = regressor().fit(X, container(NUMBERS)), regressor().fit(X, NUMBERS)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize(
    ("build", "y", "message"),
    [
        (classifier, None, "requires y to be passed"),
        (regressor, None, "requires y to be passed"),
        (classifier, NUMBERS, "Unknown label type"),
        (classifier, np.column_stack([HIGH, ~HIGH]), "y has 2 columns, and a TabularMLPClassifier"),
        (regressor, np.column_stack([NUMBERS] * 3), "y has 3 columns.*MultiOutputRegressor"),
        (regressor, np.where(HIGH, "yes", "no"), "must hold numbers"),
        (regressor, np.where(HIGH, np.nan, 1.0), "Input y contains NaN"),
        (regressor, np.where(HIGH, np.inf, 1.0), "Input y contains infinity"),
        (regressor, NUMBERS[:-1], "inconsistent numbers of samples"),
        (classifier, [None, *HIGH[1:]], "no value"),
    ],
)
def test_bad_targets_are_refused(build, y, message):
    with pytest.raises(ValueError, match=message):
        build().fit(X, y)


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("build", "y"), [(classifier, HIGH), (regressor, NUMBERS)])
def test_rows_without_weight_are_not_trained_on(build, y):
    weight = np.repeat([1.0, 0.0], [50, 10])
    other = y.copy()
    other[50:] = other[50:][::-1]
    one, two = (build().fit(X, target, weight) for target in (y, other))
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert np.isnan(one.oof_decision_[50:]).all()
    assert np.isfinite(one.oof_decision_[:50]).all()


def test_weights_are_a_matter_of_proportion():
    weight = np.linspace(0.5, 2, 60)
    one, two = (regressor().fit(X, NUMBERS, factor * weight) for factor in (1, 8))
    np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-4)


def test_class_weights_are_weights():
    weighted = classifier(class_weight={False: 1, True: 3}).fit(X, HIGH)
    by_row = classifier().fit(X, HIGH, np.where(HIGH, 3.0, 1.0))
    np.testing.assert_array_equal(weighted.predict_proba(X), by_row.predict_proba(X))
    plain = classifier().fit(X, HIGH)
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize(
    ("weight", "message"),
    [(np.zeros(60), "at least one non-zero"), (np.full(60, -1.0), "Negative"), ([1.0], "60")],
)
def test_bad_weights_are_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, HIGH, weight)


# --- next to nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_folds", [1, 2, 8])
@pytest.mark.parametrize("n_rows", [2, 3, 5])
@pytest.mark.parametrize("build", [classifier, regressor])
def test_a_few_rows(build, n_rows, n_folds):
    y = np.arange(n_rows) % 2 if build is classifier else NUMBERS[:n_rows]
    model = build(n_networks=8, n_folds=n_folds).fit(X[:n_rows], y)
    assert np.isin(model.predict(X), [0, 1]).all() or np.isfinite(model.predict(X)).all()


def test_each_row_of_another_class():
    model = classifier().fit(X[:3], ["a", "b", "c"])
    assert model.predict_proba(X).shape == (60, 3)


def test_a_class_with_one_row():
    labels = np.where(HIGH, "yes", "no").astype("<U5")
    labels[17] = "maybe"
    model = classifier(n_networks=8, n_folds=8).fit(X, labels)
    assert list(model.classes_) == ["maybe", "no", "yes"]
    assert np.flatnonzero(np.isnan(model.oof_decision_[:, 0])).tolist() == [17]


def test_a_single_class():
    model = classifier().fit(X, ["same"] * 60)
    assert set(model.predict(X)) == {"same"}
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((60, 1)))


def test_a_constant_target():
    model = regressor().fit(X, np.full(60, 3.5))
    np.testing.assert_array_equal(model.predict(X), np.full(60, 3.5))


def test_the_same_row_again_and_again():
    with pytest.warns(UserWarning, match="No column of X tells rows apart"):
        model = regressor().fit(X.iloc[np.zeros(30, int)], NUMBERS[:30])
    assert np.isfinite(model.predict(X)).all()


def test_predictions_stay_in_the_range_of_targets():
    skewed = np.exp(NUMBERS)
    model = regressor(n_networks=8).fit(X, skewed)
    far = X.assign(size=1e6)
    for rows in (X, far):
        assert model.predict(rows).min() >= skewed.min()
        assert model.predict(rows).max() <= skewed.max()
