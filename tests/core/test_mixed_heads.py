"""Heads of several kinds: their losses, the weights of these, and trained log variances."""

import numpy as np
import pytest
import scipy.sparse

from fastnn import Dense
from fastnn.heads import Head, MixedLoss
from support.engines import Engine, rounded
from support.mixed_heads import HEADS, TRUNKS, problem
from support.problems import make_network, numerical_gradient, relative_error
from support.reference import Mixing
from support.trajectories import BFLOAT16_TOLERANCE, TOLERANCE, assert_same_state, named

# Losses that have a derivative almost everywhere where these tests are.
SMOOTH = [(head, min(n, 4)) for head, n in HEADS if head.loss != "crammer_singer"]


@pytest.mark.parametrize("options", [{}, {"smoothing": 0.3, "mixing": Mixing(0.7, 2)}], ids=str)
def test_the_references_gradient_is_that_of_its_loss(options):
    network, _, X, y, weight = problem("slopes", SMOOTH[:6], n_rows=5)
    *_, gradient, _ = network.loss_and_grad(X, y, weight, alpha=0.3, **options)

    def value():
        return sum(network.loss_and_penalty(X, y, weight, alpha=0.3, **options))

    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    assert relative_error(named(gradient), numerical_gradient(value, arrays)) < 1e-6


def test_the_references_loss_is_minus_the_log_likelihood():
    """Of a normal distribution with as many outputs, and a variance that they share."""
    network, _, X, y, _ = problem("dense", [(Head("squared_error"), 3)])
    network.parameters[-1]["log_variance"] = np.array([0.8])
    z, _ = network.forward(X, False)
    variance = np.exp(0.8)
    densities = np.exp(-((y["0"] - z) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    expected = -np.log(densities).sum(axis=1) - 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(network.value(z, y), expected)
    # Its minimum is the mean squared error, of which the loss is half, summed over the outputs.
    mean = network.head_losses(z, y).mean()
    network.parameters[-1]["log_variance"] = np.log([2 * mean / 3])
    *_, gradient, _ = network.loss_and_grad(X, y)
    np.testing.assert_allclose(gradient[-1]["log_variance"], 0, atol=1e-12)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("uncertainty", [False, True])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_trajectory(trunk, uncertainty, dtype):
    network, loss, X, y, weight = problem(trunk, uncertainty=uncertainty)
    network, X = rounded(network, dtype), X.astype(dtype)
    y = rounded_targets(y, dtype)
    engine = Engine(network, loss, "nesterov", dtype, n_threads=2)
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(27)
        settings = 8, [0.02, 0.015, 0.01, 0.01], 0.3, None if seed else weight, order
        z, _ = network.forward(X[order[:8]].astype(float), True, network.step)
        weights = np.ones(8) if seed else weight[order[:8]]
        of_heads = network.head_losses(z, y[order[:8]]) @ weights / weights.sum()
        actual = engine.train(X, y, *settings)
        expected = network.train(X.astype(float), y, "nesterov", *settings)
        np.testing.assert_allclose(actual, expected, rtol=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(
            engine.head_losses[-1][0], of_heads, rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype]
        )
    assert_same_state(engine, network, 3 * TOLERANCE[dtype])
    expected = network.predict(X.astype(float))
    np.testing.assert_allclose(engine.predict(X), expected, rtol=1e-4, atol=5 * TOLERANCE[dtype])


def rounded_targets(y, dtype):
    """Targets that an engine of this type takes unchanged."""
    rounded_ = y.copy()
    for name in y.dtype.names:
        if y[name].dtype.kind == "f":
            rounded_[name] = y[name].astype(dtype)
    return rounded_


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradient_and_loss_of_all_rows(dtype):
    """Over several blocks of rows, to whose gradients those of log variances are added."""
    network, loss, X, y, weight = problem("dense", n_rows=1500)
    network, X = rounded(network, dtype), X.astype(dtype)
    y, weight = rounded_targets(y, dtype), weight.astype(dtype).astype(float)
    engine = Engine(network, loss, dtype=dtype, n_threads=2)
    *actual, gradient = engine.loss_and_grad(X, y, weight, 0.3, smoothing=0.2)
    *expected, reference, _ = network.loss_and_grad(X.astype(float), y, weight, 0.3, smoothing=0.2)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert relative_error(named(gradient), named(reference)) < 3 * TOLERANCE[dtype]
    order = np.random.default_rng(0).permutation(1500)[:1300]
    z, _ = network.forward(X.astype(float), training=False)
    expected = np.average(network.value(z, y)[order], weights=weight[order])
    np.testing.assert_allclose(engine.loss(X, y, weight, order), expected, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_trajectory_of_mixed_rows_and_smoothed_labels(dtype):
    network, loss, X, y, weight = problem(n_rows=300)
    network, X, y = rounded(network, dtype), X.astype(dtype), rounded_targets(y, dtype)
    engine = Engine(network, loss, "sgd", dtype, n_threads=2)
    mixings = [Mixing(0.7, 5), Mixing(), Mixing(0.2, 101)]
    settings = 100, [0.1] * 3, 0.3, weight
    actual = engine.train(X, y, *settings, mixings=mixings, smoothing=0.1)
    expected = network.train(X.astype(float), y, "sgd", *settings, mixings=mixings, smoothing=0.1)
    np.testing.assert_allclose(actual, expected, rtol=10 * TOLERANCE[dtype])
    assert_same_state(engine, network, 3 * TOLERANCE[dtype])


def test_the_optimizers_way_through_all_gradients():
    """Clipping, limits, look-ahead and averages, which store gradients, see log variances too."""
    network, loss, X, y, weight = problem("two")
    engine = Engine(network, loss, "look_ahead", n_threads=2)
    settings = 8, [0.05] * 4, 0.3, weight
    options = {"clip_norm": 0.5, "max_norm": 1.0, "l1_ratio": 0.3}
    averages = {"average_weights": [0.5] * 4}
    actual = engine.train(X, y, *settings, **options, **averages)
    expected = network.train(X, y, "look_ahead", *settings, **options, **averages)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)
    assert_same_state(engine, network, 1e-10)
    averaged = engine.named(engine.state.average)
    assert relative_error(named(averaged), named(network.average)) < 1e-10


def test_a_log_variance_has_a_factor_of_the_learning_rate():
    network, loss, X, y, _ = problem()
    before = [p["log_variance"].copy() for p in network.parameters[-len(HEADS) :]]
    engine = Engine(network, loss, "adam", factors={"log_variances": 0.0})
    engine.train(X, y, 27, [0.1])
    after = [p["log_variance"] for p in engine.parameters[-len(HEADS) :]]
    np.testing.assert_array_equal(before, after)


def test_sparse_rows_and_bfloat16():
    network, loss, X, y, weight = problem("none", n_rows=60, n_features=20)
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0
    engine = Engine(network, loss, n_threads=3)
    actual = engine.train(scipy.sparse.csr_array(X), y, 25, [0.1] * 3, 0.3, weight)
    expected = network.train(X, y, "sgd", 25, [0.1] * 3, 0.3, weight)
    np.testing.assert_allclose(actual, expected)
    network, loss, X, y, weight = problem("dense")
    rounds = Engine(network, loss, dtype="bfloat16").train(X.astype("float32"), y, 8, [0.01] * 4)
    np.testing.assert_allclose(
        rounds, network.train(X, y, "sgd", 8, [0.01] * 4), rtol=20 * BFLOAT16_TOLERANCE
    )


def test_any_number_of_threads_gives_the_same_bits():
    runs = []
    for n_threads in (1, 2, 3, 8):
        network, loss, X, y, weight = problem("two", n_rows=301)
        engine = Engine(network, loss, "adam", "float32", n_threads=n_threads)
        losses = engine.train(X.astype("float32"), y, 75, [0.01] * 5, 0.1, weight, clip_norm=0.1)
        runs.append([losses, engine.head_losses[-1], engine.state.parameters])
        for one, other in zip(runs[0], runs[-1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_head_of_weight_1_is_the_ordinary_output():
    heads = [(Head("squared_error"), 3)]
    network, loss, X, y, weight = problem("two", heads, uncertainty=False)
    layers = [*network.layers[:-1], Dense(3, "identity")]
    plain = make_network(np.random.default_rng(0), 6, layers, "squared_error", seed=3)
    runs = []
    for one, of, targets in [(network, loss, y), (plain, "squared_error", y["0"])]:
        engine = Engine(one, of, "adam")
        losses = engine.train(X, targets, 8, [0.1] * 4, 0.3, weight)
        runs.append([losses, engine.state.parameters, engine.predict(X)])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_targets_of_another_network_are_refused():
    network, loss, X, y, _ = problem()
    engine = Engine(network, loss)
    tables = np.zeros((1, 32)), np.zeros((1, 2))
    wrong = y.copy()
    wrong["1"][4] = 3
    with pytest.raises(ValueError, match="numbers of classes that the network has no outputs for"):
        engine.native.train_steps(X, wrong, None, None, 27, *tables)
    for other in (y[:-1], problem(heads=HEADS[:3])[3], y[::-1]):
        with pytest.raises(ValueError, match="y must be 27 records of type"):
            engine.native.train_steps(X, other, None, None, 27, *tables)
    columns = np.asfortranarray(np.zeros((27, 32)))
    for other in (columns, columns[:1], columns.astype(np.int32)):
        with pytest.raises(ValueError, match="y must be 27 records of type"):
            engine.native.train_steps(X, other, None, None, 27, *tables)


def test_records_are_where_kernels_read_them():
    """Types that differ in alignment only are equal; and a subclass may tell another type."""
    network, loss, X, y, _ = problem()
    engine = Engine(network, loss)
    formats, offsets = zip(*y.dtype.fields.values(), strict=True)
    packed = {"names": y.dtype.names, "formats": formats, "offsets": offsets}
    packed = np.dtype(packed | {"itemsize": y.dtype.itemsize})
    odd = np.ndarray(27, packed, np.zeros(y.nbytes + 1, np.uint8), 1)
    assert odd.dtype == y.dtype and odd.flags.aligned

    class Liar(np.ndarray):
        shape, dtype = (27,), y.dtype

    for other in (odd, np.zeros(1, np.uint8).view(Liar)):
        with pytest.raises(ValueError, match="y must be 27 records of type"):
            engine.native.loss(X, other, None, None)


def test_losses_are_refused_that_are_not_of_each_step():
    network, loss, X, y, _ = problem()
    engine = Engine(network, loss)
    for losses in (np.zeros(3), np.zeros((1, 3)), [0.0, 0.0]):
        with pytest.raises(ValueError, match="losses must be"):
            tables = engine.solver.coefficients(np.ones(1), 0.0, 0), losses, None
            engine.native.train_steps(X, y, None, None, 27, *tables)


def test_losses_that_no_estimator_makes_are_refused():
    loss = MixedLoss([Head("log_loss", -1.0)])
    with pytest.raises(ValueError, match="weight"):
        loss.check(["softmax"])
    with pytest.raises(ValueError, match="does not go with"):
        MixedLoss([Head("log_loss")]).check(["tanh"])
