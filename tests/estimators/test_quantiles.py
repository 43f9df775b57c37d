"""Several quantiles at once: a head for each, whose outputs are predicted in ascending order."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

import fastnn.runtime
from fastnn import BatchNorm, Dense, MLPRegressor, Quantile
from fastnn.diagnostics import activations_of, bias_variance, check_gradients, initial_loss
from fastnn.layers import Heads
from support.engines import Engine, rounded
from support.problems import make_data, make_network, numerical_gradient, relative_error
from support.reference import Mixing
from support.sources import RowsInBlocks
from support.trajectories import TOLERANCE, assert_same_state, named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEVELS = [0.05, 0.5, 0.95]
HEADS = Heads((1,) * 6, "identity")


def problem(layers, n_rows=27):
    """A network of the reference for three quantiles of two targets."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 6, [*layers, HEADS], Quantile(LEVELS))
    X, y = make_data(rng, n_rows, 6, 2, "squared_error")
    return network, X, np.repeat(y, 3, axis=1), rng.uniform(0.5, 2, n_rows)


def noisy(n_rows, seed=0):
    """Rows, and targets whose noise depends on them."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n_rows, 2))
    return x, x[:, 0] + 0.3 * np.exp(x[:, 1]) * rng.standard_normal(n_rows)


def fit(loss=None, **parameters):
    loss = Quantile(LEVELS) if loss is None else loss
    settings = dict(max_iter=5, random_state=0) | parameters
    return MLPRegressor(loss, (8,), **settings)


def test_the_references_gradient_is_that_of_its_loss():
    network, X, y, weight = problem([Dense(7, "tanh")], 9)
    *_, gradient, _ = network.loss_and_grad(X, y, weight, alpha=0.3)
    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    expected = numerical_gradient(
        lambda: sum(network.loss_and_penalty(X, y, weight, alpha=0.3)), arrays
    )
    assert relative_error(named(gradient), expected) < 1e-6
    z, _ = network.forward(X, training=False)
    by_hand = [mean_pinball_loss(y[:, h], z[:, h], alpha=LEVELS[h % 3]) for h in range(6)]
    np.testing.assert_allclose(network.loss_and_grad(X, y)[0], sum(by_hand))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("layers", [[], [Dense(7, "tanh")]], ids=["none", "dense"])
def test_trajectory(layers, dtype):
    network, X, y, weight = problem(layers)
    network, X = rounded(network, dtype), X.astype(dtype)
    engine = Engine(network, Quantile(LEVELS), "nesterov", dtype, n_threads=2)
    settings = 8, [0.02] * 4, 0.3, weight, np.random.default_rng(1).permutation(27)
    mixings = [Mixing(0.7, 5), Mixing(), Mixing(0.2, 1), Mixing()]
    actual = engine.train(X, y, *settings, mixings=mixings)
    expected = network.train(X.astype(float), y, "nesterov", *settings, mixings=mixings)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert_same_state(engine, network, TOLERANCE[dtype])


def test_coverage_of_held_out_rows():
    """Of 5000 rows, 90 % lie between the outer quantiles, whatever the noise of a region."""
    X, y = noisy(4000)
    model = fit(max_iter=60, learning_rate_init=0.02, learning_rate="cosine").fit(X, y)
    X, y = noisy(5000, seed=1)
    low, median, high = model.predict(X).T
    assert ((low <= median) & (median <= high)).all()
    inside = (low < y) & (y < high)
    for region in (X[:, 1] > 0, X[:, 1] < 0):
        np.testing.assert_allclose(inside[region].mean(), 0.9, atol=0.03)
        np.testing.assert_allclose((y < median)[region].mean(), 0.5, atol=0.05)


@pytest.mark.parametrize("columns, shape", [(1, (40, 3)), (2, (40, 2, 3))])
def test_shapes_and_score(columns, shape):
    X, y = noisy(40)
    y, weight = np.stack([y, -y], axis=1)[:, :columns], np.linspace(1, 2, 40)
    model = fit().fit(X, y[:, 0] if columns == 1 else y)
    predicted = model.predict(X)
    assert predicted.shape == shape and model.n_outputs_ == 3 * columns
    assert (np.diff(predicted, axis=-1) >= 0).all()
    predicted = predicted.reshape(40, columns, 3)
    scores = [
        d2_pinball_score(y, predicted[:, :, k], sample_weight=weight, alpha=level)
        for k, level in enumerate(LEVELS)
    ]
    np.testing.assert_allclose(model.score(X, y, weight), np.mean(scores), rtol=1e-5)


def test_outputs_that_cross_are_sorted():
    X, y = noisy(40)
    model = fit(Quantile((0.4, 0.5, 0.6)), max_iter=1).fit(X, y)
    raw = np.hstack([b + np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0) @ w for w, b in
                     zip(model.coefs_[1:], model.intercepts_[1:], strict=True)])  # fmt: skip
    assert (np.diff(raw) < 0).any()
    np.testing.assert_allclose(model.predict(X), np.sort(raw), rtol=1e-6)
    sparse_model = fit(Quantile((0.4, 0.5, 0.6)), max_iter=1, n_jobs=2).fit(sparse.csr_matrix(X), y)
    np.testing.assert_allclose(sparse_model.predict(X), model.predict(X))


def test_early_stopping_and_partial_fit():
    X, y = noisy(60)
    model = fit(early_stopping=True, max_iter=4).fit(X, y)
    assert len(model.history_["val_d2_pinball"]) == 4
    model = fit().partial_fit(X, y).partial_fit(X, y)
    with pytest.raises(ValueError, match=r"y and its quantiles have 6 outputs, but .* with 3"):
        model.partial_fit(X, np.stack([y, y], axis=1))


def test_a_source():
    X, y = noisy(60)
    blocks = RowsInBlocks(X, y, rows=20, piece=10)
    model = fit(shuffle=False, early_stopping=True).fit(blocks)
    assert model.predict(blocks).shape == (60, 3)
    assert model.score(blocks) == model.score(X, y)
    assert "val_d2_pinball" in model.history_
    exact = dict(shuffle=False, normalization=BatchNorm(statistics="exact"), batch_size=20)
    model, same = fit(**exact).fit(blocks), fit(**exact).fit(X, y)
    np.testing.assert_allclose(model.predict(X), same.predict(X), rtol=1e-5)


def test_diagnostics():
    """A guess has the quantiles of all targets."""
    X, y = noisy(60)
    found = initial_loss(fit(), X, y, max_rows=60)
    guess = np.mean([mean_pinball_loss(y, np.full(60, np.quantile(y, q)), alpha=q) for q in LEVELS])
    np.testing.assert_allclose(found.guess, guess, rtol=1e-6)
    model = fit().fit(X, y)
    assert check_gradients(model, X, y).ok
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(activations_of(model, X)[0], hidden, atol=1e-6)
    with pytest.raises(ValueError, match="needs one prediction for each target"):
        bias_variance(fit(max_iter=1), X, y, n_rounds=2)


def test_files_and_pickles(tmp_path):
    X, y = noisy(40)
    model = fit().fit(X, y)
    model.save(tmp_path / "model.fastnn")
    for other in (
        fastnn.load(tmp_path / "model.fastnn"),
        fastnn.runtime.load(tmp_path / "model.fastnn"),
        pickle.loads(pickle.dumps(model)),
    ):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert pickle.loads(pickle.dumps(model)).score(X, y) == model.score(X, y)


def test_quantiles_of_transformed_targets_are_transformed_quantiles():
    X, y = noisy(40)
    model = TransformedTargetRegressor(fit(), func=np.log, inverse_func=np.exp).fit(X, np.exp(y))
    np.testing.assert_allclose(model.predict(X), np.exp(fit().fit(X, y).predict(X)), rtol=1e-4)
