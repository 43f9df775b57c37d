"""Threads that share estimators, and callbacks that turn on theirs: no crash, no wrong prediction.

Whatever may end a process runs in one of its own, `python test_threads.py TRIAL SEED N`.
"""

import copy
import pickle
import random
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from fastnn import EMA, MLPClassifier, MLPRegressor
from fastnn.callbacks import Callback

X, Y = load_iris(return_X_y=True)
PARTS = [X, np.hstack([X, X]), X.astype(np.float32), X[:, :2]]
TARGETS = [Y, np.array(["a", "b", "c"])[Y], (Y > 1).astype(int)]
# What a user is told; all else is a fault.
TOLD = (ValueError, RuntimeError, NotFittedError)


class Call(Callback):
    """Calls a function at every hook; its copies and pickles do nothing."""

    function = None

    def __reduce__(self):
        return Call, ()

    def on_epoch_begin(self, context):
        if self.function is not None:
            self.function()

    on_batch_end = on_epoch_end = on_epoch_begin


def model_of(rng, kinds=(MLPClassifier, MLPRegressor), **parameters):
    options = {
        "hidden_layer_sizes": rng.choice([3, (8, 5), 70]),
        "solver": rng.choice(["adam", "sgd", "rmsprop", "lbfgs"]),
        "averaging": None,
        "normalization": rng.choice([None, None, "batch", "weight"]),
        "max_iter": rng.choice([1, 3]),
        "batch_size": 40,
        "random_state": rng.randrange(100),
    }
    if options["solver"] != "lbfgs":
        options["averaging"] = rng.choice([None, None, EMA(0.9)])
    return rng.choice(kinds)(**options | parameters)


def run_threads(works, seconds=60):
    """Run these functions at once; whatever one of them raises is raised."""
    errors = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


# ------------------------------------------------------------------------------------- the trials


def refits(rng):
    """Check predictions during repeated fits: each is that of one of the models."""
    model = model_of(rng, [MLPClassifier], n_jobs=1).fit(X, Y)
    known, seen, over = {model.predict_proba(X).tobytes()}, set(), threading.Event()

    def fit():
        for _ in range(12):
            model.set_params(
                hidden_layer_sizes=model.hidden_layer_sizes, warm_start=rng.random() < 0.3
            )
            if not model.warm_start:
                model.set_params(hidden_layer_sizes=rng.choice([3, (8, 5), 70]))
                model.set_params(random_state=rng.randrange(100))
            rows = rng.choice([X, X.astype(np.float32)])
            y = Y if model.warm_start else rng.choice(TARGETS)
            try:
                model.fit(rows, y)
            except ValueError:  # a warm start of other classes or layers
                continue
            known.add(model.predict_proba(X).tobytes())
            labels.add(model.predict(X).tobytes())
            time.sleep(0.001)
        over.set()

    labels, seen_labels = {model.predict(X).tobytes()}, set()

    def predict(look):
        while not over.is_set():
            shown = look(model)
            seen.add(shown.predict_proba(X).tobytes())
            seen_labels.add(model.predict(X).tobytes())

    looks = [lambda model: model, lambda model: model, copy.deepcopy, copy.copy]
    looks.append(lambda model: pickle.loads(pickle.dumps(model)))
    run_threads([fit, *(lambda look=look: predict(look) for look in looks)])
    assert seen <= known, f"{len(seen - known)} of {len(seen)} predictions are of no model"
    assert seen_labels <= labels, "labels of no model"


def anything(rng):
    """Use a few estimators from many threads; then check that each still learns like a clone."""
    models = [model_of(rng, n_jobs=rng.choice([1, 2])) for _ in range(3)]
    seeds = [rng.randrange(1 << 30) for _ in range(6)]

    def work(seed):
        rng = random.Random(seed)
        for _ in range(25):
            model, rows = rng.choice(models), rng.choice(PARTS)
            action = rng.choice(ACTIONS)
            try:
                action(model, rows, rng)
            except TOLD:
                pass
            except (AttributeError, TypeError, KeyError, IndexError) as error:
                # An attribute that another thread has just taken away.
                if not any(name in str(error) for name in (*_TAKEN, "NoneType")):
                    raise

    run_threads([lambda seed=seed: work(seed) for seed in seeds])
    for model in models:
        fresh = clone(model).set_params(warm_start=False)
        model.set_params(warm_start=False).fit(X, Y)
        same = fresh.fit(X, Y).predict(X)
        np.testing.assert_array_equal(model.predict(X), same)


_TAKEN = ("coefs_", "intercepts_", "n_features_in_", "loss_curve_", "partial_fit")


def partial_fit(model, rows, rng):
    classes = {"classes": [0, 1, 2]} if isinstance(model, MLPClassifier) else {}
    model.partial_fit(rows, Y, **classes)


def write(model, rows, rng):
    name = rng.choice(["coefs_", "intercepts_"])
    arrays = getattr(model, name)
    i = rng.randrange(len(arrays))
    how = rng.randrange(5)
    if how == 0:
        arrays[i][...] = rng.random()
    elif how == 1:
        arrays[i] = np.full_like(arrays[i], rng.random())
    elif how == 2:
        arrays[i] = rng.choice([None, np.full(arrays[i].shape, np.nan), np.zeros(3)])
    elif how == 3:
        arrays[0], arrays[-1] = arrays[-1], arrays[0]
    else:
        setattr(model, name, [array.copy() for array in arrays])


def take_away(model, rows, rng):
    vars(model).pop(rng.choice(_TAKEN[:-1]), None)


def set_width(model, rows, rng):
    model.n_features_in_ = rng.choice([1, 4, 8000])


ACTIONS = [
    lambda model, rows, rng: model.fit(rows, Y),
    lambda model, rows, rng: model.set_params(warm_start=rng.random() < 0.5).fit(rows, Y),
    partial_fit,
    partial_fit,
    lambda model, rows, rng: model.predict(rows),
    lambda model, rows, rng: model.predict(rows[:1]),
    lambda model, rows, rng: model.score(rows, Y),
    lambda model, rows, rng: pickle.loads(pickle.dumps(model)).predict(rows),
    lambda model, rows, rng: copy.copy(model).partial_fit(rows, Y),
    lambda model, rows, rng: copy.deepcopy(model).fit(rows, Y),
    lambda model, rows, rng: clone(model).fit(rows, Y),
    lambda model, rows, rng: model.set_params(n_jobs=rng.choice([1, 2]), batch_size=30),
    write,
    take_away,
    set_width,
]


def callbacks(rng):
    """A callback does all that to the estimator that is trained: it learns what it would have."""
    model = model_of(rng, n_jobs=1)
    expected = clone(model).fit(X, Y)
    for before in (True, False):
        if before:
            model.fit(rng.choice(PARTS), Y)

        def hostile():
            for _ in range(2):
                try:
                    rng.choice(ACTIONS)(model, rng.choice(PARTS), rng)
                except TOLD:
                    pass
                except (AttributeError, TypeError, KeyError, IndexError) as error:
                    if not any(name in str(error) for name in (*_TAKEN, "NoneType")):
                        raise

        params = model.get_params(deep=False)
        call = Call()
        call.function = hostile
        model.set_params(callbacks=[call], warm_start=False)
        model.fit(X, Y)
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        assert model.n_features_in_ == 4
        for mine, its in zip(model.coefs_, expected.coefs_, strict=True):
            np.testing.assert_array_equal(mine, its)
        model.set_params(**params)


TRIALS = {"refits": refits, "anything": anything, "callbacks": callbacks}


# -------------------------------------------------------------------------------------- and tests


def run(trial, seed, n):
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, trial, str(seed), str(n)],
        capture_output=True,
        text=True,
        timeout=60 + 20 * n,
    )
    assert result.returncode == 0, f"{result.stdout[-300:]}\n{result.stderr[-3000:]}"


@pytest.mark.parametrize("trial", TRIALS)
def test_a_few(trial):
    run(trial, 0, 2)


@pytest.mark.whole
@pytest.mark.parametrize("trial", TRIALS)
def test_many(trial):
    run(trial, 1000, 150)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    trial, seed, n = TRIALS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
    for number in range(seed, seed + n):
        print(number, flush=True)
        trial(random.Random(number))
