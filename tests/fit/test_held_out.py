"""Rows that a fit holds out, and their distance from those it trains on."""

import math
import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer_names, log_loss, make_scorer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn._data.held_out import warn_of_far_columns
from support.names import name_of
from support.validated_problems import PROBLEMS, problem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rare(n_rare=4):
    X, y = load_iris(return_X_y=True)
    chosen = np.r_[:100, 100 : 100 + n_rare]
    return X[chosen], np.array(["a", "b", "c"])[y[chosen]]


def held_out_by(X, y, **parameters):
    """Targets and weights of the rows that were held out."""
    seen = []

    def scoring(model, X, y, sample_weight=None):
        seen.append((y, sample_weight))
        return 0.0

    weights = parameters.pop("sample_weight", None)
    options = {"max_iter": 1, "early_stopping": True, "random_state": 0, **parameters}
    MLPClassifier((5,), scoring=scoring, **options).fit(X, y, weights)
    return seen[0]


@pytest.mark.parametrize(
    "scoring",
    [
        "neg_log_loss",
        *{"d2_log_loss_score"}.intersection(get_scorer_names()),  # scikit-learn 1.8 and later
        "neg_brier_score",
        "roc_auc_ovr",
        "roc_auc_ovo",
        "top_k_accuracy",
        "f1_macro",
        make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    ],
    ids=name_of,
)
def test_every_score_of_a_rare_class(scoring):
    X, y = rare()
    for seed in range(6):
        model = MLPClassifier((5,), early_stopping=True, scoring=scoring, max_iter=2)
        model.set_params(random_state=seed).fit(X, y)
        if "roc_auc" not in str(scoring):  # what is undefined where a class is missing
            model.fit(X, y, X_val=X[:90], y_val=y[:90])
        assert np.isfinite(model.validation_scores_).all()


@pytest.mark.parametrize("n_rare", [2, 4, 30])
def test_with_scoring_classes_are_stratified_and_in_both_parts(n_rare):
    X, y = rare(n_rare)
    for seed in range(6):
        held_out, _ = held_out_by(X, y, random_state=seed)
        there = dict(zip(*np.unique(held_out, return_counts=True), strict=True))
        assert len(held_out) == math.ceil(len(y) / 10)
        assert there["c"] == max(1, round(n_rare / 10))
        assert abs(there["a"] - there["b"]) <= 1


def test_few_rows_of_many_classes():
    X, y = np.random.RandomState(0).rand(60, 3), np.arange(60) % 20
    held_out, _ = held_out_by(X, y)
    assert len(held_out) == 6


@pytest.mark.filterwarnings("ignore:Classes of a single row")
def test_rows_of_no_weight_are_not_held_out():
    X, y = load_iris(return_X_y=True)
    weights = np.zeros(len(X))
    weights[::7] = 2
    for seed in range(6):
        held_out, its_weights = held_out_by(X, y, random_state=seed, sample_weight=weights)
        assert len(held_out) == 3
        assert (its_weights == 2).all()
    few = np.zeros(len(X))
    few[::30] = 1
    for scoring in (None, "loss", "accuracy"):
        model = MLPClassifier((5,), early_stopping=True, scoring=scoring, max_iter=9)
        with pytest.raises(ValueError, match=r"set is too small.*Rows whose weight is 0 are not"):
            model.fit(X, y, few)
        model.set_params(validation_fraction=0.5).fit(X, y, few)
        assert np.isfinite(model.validation_scores_).all()
    regressor = MLPRegressor(early_stopping=True, max_iter=3)
    with pytest.raises(ValueError, match="R2 of one row"):
        regressor.fit(X, y, X_val=X[:2], y_val=y[:2], sample_weight_val=[0, 1])


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_scorer_sees_an_estimator_that_is_complete(name):
    seen = []

    def scoring(model, X, y):
        seen.append((set(vars(model)), model.n_iter_, len(model.loss_curve_)))
        return model.score(X, y)

    model, (X, y), (X_val, y_val) = problem(name, scoring=scoring, max_iter=3)
    for n_before in (0, 3):  # of a second fit nothing of the first
        model.fit(X, y, X_val=X_val, y_val=y_val)
        for epoch, (names, n_iter, n_losses) in enumerate(seen, 1):
            assert names == set(vars(model)), n_before
            assert n_iter == n_losses == epoch
        seen.clear()


def test_a_scorer_of_several_columns_of_classes():
    X = np.random.RandomState(0).rand(60, 3)
    y = np.stack([np.arange(60) % 3, np.arange(60) % 4], axis=1)
    model = MLPClassifier((5,), max_iter=2, scoring=lambda e, X, y: e.score(X, y))
    model.fit(X, y, X_val=X, y_val=y)
    assert model.validation_scores_[-1] == model.score(X, y)


def iris_parts(seed=0):
    X, y = load_iris(return_X_y=True)
    return train_test_split(X, y, stratify=y, random_state=seed)


def test_validation_rows_that_no_pipeline_transformed():
    X, X_val, y, y_val = iris_parts()
    model = make_pipeline(StandardScaler(), MLPClassifier(early_stopping=True, max_iter=3))
    with pytest.warns(UserWarning, match=r"X_val lies far from X: .*transform_input=\['X_val'\]"):
        model.fit(X, y, mlpclassifier__X_val=X_val, mlpclassifier__y_val=y_val)
    # What the warning says helps.
    with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        network = MLPClassifier(early_stopping=True, max_iter=3, random_state=0)
        network.set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(StandardScaler(), network, transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert network.validation_scores_[-1] == model.score(X_val, y_val)


def test_far_columns_are_found_after_any_scaler():
    for scaler in (StandardScaler(), MinMaxScaler(), RobustScaler()):
        for load in (load_iris, load_wine, load_breast_cancer, load_digits, load_diabetes):
            X, X_val = train_test_split(load(return_X_y=True)[0], random_state=0)
            with pytest.warns(UserWarning, match="X_val lies far from X"):
                warn_of_far_columns(scaler.fit_transform(X), X_val)


@pytest.mark.filterwarnings("error")
def test_ordinary_splits_are_not_far():
    rng = np.random.default_rng(0)
    tables = [
        load(return_X_y=True)[0] for load in (load_iris, load_wine, load_breast_cancer, load_digits)
    ]
    tables += [
        np.eye(5)[rng.integers(5, size=200)],
        np.ones((200, 3)),
        rng.lognormal(0, 2, (300, 6)),
        rng.standard_cauchy((300, 2)),
        (rng.random((300, 4)) < 0.5) * 1.0,
        rng.integers(0, 255, (300, 20)).astype(np.uint8),
        sparse.random(300, 400, format="csr", random_state=0),
        rng.normal(size=(12, 3)),
        rng.normal(size=(300, 600)),
    ]
    for X in tables:
        for seed in range(20):
            for size in (0.05, 0.3):
                warn_of_far_columns(*train_test_split(X, test_size=size, random_state=seed))
