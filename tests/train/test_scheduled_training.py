"""Trainings that follow schedules, and continue where they stopped."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import (
    SGD,
    AdamW,
    Constant,
    CosineDecay,
    CustomSchedule,
    InverseDecay,
    InvScaling,
    LinearDecay,
    MLPRegressor,
    PolynomialDecay,
    ReduceOnPlateau,
    Scheduled,
    StepDecay,
    Warmup,
)
from fastnn._core.codes import Column
from fastnn._train.settings import Settings
from fastnn._train.step_table import step_table
from fastnn.schedules import SCHEDULES
from support.names import name_of
from support.scheduled import OPTIONS, X, Y, steps

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(**options):
    return MLPRegressor(**OPTIONS | options).fit(X, Y)


def reference_sgd(rates, alphas):
    """Linear regression by hand, from the same start: one layer, batches of 10 in their order."""
    start = MLPRegressor(
        hidden_layer_sizes=(), max_iter=1, learning_rate_init=1e-300, solver="sgd", random_state=0
    ).fit(X, Y)
    w, b = start.coefs_[0].copy(), start.intercepts_[0].copy()
    for i, (rate, alpha) in enumerate(zip(rates, alphas, strict=True)):
        rows = slice(10 * i % len(X), 10 * i % len(X) + 10)
        delta = (X[rows] @ w + b - Y[rows, np.newaxis]) / 10
        w, b = w - rate * (X[rows].T @ delta + alpha * w / 10), b - rate * delta.sum(axis=0)
    return w, b


@pytest.mark.parametrize(
    "schedule, factors",
    [
        (lambda t, n: (t + 1) / n, np.arange(1, 25) / 24),
        (CustomSchedule(lambda t, n: (t + 1) / n, "epoch"), np.repeat(np.arange(1, 7) / 6, 4)),
        ("cosine", (1 + np.cos(np.pi * np.arange(24) / 24)) / 2),
        (StepDecay(2, 0.5), np.repeat([1, 0.5, 0.25], 8)),
        (InvScaling(), np.repeat(1 / np.sqrt(1 + 40 * np.arange(6)), 4)),
        (
            Warmup(1, "exponential", 0.0, "epoch"),
            [0, 0.25, 0.5, 0.75, *np.repeat(0.95 ** np.arange(5), 4)],
        ),
    ],
    ids=name_of,
)
def test_the_estimator_follows_the_schedule(schedule, factors):
    model = MLPRegressor(
        **OPTIONS | {"hidden_layer_sizes": (), "solver": SGD(0.0), "shuffle": False, "alpha": 0.0},
        learning_rate=schedule,
        learning_rate_init=0.1,
    ).fit(X, Y)
    w, b = reference_sgd(0.1 * np.asarray(factors), np.zeros(24))
    np.testing.assert_allclose(model.coefs_[0], w, rtol=1e-12)
    np.testing.assert_allclose(model.intercepts_[0], b, rtol=1e-12)


def test_alpha_may_follow_a_schedule():
    model = MLPRegressor(
        **OPTIONS | {"hidden_layer_sizes": (), "solver": SGD(0.0), "shuffle": False},
        alpha=Scheduled(2.0, "linear"),
        learning_rate_init=0.1,
    ).fit(X, Y)
    w, b = reference_sgd(np.full(24, 0.1), 2.0 * LinearDecay().factors(steps(24)))
    np.testing.assert_allclose(model.coefs_[0], w, rtol=1e-12)
    np.testing.assert_allclose(model.intercepts_[0], b, rtol=1e-12)


def test_dropout_may_follow_a_schedule():
    plain, steady = fitted(shuffle=False), fitted(shuffle=False, dropout=0.3)
    same = fitted(shuffle=False, dropout=Scheduled(0.3, "constant"))
    np.testing.assert_array_equal(same.predict(X), steady.predict(X))
    off = fitted(shuffle=False, dropout=Scheduled(0.3, lambda step, n_steps: 0.0))
    np.testing.assert_array_equal(off.predict(X), plain.predict(X))
    falling = fitted(shuffle=False, dropout=Scheduled(0.3, "linear"))
    assert not np.array_equal(falling.predict(X), steady.predict(X))


def test_weight_decay_may_follow_a_schedule():
    constant = fitted(solver=AdamW(weight_decay=0.3))
    of_a_schedule = fitted(solver=AdamW(weight_decay=Scheduled(0.3, "constant")))
    np.testing.assert_array_equal(of_a_schedule.predict(X), constant.predict(X))
    falling = AdamW(weight_decay=Scheduled(0.3, "cosine"))
    assert not np.array_equal(fitted(solver=falling).predict(X), constant.predict(X))
    assert falling == AdamW(weight_decay=Scheduled(0.3, "cosine"))  # as it was
    settings = Settings(0.1, 10, 0.01, 6, 10, True, 0.0, False)
    table = step_table(falling, np.full(4, 0.1), settings, steps(4), 0)
    expected = 0.1 * 0.3 * CosineDecay().factors(steps(4))
    np.testing.assert_allclose(table[:, Column.DECAY], expected)


def test_any_column_may_follow_a_schedule():
    settings = Settings(Scheduled(0.1, "linear"), 10, 0.01, 6, 10, True, 0.0, False)
    settings.columns[Column.AVERAGE] = lambda steps: steps.number / steps.n_steps
    table = step_table(SGD(), np.linspace(1, 2, 5), settings, steps(5, planned=50), 0)
    np.testing.assert_allclose(table[:, Column.AVERAGE], np.arange(5) / 50)
    np.testing.assert_allclose(table[:, Column.LEARNING_RATE], np.linspace(1, 2, 5))
    expected = 0.1 * LinearDecay().factors(steps(5, planned=50))
    np.testing.assert_allclose(table[:, Column.L2], expected)


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "adamw"])
def test_new_names_are_for_every_solver(solver):
    assert fitted(solver=solver, learning_rate="cosine").loss_ != fitted(solver=solver).loss_


@pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive", Constant()], ids=str)
@pytest.mark.parametrize("solver", ["rprop", "lbfgs"])
@pytest.mark.filterwarnings("ignore:.* as in scikit-learn. leave it out")
def test_solvers_without_a_rate_let_scikit_learns_schedules_pass(solver, learning_rate):
    options = {"solver": solver, "batch_size": "auto"}
    falling = fitted(learning_rate=learning_rate, **options)
    np.testing.assert_array_equal(falling.predict(X), fitted(**options).predict(X))


@pytest.mark.parametrize("name", SCHEDULES)
def test_partial_fit_is_as_fit(name):
    """Check that both have the same schedule, planned for max_iter epochs."""
    options = OPTIONS | {"solver": "sgd", "shuffle": False, "learning_rate": name}
    options |= {"random_state": np.random.RandomState(0), "n_iter_no_change": 50}
    at_once = clone(MLPRegressor(**options)).fit(X, Y)
    model = clone(MLPRegressor(**options))
    for _ in range(6):
        model = pickle.loads(pickle.dumps(model.partial_fit(X, Y)))
    np.testing.assert_array_equal(model.predict(X), at_once.predict(X))


@pytest.mark.parametrize(
    "schedule",
    [
        LinearDecay(tau=10),
        InverseDecay(),
        PolynomialDecay(per="epoch"),
        StepDecay(2),
        CosineDecay(period=10),
        CosineDecay(period=2, multiplier=2, per="epoch"),
        Warmup(10, "exponential"),
        ReduceOnPlateau(patience=0, threshold=0.5),
    ],
    ids=repr,
)
def test_warm_start_goes_on_as_if_it_had_not_stopped(schedule):
    options = {"solver": "adam", "shuffle": False, "learning_rate": schedule}
    at_once = fitted(**options)
    in_parts = MLPRegressor(**OPTIONS | options | {"max_iter": 2, "warm_start": True})
    for _ in range(3):
        in_parts = pickle.loads(pickle.dumps(in_parts.fit(X, Y)))
    assert in_parts.loss_curve_ == at_once.loss_curve_


def test_a_warm_start_plans_anew():
    """Check that a warm start plans for max_iter more epochs."""
    seen = []

    def factor(t, n):
        seen.append((t, n))
        return 1.0

    model = MLPRegressor(**OPTIONS | {"max_iter": 2}, warm_start=True)
    model.set_params(learning_rate=factor).fit(X, Y).fit(X, Y)
    assert seen == [(t, 8) for t in range(8)] + [(t, 16) for t in range(8, 16)]


def test_reduce_on_plateau_watches_the_validation_score():
    factors = []

    class Watched(ReduceOnPlateau):
        def factors(self, steps):
            factors.append((list(steps.curve), steps.sign))
            return super().factors(steps)

    schedule = Watched(patience=0)
    model = fitted(learning_rate=schedule, max_iter=4)
    assert factors[-1] == (model.loss_curve_[:3], -1)
    model = MLPRegressor(**OPTIONS | {"max_iter": 4}, learning_rate=schedule)
    model.fit(X, Y, X_val=X[:10], y_val=Y[:10])
    assert factors[-1] == (model.validation_scores_[:3], 1)


def test_long_epochs_take_several_calls(monkeypatch):
    """Warm-up and what follows meet within one epoch."""
    schedule = Warmup(7, "linear")
    at_once = fitted(learning_rate=schedule, batch_size=3)
    monkeypatch.setattr("fastnn._train.steps.STEPS_PER_CALL", 4)
    np.testing.assert_array_equal(
        fitted(learning_rate=schedule, batch_size=3).predict(X), at_once.predict(X)
    )
