"""Bias and variance: known cases, the numbers of mlxtend, and fits side by side."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from fastnn import MLPClassifier, MLPRegressor
from fastnn.diagnostics import bias_variance


def samples(n_rows, n_rounds):
    """The bootstrap samples of the seed 0."""
    draws = np.random.RandomState(0)
    return np.array([draws.randint(0, n_rows, n_rows) for _ in range(n_rounds)])


def test_mean_of_rows():
    """The mean of n rows of a bootstrap sample has a variance of their variance over n."""
    y = np.random.default_rng(0).normal(size=20)
    result = bias_variance(DummyRegressor(), y, y, 200, X_val=[[0.0]], y_val=[2.0])
    means = y[samples(20, 200)].mean(axis=1)
    assert result.variance == pytest.approx(means.var())
    assert result.variance == pytest.approx(y.var() / 20, rel=0.2)
    assert result.bias == pytest.approx((means.mean() - 2) ** 2)
    assert result.bias == pytest.approx((y.mean() - 2) ** 2, rel=0.03)
    assert result.loss == pytest.approx(result.bias + result.variance, rel=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_nearest_of_two_rows(label):
    """Of 2 rows, the nearest is not in a sample with probability 1/4."""
    given = dict(X_val=[[0.1]], y_val=[label])
    X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    lacks = samples(2, 100).all(axis=1).mean()
    assert lacks == pytest.approx(0.25, abs=0.1)
    result = bias_variance(KNeighborsClassifier(1), X, y, 100, **given)
    assert result.main == [0]
    found = result.loss, result.bias, result.variance
    assert found == pytest.approx((1 - lacks, 1, lacks) if label else (lacks, 0, lacks))
    assert result.biased_variance == pytest.approx(lacks if label else 0)
    assert result.unbiased_variance == pytest.approx(0 if label else lacks)
    result = bias_variance(KNeighborsRegressor(1), X, y, 100, **given)
    assert result.main[0] == pytest.approx(lacks)
    assert result.variance == pytest.approx(lacks * (1 - lacks))
    assert result.net_variance == pytest.approx(result.variance)


@pytest.mark.parametrize(
    "tree, load, expected",
    [
        (DecisionTreeClassifier, load_iris, (0.06, 0.022222222, 0.037777778)),
        (DecisionTreeRegressor, load_diabetes, (6521.252481203, 3577.701452632, 2943.551028571)),
    ],
)
def test_numbers_of_mlxtend(tree, load, expected):
    """Loss, bias and variance are those of mlxtend 0.24 with the same seed and 50 rounds."""
    X, y = load(return_X_y=True)
    stratify = y if load is load_iris else None
    X, X_val, y, y_val = train_test_split(
        X, y, test_size=0.3, random_state=123, shuffle=True, stratify=stratify
    )
    given = dict(X_val=X_val, y_val=y_val, random_state=123)
    result = bias_variance(tree(random_state=123), X, y, **given)
    assert (result.loss, result.bias, result.variance) == pytest.approx(expected, rel=1e-4)


def test_networks_side_by_side_are_as_in_a_pipeline():
    X, y = load_iris(return_X_y=True)
    y = np.array(["a", "b", "c"])[y]
    model = MLPClassifier((4,), solver="lbfgs", max_iter=20, random_state=0)
    one = bias_variance(model, X, y, 6, n_jobs=2)
    other = bias_variance(
        make_pipeline(StandardScaler(with_std=False, with_mean=False), model), X, y, 6
    )
    np.testing.assert_array_equal(one.row_loss, other.row_loss)
    np.testing.assert_array_equal(one.main, other.main)
    terms = one.bias + one.unbiased_variance - one.biased_variance
    assert one.loss == pytest.approx(terms, rel=1e-12)
    assert repr(one).startswith("<BiasVariance, 6 rounds: error ")
    assert not hasattr(model, "coefs_")


def test_several_outputs_and_seeds():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=20)
    result = bias_variance(model, X, Y, 5)
    assert result.main.shape == (10, 2) and result.row_loss.shape == (10,)
    assert result.loss == pytest.approx(result.bias + result.variance)
    assert bias_variance(model, X, Y, 5).loss == result.loss
    assert bias_variance(model, X, Y, 5, random_state=1).loss != result.loss
    fixed = bias_variance(model.set_params(random_state=0), X, Y, 5)
    assert fixed.loss != result.loss  # whose clones have a seed each
    assert repr(fixed).startswith("<BiasVariance, 5 rounds: squared error ")


def interrupts(X, y, rng):
    raise KeyboardInterrupt


@pytest.mark.parametrize("wraps", [lambda model: model, make_pipeline], ids=["alone", "pipeline"])
def test_ctrl_c_ends_all(wraps):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(KeyboardInterrupt):
        bias_variance(wraps(MLPClassifier((4,), augment=interrupts)), X, y, 3)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_rounds": 1}, "'n_rounds' parameter"),
        ({"X_val": [[0.0] * 4]}, "X_val and y_val belong together"),
        ({"y": np.eye(3)[[0] * 150]}, "needs one label for each row, and y has the shape"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
    ],
)
def test_bad_input(options, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        bias_variance(MLPClassifier(), **{"X": X, "y": y} | options)


@pytest.mark.parametrize(
    "y_val, message",
    [
        ([np.nan], "Input y_val contains NaN"),
        ([[1.0, 2.0]], r"y_val has the shape \(1, 2\), and the predictions \(1,\)"),
    ],
)
def test_bad_values(y_val, message):
    with pytest.raises(ValueError, match=message):
        bias_variance(DummyRegressor(), [[0.0]] * 4, range(4), 2, X_val=[[0.0]], y_val=y_val)
