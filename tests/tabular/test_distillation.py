"""One network in place of an ensemble: nearly as accurate, and told how nearly."""

import pickle

import numpy as np
import pytest

from fastnn import TabularMLPClassifier, TabularMLPRegressor
from fastnn.tabular.columns import Values
from fastnn.tabular.distillation import changed_copies


def test_copies_have_some_values_of_other_rows():
    rng = np.random.default_rng(0)
    values = Values(rng.standard_normal((100, 4)), rng.integers(-1, 9, (100, 2)).astype(np.int32))
    copies = changed_copies(values, 3, np.random.RandomState(0))
    for column, of_copies in zip(values, copies, strict=True):
        assert of_copies.shape == (300, column.shape[1])
        assert of_copies.dtype == column.dtype
        assert np.isin(of_copies, column).all()
    changed = copies.numbers != np.tile(values.numbers, (3, 1))
    assert changed.mean() == pytest.approx(0.3, abs=0.03)
    nothing = Values(np.empty((5, 0)), np.empty((5, 0), np.int32))
    assert changed_copies(nothing, 2, np.random.RandomState(0)).numbers.shape == (10, 0)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_one_network_is_nearly_as_good(kind, request, new_rows):
    model, (X, numbers, classes) = request.getfixturevalue(kind), new_rows
    y = classes if kind == "classifier" else numbers
    before = model.predict(X[:20])
    small = model.compress()
    assert [len(member.networks) for member in small.networks_] == [1]
    assert small.score(X, y) > model.score(X, y) - 0.03
    ensemble_loss, loss, n_rows = small.compression_
    assert 0 < loss < 1.5 * ensemble_loss
    assert n_rows == 25
    assert np.isfinite(small.oof_decision_.reshape(200, -1)[:, 0]).sum() == 25
    assert not hasattr(model, "compression_")
    assert (model.predict(X[:20]) == before).all()
    assert small.feature_importances_.argmax() == 0
    if kind == "regressor":
        low, _, high = small.predict_quantiles(X).T
        assert np.mean((low < y) & (y < high)) > 0.8
    again = pickle.loads(pickle.dumps(small))
    assert (again.predict(X) == small.predict(X)).all()
    with pytest.raises(AttributeError, match=r"compress\(\) needs the training rows"):
        again.compress()


def test_the_same_network_again(regressor, new_rows):
    X = new_rows[0]
    first, second = regressor.compress(), regressor.compress()
    assert (first.predict(X) == second.predict(X)).all()


def test_two_classes_with_weights():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 2))
    weights = rng.integers(0, 3, 80).astype(float)
    model = TabularMLPClassifier(n_networks=2, n_folds=2, random_state=0)
    model.fit(X, X[:, 0] > 0, weights)
    small = model.compress()
    assert small.score(X, X[:, 0] > 0) > 0.85
    assert not np.isfinite(small.oof_decision_[weights == 0]).any()


def test_another_fit_forgets_the_compression():
    X = np.arange(20.0).reshape(-1, 1)
    model = TabularMLPRegressor(n_networks=2, n_folds=2, random_state=0, target_transform="sqrt")
    small = model.fit(X, X[:, 0] ** 2).compress()
    assert hasattr(small, "compression_")
    assert not hasattr(small.fit(X, X[:, 0]), "compression_")


@pytest.mark.filterwarnings("ignore:No column of X tells rows apart")
@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_few_rows(n_rows):
    X = np.arange(float(n_rows)).reshape(-1, 1)
    model = TabularMLPRegressor(n_networks=2, n_folds=2, random_state=0).fit(X, X[:, 0])
    assert np.isfinite(model.compress().predict(X)).all()
