"""Products of bfloat16: the instruction and its emulations against a model of it, bit by bit; then
what trains and predicts with them.
"""

import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier, MLPRegressor, WeightNorm
from fastnn._core import cpu
from fastnn._core.cpu import ops
from fastnn.layers import Dense, Residual
from support import reference
from support.engines import Engine, rounded
from support.problems import (
    LAYOUTS,
    make_counts,
    make_data,
    make_layers,
    make_network,
    relative_error,
)
from support.stacks import problem, stacks
from support.trajectories import BFLOAT16_TOLERANCE, named

AVAILABLE = cpu.isa_info()["available"]
FUSED = [isa for isa in AVAILABLE if isa != "baseline"]
KINDS = ["forward", "input_gradient", "weight_gradient", "converting"]
SHAPES = [(n, k, m) for n, k in [(1, 1), (2, 2), (13, 17)] for m in (1, 7, 16, 33, 64, 97, 130)]
# A tile is put down after 1024 pairs and picked up again.
SHAPES += [(29, 40, 20), (5, 63, 33), (5, 65, 33), (5, 2047, 33), (3, 2049, 20), (3, 4100, 20)]


def special_numbers(rng):
    """Zeros, denormals, the largest, ties between two bfloat16, NaN and infinities."""
    bits = rng.integers(2**32, size=3000, dtype=np.uint32)
    bits[:500] = bits[:500] & 0xFFFF0000 | 0x8000
    x = np.concatenate([bits.view(np.float32), rng.standard_normal(1000).astype(np.float32)])
    return np.append(x, np.float32([0, -0.0, np.inf, -np.inf, np.nan, 3.4e38, 1e-40, -1e-40]))


@pytest.mark.parametrize("isa", AVAILABLE)
@pytest.mark.parametrize("shape", [(1, 4008), (8, 501), (501, 8), (4008, 1), (167, 24)])
def test_layouts(shape, isa):
    """Check the layout and the rounding of packed weights."""
    x = special_numbers(np.random.default_rng(0)).reshape(shape)
    n, m = shape
    expected = np.zeros((n + n % 2, m + m % 2))
    expected[:n, :m] = reference.bfloat16(x)
    rows, pairs, transposed = (
        (words[..., np.newaxis] << np.uint32([16, 0]) & np.uint32(0xFFFF0000)).view(np.float32)
        for words in ops.bfloat16_layouts(x, isa=isa)
    )
    np.testing.assert_array_equal(rows, expected[:n].reshape(n, -1, 2))
    by_pairs = expected[:, :m].reshape(-1, 2, m).swapaxes(1, 2)
    np.testing.assert_array_equal(pairs, by_pairs)
    np.testing.assert_array_equal(transposed, expected[:n].reshape(n, -1, 2).swapaxes(0, 1))


@pytest.mark.parametrize("isa", AVAILABLE)
@pytest.mark.parametrize("kind", KINDS)
def test_matmul(kind, isa):
    """Check products within the rounding errors of float32 sums, and their bits."""
    rng = np.random.default_rng(1)
    for n, k, m in SHAPES:
        a, b = (rng.standard_normal(shape).astype(np.float32) for shape in [(n, k), (k, m)])
        bias, c = (rng.standard_normal(shape).astype(np.float32) for shape in [m, (n, m)])
        a8, b8 = reference.bfloat16(a), reference.bfloat16(b)
        bound = (k + 2) * 2.0**-24 * (np.abs(a8) @ np.abs(b8) + np.abs(bias) + np.abs(c))
        if kind == "weight_gradient":
            bias[:] = 0
        actual = ops.bfloat16_matmul(a, b, bias, kind=kind, isa=isa)
        expected = reference.rounded_forward(reference.bfloat16, a, b, bias)
        assert (np.abs(actual - expected) <= bound).all()
        same = ops.bfloat16_matmul(a, b, bias, isa=AVAILABLE[0])
        np.testing.assert_array_equal(actual, same)
        without_bias = ops.bfloat16_matmul(a, b, None, kind=kind, isa=isa)
        assert (np.abs(without_bias - (expected - bias)) <= bound).all()
        if kind != "converting":
            added = ops.bfloat16_matmul(a, b, None, c, kind=kind, isa=isa)
            assert (np.abs(added - (expected - bias + c)) <= bound).all()


def nearest_float32(value):
    """A fraction rounded to 24 bits, ties to even; below the normal numbers zero."""
    if value == 0:
        return Fraction(0)
    exponent = 0
    while abs(value) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(value) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    rounded = round(value / unit) * unit
    return rounded if abs(rounded) >= Fraction(2) ** -126 else Fraction(0)


def sum_of_pairs(a, b, c):
    """Add two products as bfloat16.h describes: the odd one first, each with one rounding."""
    a, b = ([Fraction(float(v)) for v in pair] for pair in (a, b))
    c = nearest_float32(Fraction(float(c)))
    return float(nearest_float32(a[0] * b[0] + nearest_float32(a[1] * b[1] + c)))


def pairs_to_add(rng, kind, n):
    """a (2,), b (2, n) and c (1, n) whose sums are hard to round."""
    exponents = {
        "alike": (0, 0, 6),
        "cancelling": (0, 0, 1),
        "far": (0, 0, 30),
        "tiny": (-64, -62, 5),
    }
    first, second, spread = exponents[kind]
    a = rng.standard_normal(2) * 2.0**first
    b = rng.standard_normal((2, n)) * 2.0 ** (second + rng.integers(-spread, spread, (2, n)))
    a, b = reference.bfloat16(a), reference.bfloat16(b)
    c = rng.standard_normal(n) * 2.0 ** (first + second + rng.integers(-spread, spread, n))
    if kind == "cancelling":
        c = -(a[0] * b[0] * rng.integers(2, size=n) + a[1] * b[1])
        c = np.nextafter(c.astype(np.float32), rng.choice([-1, 1], n).astype(np.float32))
    return a.astype(np.float32), b.astype(np.float32), c.astype(np.float32)[np.newaxis]


# Without FMA, a product that underflows is lost.
ADDITIONS = [(kind, isa) for kind in ("alike", "cancelling", "far") for isa in AVAILABLE]
ADDITIONS += [("tiny", isa) for isa in FUSED]


@pytest.mark.parametrize("kind, isa", ADDITIONS)
def test_a_pair_is_added_as_by_the_instruction(kind, isa):
    """Check the sum of pairs with and without the instruction."""
    rng = np.random.default_rng(2)
    for _ in range(5):
        a, b, c = pairs_to_add(rng, kind, 200)
        actual = ops.bfloat16_matmul(a[np.newaxis], b, c=c, isa=isa)[0]
        expected = [sum_of_pairs(a, b[:, i], c[0, i]) for i in range(b.shape[1])]
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("isa", FUSED)
def test_any_bits_give_the_same_sum(isa):
    """Denormals, infinities and NaN too: only that a NaN is one is compared."""
    rng = np.random.default_rng(3)
    a, b, c = (
        rng.integers(2**32, size=shape, dtype=np.uint32).view(np.float32)
        for shape in [(40, 2), (2, 1000), (40, 1000)]
    )
    actual = ops.bfloat16_matmul(a, b, c=c, isa=isa)
    np.testing.assert_array_equal(actual, ops.bfloat16_matmul(a, b, c=c, isa=FUSED[-1]))


# ------------------------------------------------------------------------------------ the engine


def twins(network, loss, optimizer="sgd", **options):
    """An engine in bfloat16 and a reference that starts at the same parameters."""
    rounded(network, "float32")
    network = reference.Network(
        network.layers,
        loss,
        network.parameters,
        network.statistics,
        network.input_dropout,
        network.seed,
        input_noise=network.input_noise,
        rounds=reference.bfloat16,
    )
    return Engine(network, loss, optimizer, "bfloat16", **options), network


@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("n_rows", [1, 2, 57, 1100])
def test_gradient(n_rows, position):
    """Batches of odd numbers of rows, and of more than go through at once, included."""
    rng = np.random.default_rng(4)
    layers = make_layers([37, 20, 3], "tanh", position, 0.5, "log_loss")
    engine, network = twins(make_network(rng, 11, layers, "log_loss"), "log_loss")
    X, y = make_data(rng, n_rows, 11, 3, "log_loss")
    X, weight = X.astype(np.float32), rng.uniform(0.5, 2, n_rows).astype(np.float32)
    *actual, gradient = engine.loss_and_grad(X, y, weight, alpha=0.3)
    *expected, named_gradient, _ = network.loss_and_grad(X.astype(float), y, weight, alpha=0.3)
    # Batch norm of two rows divides by a standard deviation that may be near zero.
    tolerance = BFLOAT16_TOLERANCE * (10 if n_rows == 2 and position else 1)
    np.testing.assert_allclose(actual, expected, rtol=tolerance)
    assert relative_error(named(gradient), named(named_gradient)) < tolerance


def test_gradient_of_residual_blocks():
    rng = np.random.default_rng(5)
    layers = [Dense(18, "tanh"), Residual([Dense(33, "relu"), Dense(18)]), Dense(2)]
    engine, network = twins(make_network(rng, 7, layers, "squared_error"), "squared_error")
    X, y = make_data(rng, 41, 7, 2, "squared_error")
    *actual, gradient = engine.loss_and_grad(X, y)
    *expected, named_gradient, _ = network.loss_and_grad(X, y)
    np.testing.assert_allclose(actual, expected, rtol=BFLOAT16_TOLERANCE)
    assert relative_error(named(gradient), named(named_gradient)) < BFLOAT16_TOLERANCE


@given(stacks([*reference.ACTIVATIONS]), st.integers(1, 33))
def test_any_stack_has_the_same_bits_for_any_threads(layers, n_rows):
    network, X, y, weight = problem(layers, n_rows=n_rows)
    runs = [
        Engine(network, "squared_error", "sgd", "bfloat16", 8, n_threads) for n_threads in (1, 3)
    ]
    for run in runs:
        run.train(X.astype(np.float32), y, 16, [0.01] * -(-n_rows // 16), 0.1, weight)
    np.testing.assert_array_equal(*(run.state.parameters for run in runs))
    np.testing.assert_array_equal(*(run.predict(X) for run in runs))


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "csr" not in name])
@pytest.mark.parametrize("position, dropout", [(None, 0.0), ("before", 0.3), ("after", 0.0)])
def test_trajectory(layout, position, dropout):
    """Ten steps, the last of each epoch a short one."""
    rng = np.random.default_rng(6)
    layers = make_layers([19, 7, 3], "tanh", position, dropout, "log_loss")
    network = make_network(rng, 11, layers, "log_loss", dropout / 2, seed=2**40 + 7)
    engine, network = twins(network, "log_loss", "adam", epsilon=1e-3)
    X, y = make_counts(rng, 29, 11), rng.integers(3, size=29).astype(np.int32)
    for order in (None, rng.permutation(29)):
        settings = (8, [0.02] * 4, 0.3, None, order)
        actual = engine.train(LAYOUTS[layout](X), y, *settings)
        expected = network.train(X, y, "adam", *settings, epsilon=1e-3)
        np.testing.assert_allclose(actual, expected, rtol=BFLOAT16_TOLERANCE)
    assert relative_error(named(engine.parameters), named(network.parameters)) < BFLOAT16_TOLERANCE


@pytest.mark.parametrize("n_rows", [1, 2, 11, 95, 96, 97, 300])
def test_predictions_do_not_depend_on_the_rows_beside(n_rows):
    """Check that predictions are independent of the number of rows, and so of the method."""
    rng = np.random.default_rng(7)
    layers = make_layers([150, 41, 3], "relu", "before", loss="log_loss")
    engine, network = twins(make_network(rng, 75, layers, "log_loss"), "log_loss")
    X = rng.standard_normal((500, 75)).astype(np.float32)
    all_rows = engine.predict(X)
    np.testing.assert_allclose(all_rows, network.predict(X), atol=BFLOAT16_TOLERANCE)
    np.testing.assert_array_equal(engine.predict(X[:n_rows]), all_rows[:n_rows])
    engine.n_threads = 3
    np.testing.assert_array_equal(engine.predict(X), all_rows)
    y = rng.integers(3, size=500).astype(np.int32)
    loss = -np.log(all_rows[np.arange(500), y].astype(float)).mean()
    np.testing.assert_allclose(engine.loss(X, y), loss, rtol=1e-5)


@pytest.mark.parametrize("n_rows", [1, 96, 97])
@pytest.mark.parametrize("width", [16, 70, 130])
def test_layers_without_biases_of_any_width(width, n_rows):
    """The biases of a layer with weight norm are added behind it."""
    rng = np.random.default_rng(9)
    layers = [Dense(width, "relu", normalization=WeightNorm()), Dense(2, "identity")]
    engine, network = twins(make_network(rng, 33, layers, "squared_error"), "squared_error")
    X, y = make_data(rng, n_rows, 33, 2, "squared_error")
    assert relative_error([engine.predict(X)], [network.predict(X)]) < 10 * BFLOAT16_TOLERANCE
    engine.train(X, y, 50, [0.1] * -(-n_rows // 50))
    network.train(X, y, "sgd", 50, [0.1] * -(-n_rows // 50))
    assert (
        relative_error(named(engine.parameters), named(network.parameters))
        < 10 * BFLOAT16_TOLERANCE
    )


def test_what_is_written_into_a_view_is_what_predicts_and_trains():
    rng = np.random.default_rng(8)
    layers = make_layers([45, 4], "tanh")
    engine, network = twins(make_network(rng, 33, layers, "squared_error"), "squared_error")
    X, y = make_data(rng, 40, 33, 4, "squared_error")
    for _ in range(2):
        np.testing.assert_allclose(
            engine.predict(X), network.predict(X), atol=10 * BFLOAT16_TOLERANCE
        )
        engine.train(X, y, 10, [0.1] * 4)
        network.train(X, y, "sgd", 10, [0.1] * 4)
        assert (
            relative_error(named(engine.parameters), named(network.parameters)) < BFLOAT16_TOLERANCE
        )
        for values in (*engine.parameters, *network.parameters):
            values["coef"][...] = values["coef"] * 1.3


def test_sparse_rows_are_multiplied_in_float32():
    rng = np.random.default_rng(9)
    X, y = make_counts(rng, 60, 40) / 7, rng.standard_normal((60, 2))
    sparse, dense = LAYOUTS["csr float32"](X), X.astype(np.float32)
    for units, same in [([2], True), ([30, 2], False)]:
        network = make_network(rng, 40, make_layers(units), "squared_error", input_dropout=0.2)
        runs = [Engine(network, "squared_error", dtype=d) for d in ("float32", "bfloat16")]
        for run in runs:
            run.train(sparse, y, 16, [0.05] * 4)
        one, other = (run.predict(sparse) for run in runs)
        np.testing.assert_allclose(one, other, atol=0.05)
        assert np.array_equal(one, other) is same
        assert not np.array_equal(runs[0].predict(dense), runs[1].predict(dense))


@pytest.mark.parametrize("position", [None, "before"])
@pytest.mark.parametrize("activation, most", [("tanh", 0.015), ("gelu", 0.015), ("relu", 0.04)])
def test_close_to_float32(activation, most, position):
    """Loss within 0.1 %, gradient within 1.5 %: inputs of products are off by up to 0.4 % each.

    A ReLU whose input is nearly zero may be on in one type and off in the other: one in a thousand
    of these makes 3 % of the gradient's length.
    """
    rng = np.random.default_rng(10)
    layers = make_layers([100, 100, 10], activation, position, loss="log_loss")
    network = make_network(rng, 64, layers, "log_loss")
    X, y = make_data(rng, 512, 64, 10, "log_loss")
    X = X.astype(np.float32)
    one, other = (Engine(network, "log_loss", dtype=d) for d in ("float32", "bfloat16"))
    expected, _, full = one.loss_and_grad(X, y)
    actual, _, short = other.loss_and_grad(X, y)
    np.testing.assert_allclose(actual, expected, rtol=1e-3)
    assert 1e-3 < relative_error(named(short), named(full)) < most


def test_steps_too_small_for_bfloat16_add_up():
    """Parameters are float32: a thousand steps of 2^-12 move a weight of 1 by almost 1/4."""
    network = make_network(np.random.default_rng(0), 1, make_layers([1]), "squared_error")
    network.parameters[0] = {"coef": np.ones((1, 1)), "intercept": np.zeros(1)}
    engine = Engine(network, "squared_error", dtype="bfloat16")
    X = np.ones((1000, 1), np.float32)
    engine.train(X, np.zeros((1000, 1)), 1, [2.0**-12] * 1000)
    # w <- w - rate w, whose bias goes the same way: both halve the distance to w + b = 0.
    assert 0.7 < engine.parameters[0]["coef"][0, 0] < 0.85


def test_padding_stays_zero():
    rng = np.random.default_rng(11)
    layers = make_layers([5, 19, 3], "logistic", "after", 0.3, "log_loss")
    network = make_network(rng, 5, layers, "log_loss")
    engine = Engine(network, "log_loss", "adam", "bfloat16")
    X, y = make_data(rng, 9, 5, 3, "log_loss")
    engine.train(X.astype("float32"), y, 5, [0.1] * 2, alpha=0.1)
    for arena in [engine.state.parameters, *engine.state.slots]:
        assert np.isfinite(arena).all()
        for values in engine.named(arena):
            for view in values.values():
                view[...] = 0
        assert not arena.any()


# --------------------------------------------------------------------------------- the estimators


@pytest.fixture
def data():
    rng = np.random.default_rng(12)
    X = rng.standard_normal((300, 20)).astype(np.float32)
    return X, (X[:, :3].sum(axis=1) > 0).astype(int)


def fitted(estimator, X, y, **options):
    options = {"precision": "bfloat16", "random_state": 0, "max_iter": 5} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(**options).fit(X, y)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_estimators_learn_in_bfloat16(estimator, data):
    model = fitted(estimator, *data, max_iter=100, learning_rate_init=0.01)
    assert model.coefs_[0].dtype == np.float32
    # More than the bits that the products see.
    assert not np.array_equal(model.coefs_[0], reference.bfloat16(model.coefs_[0]))
    assert model.score(*data) > 0.9
    full = fitted(estimator, *data, precision="float32", max_iter=100, learning_rate_init=0.01)
    np.testing.assert_allclose(model.score(*data), full.score(*data), atol=0.02)
    assert not np.array_equal(model.coefs_[0], full.coefs_[0])


def test_predictions_are_those_of_rounded_products(data):
    X, y = data
    model = fitted(MLPRegressor, X, y, activation="identity")
    hidden = reference.rounded_forward(reference.bfloat16, X, model.coefs_[0], model.intercepts_[0])
    expected = reference.rounded_forward(
        reference.bfloat16, hidden, model.coefs_[1], model.intercepts_[1]
    )[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, atol=BFLOAT16_TOLERANCE)
    model.coefs_[1] *= 2
    model.intercepts_[1] *= 2
    np.testing.assert_allclose(model.predict(X), 2 * expected, atol=2 * BFLOAT16_TOLERANCE)


def test_pickles_and_further_training_keep_the_precision(data):
    X, y = data
    model = fitted(MLPClassifier, X, y)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    for each in (model, other):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    model.set_params(precision="auto", warm_start=True, max_iter=1)
    other.set_params(warm_start=True, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
        other.fit(X, y)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    model.set_params(precision="float32")
    with pytest.raises(ValueError, match="the network was fitted in bfloat16: fit it anew"):
        model.fit(X, y)


def test_lbfgs_is_refused(data):
    with pytest.raises(ValueError, match=r"'bfloat16' needs a solver .*'lbfgs'.*'float32'"):
        fitted(MLPClassifier, *data, solver="lbfgs")


def test_an_emulation_is_told_and_changes_nothing(data, monkeypatch):
    results = []
    for isa in FUSED:
        monkeypatch.setenv("FASTNN_ISA", isa)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(fitted(MLPClassifier, *data).predict_proba(data[0]))
        told = [w for w in caught if "emulated" in str(w.message)]
        assert len(told) == (isa != "avx512_bf16")
        assert all(w.filename == __file__ for w in told)
    for result in results:
        np.testing.assert_array_equal(result, results[0])
