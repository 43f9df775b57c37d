"""Averages of the parameters: what predicts after training, and what training goes on from."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning

from fastnn import EMA, SWA, BatchNorm, MLPClassifier, MLPRegressor
from fastnn._data.held_out import split
from fastnn.averaging import AVERAGES
from fastnn.schedules import Steps

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),  # in scikit-learn's R2 score
    pytest.mark.filterwarnings("ignore:Training ended after 2 epochs"),  # before SWA began
]

X, Y = make_regression(60, 6, random_state=3)
Y = Y / Y.std()
OPTIONS = {
    "hidden_layer_sizes": (5,),
    "activation": "tanh",
    "batch_size": 60,
    "learning_rate_init": 0.05,
    "random_state": 0,
}


def fitted(max_iter=8, X=X, **options):
    return MLPRegressor(max_iter=max_iter, **OPTIONS | options).fit(X, Y)


def parameters(model):
    return np.concatenate([array.ravel() for array in model.coefs_ + model.intercepts_])


@pytest.fixture(scope="module")
def trajectory():
    """The parameters before training, and after each of eight steps."""
    start = parameters(fitted(1, solver="sgd", learning_rate_init=1e-300))
    return np.array([start, *(parameters(fitted(n)) for n in range(1, 9))])


# --- the formulas ---------------------------------------------------------------------------------


def test_weights_by_hand():
    steps = Steps(np.arange(8, 12), epoch=2, n_steps=16, n_epochs=4, steps_per_epoch=4)
    np.testing.assert_allclose(EMA(0.9, False).weights(steps, 8), [0.1] * 4)
    corrected = EMA(0.5).weights(steps, 0)
    np.testing.assert_allclose(corrected, [1, 0.5 / 0.75, 0.5 / 0.875, 0.5 / 0.9375])
    np.testing.assert_allclose(EMA(0.5).weights(steps, 2), 0.5 / (1 - 0.5 ** np.arange(3, 7)))
    for swa, expected in [
        (SWA(0.5), [0, 0, 0, 1 / 3]),
        (SWA(2), [0, 0, 0, 1 / 3]),
        (SWA(3), [0] * 4),
        (SWA(0.75), [0] * 4),
        (SWA(1, every=2), [0] * 4),
        (SWA(0, every=2), [0, 0, 0, 1 / 3]),
    ]:
        np.testing.assert_allclose(swa.weights(steps, 2), expected)
    unfinished = Steps(np.arange(8, 10), 2, 16, 4, 4, ends_epoch=False)
    np.testing.assert_array_equal(SWA(0).weights(unfinished, 2), 0)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_ema(trajectory, decay):
    powers = (1 - decay) * decay ** np.arange(7.0, -1, -1)
    expected = powers @ trajectory[1:] / powers.sum()
    np.testing.assert_allclose(parameters(fitted(averaging=EMA(decay))), expected, rtol=1e-12)
    expected = powers @ trajectory[1:] + decay**8 * trajectory[0]
    np.testing.assert_allclose(
        parameters(fitted(averaging=EMA(decay, bias_correction=False))), expected, rtol=1e-12
    )


@pytest.mark.parametrize(
    "swa, epochs",
    [
        (SWA(), [7, 8]),
        (SWA(0), range(1, 9)),
        (SWA(3), [4, 5, 6, 7, 8]),
        (SWA(0.4, every=2), [4, 6, 8]),
        (SWA(2, every=4), [3, 7]),
        (SWA(7), [8]),
    ],
    ids=repr,
)
def test_swa(trajectory, swa, epochs):
    expected = trajectory[list(epochs)].mean(axis=0)
    np.testing.assert_allclose(parameters(fitted(averaging=swa)), expected, rtol=1e-12)


@pytest.mark.parametrize("name", AVERAGES)
def test_names_stand_for_the_defaults(name):
    spec = AVERAGES[name]()
    np.testing.assert_array_equal(
        fitted(averaging=name).predict(X), fitted(averaging=spec).predict(X)
    )
    assert spec == AVERAGES[name]()


@pytest.mark.parametrize(
    "one, other",
    [
        (EMA(), EMA(decay=0.5)),
        (EMA(), EMA(bias_correction=False)),
        (SWA(), SWA(start=0.5)),
        (SWA(), SWA(start=3)),
        (SWA(0), SWA(0, every=2)),
        (None, SWA()),
        (None, EMA()),
    ],
    ids=repr,
)
def test_every_parameter_changes_the_result(one, other):
    models = [fitted(averaging=averaging) for averaging in (one, other)]
    assert not np.array_equal(models[0].predict(X), models[1].predict(X))
    assert models[0].loss_curve_ == models[1].loss_curve_  # training is the same


# --- batch norm -----------------------------------------------------------------------------------


def assert_statistics_of_all_rows(model, rows=slice(None)):
    z = X[rows] @ model.coefs_[0] + model.intercepts_[0]
    np.testing.assert_allclose(model.normalizations_[0]["mean"], z.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        model.normalizations_[0]["variance"], z.var(axis=0, ddof=1), rtol=1e-9
    )


@pytest.mark.parametrize(
    "options",
    [
        {"averaging": "ema"},
        {"averaging": "swa"},
        {"normalization": BatchNorm(statistics="exact")},
        {"normalization": BatchNorm(statistics="exact"), "dropout": [0.3]},
        {"normalization": BatchNorm(statistics="exact"), "solver": "lbfgs"},
    ],
    ids=str,
)
def test_statistics_are_those_of_the_training_rows(options):
    options = {"batch_size": 13, "normalization": "batch"} | options
    model = fitted(**options)
    assert_statistics_of_all_rows(model)
    if model.solver != "lbfgs":
        moving = fitted(**options | {"normalization": "batch", "averaging": None})
        assert not np.allclose(
            moving.normalizations_[0]["mean"], model.normalizations_[0]["mean"], rtol=1e-3
        )
        if model.averaging is None:
            np.testing.assert_array_equal(parameters(moving), parameters(model))


def test_statistics_are_not_those_of_the_validation_rows(monkeypatch):
    options = {"normalization": BatchNorm(statistics="exact"), "early_stopping": True}
    options["batch_size"] = 13
    seen = []

    def remembers(*arguments, **options):
        seen.append(split(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr("fastnn._fit.fit.split", remembers)
    model = MLPRegressor(max_iter=3, **OPTIONS | options).fit(X, Y)
    ((rows, held_out),) = seen
    assert len(rows) == 54
    assert len(held_out) == 6
    assert_statistics_of_all_rows(model, rows)


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"averaging": EMA(0.9)},
        {"averaging": EMA(0.9, bias_correction=False)},
        {"averaging": SWA(1, every=2)},
        {"normalization": BatchNorm(statistics="exact")},
        {"averaging": EMA(0.9), "normalization": "batch"},
        {"averaging": SWA(3), "normalization": BatchNorm(statistics="exact", position="after")},
    ],
    ids=str,
)
@pytest.mark.parametrize("partial", [False, True])
def test_training_goes_on_from_its_own_parameters(options, partial):
    """Check that neither parameters nor average depend on the number of calls."""
    if partial and getattr(options.get("normalization"), "statistics", "") == "exact":
        with pytest.raises(ValueError, match="needs all rows, and partial_fit sees some"):
            MLPRegressor(**OPTIONS | options).partial_fit(X, Y)
        return
    # The last batch is of one row, normalised by the moving averages.
    options = {"shuffle": False, "batch_size": 59, "dropout": 0.2} | options
    at_once = fitted(6, **options)
    model = MLPRegressor(max_iter=6 if partial else 2, warm_start=True, **OPTIONS | options)
    for _ in range(6 if partial else 3):
        model = model.partial_fit(X, Y) if partial else model.fit(X, Y)
        model = pickle.loads(pickle.dumps(model))
    assert model.loss_curve_ == at_once.loss_curve_
    np.testing.assert_array_equal(parameters(model), parameters(at_once))
    np.testing.assert_array_equal(model.predict(X), at_once.predict(X))


def test_written_parameters_are_what_training_goes_on_from():
    options = {"averaging": EMA(0.9), "warm_start": True, "solver": "sgd", "momentum": 0.0}
    for copied in (lambda model: model, lambda model: pickle.loads(pickle.dumps(model))):
        model = fitted(3, **options)
        model.coefs_[0][...] = 0.5
        model = copied(model).set_params(learning_rate_init=1e-300, max_iter=2).fit(X, Y)
        np.testing.assert_array_equal(model.coefs_[0], 0.5)


def test_averaging_may_be_switched_between_calls():
    options = {"solver": "sgd", "shuffle": False}
    model = fitted(2, averaging=SWA(0), warm_start=True, **options)
    model.set_params(averaging=None).fit(X, Y)
    np.testing.assert_array_equal(parameters(model), parameters(fitted(4, **options)))
    model.set_params(averaging=SWA(5), max_iter=3).fit(X, Y)
    longer = [parameters(fitted(n, **options)) for n in (6, 7)]
    np.testing.assert_allclose(parameters(model), np.mean(longer, axis=0), rtol=1e-12)


def test_a_failed_fit_leaves_the_average():
    model = fitted(3, averaging=EMA(0.9), warm_start=True, shuffle=False)
    before = model.predict(X)

    def fails(t, n):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        model.set_params(learning_rate=fails).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(learning_rate="constant").fit(X, Y)
    np.testing.assert_array_equal(
        model.predict(X), fitted(6, averaging=EMA(0.9), shuffle=False).predict(X)
    )


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", [None, "batch"])
@pytest.mark.parametrize("averaging", [EMA(0.8), SWA(2)], ids=repr)
def test_the_average_is_validated_and_the_best_is_kept(averaging, normalization):
    options = {"averaging": averaging, "normalization": normalization, "batch_size": 20}
    options |= {"learning_rate_init": 0.2, "n_iter_no_change": 4, "shuffle": False}
    # Which training only gets worse at.
    validation = {"X_val": X[:20], "y_val": np.random.RandomState(0).permutation(Y[:20])}

    def fit(max_iter):
        model = MLPRegressor(max_iter=max_iter, early_stopping=True, **OPTIONS | options)
        return model.fit(X[20:], Y[20:], **validation)

    model = fit(200)
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_ < 200
    score = model.score(*validation.values())
    assert score == pytest.approx(model.best_validation_score_, rel=1e-12)
    shorter = fit(best)
    np.testing.assert_array_equal(model.predict(X), shorter.predict(X))
    assert shorter.validation_scores_ == model.validation_scores_[:best]


def test_divergence_keeps_a_finite_average():
    for early_stopping in (False, True):
        model = MLPRegressor(
            averaging="ema",
            hidden_layer_sizes=(20,),
            activation="identity",
            solver="sgd",
            learning_rate_init=2.0,
            momentum=0.0,
            batch_size=54,
            early_stopping=early_stopping,
            random_state=0,
        )
        with pytest.warns(ConvergenceWarning, match="diverged in epoch"):
            model.fit(X, Y)
        assert np.isfinite(parameters(model)).all()
        assert np.isfinite(model.predict(X)).all()


def test_an_average_that_never_began_is_told():
    with pytest.warns(UserWarning, match=r"ended after 3 epochs, before averaging=SWA\(start=5"):
        model = fitted(3, averaging=SWA(5))
    np.testing.assert_array_equal(parameters(model), parameters(fitted(3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        clone(model).partial_fit(X, Y)


def test_averaging_with_lbfgs_is_refused():
    with pytest.raises(ValueError, match=r"averaging='ema' is for solvers .* set averaging=None"):
        fitted(solver="lbfgs", averaging="ema")


# --- all together ---------------------------------------------------------------------------------


@pytest.mark.parametrize("averaging", ["ema", SWA(1)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classifier_predicts_with_its_average(averaging, dtype):
    y = np.array(["a", "b", "c"])[np.digitize(Y, [-0.5, 0.5])]
    options = OPTIONS | {"averaging": averaging, "batch_size": 7, "max_iter": 30}
    model = MLPClassifier(**options).fit(X.astype(dtype), y)
    assert model.score(X.astype(dtype), y) > 0.9
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
    for n_jobs in (1, 2):
        other = clone(model).set_params(n_jobs=n_jobs).fit(X.astype(dtype), y)
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
