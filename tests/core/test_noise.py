"""Randomness in the network: forms of dropout, input noise, random slopes."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn._network.architecture import Architecture
from fastnn._network.compiler import compile_program
from fastnn._network.network import Network
from fastnn._train.datasets import Dataset
from fastnn.activations import RReLU
from fastnn.layers import BatchNorm, Dense, Dropout
from support.engines import Engine, rounded
from support.problems import (
    LAYOUTS,
    make_counts,
    make_data,
    make_layers,
    make_network,
    numerical_gradient,
    relative_error,
)
from support.reference import random_slopes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}
DENSE = [name for name in LAYOUTS if not name.startswith("csr")]


def original(rate):
    return Dropout(rate, inverted=False)


# What each network has: hidden dropout, input dropout, input noise, activation.
KINDS = {
    "original dropout": (original(0.3), 0.0, 0.0, "tanh"),
    "original dropout of the input": (0.3, original(0.4), 0.0, "tanh"),
    "noise": (0.0, 0.0, 0.5, "tanh"),
    "noise and dropout": (0.3, 0.4, 0.5, "tanh"),
    "noise and original dropout": (original(0.3), original(0.4), 0.5, "tanh"),
    "rrelu": (0.0, 0.0, 0.0, "rrelu"),
    "wide rrelu": (0.3, 0.0, 0.0, RReLU(0.0, 0.9)),
}


def make(kind, dtype="float64", units=(19, 17, 3), loss="squared_error", position=None):
    dropout, of_input, noise, activation = KINDS[kind]
    rng = np.random.default_rng(0)
    layers = make_layers(list(units), activation, position, dropout, loss)
    network = make_network(rng, 11, layers, loss, of_input, 2**40 + 7, noise)
    return rounded(network, dtype)


def named(values):
    return [np.asarray(v[name], float) for v in values for name in sorted(v)]


# --- the reference --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [None, 3])
def test_the_references_gradient_is_that_of_finite_differences(kind, step):
    network = make(kind, units=(5, 4, 2), position="before")
    X, y = make_data(np.random.default_rng(1), 9, 11, 2, "squared_error")

    def value():
        return network.loss_and_penalty(X, y, step=step, dropout_factor=0.7)[0]

    *_, gradient, _ = network.loss_and_grad(X, y, step=step, dropout_factor=0.7)
    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    assert relative_error(named(gradient), numerical_gradient(value, arrays)) < 1e-6


def test_the_original_form_is_the_next_layers_weights_scaled_after_training():
    """Srivastava et al. 2014, figure 2."""
    rng = np.random.default_rng(2)
    layers = [Dense(5, "tanh", dropout=original(0.3)), Dense(2, "identity")]
    network = make_network(rng, 4, layers, "squared_error", original(0.2))
    plain = make_network(rng, 4, make_layers([5, 2], "tanh"), "squared_error")
    plain.parameters = [dict(p) for p in network.parameters]
    for p, rate in zip(plain.parameters, [0.2, 0.3], strict=True):
        p["coef"] = p["coef"] * (1 - rate)
    X, _ = make_data(rng, 9, 4, 2, "squared_error")
    np.testing.assert_allclose(network.predict(X), plain.predict(X), rtol=1e-12)


def test_slopes_are_uniform():
    slopes = random_slopes(RReLU(0.2, 0.6), (100, 100), 1, 2, 3)
    assert slopes.min() >= 0.2
    assert slopes.max() < 0.6
    assert abs(slopes.mean() - 0.4) < 5 * 0.4 / np.sqrt(12 * 10_000)
    np.testing.assert_allclose(slopes.var(), 0.4**2 / 12, rtol=0.05)


# --- the engine -----------------------------------------------------------------------------------


def check_trajectory(network, dtype, X, order, batch_size=24, n_threads=2, factors=None):
    n_rows = X.shape[0]
    dense = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
    rng = np.random.default_rng(3)
    y, weight = rng.standard_normal((n_rows, 3)), rng.uniform(0.5, 2, n_rows)
    order = rng.permutation(n_rows) if order else None
    engine = Engine(network, "squared_error", "adam", dtype, batch_size, n_threads, epsilon=1e-3)
    rates = np.full(-(-n_rows // batch_size), 0.02)
    factors = None if factors is None else np.linspace(*factors, len(rates))
    options = {"order": order, "dropout_factors": factors}
    actual = engine.train(X, y, batch_size, rates, 0.3, weight, **options)
    expected = network.train(
        dense, y, "adam", batch_size, rates, 0.3, weight, **options, epsilon=1e-3
    )
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert relative_error(named(engine.parameters), named(network.parameters)) < TOLERANCE[dtype]
    *actual, gradient = engine.loss_and_grad(X, y, weight, 0.3)
    *expected, reference, _ = network.loss_and_grad(dense, y, weight, 0.3)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert relative_error(named(gradient), named(reference)) < TOLERANCE[dtype]
    np.testing.assert_allclose(engine.predict(X), network.predict(dense), atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_training_gradient_and_prediction(kind, layout, order, dtype):
    if layout not in DENSE and KINDS[kind][2]:
        return  # noise of sparse rows would leave nothing sparse
    X = LAYOUTS[layout](make_counts(np.random.default_rng(4), 117, 11))
    check_trajectory(make(kind, dtype), dtype, X, order)


@pytest.mark.parametrize("factors", [(0.0, 1.0), (1.0, 0.2), (1.0, 100.0)])
@pytest.mark.parametrize("layout", ["float64", "csr float64"])
@pytest.mark.parametrize("kind", ["original dropout of the input", "noise and dropout"])
def test_dropout_rates_that_change_from_step_to_step(kind, layout, factors):
    """Inverted dropout divides by the probability of the step; a rate never reaches 1."""
    if layout == "csr float64":
        kind = "original dropout of the input"
    X = LAYOUTS[layout](make_counts(np.random.default_rng(4), 117, 11))
    check_trajectory(make(kind), "float64", X, order=True, factors=factors)


def test_a_factor_of_zero_is_no_dropout():
    rng = np.random.default_rng(5)
    X, y = make_data(rng, 40, 6, 2, "squared_error")
    results = []
    for rate, factors in [(0.4, [0.0] * 4), (0.0, None), (0.4, [0.5] * 4), (0.2, None)]:
        rng = np.random.default_rng(6)
        layers = make_layers([5, 2], dropout=rate)
        engine = Engine(make_network(rng, 6, layers, "squared_error", rate), "squared_error")
        engine.train(X, y, 10, [0.1] * 4, dropout_factors=factors)
        results.append(engine.state.parameters)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[2], results[3])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_threads_gives_the_same_bits(kind, dtype):
    rng = np.random.default_rng(7)
    X, y = make_data(rng, 301, 11, 3, "squared_error")
    X, order = X.astype(dtype), rng.permutation(301)
    results = []
    for n_threads in (1, 2, 3, 8):
        engine = Engine(make(kind), "squared_error", "adam", dtype, 75, n_threads)
        losses = engine.train(X, y, 75, [0.01] * 5, 0.1, None, order)
        results.append((losses, engine.state.parameters, engine.predict(X)))
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_noise_has_the_mean_and_the_variance_that_were_asked_for():
    """A linear network of one unit that adds up 50 features: the loss is the noise's variance."""
    network = make_network(
        np.random.default_rng(8), 50, [Dense(1, "identity")], "squared_error", 0.0, 1, 0.3
    )
    (parameters,) = network.parameters
    parameters["coef"][...], parameters["intercept"][...] = 1, 0
    engine = Engine(network, "squared_error", max_batch=4000)
    X, y = np.zeros((4000, 50)), np.zeros((4000, 1))
    ((loss, _),) = engine.train(X, y, 4000, [1.0])
    np.testing.assert_allclose(2 * loss, 50 * 0.3**2, rtol=5 * np.sqrt(2 / 4000))
    # The step moves the bias by minus the mean of the sums.
    deviation = 0.3 * np.sqrt(50 / 4000)
    assert 0 < abs(engine.parameters[0]["intercept"][0]) < 5 * deviation


def test_what_is_off_adds_no_stage():
    plain = compile_program(4, [Dense(3), Dense(1)], 0, "float64")
    off = compile_program(4, [Dense(3), Dense(1)], 0, "float64", original(0.0), 0.0)
    np.testing.assert_array_equal(plain.stages, off.stages)


# --- estimators -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"input_noise": 0.2},
        {"dropout": Dropout(0.3, 0.1, inverted=False)},
        {"activation": "rrelu"},
        {"layers": [Dense(64, RReLU(0.0, 0.5), dropout=original(0.3)), original(0.1)]},
        {"layers": [original(0.1), Dense(64, "rrelu")], "input_noise": 0.1},
    ],
    ids=str,
)
def test_digits_are_learned(options):
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
    sizes = {} if "layers" in options else {"hidden_layer_sizes": (64,)}
    model = MLPClassifier(max_iter=40, random_state=0, **sizes, **options).fit(X, y)
    assert model.score(X_test, y_test) > 0.92
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    before = model.loss_
    for _ in range(3):
        assert np.isfinite(loaded.partial_fit(X, y).loss_)
        model.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.coefs_[0], model.coefs_[0])
    assert before != model.loss_
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), model.predict_proba(X))


def test_the_options_of_random_parts_are_searched_over():
    model = MLPClassifier(activation=RReLU(), dropout=Dropout())
    model.set_params(activation__upper=0.5, dropout__inverted=False, input_noise=0.1)
    assert model.activation == RReLU(upper=0.5)
    assert model.dropout == Dropout(inverted=False)


def test_dropout_of_a_layer_has_one_rate():
    X, y = np.eye(6), np.arange(6) % 2
    for bad, message in [
        (Dropout([0.1, 0.2]), "Dropout in layers has one rate"),
        (Dropout(0.1, 0.2), "Dropout in layers has no input_rate"),
        (Dropout(1.5), "'rate' parameter of Dropout"),
    ]:
        with pytest.raises(ValueError, match=message):
            MLPClassifier(layers=[Dense(5, dropout=bad)]).fit(X, y)


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("X_of", [np.asarray, sparse.csr_array])
def test_settled_averages_are_of_the_values_of_prediction(inverted, X_of):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((50, 4)), rng.standard_normal((50, 1))
    drop = Dropout(0.4, inverted=inverted)
    layers = [Dense(6, "rrelu", dropout=drop), Dense(3, normalization=BatchNorm()), Dense(1)]
    network = Network(Architecture(4, layers, "squared_error", "float64", drop))
    network.initialize(rng)
    network.recompute_statistics(Dataset.of(X_of(X), y), 1, "cpu")
    weights = zip(network.coefs, network.intercepts, strict=True)
    factor = 1 if inverted else 0.6
    z = factor * X
    for coef, intercept in list(weights)[:2]:
        z = z @ coef + intercept
        if coef is network.coefs[0]:
            z = factor * np.where(z > 0, z, (1 / 8 + 1 / 3) / 2 * z)
    np.testing.assert_allclose(network.normalizations[1]["mean"], z.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(network.normalizations[1]["variance"], z.var(axis=0, ddof=1))
