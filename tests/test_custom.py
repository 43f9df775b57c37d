"""Functions of the user: compiled by Numba, they do what built-in ones do."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnn import (
    CustomActivation,
    CustomLoss,
    Dense,
    Huber,
    LeakyReLU,
    MLPClassifier,
    MLPRegressor,
)
from fastnn._core.cpu import ops
from fastnn._core.cpu.engine import AVAILABLE
from support.engines import Engine
from support.names import name_of
from support.problems import make_data, make_network, numerical_gradient, relative_error
from support.trajectories import TOLERANCE, named
from support.user_functions import SQUARE, error, half_square, tanh, tanh_derivative

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X, Y = make_data(rng, 40, 5, 2, "squared_error")


def bump(x):
    """Activation with constants of double precision, conditions and NumPy's functions."""
    return np.exp(-0.5 * x * x) + (0.1 * x if x > 0 else 0.3 * x)


def bump_derivative(x):
    slope = 0.3
    if x > 0:
        slope = 0.1
    return slope - x * np.exp(-0.5 * x * x)


def logarithm(x):
    return math.log(x * x)


def logarithm_derivative(x):
    return 2 / x


def huber(z, y):
    size = abs(z - y)
    return 0.5 * size * size if size <= 0.5 else 0.5 * (size - 0.25)


def huber_derivative(z, y):
    return min(max(z - y, -0.5), 0.5)


def exponential_loss(z, y):
    return math.exp(z) - y * z + np.sin(z * y)


def exponential_derivative(z, y):
    return math.exp(z) - y + y * np.cos(z * y)


def log_ratio(z, y):
    """Loss that is not defined at 0, the value of padding."""
    return math.log(z / y) ** 2


def log_ratio_derivative(z, y):
    return 2 * math.log(z / y) / z


BUMP = CustomActivation(bump, bump_derivative)
OWN_HUBER = CustomLoss(huber, huber_derivative)
EXPONENTIAL = CustomLoss(exponential_loss, exponential_derivative)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_same_function_trains_to_the_same_network(solver, dtype):
    options = {"hidden_layer_sizes": (7, 4), "max_iter": 15, "random_state": 0, "solver": solver}
    options |= {"precision": dtype, "normalization": "batch"}
    own = MLPRegressor(activation=CustomActivation(tanh, tanh_derivative), **options).fit(X, Y)
    built_in = MLPRegressor(activation="tanh", **options).fit(X, Y)
    error = relative_error([own.predict(X)], [built_in.predict(X)])
    assert error < 1e3 * TOLERANCE[dtype]


def test_gradient_is_that_of_finite_differences():
    layers = [Dense(17, BUMP), Dense(2, "identity")]
    network = make_network(rng, 5, [Dense(17, "tanh"), Dense(2, "identity")], "squared_error")
    network.layers = layers
    engine = Engine(network, "squared_error", n_threads=2)
    gradient = engine.loss_and_grad(X, Y)[2]
    arrays = [p[name] for p in engine.parameters for name in sorted(p)]
    numerical = numerical_gradient(lambda: engine.loss_and_grad(X, Y)[0], arrays)
    assert relative_error(named(gradient), numerical) < 1e-6


def test_zero_need_not_be_in_the_domain():
    activation = CustomActivation(logarithm, logarithm_derivative)
    options = {"normalization": "batch", "max_iter": 5, "random_state": 0}
    model = MLPRegressor(hidden_layer_sizes=(5,), activation=activation, **options).fit(X, Y)
    assert np.isfinite(model.loss_curve_).all() and len(model.loss_curve_) == 5


def test_an_estimator_with_one_is_as_any_other():
    y = Y[:, 0] > 0
    model = MLPClassifier((9,), BUMP, max_iter=30, random_state=0, n_jobs=1).fit(X, y)
    for same in (
        pickle.loads(pickle.dumps(model)),
        clone(model).fit(X, y),
        clone(model).set_params(n_jobs=3).fit(X, y),
    ):
        np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))
    assert "custom" in str(model.summary())
    grid = {"activation": [BUMP, CustomActivation(tanh, tanh_derivative)]}
    GridSearchCV(MLPClassifier((9,), max_iter=5), grid, cv=2, n_jobs=2).fit(X, y)
    other = clone(model).set_params(activation__derivative=tanh_derivative).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), model.predict_proba(X))
    other.set_params(activation__value=tanh)
    assert not np.array_equal(other.fit(X, y).predict_proba(X), model.predict_proba(X))


def test_functions_of_math_and_numpy_are_known():
    options = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    built_in = MLPRegressor(activation="tanh", **options).fit(X, Y)
    for value in (math.tanh, np.tanh):
        own = MLPRegressor(activation=CustomActivation(value, tanh_derivative), **options)
        np.testing.assert_allclose(own.fit(X, Y).predict(X), built_in.predict(X), rtol=1e-9)
    for value in (pytest.approx, math):
        with pytest.raises(ValueError, match=r"Numba cannot compile|parameter of CustomActivation"):
            MLPRegressor(activation=CustomActivation(value, tanh_derivative)).fit(X, Y)


def test_what_numba_cannot_compile_is_named():
    def fails(x):
        return open(x)

    model = MLPRegressor(activation=CustomActivation(fails, tanh))
    with pytest.raises(ValueError, match="Numba cannot compile 'fails': make it a function of one"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="The 'value' parameter of CustomActivation"):
        MLPRegressor(activation=CustomActivation("tanh", tanh)).fit(X, Y)


def test_without_numba_the_command_that_installs_it_is_told():
    code = """
import sys
sys.modules["numba"] = None
from fastnn import CustomActivation, MLPRegressor
try:
    MLPRegressor(activation=CustomActivation(abs, abs)).fit([[1.0], [2.0]], [1.0, 2.0])
except ImportError as error:
    print(error)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == (
        'A function of your own needs Numba: pip install "fastnn-mlp[numba]".'
    )


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", AVAILABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (70, 17)], ids=str)
def test_kernel_of_a_loss(shape, dtype, isa):
    z, y = rng.standard_normal((2, *shape)).astype(dtype)
    weights, order = rng.uniform(0.5, 2, len(z)).astype(dtype), rng.permutation(len(z))
    addresses = EXPONENTIAL.native(dtype)
    values, slopes = (
        np.vectorize(function) for function in (exponential_loss, exponential_derivative)
    )
    for at, w in [(np.arange(len(z)), None), (order, weights)]:
        delta, value = ops.loss_of_user(
            z, y, addresses["function"], addresses["derivative"], at, w, 0.25, isa=isa
        )
        exact = z.astype(float), y[at].astype(float)
        factor = 0.25 * (1.0 if w is None else w[at, np.newaxis].astype(float))
        tolerance = 20 * shape[1] * np.finfo(dtype).eps
        np.testing.assert_allclose(value, values(*exact).sum(axis=1), tolerance, 10 * tolerance)
        np.testing.assert_allclose(delta, slopes(*exact) * factor, tolerance, 10 * tolerance)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "own, built_in", [(SQUARE, "squared_error"), (OWN_HUBER, Huber(0.5))], ids=name_of
)
@pytest.mark.parametrize("output_activation", [None, "softplus"])
def test_the_same_loss_trains_to_the_same_network(own, built_in, output_activation, solver, dtype):
    options = {"hidden_layer_sizes": (7, 4), "activation": "tanh", "max_iter": 15}
    options |= {"random_state": 0, "solver": solver, "output_activation": output_activation}
    options |= {"precision": dtype, "early_stopping": True, "scoring": "loss", "batch_size": 8}
    models = [MLPRegressor(loss, **options).fit(X, Y) for loss in (own, built_in)]
    most = 1e-12 if dtype == "float64" else 1e-3
    for name in ("coefs_", "intercepts_", "loss_curve_", "validation_scores_"):
        if hasattr(models[0], name):
            actual, expected = (list(map(np.asarray, getattr(model, name))) for model in models)
            assert relative_error(actual, expected) < most
    assert models[0].loss_ == pytest.approx(models[1].loss_, rel=most)


def test_a_step_is_that_of_the_built_in_loss():
    network = make_network(rng, 5, [Dense(17, "tanh"), Dense(2, "identity")], "squared_error")
    weight = rng.uniform(0.5, 2, 40)
    runs = []
    for loss in (SQUARE, "squared_error"):
        engine = Engine(network, loss, n_threads=2)
        mixings = [(0.7, 3, 0, 0, 0, 0)] * 3
        losses = engine.train(X, Y, 15, [0.1] * 3, 0.1, weight, mixings=mixings)
        runs.append([losses, engine.state.parameters, np.array(engine.loss(X, Y, weight))])
    for one, other in zip(*runs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("output_activation", ["identity", "tanh"])
def test_gradient_of_a_loss_is_that_of_finite_differences(output_activation):
    layers = [Dense(17, "tanh"), Dense(2, output_activation)]
    network = make_network(rng, 5, layers, "squared_error")
    engine = Engine(network, EXPONENTIAL, n_threads=2)
    weight = rng.uniform(0.5, 2, 40)
    gradient = engine.loss_and_grad(X, Y, weight)[2]
    arrays = [p[name] for p in engine.parameters for name in sorted(p)]
    numerical = numerical_gradient(lambda: engine.loss_and_grad(X, Y, weight)[0], arrays)
    assert relative_error(named(gradient), numerical) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_any_number_of_threads_gives_the_same_bits_of_a_loss(dtype):
    network = make_network(rng, 5, [Dense(17, "tanh"), Dense(2, "identity")], "squared_error")
    rows = np.tile(X, (8, 1)).astype("float64" if dtype == "float64" else "float32")
    runs = []
    for n_threads in (1, 2, 3, 8):
        engine = Engine(network, EXPONENTIAL, "adam", dtype, 75, n_threads)
        losses = engine.train(rows, np.tile(Y, (8, 1)), 75, [0.01] * 5)
        runs.append([losses, engine.state.parameters])
        for one, other in zip(runs[0], runs[-1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_output_activation_that_comes_with_a_loss():
    y = np.exp(Y)
    loss = CustomLoss(log_ratio, log_ratio_derivative, output_activation="softplus")
    options = {"max_iter": 20, "random_state": 0}
    model = MLPRegressor(loss, **options).fit(X, y)
    assert model.out_activation_ == "softplus" and (model.predict(X) > 0).all()
    assert "softplus" in str(model.summary())
    assert np.isfinite(model.loss_curve_).all() and model.loss_ < model.loss_curve_[0]
    plain = CustomLoss(log_ratio, log_ratio_derivative)
    same = MLPRegressor(plain, output_activation="softplus", **options).fit(X, y)
    np.testing.assert_array_equal(same.predict(X), model.predict(X))
    # That of the estimator comes first; both may be specs, and keep what they were at fit.
    first = MLPRegressor(SQUARE, output_activation="tanh", **options).fit(X, Y)
    assert first.out_activation_ == "tanh"
    leaky = LeakyReLU(0.3)
    model = MLPRegressor(CustomLoss(half_square, error, leaky), **options).fit(X, Y)
    before = model.predict(X)
    leaky.negative_slope = 0.9
    np.testing.assert_array_equal(model.predict(X), before)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)
    assert not np.array_equal(clone(model).fit(X, Y).predict(X), before)
    model.set_params(loss__output_activation__negative_slope=0.3)
    np.testing.assert_array_equal(model.fit(X, Y).predict(X), before)


def test_an_estimator_with_a_loss_is_as_any_other():
    y = Y[:, 0]
    model = MLPRegressor(OWN_HUBER, (9,), max_iter=30, random_state=0, n_jobs=1).fit(X, y)
    for same in (
        pickle.loads(pickle.dumps(model)),
        clone(model).fit(X, y),
        clone(model).set_params(n_jobs=3).fit(X, y),
    ):
        np.testing.assert_array_equal(same.predict(X), model.predict(X))
    again = pickle.loads(pickle.dumps(model)).set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(
        again.predict(X), model.set_params(warm_start=True).fit(X, y).predict(X)
    )
    grid = {"loss": [SQUARE, OWN_HUBER], "loss__derivative": [error, huber_derivative]}
    GridSearchCV(MLPRegressor(hidden_layer_sizes=(9,), max_iter=5), grid, cv=2, n_jobs=2).fit(X, y)
    other = clone(model).set_params(loss__derivative=error, warm_start=False).fit(X, y)
    assert not np.array_equal(other.predict(X), clone(model).fit(X, y).predict(X))


def test_a_lambda_is_refused_by_pickle_only():
    loss = CustomLoss(lambda z, y: 0.5 * (z - y) ** 2, lambda z, y: z - y)
    options = {"max_iter": 5, "random_state": 0}
    model = MLPRegressor(loss, **options).fit(X, Y)
    expected = MLPRegressor(SQUARE, **options).fit(X, Y)
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict(X), expected.predict(X))
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        pickle.dumps(model)


def test_losses_that_are_none():
    def fails(z, y):
        return open(z)

    with pytest.raises(ValueError, match="Numba cannot compile 'fails': make it a function of two"):
        MLPRegressor(CustomLoss(fails, error)).fit(X, Y)
    with pytest.raises(ValueError, match="Numba cannot compile 'tanh': make it a function of two"):
        MLPRegressor(CustomLoss(half_square, tanh)).fit(X, Y)
    with pytest.raises(ValueError, match="The 'derivative' parameter of CustomLoss"):
        MLPRegressor(CustomLoss(half_square, "error")).fit(X, Y)
    for activation in ("softmax", "threshold", 3):
        with pytest.raises(ValueError, match="The 'output_activation' parameter of CustomLoss"):
            MLPRegressor(CustomLoss(half_square, error, activation)).fit(X, Y)
    with pytest.raises(ValueError, match="The 'negative_slope' parameter of LeakyReLU"):
        MLPRegressor(CustomLoss(half_square, error, LeakyReLU(-1.0))).fit(X, Y)
    with pytest.raises(ValueError, match="The 'loss' parameter of MLPClassifier must be a str"):
        MLPClassifier(loss=SQUARE).fit(X, Y[:, 0] > 0)
    nowhere = CustomLoss(log_ratio, log_ratio_derivative)
    with pytest.raises(ValueError, match="the loss is not finite from the first batch on"):
        MLPRegressor(nowhere).fit(X, -np.abs(Y))
