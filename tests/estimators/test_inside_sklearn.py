"""Estimators inside scikit-learn's searches, pipelines and routing."""

import itertools
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import ELU, LBFGS, Adam, BatchNorm, Dropout
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.optimizers import OPTIMIZERS
from support.small_fits import X_DIGITS, X_REGRESSION, Y_DIGITS, Y_REGRESSION, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_grid_search_over_specs():
    search = GridSearchCV(
        classifier(solver=Adam(), normalization=BatchNorm(), dropout=Dropout(0.1)),
        {
            "solver__beta_1": [0.5, 0.9],
            "normalization__position": ["before", "after"],
            "dropout__rate": [0.0, 0.2],
        },
        cv=2,
    ).fit(X_DIGITS, Y_DIGITS)
    assert (
        len({tuple(row) for row in search.cv_results_["param_solver__beta_1"].reshape(-1, 1)}) == 2
    )
    assert search.best_estimator_.solver.beta_1 in (0.5, 0.9)
    swapped = GridSearchCV(classifier(), {"solver": ["sgd", Adam(beta_1=0.5), LBFGS()]}, cv=2)
    swapped.fit(X_DIGITS, Y_DIGITS)
    assert len(set(swapped.cv_results_["mean_test_score"])) > 1


@pytest.mark.parametrize("estimator", [classifier, regressor])
def test_every_activation_is_another_network(estimator):
    """Check activations by name, in both types, and their predictions after pickling."""
    for precision in ("float32", "float64"):
        predictions = []
        for name in HIDDEN_ACTIVATIONS:
            X, y = (X_DIGITS, Y_DIGITS) if estimator is classifier else (X_REGRESSION, Y_REGRESSION)
            model = estimator(activation=name, precision=precision).fit(X, y)
            assert np.isfinite(model.loss_)
            predict = getattr(model, "predict_proba", model.predict)
            predictions.append(predict(X))
            copy = pickle.loads(pickle.dumps(model))
            again = getattr(copy, "predict_proba", copy.predict)(X)
            np.testing.assert_array_equal(again, predictions[-1])
        for one, other in itertools.combinations(predictions, 2):
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("spec", [spec() for spec in OPTIMIZERS.values()], ids=repr)
def test_grid_search_over_every_optimizer(spec):
    name = spec.names()[0]
    value = {"max_fun": 3, "eta_minus": 0.3, "epsilon": 1e-3}.get(name, 0.5)
    grid = {f"solver__{name}": [getattr(spec, name), value]}
    search = GridSearchCV(regressor(solver=spec), grid, cv=2).fit(X_REGRESSION, Y_REGRESSION)
    assert getattr(search.best_estimator_.solver, name) in grid[f"solver__{name}"]
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_specs_are_not_shared_with_the_fitted_network():
    norm, activation = BatchNorm(), ELU()
    model = regressor(normalization=norm, activation=activation).fit(X_REGRESSION, Y_REGRESSION)
    before = pickle.dumps(model.predict(X_REGRESSION))
    norm.epsilon, activation.alpha = 1.0, 0.2
    assert pickle.dumps(pickle.loads(pickle.dumps(model)).predict(X_REGRESSION)) == before


def test_metadata_routing_of_sample_weight():
    weight = np.random.default_rng(0).uniform(size=len(X_REGRESSION))
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        result = cross_validate(
            model,
            X_REGRESSION,
            Y_REGRESSION,
            params={"sample_weight": weight},
            cv=2,
            return_estimator=True,
            return_indices=True,
        )
        assert classifier().set_partial_fit_request(sample_weight=True, classes=True)
    rows = result["indices"]["train"][0]
    by_hand = regressor().fit(X_REGRESSION[rows], Y_REGRESSION[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(result["estimator"][0].coefs_[0], by_hand.coefs_[0])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_in_a_pipeline_with_set_output(container):
    pipeline = make_pipeline(StandardScaler(), regressor()).set_output(transform=container)
    pipeline.fit(X_REGRESSION, Y_REGRESSION)
    assert list(pipeline[-1].feature_names_in_) == [f"x{i}" for i in range(10)]
    assert np.isfinite(pipeline.predict(X_REGRESSION)).all()


def test_partial_fit_is_for_stochastic_solvers():
    assert hasattr(classifier(), "partial_fit")
    for solver in ("lbfgs", LBFGS()):
        assert not hasattr(classifier(solver=solver), "partial_fit")
