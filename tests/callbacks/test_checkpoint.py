"""Checkpoints: training goes on to the same bits, and the file of another is refused."""

import csv
import errno
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn.model_selection import GridSearchCV

from fastnn import SGD, Scheduled
from fastnn._files import atomic
from fastnn._files.parts import Parts, packed
from fastnn.callbacks import (
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    ReduceLROnPlateau,
    load_checkpoint,
)
from support.callback_fits import (
    VALIDATION,
    X_VAL,
    Y_VAL,
    Dies,
    Function,
    Remembers,
    X,
    Y,
    assert_same,
    classifier,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


COURSES = [
    {},
    {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive"},
    {"normalization": "batch", "dropout": 0.2, "averaging": "ema", "augment": "mixup"},
    {"learning_rate": "one_cycle", "random_state": None},
]


@pytest.mark.parametrize("options", COURSES, ids=str)
@pytest.mark.parametrize("every", [1, 3])
def test_a_training_goes_on_to_the_same_bits(tmp_path, options, every):
    def fit(*more):
        stop = EarlyStopping("loss", 9, restore_best=True)
        given = [stop, ReduceLROnPlateau("loss", patience=0, threshold=0.3), *more]
        options_ = {"max_iter": 8, "random_state": 0} | options
        if options_["random_state"] is None:
            np.random.seed(0)  # noqa: NPY002
        return classifier(*given, **options_).fit(X, Y)

    saved = Checkpoint(tmp_path / "file", every, resume=True)
    for epoch in (4, 7):
        with pytest.raises(SystemExit):
            fit(saved, Dies(epoch))
        np.random.seed(9)  # noqa: NPY002
    calls = []
    model = fit(saved, Remembers(calls))
    assert calls[0] == ("fit begin", 7 // every * every, 0)
    assert_same(model, fit())
    calls.clear()
    assert_same(fit(saved, Remembers(calls)), model)  # there is nothing left to do
    assert calls == [("fit begin", 8, 0), ("fit end", 8, 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_second_fit_goes_on_where_it_was(tmp_path):
    def first():
        return classifier(max_iter=3, warm_start=True, learning_rate="cosine").fit(X, Y)

    saved = Checkpoint(tmp_path / "file", resume=True)
    expected, model = first().fit(X, Y), first()
    before = pickle.dumps(model)
    with pytest.raises(SystemExit):
        model.set_params(callbacks=[saved, Dies(5)]).fit(X, Y)
    assert_same(pickle.loads(before).set_params(callbacks=[saved]).fit(X, Y), expected)


def test_load_checkpoint(tmp_path):
    path = tmp_path / "file"
    best = Checkpoint(path, monitor="val_accuracy")
    for options in ({}, {"averaging": "ema", "normalization": "batch"}, {"solver": "sgd"}):
        model = classifier(best, max_iter=12, **options).fit(X, Y, **VALIDATION)
        loaded = load_checkpoint(path)
        n_best = int(np.argmax(model.history_["val_accuracy"])) + 1
        shorter = classifier(max_iter=n_best, **options).fit(X, Y, **VALIDATION)
        np.testing.assert_array_equal(loaded.predict_proba(X), shorter.predict_proba(X))
        assert loaded.n_iter_ == n_best
    model = classifier(Checkpoint(path), solver="lbfgs").fit(X, Y)
    np.testing.assert_array_equal(load_checkpoint(path).predict(X), model.predict(X))


def shift(X, y, rng):
    return X + 1, y


def shift_far(X, y, rng):
    return X + 2, y


shift_far.__qualname__ = "shift"


@pytest.mark.parametrize(
    "options, told",
    [
        ({"alpha": 0.1}, "alpha was 0.0001 and is 0.1"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"random_state": np.random.RandomState(0)}, "random_state was 0 and is RandomState"),
        ({"solver": SGD(momentum=0.5)}, r"solver was 'adam' and is SGD\(momentum=0.5"),
        ({"class_weight": {0: 2.0}}, r"class_weight was None and is {0: 2.0}"),
        ({"precision": "float32"}, "precision was 'auto' and is 'float32'"),
        ({"normalization": "batch"}, "normalization was None and is 'batch'"),
        ({"augment": shift_far}, "augment has other values"),
        ({"augment": [shift]}, r"augment was shift and is \[<function shift>\]"),
        ({"max_iter": 4}, "of epoch 5, beyond max_iter=4"),
        ({"X": X + 1}, "X has other values"),
        ({"X": X[::-1]}, "X has other values"),
        ({"X": X.astype(np.float32)}, "X was float64 of shape .* and is float32 of shape"),
        ({"X": X[:140], "y": Y[:140]}, r"X was float64 of shape \(150, 4\) and is .*\(140, 4\)"),
        ({"X": csr_matrix(X)}, "X has other values"),
        ({"y": Y[::-1]}, "y has other values"),
        ({"sample_weight": np.ones(150)}, "sample_weight was None and is float64 of shape"),
        ({"X_val": X_VAL + 1}, "X_val has other values"),
        ({"y_val": Y_VAL[::-1]}, "y_val has other values"),
        ({"X_val": None, "y_val": None}, r"X_val was float64 of shape \(50, 4\) and is None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_training_is_refused(tmp_path, options, told):
    saved, passed = Checkpoint(tmp_path / "file", resume=True), ("X", "y", "sample_weight")

    def fit(**others):
        options = {"X": X, "y": Y, "augment": shift, **VALIDATION} | others
        data = {name: options.pop(name) for name in (*VALIDATION, *passed) if name in options}
        return classifier(saved, **options).fit(**data)

    model = fit()
    before = saved.path.read_bytes()
    with pytest.raises(ValueError, match=told):
        fit(**options)
    assert saved.path.read_bytes() == before
    same = {"X": np.asfortranarray(X), "n_jobs": 1, "verbose": 0, "alpha": np.float64(1e-4)}
    assert_same(fit(**same), model)


def test_validation_data_may_have_more_rows(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)
    for _ in range(2):
        model = classifier(saved).fit(X[::2], Y[::2], X_val=X, y_val=Y)
    assert_same(model, classifier().fit(X[::2], Y[::2], X_val=X, y_val=Y))


def test_a_checkpoint_that_was_changed_by_hand_is_refused(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)

    def fit():
        return classifier(saved, early_stopping=True).fit(X, Y)

    fit()
    whole, sound = saved.path.read_bytes(), dict(Parts(saved.path))
    rows, (chosen, held_out), generator = (sound[name] for name in ("rows", "split", "generator"))
    for changes in (
        {"rows": rows + 150},
        {"rows": rows - 150},
        {"rows": rows[:-1]},
        {"rows": rows.astype(np.int32)},
        {"rows": rows.astype(float)},
        {"split": (chosen, held_out + 150)},
        {"split": (chosen[:, np.newaxis], held_out)},
        {"generator": (*generator[:2], 1 << 20, *generator[3:])},
    ):
        saved.path.write_bytes(packed("checkpoint", sound | changes))
        with pytest.raises(ValueError, match="changed by hand"):
            fit()
    saved.path.write_bytes(whole)
    fit()


def test_sparse_rows_are_compared_by_value(tmp_path):
    saved, rows = Checkpoint(tmp_path / "file", resume=True), csr_matrix(X)
    model = classifier(saved).fit(rows, Y)
    assert_same(classifier(saved).fit(rows.copy(), Y), model)
    for name in ("data", "indices"):
        others = rows.copy()
        part = getattr(others, name)
        part[:2] = part[1::-1]
        with pytest.raises(ValueError, match="X has other values"):
            classifier(saved).fit(others, Y)


@pytest.mark.parametrize(
    "options, goes_on",
    [
        ({"learning_rate": "step", "solver": "sgd"}, True),
        ({"learning_rate": "cosine"}, False),
        ({"learning_rate": "warmup"}, False),
        ({"alpha": Scheduled(0.1)}, False),
        ({"averaging": "swa"}, False),
        ({"averaging": "ema"}, True),
    ],
    ids=str,
)
def test_more_epochs_where_no_schedule_follows_their_number(tmp_path, options, goes_on):
    saved = Checkpoint(tmp_path / "file", resume=True)
    classifier(saved, **options).fit(X, Y)
    if goes_on:
        longer = classifier(saved, max_iter=9, **options).fit(X, Y)
        assert_same(longer, classifier(max_iter=9, **options).fit(X, Y))
    else:
        with pytest.raises(ValueError, match="max_iter=5, which its schedule follows, and here it"):
            classifier(saved, max_iter=9, **options).fit(X, Y)


def test_other_weights_to_start_from_are_another_training(tmp_path):
    """A second call of a program has a file of its own, or its network would be the first one's."""
    saved = Checkpoint(tmp_path / "file", resume=True)
    model = classifier(saved, warm_start=True).fit(X, Y)
    with pytest.raises(
        ValueError, match="the fitted network that warm_start goes on from was None"
    ):
        model.fit(X, Y)
    first = classifier(warm_start=True).fit(X, Y)
    later = pickle.loads(pickle.dumps(first)).fit(X, Y)
    saved.path.unlink()
    pickle.loads(pickle.dumps(first)).set_params(callbacks=[saved]).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start goes on from has other values"):
        later.set_params(callbacks=[saved]).fit(X, Y)


def test_of_several_checkpoints_the_latest_goes_on(tmp_path):
    best = Checkpoint(tmp_path / "best", monitor="loss", every=4, resume=True)
    last = Checkpoint(tmp_path / "last", resume=True)
    with pytest.raises(SystemExit):
        classifier(best, last, Dies(3), max_iter=8).fit(X, Y)
    classifier(best).fit(X[::-1], Y[::-1])
    with pytest.raises(ValueError, match=r"best' is of another training: X has other values"):
        classifier(best, last, max_iter=8).fit(X, Y)
    best.path.unlink()
    calls = []
    model = classifier(best, last, Remembers(calls), max_iter=8).fit(X, Y)
    assert calls[0] == ("fit begin", 3, 0)
    assert_same(model, classifier(max_iter=8).fit(X, Y))


def test_partial_fit_does_not_resume(tmp_path):
    saved = Checkpoint(tmp_path / "file", resume=True)
    model = classifier(saved).fit(X, Y)
    before = saved.path.read_bytes()
    for one in (model, classifier(saved)):
        with pytest.raises(ValueError, match=r"Checkpoint\(resume=True\) is for fit"):
            one.partial_fit(X, Y, classes=[0, 1, 2])
    assert saved.path.read_bytes() == before
    again = load_checkpoint(saved.path).set_params(callbacks=[Checkpoint(saved.path)])
    assert load_checkpoint(saved.path).n_iter_ == 5
    again.partial_fit(X, Y)
    assert len(load_checkpoint(saved.path).loss_curve_) == 6


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_does_not_share_a_checkpoint_to_resume_from(tmp_path, n_jobs):
    model = classifier(Checkpoint(tmp_path / "file", resume=True))
    search = GridSearchCV(model, {"alpha": [0.1, 10.0]}, cv=2, n_jobs=n_jobs, error_score="raise")
    refused = "is of another training|another training has written"
    with parallel_config("threading"), pytest.raises((ValueError, RuntimeError), match=refused):
        search.fit(X, Y)
    apart = {
        "alpha": [0.1],
        "callbacks__0__path": [tmp_path / "a", tmp_path / "b"],
        "callbacks__0__resume": [False],
    }
    GridSearchCV(model, apart, cv=2, error_score="raise").fit(X, Y)


def test_two_trainings_do_not_write_one_checkpoint(tmp_path):
    """Check two fits at the same time, here one within the other."""
    path = tmp_path / "file"

    def another(context):
        if context.epoch == 2:
            classifier(Checkpoint(path), alpha=0.1).fit(X, Y)

    model = classifier(Checkpoint(path), Function(another))
    with pytest.raises(RuntimeError, match=r"another training has written .* give each a path"):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")
    assert load_checkpoint(path).alpha == 0.1
    classifier(Checkpoint(path)).fit(X, Y)  # one after the other is another matter
    gone = Function(lambda context: context.epoch == 3 and path.unlink())
    classifier(Checkpoint(path), gone).fit(X, Y)
    assert load_checkpoint(path).n_iter_ == 5


def test_what_was_left_of_another_file_is_not_taken_away(tmp_path):
    left, of_another = (tmp_path / f".file{end}.a1b2c3d4.partial" for end in ("", ".csv"))
    left.touch()
    of_another.touch()
    classifier(Checkpoint(tmp_path / "file")).fit(X, Y)
    assert {one.name for one in tmp_path.iterdir()} == {"file", of_another.name}


def test_what_cannot_go_on(tmp_path):
    path = tmp_path / "file"
    saved = Checkpoint(path, resume=True)
    classifier(saved).fit(X, Y)
    with pytest.raises(ValueError, match="cannot resume solver='lbfgs'"):
        classifier(saved, solver="lbfgs").fit(X, Y)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="is no file of fastnn"):
        classifier(saved).fit(X, Y)
    with pytest.raises(ValueError, match="Checkpoint cannot write learning_rate=<function"):
        classifier(Checkpoint(tmp_path / "b"), learning_rate=lambda t, n: 1.0).fit(X, Y)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        classifier(Checkpoint(tmp_path / "none" / "file")).fit(X, Y)
    with pytest.raises(IsADirectoryError, match="give the name of a file"):
        classifier(Checkpoint(tmp_path)).fit(X, Y)


KILLED = """
    import sys, warnings
    import numpy as np
    from sklearn.datasets import load_iris
    from fastnn import MLPClassifier
    from fastnn.callbacks import Checkpoint, CSVLogger
    warnings.simplefilter("ignore")
    path, n = sys.argv[1], 120
    given = [Checkpoint(path, resume=True), CSVLogger(path + ".csv")] if path else None
    model = MLPClassifier((8,), early_stopping=True, batch_size=10, max_iter=n, n_jobs=1,
                          n_iter_no_change=n, random_state=0, callbacks=given)
    model.fit(*load_iris(return_X_y=True))
    print([x.tobytes().hex() for x in model.coefs_], model.loss_curve_, model.validation_scores_)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_kill_at_any_time(tmp_path):
    def start(path):
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )

    path, rng = tmp_path / "file", np.random.default_rng(0)
    whole = start("")
    for _ in range(3):
        process = start(path)
        before = path.stat().st_mtime_ns if path.exists() else 0
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert start(path).communicate()[0] == whole.communicate()[0] != ""
    assert {one.name for one in tmp_path.iterdir()} == {"file", "file.csv"}
    rows = list(csv.reader((tmp_path / "file.csv").open()))
    assert [row[0] for row in rows] == ["epoch", *map(str, range(1, 121))]


def test_a_full_disk(tmp_path, monkeypatch):
    saved, log = tmp_path / "file", tmp_path / "log.csv"
    given = [Checkpoint(saved), CSVLogger(log)]

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(context):
        if context.epoch == 3:
            monkeypatch.setattr(atomic.os, "fsync", full)
            given[1]._written = None  # so that it writes all lines anew

    model = classifier(Function(fill), *given)
    with pytest.warns(UserWarning, match=r"could not write .* \(No space left on device\)") as seen:
        model.fit(X, Y)
    assert model.n_iter_ == 5
    texts = [str(one.message) for one in seen if "could not write" in str(one.message)]
    assert {text.split()[0] for text in texts} == {"Checkpoint", "CSVLogger"}
    assert load_checkpoint(saved).n_iter_ == 2
    assert list(pd.read_csv(log)["epoch"]) == [1, 2]
    assert {path.name for path in tmp_path.iterdir()} == {"file", "log.csv"}
