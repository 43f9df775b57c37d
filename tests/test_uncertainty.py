"""Monte-Carlo dropout: the engine's masks in predictions, and the moments of these."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import entr
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import Dense, Dropout, MLPClassifier, MLPRegressor, MultiTaskMLP, Quantile
from fastnn._core import make_predictor
from fastnn.layers import BatchNorm
from fastnn.uncertainty import mc_dropout
from support.engines import Engine, rounded
from support.problems import make_network
from support.trajectories import TOLERANCE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 5)).astype(np.float32)
Y, THREE = X[:, 0] + X[:, 1] ** 2, X[:, :3].argmax(axis=1)
SETTINGS = dict(dropout=Dropout(0.3, input_rate=0.1), max_iter=5, random_state=0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("inverted", [True, False])
def test_masks_are_those_of_the_reference(inverted, dtype):
    """Of any number of threads, and for dense and sparse rows, which stay as they are."""
    layers = [Dense(19, "tanh", BatchNorm(), 0.4), Dropout(0.2, inverted=inverted), Dense(2)]
    layers[-1].activation = "identity"
    of_input = 0.3 if inverted else Dropout(0.3, inverted=False)
    drawn = np.random.default_rng(1)
    network = rounded(make_network(drawn, 5, layers, "squared_error", of_input, seed=3), dtype)
    engine, rows = Engine(network, "squared_error", dtype=dtype), X.astype(dtype)
    z, _ = network.forward(rows.astype(float), training=False, step=7)
    predict = make_predictor(engine.program, engine.state.parameters, engine.state.statistics)
    found = [predict(rows, n, draw=(3, 7))[0] for n in (1, 2, 3)]
    np.testing.assert_allclose(found[0], z, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(rows, X)
    of_sparse, _ = predict(sparse.csr_matrix(rows), 2, draw=(3, 7))
    np.testing.assert_allclose(of_sparse, found[0], rtol=1e-5, atol=1e-5)
    assert np.abs(predict(rows, draw=(3, 8))[0] - found[0]).max() > 0.1
    np.testing.assert_allclose(predict(rows)[0], network.predict(rows.astype(float)), atol=1e-5)


def test_moments_of_a_linear_readout():
    """Of dropout before the output layer: the prediction, and the sum of h^2 w^2 p / (1 - p)."""
    model = MLPRegressor(hidden_layer_sizes=(8,), dropout=0.3, max_iter=5, random_state=0)
    model.set_params(precision="float64").fit(X, Y)
    found = mc_dropout(model, X[:20], n_samples=4000, random_state=0)
    hidden = np.maximum(X[:20] @ model.coefs_[0] + model.intercepts_[0], 0)
    expected = np.sqrt((hidden * model.coefs_[1].T) ** 2 @ np.full(8, 0.3 / 0.7))
    np.testing.assert_allclose(found.std, expected, rtol=0.06)
    np.testing.assert_allclose(found.mean, model.predict(X[:20]), atol=0.06 * expected.max())
    assert found.entropy is None and found.mutual_information is None


def test_entropy_and_mutual_information():
    model = MLPClassifier((9,), **SETTINGS).fit(X, THREE)
    found = mc_dropout(model, X, n_samples=30, random_state=5)
    network, seed = model._network, int(np.random.RandomState(5).randint(np.iinfo(np.int32).max))
    samples = np.stack([network.predict(X, draw=(seed, s))[0] for s in range(30)]).astype(float)
    np.testing.assert_allclose(found.mean, samples.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.std, samples.std(axis=0, ddof=1), rtol=1e-4)
    entropy = entr(samples.mean(axis=0)).sum(axis=1)
    np.testing.assert_allclose(found.entropy, entropy, rtol=1e-5)
    information = entropy - entr(samples).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(found.mutual_information, information, atol=1e-6)
    assert (found.mutual_information > 0).all()


@pytest.mark.parametrize(
    "model, y, shape",
    [
        (MLPRegressor(Quantile([0.1, 0.9]), **SETTINGS), np.stack([Y, -Y], 1), (300, 2, 2)),
        (MLPClassifier(**SETTINGS), THREE == 1, (300, 2)),
        (MLPClassifier(**SETTINGS), np.stack([THREE == 1, Y > 0], 1), (300, 2)),
        (MLPClassifier(loss="hinge", **SETTINGS), THREE, (300, 3)),
    ],
    ids=["quantiles", "two classes", "labels", "scores"],
)
def test_any_estimator(model, y, shape):
    """The same seed gives the same bits for any number of threads and kind of rows."""
    model.set_params(hidden_layer_sizes=(7,)).fit(X, y)
    found = mc_dropout(model, X, n_samples=3, random_state=1)
    assert found.mean.shape == found.std.shape == shape and (found.std > 0).any()
    again = mc_dropout(model.set_params(n_jobs=2), X, n_samples=3, random_state=1)
    np.testing.assert_array_equal(again.std, found.std)
    other = mc_dropout(model, X, n_samples=3, random_state=2)
    assert not np.array_equal(other.std, found.std)
    has_probabilities = isinstance(model, MLPClassifier) and model.loss == "log_loss"
    assert (found.entropy is not None) == has_probabilities


def test_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**SETTINGS)).fit(X, Y)
    found = mc_dropout(pipeline, X, n_samples=2, random_state=0)
    scaled = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(
        found.mean, mc_dropout(pipeline[-1], scaled, n_samples=2, random_state=0).mean
    )


def test_bad_arguments():
    model = MLPRegressor(max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"This MLPRegressor has no dropout, .* dropout=0\.1"):
        mc_dropout(model, X)
    with pytest.raises(NotFittedError):
        mc_dropout(MLPRegressor(), X)
    model = MLPClassifier(**SETTINGS).fit(X, np.stack([THREE, THREE], 1))
    with pytest.raises(ValueError, match="is for one column of classes"):
        mc_dropout(model, X)
    with pytest.raises(ValueError, match="a MultiTaskMLP has several: fit an MLPClassifier or"):
        mc_dropout(MultiTaskMLP(**SETTINGS).fit(X, {"y": Y, "label": THREE}), X)
    model = MLPClassifier(**SETTINGS).fit(X, THREE)
    with pytest.raises(ValueError, match="'n_samples' parameter of mc_dropout must be"):
        mc_dropout(model, X, n_samples=1)
    with pytest.raises(ValueError, match="NaN"):
        mc_dropout(model, np.full((2, 5), np.nan))
