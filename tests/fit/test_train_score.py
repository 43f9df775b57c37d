"""Scores of training rows after each epoch, beside those of validation data."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from fastnn import BatchNorm, MLPRegressor
from fastnn.callbacks import Checkpoint, EarlyStopping
from fastnn.data import Arrays
from support.callback_fits import Dies
from support.validated_problems import PROBLEMS, X_DIGITS, Y_DIGITS, problem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

COURSES = [
    {},
    {"averaging": "ema", "normalization": BatchNorm(statistics="exact")},
    {"dropout": 0.3, "augment": "mixup", "alpha": 1.0, "early_stopping": True},
]


@pytest.mark.parametrize("options", COURSES, ids=str)
@pytest.mark.parametrize("name", ["multiclass", "outputs"])
def test_scores_change_nothing_and_are_those_of_the_estimator(name, options):
    model, (X, y), _ = problem(name, **options)
    alone = model.fit(X, y)
    scored, _, _ = problem(name, **options, train_score=True)
    scored.fit(X, y)
    for one, other in zip(alone.coefs_, scored.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert alone.loss_curve_ == scored.loss_curve_
    assert alone.validation_scores_ == scored.validation_scores_
    assert "train_loss" not in alone.history_
    if "early_stopping" not in options and "averaging" not in options:
        score = scored.history_[f"train_{'accuracy' if name == 'multiclass' else 'r2'}"]
        assert len(score) == 6
        assert score[-1] == pytest.approx(scored.score(X, y), rel=1e-12)


def test_the_average_and_exact_statistics_are_scored():
    model, (X, y), _ = problem("multiclass", **COURSES[1], train_score=True)
    model.fit(X, y)
    assert model.history_["train_accuracy"][-1] == model.score(X, y)
    expected = log_loss(y, model.predict_proba(X))
    assert model.history_["train_loss"][-1] == pytest.approx(expected)


def test_names_choose_scores_of_scoring():
    model, (X, y), (X_val, y_val) = problem("multiclass", scoring=["f1_macro", "accuracy", "loss"])
    columns = {}
    for names in (True, "accuracy", ["f1_macro", "loss"], "loss"):
        model.set_params(train_score=names).fit(X, y, X_val=X_val, y_val=y_val)
        columns[str(names)] = [name for name in model.history_ if name.startswith("train_")]
    assert columns == {
        "True": ["train_loss", "train_f1_macro", "train_accuracy"],
        "accuracy": ["train_loss", "train_accuracy"],
        "['f1_macro', 'loss']": ["train_loss", "train_f1_macro"],
        "loss": ["train_loss"],
    }


class Counts:
    """A scoring that keeps the numbers of the rows that it is given."""

    def __init__(self):
        self.sizes = []

    def __call__(self, model, X, y, sample_weight=None):
        self.sizes.append(len(X))
        return 0.0


@pytest.mark.parametrize(
    "options, n_rows",
    [
        ({}, 80),  # as many as validation
        ({"train_score_rows": 30}, 30),
        ({"train_score_rows": 1000}, 220),
        ({"early_stopping": True, "X_val": None}, 22),
        ({"X_val": None}, 220),
        ({"train_score_rows": 50, "weights": True}, 10),
    ],
    ids=str,
)
def test_number_of_rows(options, n_rows):
    counts = Counts()
    options = dict(options)
    validation = options.pop("X_val", True)
    weights = np.repeat([1.0, 0.0], [10, 210]) if options.pop("weights", False) else None
    model, (X, y), (X_val, y_val) = problem(
        "multiclass", scoring=counts, train_score=True, max_iter=1, **options
    )
    given = {"X_val": X_val, "y_val": y_val} if validation else {}
    model.fit(X, y, weights, **given)
    assert counts.sizes[0] == n_rows


@pytest.mark.parametrize("scoring", [None, "f1_macro"])
def test_rows_of_a_source(scoring):
    source, options = Arrays(X_DIGITS, Y_DIGITS), {"scoring": scoring, "train_score": True}
    model, _, (X_val, y_val) = problem("multiclass", **options)
    plain = model.fit(source).history_
    name = f"train_{scoring or 'accuracy'}"
    if scoring is None:
        assert plain[name][-1] == pytest.approx(model.score(X_DIGITS, Y_DIGITS))
    some = model.fit(source, X_val=X_val, y_val=y_val).history_
    assert some["loss"] == plain["loss"]
    assert some[name] != plain[name]
    assert some[name] == pytest.approx(plain[name], abs=0.15)
    again = model.fit(source, X_val=X_val, y_val=y_val).history_
    assert again[name] == some[name]


def test_partial_fit_scores_each_call():
    model, (X, y), (X_val, y_val) = problem("multiclass", train_score=True)
    for rows in (slice(0, 100), slice(100, 220)):
        model.partial_fit(X[rows], y[rows], classes=np.unique(y), X_val=X_val, y_val=y_val)
    assert np.isfinite(model.history_["train_accuracy"]).all()
    model.set_params(train_score=False).partial_fit(X, y)
    assert np.isnan(model.history_["train_accuracy"][-1])


def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path):
    def fit(*callbacks):
        model, (X, y), _ = problem("multiclass", train_score=True, early_stopping=True, max_iter=5)
        return model.set_params(callbacks=callbacks).fit(X, y)

    saved = Checkpoint(tmp_path / "file", resume=True)
    with pytest.raises(SystemExit):
        fit(saved, Dies(3))
    for name, values in fit().history_.items():
        if name != "seconds":
            assert fit(saved).history_[name] == values


def test_callbacks_and_lines_tell_them(capsys):
    stop = EarlyStopping("train_loss", patience=1, min_delta=9.0)
    options = {"train_score": True, "callbacks": [stop], "verbose": 2}
    model, (X, y), (X_val, y_val) = problem("multiclass", **options)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.n_iter_ == 2
    loss, accuracy = (model.history_[f"train_{name}"][0] for name in ("loss", "accuracy"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Iteration 1, loss = ")
    seconds = model.history_["seconds"][0]
    assert lines[1] == f"Training rows: loss {loss:f}, accuracy {accuracy:f} ({seconds:.3g} s)"
    assert lines[2].startswith("Validation score: ")
    stop.monitor = "train_f1"
    with pytest.raises(ValueError, match=r"'train_f1' is not in the history"):
        model.fit(X, y)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"train_score": True, "solver": "lbfgs"}, "train_score=True needs a solver such as 'sgd'"),
        ({"train_score": "f1"}, "train_score names 'f1', and .* 'accuracy', 'loss'"),
        ({"train_score": 3}, "'train_score' parameter"),
        ({"train_score": True, "train_score_rows": 0}, "'train_score_rows' parameter"),
        (
            {"train_score": True, "scoring": lambda model, X, y: "good"},
            "returned 'good' for the training data",
        ),
    ],
)
def test_bad_train_score(options, message):
    model, (X, y), _ = problem("multiclass", **options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_r2_needs_two_rows():
    _, X, y = PROBLEMS["regression"]
    with pytest.raises(ValueError, match="R2 of one row of training data is undefined"):
        MLPRegressor(train_score=True, train_score_rows=1).fit(X, y)
