"""Validation data of the user, and what it is scored by."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, log_loss, mean_squared_error

from fastnn import MLPRegressor
from fastnn._data.encoders import RealTargets
from support.names import name_of
from support.validated_problems import OPTIONS, PROBLEMS, RNG, X_DIGITS, Y_DIGITS, problem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(name, weights=(None, None), **options):
    model, (X, y), (X_val, y_val) = problem(name, **options)
    return model.fit(X, y, weights[0], X_val=X_val, y_val=y_val, sample_weight_val=weights[1])


@pytest.mark.parametrize("name", PROBLEMS)
def test_validation_data_is_watched(name):
    """Check that without early stopping only the attributes of validation differ."""
    model, train, (X_val, y_val) = problem(name)
    watched, alone = fit(name), model.fit(*train)
    assert watched.loss_curve_ == alone.loss_curve_
    np.testing.assert_array_equal(watched.predict(X_val), alone.predict(X_val))
    assert watched.best_loss_ == alone.best_loss_
    assert len(watched.validation_scores_) == watched.n_iter_ == 6
    assert watched.validation_scores_[-1] == pytest.approx(watched.score(X_val, y_val), rel=1e-12)
    assert watched.best_validation_score_ == max(watched.validation_scores_)
    assert alone.validation_scores_ is alone.best_validation_score_ is None


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_early_stopping_uses_it_in_place_of_training_rows(name, scoring):
    options = {"early_stopping": True, "max_iter": 100, "n_iter_no_change": 3, "scoring": scoring}
    options |= {"learning_rate_init": 0.05, "shuffle": False}
    _, (X, y), (X_val, y_val) = problem(name)
    y_val = np.random.RandomState(0).permutation(y_val)  # which training only gets worse at

    def fit(max_iter):
        model, _, _ = problem(name, **options | {"max_iter": max_iter})
        return model.fit(X, y, X_val=X_val, y_val=y_val)

    model = fit(100)
    assert model.t_ == 220 * model.n_iter_  # all rows are trained on
    assert model.n_iter_ < 100
    assert model.best_loss_ is None
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_
    shorter = fit(best)
    np.testing.assert_array_equal(model.predict(X_val), shorter.predict(X_val))
    if scoring is None:
        assert model.score(X_val, y_val) == pytest.approx(model.best_validation_score_, rel=1e-12)


def test_the_loss_of_validation_is_that_of_training_without_the_penalty():
    model = fit("multiclass", scoring="loss", dropout=0.2, normalization="batch", alpha=1.0)
    _, _, (X_val, y_val) = problem("multiclass")
    expected = -log_loss(y_val, model.predict_proba(X_val))
    assert model.validation_scores_[-1] == pytest.approx(expected)
    model = fit("outputs", scoring="loss")
    _, _, (X_val, y_val) = problem("outputs")
    expected = -0.5 * mean_squared_error(y_val, model.predict(X_val))
    assert model.validation_scores_[-1] == pytest.approx(expected)


@pytest.mark.parametrize(
    "name, scoring",
    [
        ("multiclass", "f1_macro"),
        ("multiclass", "neg_log_loss"),
        ("multiclass", "roc_auc_ovr"),
        ("multiclass", lambda model, X, y: float(np.mean(model.predict_proba(X).max(axis=1)))),
        ("binary", "roc_auc"),
        ("binary", "average_precision"),
        ("multilabel", "f1_samples"),
        ("regression", "neg_mean_absolute_error"),
        ("outputs", "r2"),
        ("outputs", lambda model, X, y: -float(abs(model.predict(X) - y).max())),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_any_scorer(name, scoring, early_stopping):
    model = fit(name, scoring=scoring, early_stopping=early_stopping)
    _, _, (X_val, y_val) = problem(name)
    scorer = scoring if callable(scoring) else get_scorer(scoring)
    score = model.best_validation_score_ if early_stopping else model.validation_scores_[-1]
    assert scorer(model, X_val, y_val) == pytest.approx(score, rel=1e-12)
    # Of rows that are set aside, too.
    estimator, X, y = PROBLEMS[name]
    split = estimator(scoring=scoring, early_stopping=True, **OPTIONS).fit(X, y)
    assert len(split.validation_scores_) == split.n_iter_
    assert np.isfinite(split.validation_scores_).all()


def test_scoring_changes_the_result():
    """Accuracy is at its best before the loss is, or after."""
    options = {"early_stopping": True, "max_iter": 100, "learning_rate_init": 0.05}
    by_accuracy, by_loss = (fit("multiclass", scoring=s, **options) for s in (None, "loss"))
    assert not np.array_equal(by_accuracy.coefs_[0], by_loss.coefs_[0])


def test_scores_of_another_kind_are_not_compared():
    model, (X, y), (X_val, y_val) = problem("multiclass", warm_start=True, early_stopping=True)
    validation = {"X_val": X_val, "y_val": y_val}
    scores = model.fit(X, y, **validation).validation_scores_
    assert model.fit(X, y, **validation).validation_scores_[:6] == scores
    model.set_params(scoring="loss").fit(X, y, **validation)
    assert len(model.validation_scores_) == 6
    assert max(model.validation_scores_) == model.best_validation_score_ < 0


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_squared_error"])
def test_weights_of_validation_rows_count(scoring):
    weight = RNG.uniform(0, 2, 80)
    scores = [
        fit("regression", (None, w), scoring=scoring).validation_scores_
        for w in (None, np.ones(80), weight)
    ]
    np.testing.assert_allclose(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_squared_error"])
def test_weights_of_rows_that_are_set_aside_count(scoring):
    estimator, X, y = PROBLEMS["regression"]
    scores = [
        estimator(early_stopping=True, scoring=scoring, **OPTIONS).fit(X, y, w).validation_scores_
        for w in (None, np.ones(300), RNG.uniform(0, 2, 300))
    ]
    np.testing.assert_allclose(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


@pytest.mark.parametrize("scoring", [None, "loss", "f1_macro"])
@pytest.mark.parametrize("kind", ["frame", "sparse", "float32", "list", "fortran"])
def test_validation_rows_of_any_kind(kind, scoring):
    def as_kind(X):
        return {
            "frame": lambda: pd.DataFrame(X).rename(columns=str),
            "sparse": lambda: sparse.csc_array(X),
            "float32": lambda: X.astype(np.float32),
            "list": lambda: X.tolist(),
            "fortran": lambda: np.asfortranarray(X),
        }[kind]()

    model, (X, y), (X_val, y_val) = problem("multiclass", scoring=scoring)
    scores = model.fit(X, y, X_val=X_val, y_val=y_val).validation_scores_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        X = as_kind(X) if kind == "frame" else X
        actual = model.fit(X, y, X_val=as_kind(X_val), y_val=list(y_val)).validation_scores_
    np.testing.assert_allclose(actual, scores)


def test_verbose_prints_the_validation_score(capsys):
    model = fit("regression", verbose=True, max_iter=2)
    scores = [f"Validation score: {score:f}" for score in model.validation_scores_]
    assert capsys.readouterr().out.splitlines()[1::2] == scores


# --- what is refused ------------------------------------------------------------------------------

X_VAL, Y_VAL = X_DIGITS[220:], Y_DIGITS[220:]
SPOILED = X_VAL.copy()
SPOILED[3, 4] = np.nan


@pytest.mark.parametrize(
    "validation, options, message",
    [
        ({"X_val": X_VAL}, {}, "X_val and y_val belong together: give both"),
        ({"y_val": Y_VAL}, {}, "X_val and y_val belong together"),
        ({"sample_weight_val": np.ones(80)}, {}, "X_val and y_val belong together"),
        ({"X_val": X_VAL, "y_val": Y_VAL[1:]}, {}, "Validation data .* inconsistent numbers"),
        ({"X_val": X_VAL[:, 1:], "y_val": Y_VAL}, {}, "Validation data .* X has 63 features, but"),
        ({"X_val": SPOILED, "y_val": Y_VAL}, {}, "Validation data .* contains NaN"),
        (
            {"X_val": X_VAL, "y_val": np.full(80, "ten")},
            {},
            "Validation data .* classes not in `self.classes_`",
        ),
        (
            {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": np.zeros(80)},
            {},
            "Validation data .* at least one non-zero",
        ),
        (
            {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": np.ones(79)},
            {},
            "Validation data .* sample_weight.shape",
        ),
        ({"X_val": X_VAL, "y_val": Y_VAL}, {"solver": "lbfgs"}, "'lbfgs' does not use validation"),
        (
            {"X_val": X_VAL, "y_val": Y_VAL},
            {"scoring": "best"},
            "Unknown scoring 'best': give",
        ),
        ({"X_val": X_VAL, "y_val": Y_VAL}, {"scoring": 3}, "'scoring' parameter of MLPClassifier"),
        (
            {"X_val": X_VAL, "y_val": Y_VAL},
            {"scoring": "neg_log_loss", "loss": "hinge"},
            r"scoring='neg_log_loss' cannot score .* MLPClassifier .*: choose another, or None\.",
        ),
        (
            {"X_val": X_VAL, "y_val": Y_VAL},
            {"scoring": lambda model, X, y: math.nan},
            r"scoring=.* returned nan for the validation data: it must be a finite number",
        ),
        (
            {"X_val": X_VAL, "y_val": Y_VAL},
            {"scoring": lambda model, X, y: "good"},
            r"scoring=.* returned 'good' for the validation data",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_bad_validation_data(validation, options, message, early_stopping):
    model, (X, y), _ = problem("multiclass", early_stopping=early_stopping, **options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **validation)
    assert not hasattr(model, "coefs_")
    if "solver" in options:
        return
    model.set_params(scoring=None, warm_start=True).fit(X, y)
    before, state = model.decision_function(X), dict(vars(model))
    model.set_params(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **validation)
    model.set_params(scoring=None)
    assert vars(model) == state
    np.testing.assert_array_equal(model.decision_function(X), before)


@pytest.mark.filterwarnings("error:scoring")
def test_scoring_without_anything_to_score():
    model, (X, y), (X_val, y_val) = problem("multiclass", scoring="f1_macro", max_iter=1)
    with pytest.warns(UserWarning, match=r"scoring='f1_macro' has no effect without .* X_val") as w:
        model.fit(X, y)
    assert w[0].filename == __file__  # the line of the user's
    model.fit(X, y, X_val=X_val, y_val=y_val)
    model.partial_fit(X, y)  # others may have it
    model.set_params(early_stopping=True).fit(X, y)
    model.set_params(early_stopping=False, scoring=None).fit(X, y)
    model.set_params(scoring="loss", solver="lbfgs", early_stopping=True)
    with pytest.warns(UserWarning, match="scoring='loss' has no effect with solver='lbfgs'"):
        model.fit(X, y)


def test_validation_targets_of_another_number_of_outputs():
    model, (X, y), (X_val, y_val) = problem("outputs")
    with pytest.raises(ValueError, match=r"Validation data .* y has 1 outputs, not 2"):
        model.fit(X, y, X_val=X_val, y_val=y_val[:, 0])


@pytest.mark.parametrize("scoring", [None, "loss", "r2"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_is_no_error_of_the_scorer(scoring, early_stopping):
    model, (X, y), (X_val, y_val) = problem(
        "regression",
        scoring=scoring,
        early_stopping=early_stopping,
        solver="sgd",
        activation="identity",
        momentum=0.0,
        learning_rate_init=2.0,
        max_iter=500,
        batch_size=220,
    )
    with (
        pytest.warns(ConvergenceWarning, match="diverged in epoch"),
        np.errstate(over="ignore"),
    ):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    assert np.isfinite(model.predict(X)).all()
    assert np.isnan(model.validation_scores_[-1])


# --- scores that are not finite ------------------------------------------------------------------


class _Now:
    """A scorer of one epoch after the other, which `validator` would not let return NaN."""

    def __init__(self, scores):
        self.scores = iter(scores)

    def __call__(self, loss, targets, outputs, sample_weight):
        return next(self.scores)


def stopped(monkeypatch, scores, **parameters):
    monkeypatch.setattr(RealTargets, "score", _Now(scores))
    _, (X, y), (X_val, y_val) = problem("regression")
    model = MLPRegressor(
        hidden_layer_sizes=3,
        early_stopping=True,
        max_iter=len(scores),
        random_state=0,
        **parameters,
    )
    return model.fit(X, y, X_val=X_val, y_val=y_val)


def test_nan_is_no_progress(monkeypatch):
    scores = [0.1, math.nan, 0.1, math.nan, 0.1, math.nan, 0.1, 0.2, 0.3]
    model = stopped(monkeypatch, scores, n_iter_no_change=3)
    assert model.n_iter_ == 5
    assert model.best_validation_score_ == 0.1
    first = stopped(monkeypatch, [0.1], n_iter_no_change=3)
    np.testing.assert_array_equal(model.coefs_[0], first.coefs_[0])


def test_where_no_score_is_finite_the_last_parameters_stay(monkeypatch):
    with pytest.warns(ConvergenceWarning, match="No validation score was finite"):
        model = stopped(monkeypatch, [math.nan] * 9, n_iter_no_change=3)
    assert model.n_iter_ == 4
    last = stopped(monkeypatch, [0.1, 0.2, 0.3, 0.4], n_iter_no_change=9)
    np.testing.assert_array_equal(model.coefs_[0], last.coefs_[0])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_r2_needs_two_rows(early_stopping):
    _, (X, y), _ = problem("regression")
    model = MLPRegressor(early_stopping=early_stopping, max_iter=3)
    with pytest.raises(ValueError, match="R2 of one row of validation data is undefined"):
        model.fit(X, y, X_val=X[:1], y_val=y[:1])
    model.set_params(scoring="neg_mean_squared_error").fit(X, y, X_val=X[:1], y_val=y[:1])


def test_validation_data_too_large_for_the_precision():
    _, (X, y), _ = problem("regression")
    model = MLPRegressor(early_stopping=True, precision="float32", max_iter=3)
    for rows in (X * 1e39, -1e39 * X, sparse.csr_matrix(X * 1e39)):
        with pytest.raises(ValueError, match=r"\(X_val, y_val\): Input X contains a value too"):
            model.fit(X, y, X_val=rows, y_val=y)
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): y has a value too large for float32"):
        model.fit(X, y, X_val=X, y_val=y * 1e39)
    with pytest.raises(ValueError, match="y has a value too large for float32"):
        model.fit(X, y * 1e39)
