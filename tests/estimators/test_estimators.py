"""Interface of the estimators: parameters, attributes and methods, and what parameters change."""

import doctest
import inspect
import itertools
import pickle
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastnn import Dense, LeakyReLU, MLPClassifier, MLPRegressor, Momentum
from fastnn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from fastnn.optimizers import OPTIMIZERS
from support.small_fits import X_DIGITS, X_REGRESSION, Y_DIGITS, Y_REGRESSION, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAIRS = [(MLPClassifier, TheirClassifier), (MLPRegressor, TheirRegressor)]


# Parameters that come after scikit-learn's.
NEW = [
    *("normalization", "dropout", "device", "precision", "n_jobs", "weight_init", "bias_init"),
    *("layers", "scoring", "averaging", "augment", "input_noise", "clip_norm", "clip_value"),
    *("learning_rate_factors", "l1_ratio", "l1_update", "penalize_intercepts", "max_norm"),
    "weight_noise",
    *("callbacks", "train_score", "train_score_rows"),
]
NEW_OF = {
    MLPClassifier: [*NEW, "loss", "output_activation", "label_smoothing", "class_weight"],
    MLPRegressor: [*NEW, "output_activation"],
}

# --- the same interface ---------------------------------------------------------------------------


def parameters_of(function):
    """Return names, kinds and defaults of the parameters; only ours have types."""
    parameters = inspect.signature(function).parameters.values()
    return [parameter.replace(annotation=parameter.empty) for parameter in parameters]


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_parameters_are_scikit_learns_and_some_after_them(ours, theirs):
    new = NEW_OF[ours]
    theirs, ours = map(parameters_of, (theirs, ours))
    assert ours[: len(theirs)] == theirs
    names = [parameter.name for parameter in ours[len(theirs) :]]
    assert names == new


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_fitted_attributes_are_scikit_learns_and_three_more(ours, theirs, options):
    X = pd.DataFrame(X_DIGITS).rename(columns=str)
    options = {"max_iter": 3} | options
    attributes = [
        {name for name in vars(cls(**options).fit(X, Y_DIGITS)) if not name.startswith("_")}
        for cls in (ours, theirs)
    ]
    new = {*NEW_OF[ours], "normalizations_", "activation_parameters_", "history_"}
    new |= set() if options.get("solver") == "lbfgs" else {"stopped_"}
    assert attributes[0] == attributes[1] | new
    assert ours(**options).loss == theirs(**options).loss


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_methods_are_scikit_learns(ours, theirs):
    assert {name for name in dir(theirs) if not name.startswith("_")} <= set(dir(ours))
    for name in ("fit", "partial_fit", "predict", "score"):
        mine, others = (parameters_of(getattr(cls(), name)) for cls in (ours, theirs))
        if name in ("fit", "partial_fit"):
            assert [p.name for p in mine[-3:]] == ["X_val", "y_val", "sample_weight_val"]
            mine = mine[:-3]
        # A source has targets of its own.
        mine = [p.replace(default=p.empty) if p.name == "y" else p for p in mine]
        assert mine == others


def test_repr_shows_what_was_changed():
    assert repr(MLPClassifier()) == "MLPClassifier()"
    text = repr(MLPClassifier(solver=Momentum(beta=0.5), dropout=0.1))
    assert text == "MLPClassifier(dropout=0.1, solver=Momentum(beta=0.5, weight_decay=0.0))"


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_examples_in_the_documentation(name):
    result = doctest.testmod(import_module(f"fastnn.estimators.{name}"))
    assert result.attempted > 5
    assert result.failed == 0


# --- every parameter does something ---------------------------------------------------------------

_calls = itertools.count()


def _worse_each_time(model, X, y):
    """Score by which the first epoch is the best."""
    return -float(next(_calls))


CHANGES = {
    "hidden_layer_sizes": ({}, (21,)),
    "activation": ({}, "tanh"),
    "solver": ({}, "sgd"),
    "alpha": ({}, 1.0),
    "batch_size": ({}, 50),
    "learning_rate": ({"solver": "sgd"}, "invscaling"),
    "learning_rate_init": ({}, 0.01),
    "power_t": ({"solver": "sgd", "learning_rate": "invscaling"}, 0.1),
    "max_iter": ({}, 6),
    "shuffle": ({"batch_size": 50}, False),
    "random_state": ({}, 1),
    "tol": ({"n_iter_no_change": 1}, 1e9),
    "warm_start": ({"fits": 2}, True),
    "momentum": ({"solver": "sgd"}, 0.5),
    "nesterovs_momentum": ({"solver": "sgd"}, False),
    "early_stopping": ({}, True),
    "validation_fraction": ({"early_stopping": True}, 0.3),
    "beta_1": ({}, 0.5),
    "beta_2": ({}, 0.5),
    "epsilon": ({}, 1e-2),
    "n_iter_no_change": ({"tol": 1e9, "max_iter": 9, "n_iter_no_change": 2}, 5),
    "max_fun": ({"solver": "lbfgs"}, 2),
    "normalization": ({}, "batch"),
    "dropout": ({}, 0.3),
    "weight_init": ({}, "he_normal"),
    "bias_init": ({}, "zeros"),
    "precision": ({}, "float32"),
    "clip_norm": ({}, 0.1),
    "clip_value": ({}, 0.01),
    "learning_rate_factors": ({}, {"biases": 2.0}),
    "l1_ratio": ({}, 0.5),
    "l1_update": ({"l1_ratio": 0.5}, "proximal"),
    "penalize_intercepts": ({}, True),
    "max_norm": ({}, 0.5),
    "weight_noise": ({}, 0.1),
    "layers": ({"hidden_layer_sizes": (100,)}, [Dense(20, "tanh")]),
    "scoring": ({"early_stopping": True, "max_iter": 100}, _worse_each_time),
    "averaging": ({}, "ema"),
    "augment": ({}, "mixup"),
    "input_noise": ({}, 0.1),
    "output_activation": ({"loss": "squared_error"}, "tanh"),
}
OWN_CHANGES = [
    (regressor, "loss", {"y": "counts"}, "poisson"),
    *((regressor, "loss", {}, name) for name in REGRESSION_LOSSES[2:]),
    (regressor, "output_activation", {}, LeakyReLU(0.3)),
    *((classifier, "loss", {}, name) for name in CLASSIFICATION_LOSSES if name != "log_loss"),
    (classifier, "label_smoothing", {}, 0.1),
    (classifier, "label_smoothing", {"loss": "binary_log_loss"}, 0.1),
    (classifier, "label_smoothing", {"solver": "lbfgs"}, 0.1),
    (classifier, "class_weight", {}, "balanced"),
    (classifier, "class_weight", {"loss": "hinge"}, {3: 5.0}),
    (classifier, "output_activation", {"loss": "squared_error"}, "logistic"),
]
# how, not what
NO_CHANGE = {"verbose", "device", "n_jobs", "callbacks", "train_score", "train_score_rows"}


def _predicted(estimator, fits=1, y=None, **options):
    X, target = X_REGRESSION, Y_REGRESSION
    if y == "counts":
        target = np.floor(np.exp(target))
    model = estimator(**options)
    if isinstance(model, MLPClassifier):
        X, target = X_DIGITS, Y_DIGITS
    for _ in range(fits):
        model.fit(X, target)
    return model.decision_function(X) if isinstance(model, MLPClassifier) else model.predict(X)


@pytest.mark.parametrize(
    "estimator, name, base, value",
    [(of, name, *change) for of in (regressor, classifier) for name, change in CHANGES.items()]
    + OWN_CHANGES,
)
def test_parameter_changes_the_result(estimator, name, base, value):
    before = _predicted(estimator, **base)
    np.testing.assert_array_equal(_predicted(estimator, **base), before)
    assert not np.array_equal(_predicted(estimator, **base | {name: value}), before)


@pytest.mark.parametrize("estimator", [classifier, regressor])
@pytest.mark.parametrize(
    "name", [name for name in OPTIMIZERS if name not in ("sgd", "adam", "lbfgs")]
)
def test_a_solver_that_scikit_learn_lacks_has_its_own_defaults(estimator, name):
    options = {"momentum": 0.1, "beta_1": 0.1, "beta_2": 0.1, "epsilon": 0.1}
    np.testing.assert_array_equal(
        _predicted(estimator, solver=name, **options),
        _predicted(estimator, solver=OPTIMIZERS[name]()),
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_solver_lowers_the_loss(name):
    rate = {"adadelta": 1.0, "adagrad": 0.05, "sgd": 0.05, "momentum": 0.05}.get(name, 0.01)
    model = regressor(solver=name, learning_rate_init=rate, max_iter=300, alpha=0.0)
    model.fit(X_REGRESSION, Y_REGRESSION)
    assert model.score(X_REGRESSION, Y_REGRESSION) > 0.95
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X_REGRESSION), model.predict(X_REGRESSION))


def test_no_parameter_is_forgotten():
    for cls in (MLPClassifier, MLPRegressor):
        own = {name for of, name, *_ in OWN_CHANGES if isinstance(of(), cls)}
        assert set(cls().get_params()) == set(CHANGES) | own | NO_CHANGE


@pytest.mark.parametrize("estimator", [classifier, regressor])
@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_number_of_threads_does_not_change_the_result(estimator, n_jobs):
    options = {"normalization": "batch", "dropout": 0.2, "max_iter": 2}
    np.testing.assert_array_equal(
        _predicted(estimator, n_jobs=n_jobs, **options), _predicted(estimator, n_jobs=1, **options)
    )
