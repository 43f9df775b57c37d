"""Trainings follow scikit-learn's curves, continue, and stop early."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastnn import SGD, Adam, Adaptive, BatchNorm, InvScaling, MLPClassifier, MLPRegressor
from fastnn._data.held_out import split
from fastnn._train import steps
from fastnn.callbacks import Callback
from fastnn.optimizers import OPTIMIZERS
from support.pairs import DATA, SGD_OPTIONS, estimators

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),  # in scikit-learn's R2 score
]


def assert_same_training(ours, theirs, rtol=1e-7):
    """The numbers agree up to rounding, which training makes larger."""
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "best_validation_score_", "validation_scores_"):
        expected = getattr(theirs, name)
        if expected is None:
            assert getattr(ours, name) is None, name
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=rtol, err_msg=name)
    for ours_, theirs_ in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(ours_, theirs_, rtol=1e-5, atol=1e-7)


# --- the same curves ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data, options",
    [
        *((data, {}) for data in DATA),
        ("multiclass", {"activation": "logistic", "alpha": 1.0}),
        ("multiclass", {"activation": "tanh", "shuffle": False}),
        ("multiclass", {"activation": "identity", "hidden_layer_sizes": ()}),
        ("multiclass", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
        ("multiclass", {"batch_size": "auto", "early_stopping": True}),
        ("binary", {"early_stopping": True, "validation_fraction": 0.3}),
        ("multilabel", {"early_stopping": True}),
        ("outputs", {"early_stopping": True}),
        ("counts", SGD_OPTIONS | {"learning_rate_init": 1e-4}),
        ("multiclass", SGD_OPTIONS),
        ("multiclass", SGD_OPTIONS | {"momentum": 0}),
        ("multiclass", SGD_OPTIONS | {"nesterovs_momentum": False, "early_stopping": True}),
        ("multiclass", SGD_OPTIONS | {"learning_rate": "invscaling", "power_t": 0.3}),
        (
            "regression",
            SGD_OPTIONS
            | {"learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 1, "max_iter": 60},
        ),
        ("multiclass", {"tol": 0.5, "n_iter_no_change": 2, "max_iter": 40}),
        ("multiclass", {"tol": 0.1, "n_iter_no_change": 1, "early_stopping": True}),
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_curves_are_scikit_learns(data, options, weighted):
    X, y = DATA[data]
    weight = np.random.RandomState(0).uniform(0.1, 2, len(X)) if weighted else None
    ours, theirs = estimators(data, **options)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    assert_same_training(ours, theirs)
    np.testing.assert_allclose(ours.predict(X[:50]), theirs.predict(X[:50]), rtol=1e-5)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array])
def test_curves_of_sparse_rows_are_scikit_learns(container):
    X, y = DATA["multiclass"]
    ours, theirs = estimators("multiclass", early_stopping=True)
    assert_same_training(ours.fit(container(X), y), theirs.fit(container(X), y))


@pytest.mark.parametrize("data", ["multiclass", "binary", "multilabel", "regression", "counts"])
def test_lbfgs_is_scikit_learns(data):
    X, y = DATA[data]
    ours, theirs = estimators(data, solver="lbfgs")
    ours.fit(X, y)
    theirs.fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-2, atol=1e-4)
    for name in ("loss_curve_", "best_loss_", "validation_scores_"):
        assert not hasattr(ours, name)


@pytest.mark.parametrize("data", ["multiclass", "regression"])
@pytest.mark.parametrize("options", [{}, SGD_OPTIONS | {"learning_rate": "invscaling"}], ids=str)
def test_partial_fit_is_scikit_learns(data, options):
    X, y = DATA[data]
    ours, theirs = estimators(data, **options)
    for start in (0, 100, 200, 0):
        rows = slice(start, start + 100)
        for estimator in (ours, theirs):
            classes = {"classes": np.unique(y)} if data == "multiclass" else {}
            estimator.partial_fit(X[rows], y[rows], **classes)
    assert_same_training(ours, theirs)


def test_warm_start_is_scikit_learns_where_the_optimizer_remembers_nothing():
    X, y = DATA["multiclass"]
    ours, theirs = estimators("multiclass", warm_start=True, **SGD_OPTIONS | {"momentum": 0})
    for _ in range(3):
        assert_same_training(ours.fit(X, y), theirs.fit(X, y))


def test_verbose_prints_what_scikit_learn_prints(capsys):
    X, y = DATA["regression"]
    options = SGD_OPTIONS | {"learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 1}
    printed = []
    for early_stopping in (False, True):
        for estimator in estimators(
            "regression", early_stopping=early_stopping, max_iter=80, verbose=True, **options
        ):
            estimator.fit(X, y)
            printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[2] == printed[3]
    for line in ("Iteration 1, loss = ", "Setting learning rate to 0.004000", "Stopping."):
        assert line in printed[0]
    assert "Validation score: " in printed[2]


def test_verbose_lbfgs_prints_iterations(capsys):
    MLPRegressor(solver="lbfgs", max_iter=3, verbose=True).fit(*DATA["regression"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2", "Iteration 3"]


# --- continuing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
@pytest.mark.filterwarnings("ignore:.* as in scikit-learn. give a spec")
def test_warm_start_goes_on_as_if_it_had_not_stopped(solver, learning_rate):
    """Check that moments, step and the schedule's count of rows continue."""
    X, y = DATA["multiclass"]
    options = {"solver": solver, "learning_rate": learning_rate, "learning_rate_init": 0.01}
    options |= {"dropout": 0.2, "normalization": "batch", "shuffle": False}

    def fit(n_calls, max_iter):
        model = MLPClassifier((20,), warm_start=True, max_iter=max_iter, **options)
        model.set_params(random_state=np.random.RandomState(0))
        for _ in range(n_calls):
            model.fit(X, y)
        return model

    at_once, in_parts = fit(1, 6), fit(3, 2)
    assert in_parts.loss_curve_ == at_once.loss_curve_
    np.testing.assert_array_equal(in_parts.predict_proba(X), at_once.predict_proba(X))


def test_warm_start_keeps_a_reduced_learning_rate():
    X, y = DATA["regression"]
    options = SGD_OPTIONS | {"learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1e9}
    model = MLPRegressor(warm_start=True, max_iter=5, **options).fit(X, y)
    reductions = model._history.n_reductions
    assert reductions > 0
    assert model.fit(X, y)._history.n_reductions > reductions


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_warm_start_of_every_solver_goes_on(name):
    X, y = DATA["regression"]
    options = {"hidden_layer_sizes": (5,), "solver": name, "random_state": 0, "shuffle": False}
    at_once = MLPRegressor(max_iter=4, **options).fit(X, y)
    in_parts = MLPRegressor(max_iter=2, warm_start=True, **options).fit(X, y)
    in_parts = pickle.loads(pickle.dumps(in_parts)).fit(X, y)
    np.testing.assert_array_equal(in_parts.predict(X), at_once.predict(X))


def test_rprop_takes_all_rows_and_warns_of_less():
    X, y = DATA["regression"]
    model = MLPRegressor(hidden_layer_sizes=(5,), solver="rprop", max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        by_default = model.fit(X, y).predict(X)
        by_hand = model.set_params(batch_size=len(X), shuffle=False).fit(X, y).predict(X)
    np.testing.assert_allclose(by_default, by_hand)
    with pytest.warns(UserWarning, match="Rprop compares the signs of gradients .* differ by chan"):
        model.set_params(batch_size=len(X) // 2).fit(X, y)


def test_another_optimizer_starts_with_nothing_remembered():
    X, y = DATA["regression"]
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, warm_start=True, random_state=0).fit(
        X, y
    )
    start = [array.copy() for array in model.coefs_ + model.intercepts_]
    model.set_params(solver="sgd", momentum=0.9, learning_rate_init=1e-4).fit(X, y)

    fresh = TheirRegressor(
        hidden_layer_sizes=(5,),
        solver="sgd",
        learning_rate_init=1e-4,
        max_iter=2,
        warm_start=True,
        random_state=0,
    ).fit(X, y)
    fresh.coefs_, fresh.intercepts_ = start[:2], start[2:]
    fresh.fit(X, y)
    np.testing.assert_allclose(model.loss_curve_[2:], fresh.loss_curve_[2:], rtol=1e-7)


def test_a_velocity_of_updates_is_none_of_gradients():
    """The first step with another form of the velocity is one without momentum."""
    X, y = DATA["regression"]
    options = dict(hidden_layer_sizes=(5,), warm_start=True, random_state=0, batch_size=len(X))
    continued = []
    for other in (SGD(nesterov=False, velocity="gradients"), SGD(momentum=0.0)):
        model = MLPRegressor(solver=SGD(), max_iter=3, **options).fit(X, y)
        continued.append(model.set_params(solver=other, max_iter=1).fit(X, y).coefs_[0])
    np.testing.assert_array_equal(*continued)


def test_schedule_specs_are_used_by_every_optimizer():
    X, y = DATA["regression"]

    def curve(**options):
        return (
            MLPRegressor(hidden_layer_sizes=(5,), max_iter=4, random_state=0, **options)
            .fit(X, y)
            .loss_curve_
        )

    constant = curve()
    for name, spec in (("invscaling", "InvScaling"), ("adaptive", "Adaptive")):
        message = rf"no effect with solver='adam', as in scikit-learn: .*={spec}\(\), or .*'sgd'"
        with pytest.warns(UserWarning, match=message):
            assert curve(learning_rate=name) == constant
    assert curve(learning_rate=InvScaling()) != constant
    by_name = curve(solver="sgd", learning_rate="invscaling", power_t=0.3)
    assert curve(solver="sgd", learning_rate=InvScaling(power_t=0.3)) == by_name
    reduced = {"n_iter_no_change": 1, "tol": 1e9}
    assert curve(learning_rate=Adaptive(divisor=2), **reduced) != curve(
        learning_rate=Adaptive(divisor=3), **reduced
    )


def test_long_epochs_take_several_calls(monkeypatch):
    X, y = DATA["regression"]
    at_once = MLPRegressor(hidden_layer_sizes=(5,), batch_size=7, max_iter=3, random_state=0).fit(
        X, y
    )
    monkeypatch.setattr(steps, "STEPS_PER_CALL", 4)
    in_parts = MLPRegressor(hidden_layer_sizes=(5,), batch_size=7, max_iter=3, random_state=0).fit(
        X, y
    )
    np.testing.assert_allclose(in_parts.loss_curve_, at_once.loss_curve_, rtol=1e-14)
    np.testing.assert_array_equal(in_parts.predict(X), at_once.predict(X))


# --- early stopping -------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_parameters():
    X, y = DATA["regression"]
    seen = []

    class Remember(Callback):
        def on_epoch_end(self, context):
            seen.append(context.epoch)

    model = MLPRegressor(
        early_stopping=True,
        max_iter=30,
        learning_rate_init=0.05,
        n_iter_no_change=3,
        random_state=0,
        callbacks=[Remember()],
    )
    model.fit(X, y)
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_ == len(seen)
    shorter = MLPRegressor(
        early_stopping=True,
        max_iter=best,
        learning_rate_init=0.05,
        n_iter_no_change=3,
        random_state=0,
    ).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), shorter.predict(X))
    assert model.best_validation_score_ == shorter.best_validation_score_


def test_early_stopping_may_be_switched_between_calls():
    X, y = DATA["regression"]
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, warm_start=True, random_state=0).fit(
        X, y
    )
    model.set_params(early_stopping=True).fit(X, y)
    assert len(model.validation_scores_) == 3
    assert model.best_loss_ is None
    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None
    assert model.best_loss_ == min(model.loss_curve_[:3] + model.loss_curve_[6:])


@pytest.mark.parametrize("n_classes", [1, 3])
def test_a_class_of_one_row_is_kept_in_training(n_classes):
    X, y = DATA["multiclass"]
    y = np.array(["many", "more", "most"])[np.minimum(y, n_classes - 1)]
    y[7] = "one"
    model = MLPClassifier((5,), early_stopping=True, max_iter=2, validation_fraction=0.9)
    with pytest.warns(UserWarning, match="Classes of a single row are kept in training.*: one"):
        model.fit(X, y)
    targets = np.searchsorted(model.classes_, y).astype(np.int32)
    targets = targets if n_classes > 1 else targets[:, np.newaxis].astype(float)
    encoder = model._network.encoder
    for seed in range(10):
        with pytest.warns(UserWarning, match="Classes of a single row"):
            rows, held_out = split(encoder, targets, None, 0.9, np.random.RandomState(seed))
        assert 7 in rows
        assert sorted([*rows, *held_out]) == list(range(len(y)))


# --- batch norm and dropout -----------------------------------------------------------------------


@pytest.mark.parametrize("position", ["before", "after"])
def test_lbfgs_predicts_with_the_statistics_of_all_rows(position):
    X, y = DATA["regression"]
    model = MLPRegressor(
        hidden_layer_sizes=(8,),
        solver="lbfgs",
        activation="tanh",
        random_state=0,
        max_iter=30,
        normalization=BatchNorm(position=position),
    ).fit(X, y)
    z = X @ model.coefs_[0] + model.intercepts_[0]
    z = z if position == "before" else np.tanh(z)
    np.testing.assert_allclose(model.normalizations_[0]["mean"], z.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(
        model.normalizations_[0]["variance"], z.var(axis=0, ddof=1), rtol=1e-10
    )
    assert model.score(X, y) > 0.9


def test_dropout_has_a_seed_of_its_own_draw():
    X, y = DATA["regression"]

    def predicted(seed):
        model = MLPRegressor(hidden_layer_sizes=(10,), dropout=0.3, max_iter=3)
        return model.set_params(random_state=seed).fit(X, y).predict(X)

    np.testing.assert_array_equal(predicted(1), predicted(1))
    assert not np.array_equal(predicted(1), predicted(2))


def test_solver_specs_bring_their_own_options():
    X, y = DATA["multiclass"]
    options = {"max_iter": 3, "random_state": 0}
    for spec, named in (
        (Adam(beta_1=0.5), {"solver": "adam", "beta_1": 0.5}),
        (
            SGD(momentum=0.5, nesterov=False),
            {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
        ),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            ours = MLPClassifier((10,), solver=spec, momentum=0.1, beta_1=0.1, **options).fit(X, y)
            other = MLPClassifier((10,), **options, **named).fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(X), other.predict_proba(X))
