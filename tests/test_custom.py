"""Functions of the user: compiled by Numba, they do what built-in ones do."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from engines import Engine
from fastnn import CustomActivation, Dense, MLPClassifier, MLPRegressor
from problems import make_data, make_network, numerical_gradient, relative_error
from test_engine import TOLERANCE, named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X, Y = make_data(rng, 40, 5, 2, "squared_error")


def tanh(x):
    return math.tanh(x)


def tanh_derivative(x):
    return 1 - math.tanh(x) ** 2


def bump(x):
    """Of arithmetic with constants of double precision, conditions and NumPy's functions."""
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


BUMP = CustomActivation(bump, bump_derivative)


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
        'A function of your own needs Numba: pip install "fastnn[numba]".'
    )
