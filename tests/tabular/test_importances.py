"""Permutation importances: exact where they can be computed, and cheap where columns are many."""

import copy
import pickle

import numpy as np
import pytest

from fastnn import TabularMLPRegressor
from fastnn.tabular.columns import Values
from fastnn.tabular.importances import n_rows_for, normalized, permuted, rises_in_loss


def test_what_is_read_from_one_column_is_permuted_together():
    rows = np.arange(50)
    values = Values(np.column_stack([rows, rows + 0.5, -rows]), rows[:, None].astype(np.int32))
    numbers, codes = permuted(values, ([0, 0, 2], [1]), np.random.RandomState(0))
    assert (numbers[:, 1] - numbers[:, 0] == 0.5).all()
    assert sorted(numbers[:, 0]) == sorted(codes[:, 0]) == list(rows)
    assert not (numbers[:, 0] == -numbers[:, 2]).all()
    assert not (numbers[:, 0] == codes[:, 0]).all()
    assert (values.numbers[:, 0] == rows).all()  # unchanged


def test_rises_of_a_linear_function():
    """A permuted column x of coefficient w raises a squared error by 2 w^2 var(x), about."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 3)) * [1, 2, 1]
    coef = np.array([3.0, 1.0, 0.0])
    y = X @ coef
    # Two members, one of which reads another order of columns, and one of them twice.
    order = np.array([2, 0, 1, 1])
    sources = [np.arange(3), order]

    def loss(encoded):
        first, second = encoded
        decision = (first @ coef + second[:, :3] @ coef[order[:3]]) / 2
        return np.mean((y - decision) ** 2)

    mixed = rng.permuted(X, axis=0)
    encoded = [X.copy(), X[:, order]]
    rises = rises_in_loss(loss, encoded, [mixed.copy(), mixed[:, order]], sources, 4)
    assert rises == pytest.approx([18, 8, 0, 0], rel=0.05)
    assert (encoded[0] == X).all()
    assert normalized(rises) == pytest.approx([18 / 26, 8 / 26, 0, 0], rel=0.05)


def test_importances_are_normalized():
    assert normalized(np.array([3.0, -1.0, 1.0])) == pytest.approx([0.75, 0, 0.25])
    assert (normalized(np.array([-1.0, 0.0])) == 0).all()


def test_fewer_rows_where_columns_are_many():
    assert n_rows_for(10, 10_000) == 1000
    assert n_rows_for(1000, 500_000) == 200
    assert n_rows_for(10**6, 10**6) == 100


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_columns_that_matter_are_important(kind, request):
    importances = request.getfixturevalue(kind).feature_importances_
    number, category, date, noise, constant = importances
    assert number > category > date > 0.01
    assert abs(noise) < 0.01
    assert constant == 0
    assert importances.sum() == pytest.approx(1)


def test_importances_are_the_same_whenever_they_are_read(regressor):
    again = copy.copy(regressor).set_params(n_jobs=1)
    again._training, again._importances = regressor._training, None
    del again._importances
    assert (again.feature_importances_ == regressor.feature_importances_).all()


def test_importances_of_a_pickle(regressor):
    """They are kept if they were computed; the training rows are not."""
    known = regressor.feature_importances_
    assert (pickle.loads(pickle.dumps(regressor)).feature_importances_ == known).all()
    unread = copy.copy(regressor)
    del unread._importances
    unread = pickle.loads(pickle.dumps(unread))
    with pytest.raises(AttributeError, match="rows, which no file or pickle contains"):
        _ = unread.feature_importances_


def test_levels_of_noise_are_of_no_importance():
    """Target means of levels that tell nothing are shrunk to nearly nothing."""
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.randint(0, 200, 600), rng.standard_normal(600)])
    model = TabularMLPRegressor("fast", categorical_features=[0], random_state=0)
    model.fit(X, X[:, 1] + rng.standard_normal(600))
    assert model.columns_.lines[0].n_levels > 64
    assert model.feature_importances_[0] < 0.1
