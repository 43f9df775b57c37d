"""Spaces to search in: what they hold, and searches of scikit-learn and Optuna through them."""

import doctest
import warnings

import numpy as np
import pytest
from joblib import parallel_backend
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    SGD,
    AdamW,
    Dense,
    MLPClassifier,
    MLPRegressor,
    Scheduled,
    suggest_params,
    tuning,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size`"),
]

X, y = load_iris(return_X_y=True)
USUAL = ["hidden_layer_sizes", "activation", "normalization", "dropout", "alpha"]
USUAL += ["learning_rate_init", "batch_size"]


def network(**parameters):
    return make_pipeline(StandardScaler(), MLPClassifier(random_state=0, **parameters))


class Trial:
    """Draws as a trial of Optuna does, and keeps the names."""

    def __init__(self, seed):
        self.rng, self.params = np.random.default_rng(seed), {}

    def suggest_float(self, name, low, high, *, log=False):
        assert low < high and not (log and low <= 0)
        self.params[name] = value = float(self.rng.uniform(low, high))
        return value

    def suggest_categorical(self, name, choices):
        assert all(choice is None or isinstance(choice, int | float | str) for choice in choices)
        self.params[name] = value = choices[self.rng.integers(len(choices))]
        return value


def test_examples():
    result = doctest.testmod(tuning)
    assert result.attempted > 0 and not result.failed


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("classification", USUAL),
        ("regression", USUAL),
        (MLPRegressor, USUAL),
        (MLPClassifier(), USUAL),
        (MLPClassifier(solver="sgd"), [*USUAL, "momentum"]),
        (
            MLPClassifier(solver="lbfgs"),
            ["hidden_layer_sizes", "activation", "normalization", "alpha"],
        ),
        (MLPClassifier(solver="adamw"), [name for name in USUAL if name != "alpha"]),
        (MLPClassifier(solver=SGD()), [*USUAL, "solver__weight_decay"]),
        (MLPClassifier(layers=[Dense(5)]), ["alpha", "learning_rate_init", "batch_size"]),
        (
            MLPClassifier(alpha=Scheduled(0.1, "linear"), layers=[Dense(5)]),
            ["learning_rate_init", "batch_size"],
        ),
        (
            MLPRegressor(solver=AdamW(), layers=[Dense(5)]),
            ["learning_rate_init", "batch_size", "solver__weight_decay"],
        ),
    ],
    ids=repr,
)
def test_what_is_searched(target, names):
    assert list(suggest_params(target)) == names


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "rprop", "lamb", AdamW(), SGD()])
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_what_is_drawn_can_be_fitted(cls, solver):
    model = cls(solver=solver, max_iter=1, random_state=0)
    names = [*suggest_params(model), "weight_init"]
    names += ["label_smoothing"] if cls is MLPClassifier else []
    names += ["learning_rate"] if solver not in ("lbfgs", "rprop") else []
    names += ["solver"] if isinstance(solver, str) else []
    space = suggest_params(model, names=names, n_samples=len(X))
    drawn = [*ParameterSampler(space, 3, random_state=0)]
    drawn += [suggest_params(Trial(seed), model, names=names, n_samples=150) for seed in range(3)]
    for parameters in drawn:
        assert sorted(parameters) == sorted(names)
        clone(model).set_params(**parameters).fit(X, y)
    grid = suggest_params(model, grid=True)
    assert set(grid) <= set(names) and len(ParameterGrid(grid)) <= 40


def test_names_and_prefixes():
    assert list(suggest_params(network(), names="alpha")) == ["mlpclassifier__alpha"]
    assert list(suggest_params("regression", names=["alpha"], prefix="mlp__")) == ["mlp__alpha"]
    trial = Trial(0)
    values = suggest_params(trial, network(), names=["alpha", "hidden_layer_sizes"])
    network().set_params(**values)
    assert list(trial.params) == list(values)
    sizes = trial.params["mlpclassifier__hidden_layer_sizes"]
    assert sizes == "-".join(map(str, values["mlpclassifier__hidden_layer_sizes"]))
    few = suggest_params("regression", names="batch_size", n_samples=300)
    assert few == {"batch_size": [32, 64]}
    assert suggest_params("regression", names="batch_size", n_samples=10) == {
        "batch_size": [32, 64, 128, 256]
    }


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["clustering"], {}, "is no network"),
        ([StandardScaler()], {}, "is no network"),
        ([make_pipeline(network(), MLPRegressor())], {}, "several networks"),
        ([Trial(0)], {}, r"suggest_params\(trial, estimator\)"),
        ([Trial(0), "regression"], {"grid": True}, "leave it out"),
        (["regression", "regression"], {}, "for a trial only"),
        (["regression"], {"names": ["max_iter"]}, "'max_iter', which is not known"),
        (["regression"], {"names": ["label_smoothing"]}, "has no effect"),
        ([MLPRegressor(solver="nadamw")], {}, "Unknown solver"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        suggest_params(*arguments, **options)


def test_searches():
    model = network(max_iter=3)
    grid = GridSearchCV(model, suggest_params(model, grid=True, names=["alpha"]), cv=2)
    assert len(grid.fit(X, y).cv_results_["params"]) == 3
    drawn = RandomizedSearchCV(model, suggest_params(model), n_iter=3, cv=2, random_state=0)
    assert set(drawn.fit(X, y).best_params_) == set(suggest_params(model))


def test_halving_with_epochs_as_the_resource():
    model = MLPClassifier(random_state=0)
    search = HalvingRandomSearchCV(
        model,
        suggest_params(model, n_samples=100),
        resource="max_iter",
        min_resources=2,
        max_resources=18,
        factor=3,
        n_candidates=9,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [2, 6, 18] and search.n_candidates_ == [9, 3, 1]
    assert search.best_estimator_.n_iter_ <= 18
    assert {*search.cv_results_["n_resources"]} == {2, 6, 18}
    assert search.score(X, y) > 0.6


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_search_that_sets_epochs_and_batches_does_not_warn_of_them(solver, n_jobs):
    """Check that only the final fit warns, because candidates stop early by design."""
    grid = {"mlpclassifier__batch_size": [100, 500], "mlpclassifier__alpha": [1e-4, 1e-2]}
    with warnings.catch_warnings(record=True) as told, parallel_backend("threading"):
        warnings.simplefilter("always")
        HalvingGridSearchCV(
            network(solver=solver),
            grid,
            resource="mlpclassifier__max_iter",
            max_resources=9,
            cv=2,
            n_jobs=n_jobs,
        ).fit(X, y)
    assert len({str(one.message)[:20] for one in told}) == len(told) <= 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = network(solver=solver, batch_size=100, max_iter=2000)
        HalvingGridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2).fit(X, y)
    with pytest.warns(ConvergenceWarning) as told:
        GridSearchCV(network(max_iter=2), {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=3).fit(X, y)
    assert len(told) == 7


@pytest.mark.parametrize("seed", range(3))
def test_what_a_study_keeps_is_understood(seed):
    trial = Trial(seed)
    drawn = suggest_params(trial, "classification")
    assert "-".join(map(str, drawn["hidden_layer_sizes"])) == trial.params["hidden_layer_sizes"]
    kept, expected = (
        MLPClassifier(max_iter=3, random_state=0, **parameters).fit(X, y)
        for parameters in (trial.params, drawn)
    )
    assert [w.shape for w in kept.coefs_] == [w.shape for w in expected.coefs_]
    for weights, others in zip(kept.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(weights, others)


def test_optuna():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    model = network(max_iter=5)

    def objective(trial):
        return clone(model).set_params(**suggest_params(trial, model)).fit(X, y).score(X, y)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=4)
    assert set(study.best_params) == set(suggest_params(model))
    fixed = optuna.trial.FixedTrial(study.best_params)
    for parameters in (suggest_params(fixed, model), study.best_params):
        best = clone(model).set_params(**parameters).fit(X, y)
        assert best.score(X, y) == study.best_value
