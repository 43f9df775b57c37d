"""Fits of several estimators side by side."""

import doctest
import pickle
import threading
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold

from fastnn import MLPClassifier, MLPRegressor, fit_many, many
from fastnn._core.cpu import threads
from fastnn.callbacks import Callback
from support.pairs import DATA
from support.scripts import run_script

unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = DATA["multiclass"]
X, y = X[:200], y[:200]

# Parameters of a fit of its own, each of another kind.
KINDS = [
    {},
    {"hidden_layer_sizes": (7, 30), "solver": "sgd", "learning_rate": "adaptive"},
    {"early_stopping": True, "max_iter": 60, "n_iter_no_change": 2},
    {"solver": "lbfgs"},
    {"normalization": "batch", "dropout": 0.2, "averaging": "ema"},
    {"augment": "mixup", "precision": "float64"},
    {"augment": lambda X, y, rng: (X + rng.normal(size=X.shape), y), "shuffle": False},
    {"solver": "rprop"},
    {"learning_rate": "cosine", "precision": "bfloat16", "weight_noise": 0.01},
    {"activation": "prelu", "clip_norm": 0.1, "scoring": ["loss", "f1_macro"]},
    {"max_iter": 1, "batch_size": 1},
    {"max_iter": 40, "tol": 10.0},
    {"class_weight": "balanced", "label_smoothing": 0.1, "n_jobs": 2},
]


def models(kinds=KINDS, **common):
    common = {
        "hidden_layer_sizes": (10,),
        "max_iter": 5,
        "batch_size": 32,
        "random_state": 0,
    } | common
    return [MLPClassifier(**common | kind) for kind in kinds]


def assert_same(one, other):
    """Check everything learned but the seconds it took."""
    for mine, expected in zip(
        one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(mine, expected)
    assert getattr(one, "loss_curve_", None) == getattr(other, "loss_curve_", None)
    assert vars(one).keys() == vars(other).keys()
    histories = (
        {name: values for name, values in model.history_.items() if name != "seconds"}
        for model in (one, other)
    )
    np.testing.assert_equal(*histories)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@unconverged
@pytest.mark.parametrize("n_jobs", [1, 2, 5])
@pytest.mark.parametrize("validation", [False, True], ids=["", "validation"])
def test_each_learns_the_same_bits_as_alone(n_jobs, validation):
    kinds = [kind for kind in KINDS if not validation or kind.get("solver") != "lbfgs"]
    given = (
        {"X_val": X[:50], "y_val": y[:50], "sample_weight_val": np.ones(50)} if validation else {}
    )
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    together, alone = models(kinds), models(kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fit_many(together, X, y, weight, n_jobs=n_jobs, **given) == together
        for one, other in zip(together, alone, strict=True):
            assert_same(one, other.fit(X, y, weight, **given))


@unconverged
@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.asfortranarray, scipy.sparse.coo_array, pd.DataFrame, np.ndarray.tolist],
)
def test_each_is_fitted_to_its_rows(convert):
    folds = [train for train, _ in StratifiedKFold(3).split(X, y)]
    folds += [np.arange(len(X)) < 100, list(range(50, 150))]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    together, alone = models([{}] * 5), models([{}] * 5)
    fit_many(together, convert(X), y.tolist(), weight, rows=folds)
    for one, other, rows in zip(together, alone, folds, strict=True):
        other.fit(X[rows], y[rows], weight[rows])
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@unconverged
def test_regressors_are_fitted_too():
    X, y = DATA["outputs"]
    together, alone = (
        [MLPRegressor(hidden_layer_sizes=(n,), max_iter=3, random_state=n) for n in (3, 9)]
        for _ in "ab"
    )
    for one, other in zip(fit_many(together, X, y), alone, strict=True):
        np.testing.assert_array_equal(one.predict(X), other.fit(X, y).predict(X))


@unconverged
def test_a_warm_start_goes_on():
    together, alone = (models([{}, {"solver": "sgd"}], warm_start=True) for _ in range(2))
    for _ in range(2):
        fit_many(together, X, y)
        for model in alone:
            model.fit(X, y)
    for one, other in zip(together, alone, strict=True):
        assert_same(one, other)


@unconverged
def test_those_that_share_a_generator_are_fitted_in_turn():
    def sharing():
        generators = np.random.RandomState(0), np.random.RandomState(1)
        return models([{"random_state": generators[i % 2]} for i in range(6)])

    together, alone = fit_many(sharing(), X, y, n_jobs=4), sharing()
    for one, other in zip(together, alone, strict=True):
        assert_same(one, other.fit(X, y))


class Recorder(Callback):
    """Records threads, and how many fits were under way at once."""

    def __init__(self, barrier):
        self.barrier, self.threads, self.configs = barrier, set(), []

    def on_fit_begin(self, context):
        self.barrier.wait(20)
        self.threads.add(threading.get_ident())
        self.configs.append(get_config()["assume_finite"])


@unconverged
@pytest.mark.parametrize(("n_jobs", "device", "n"), [(3, "cpu", 3), (1, "cpu", 1), (3, "auto", 1)])
def test_fits_are_shared_among_threads(n_jobs, device, n, monkeypatch):
    monkeypatch.setattr(threads, "n_processors", lambda: 9)
    recorder, before = Recorder(threading.Barrier(n)), threading.active_count()
    with config_context(assume_finite=True):
        fit_many(models([{"device": device}] * 3, callbacks=[recorder]), X, y, n_jobs=n_jobs)
    assert len(recorder.threads) == n
    assert threading.get_ident() in recorder.threads
    assert recorder.configs == [True] * 3
    assert threading.active_count() == before


@unconverged
def test_threads_are_shared_among_fits(monkeypatch):
    asked = []

    def new_engine(*arguments, **options):
        asked.append(arguments[4])
        return make_engine(*arguments, **options)

    make_engine = many._core.make_engine
    monkeypatch.setattr(many._core, "make_engine", new_engine)
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    monkeypatch.setattr(threads, "most_openmp_threads", lambda: 9)
    for n_jobs, own, n_threads in [(4, -1, 2), (4, None, 1), (2, -1, 1), (8, 3, 3), (4, 3, 2)]:
        asked.clear()
        fit_many(models([{"n_jobs": own}] * 2), X, y, n_jobs=n_jobs)
        assert asked == [n_threads] * 2


@unconverged
def test_results_are_those_of_a_grid_search():
    model, grid = models([{}])[0], {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(5,), (20,)]}
    search = GridSearchCV(model, grid, cv=3, refit=False).fit(X, y)
    settings, folds = list(ParameterGrid(grid)), list(StratifiedKFold(3).split(X, y))
    fits = [(setting, *fold) for setting in settings for fold in folds]
    fitted = fit_many(
        [clone(model).set_params(**setting) for setting, _, _ in fits],
        X,
        y,
        rows=[train for _, train, _ in fits],
    )
    scores = [one.score(X[test], y[test]) for one, (_, _, test) in zip(fitted, fits, strict=True)]
    found = [search.cv_results_[f"split{i}_test_score"] for i in range(3)]
    np.testing.assert_array_equal(np.reshape(scores, (-1, 3)).T, found)


# --- warnings and errors --------------------------------------------------------------------------


def test_each_warning_comes_once_and_names_its_estimators():
    kinds = [{}, {"max_iter": 3}, {}, {"learning_rate_init": 1e30, "solver": "sgd"}]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_many(models(kinds), X, y)
    assert {warning.filename for warning in caught} == {__file__}
    told = sorted(str(warning.message) for warning in caught)
    assert [text.rpartition(" (")[2] for text in told] == [
        "estimator 1)",
        "estimators 0, 2)",
        "estimator 3)",
    ]
    assert "Maximum iterations (3)" in told[0]
    assert "diverged in epoch" in told[2]
    assert {warning.category for warning in caught} == {ConvergenceWarning}


@unconverged
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_that_fails_is_unchanged_and_the_others_are_fitted(n_jobs):
    class Fails(Callback):
        def on_epoch_end(self, context):
            raise ZeroDivisionError("an error of the user's")

    kinds = [{}, {"callbacks": [Fails()]}, {}, {"batch_size": 32, "scoring": "no score"}, {}]
    together, alone = models(kinds), models(kinds)
    before = vars(together[1]).copy()
    with pytest.raises(ZeroDivisionError, match="an error of the user's") as error:
        fit_many(together, X, y, n_jobs=n_jobs)
    assert "estimators[1], MLPClassifier(" in error.value.__notes__[1]
    assert "estimators[3] failed too: ValueError: Unknown scoring" in error.value.__notes__[2]
    assert vars(together[1]) == before
    assert not hasattr(together[3], "coefs_")
    for index in (0, 2, 4):
        assert_same(together[index], alone[index].fit(X, y))


@pytest.mark.parametrize(
    ("estimators", "options", "error", "message"),
    [
        ([], {}, ValueError, "estimators is empty"),
        (MLPClassifier(), {}, TypeError, "must be a list .* is a MLPClassifier"),
        (3, {}, TypeError, "must be a list .* is a int"),
        ([MLPClassifier], {}, TypeError, r"estimators\[0\] is a class"),
        ([MLPClassifier(), RandomForestClassifier()], {}, TypeError, r"\[1\] is a RandomForest"),
        ([MLPClassifier()] * 2, {}, ValueError, r"estimators\[1\] and estimators\[0\] are one"),
        (models([{}] * 2), {"rows": [[1, 2, 3]]}, ValueError, "for 1 estimators, and there are 2"),
        (models([{}] * 2), {"rows": 3}, TypeError, "rows must be a list"),
        (models([{}] * 2), {"n_jobs": 0}, ValueError, "n_jobs must not be 0"),
        (models([{}] * 2), {"n_jobs": "all"}, TypeError, "n_jobs must be a number"),
        (models([{}, {"alpha": -1}]), {}, ValueError, "'alpha' parameter of MLPClassifier"),
    ],
)
def test_bad_lists_and_parameters_are_refused_before_any_fit(estimators, options, error, message):
    with pytest.raises(error, match=message) as raised:
        fit_many(estimators, X, y, **options)
    if "alpha" in message:
        assert "estimators[1]" in raised.value.__notes__[0]
    assert not any(hasattr(model, "coefs_") for model in np.atleast_1d(estimators))


@pytest.mark.filterwarnings("ignore:Got `batch_size` less")
@unconverged
def test_bad_data_is_the_error_of_the_first():
    fits = models([{}] * 3)
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as error:
        fit_many(fits, X, y[:-1])
    assert "estimators[0]" in error.value.__notes__[0]
    with pytest.raises((IndexError, ValueError)) as error:
        fit_many(fits, X, y, rows=[[0, 1, 2]] * 2 + [[len(X)]])
    assert "estimators[2]" in error.value.__notes__[0]


# --- Ctrl-C and memory ----------------------------------------------------------------------------

INTERRUPTED = """
    import threading, warnings
    import numpy as np
    from fastnn import MLPClassifier, fit_many
    from support.interrupts import CtrlC
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal(({n_rows}, 50)).astype("float32"), rng.integers(3, size={n_rows})
    common = dict(hidden_layer_sizes=({width},), max_iter=10**6, tol=0, n_iter_no_change=10**6)
    models = [MLPClassifier(**common, **{options}, random_state=i) for i in range({n})]
    ctrl_c, raised = CtrlC(0.7), False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit_many(models, X, y, n_jobs=2)
        except KeyboardInterrupt as error:
            raised = str(error)
    print(ctrl_c.answered())
    fitted = [i for i, model in enumerate(models) if hasattr(model, "coefs_")]
    assert fitted == {fitted}, fitted
    assert raised == {raised}, raised
    told = [str(warning.message) for warning in caught]
    assert told == ["Training interrupted by user. (estimators {told})"], told
    for i in fitted:
        assert np.isfinite(models[i].predict_proba(X)).all()
    assert threading.active_count() == 1
"""


@pytest.mark.parametrize(
    "case",
    [
        {"n": 2, "fitted": [0, 1], "raised": False, "told": "0, 1"},
        {"n": 4, "fitted": [0, 1], "raised": "'not fitted: estimators 2, 3'", "told": "0, 1"},
        {"n_rows": 60_000, "width": 400, "n": 2, "fitted": [0, 1], "raised": False, "told": "0, 1"},
        {
            "options": "dict(solver='lbfgs')",
            "n_rows": 20_000,
            "width": 50,
            "n": 2,
            "fitted": [0, 1],
            "raised": False,
            "told": "0, 1",
        },
    ],
    ids=["short epochs", "more to come", "long epochs", "lbfgs"],
)
def test_ctrl_c_leaves_usable_estimators(case):
    answered = run_script(INTERRUPTED.format(**{"n_rows": 2000, "width": 20, "options": {}} | case))
    print(f"Ctrl-C was answered after {float(answered) * 1000:.0f} ms")
    assert float(answered) < 1


@unconverged
def test_what_is_fitted_is_as_after_fit_to_others():
    """Nothing of the threads is left in what is fitted."""
    model, other = fit_many(models([{}, {}]), X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert model.get_params() == models([{}])[0].get_params()
    model.partial_fit(X, y)
    other.fit(X, y)


@unconverged
def test_copies_of_rows_are_as_many_as_threads():
    rows, targets = np.random.default_rng(0).standard_normal((20_000, 100)), np.arange(20_000) % 3
    fits = models([{}] * 8, max_iter=1, batch_size=200)
    tracemalloc.start()
    fit_many(fits, rows, targets, rows=[np.arange(1, 20_000)] * 8, n_jobs=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * rows.nbytes


def test_examples_of_the_docstring():
    result = doctest.testmod(many)
    assert result.attempted and not result.failed
