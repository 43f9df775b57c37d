"""Hostile rows, targets and weights: refused in a sentence, or read as what they say.

Whatever may end a process runs in one of its own, `python test_hostile_rows.py SEED N`, which tells
each situation before it tries it.
"""

import os
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from fastnn import BatchNorm, Dropout, MLPClassifier, MLPRegressor, MultiTaskMLP, Quantile
from fastnn.callbacks import Callback

FORMATS = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
PRECISIONS = ("float32", "float64", "bfloat16")


# ------------------------------------------------------------------- other ways to say the same


def strided(array):
    return np.repeat(array, 3, axis=0)[::3]


def reversed_(array):
    everywhere = (slice(None, None, -1),) * array.ndim
    return array[everywhere].copy()[everywhere]


def in_records(array):
    """A field of packed records, whose numbers are aligned nowhere."""
    records = np.zeros(array.shape, [("gap", "u1"), ("number", array.dtype)])
    records["number"] = array
    return records["number"]


def shifted(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(array.tobytes(), np.uint8)
    return np.ndarray(array.shape, array.dtype, raw, 1)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_a_file(array):
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, array)
        return np.load(file.name, mmap_mode="r")  # the file goes, what is mapped stays


SAME = {
    "plain": np.array,
    "fortran": np.asfortranarray,
    "strided": strided,
    "reversed": reversed_,
    "in records": in_records,
    "shifted": shifted,
    "read-only": read_only,
    "in a file": in_a_file,
    "of the other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
    "of longdouble": lambda array: array.astype(np.longdouble),
    "a list": lambda array: array.tolist(),
}


def unsorted(X):
    for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.data[start:end] = X.data[start:end][::-1].copy()
        X.indices[start:end] = X.indices[start:end][::-1].copy()
    X.has_sorted_indices = False
    return X


def doubled(X):
    """Split each element into two that add up to it."""
    halves = np.repeat(X.data, 2) / 2
    return type(X)((halves, np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape)


def with_room(X):
    X.indices = np.append(X.indices, [1 << 20, -1]).astype(np.int32)
    X.data = np.append(X.data, [np.nan, 1])
    return X


def of_wide_numbers(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def with_parts(change, X):
    X.data, X.indices, X.indptr = change(X.data), change(X.indices), change(X.indptr)
    return X


SAME_SPARSE = {
    "plain": lambda X: X,
    "unsorted": unsorted,
    "doubled": doubled,
    "with room": with_room,
    "of wide numbers": of_wide_numbers,
    "strided": partial(with_parts, strided),
    "reversed": partial(with_parts, reversed_),
    "in records": partial(with_parts, in_records),
    "read-only": partial(with_parts, read_only),
    "in a file": partial(with_parts, in_a_file),
    "a real part": lambda X: (X + 0j * X).real,
    **{name: lambda X, name=name: X.asformat(name) for name in FORMATS},
}


# ------------------------------------------------------------------------------- wrong numbers


def write(array, rng):
    """A wrong number somewhere."""
    if array.size:
        kinds = [-1, array.max() + 1, 1 << 20, -(1 << 31), (1 << 31) - 1, 0, 5]
        array.flat[rng.integers(array.size)] = kinds[rng.integers(len(kinds))]


def swap_part(X, name, rng):
    """Replace one array of a sparse matrix."""
    part = getattr(X, name)
    if rng.integers(3) and name != "data":
        setattr(X, name, part.astype(np.int64) + (rng.integers(2) << 32))
    else:
        changes = [part[:-1], np.append(part, part[-1:]), part.astype(float), part.reshape(1, -1)]
        setattr(X, name, changes[rng.integers(4)])


def wrong_sparse(X, rng):
    """A sparse matrix of any format, with one or more wrong numbers."""
    X = X.asformat(FORMATS[rng.integers(4)]).copy()
    names = ("row", "col", "data") if X.format == "coo" else ("indices", "indptr", "data")
    for _ in range(rng.integers(1, 4)):
        name = names[rng.integers(3)]
        if rng.integers(3) and name != "data" and getattr(X, name).dtype.kind == "i":
            write(getattr(X, name), rng)
        else:
            swap_part(X, name, rng)
    return X


# ------------------------------------------------------------------------- in the course of a fit


def reshape(array, rng):
    array.shape = (array.size,) if rng.integers(2) else (1, array.size)


def retype(array, rng):
    array.dtype = np.uint8


def resize(array, rng):
    array.resize((2, 3) if array.ndim == 2 else 2, refcheck=False)


def rewrite(X, rng):
    """Write to the arrays of a sparse matrix, or replace them."""
    for name in ("indices", "indptr"):
        kind = rng.integers(4)
        if kind == 0:
            getattr(X, name)[...] = [1 << 30, -1, 1 << 20][rng.integers(3)]
        elif kind == 1:
            write(getattr(X, name), rng)
        elif kind == 2:
            setattr(X, name, getattr(X, name)[:1])
        else:
            resize(getattr(X, name), rng)


class Meddles(Callback):
    """Callback that modifies the training data after each epoch or batch."""

    def __init__(self, arrays, do, rng):
        self.arrays, self.do, self.rng = arrays, do, rng
        if rng.integers(2):
            self.on_batch_end = self.on_epoch_end

    def on_epoch_end(self, context):
        for array in self.arrays:
            with suppress(AttributeError, IndexError, TypeError, ValueError):
                self.do(array, self.rng)


# --------------------------------------------------------------------------------- situations


def parameters(n_rows, rng):
    """Parameters that estimators of any kind have."""
    return {
        "hidden_layer_sizes": (int(rng.choice([3, 17, 70])),),
        "precision": str(rng.choice(PRECISIONS)),
        "normalization": [None, BatchNorm(), BatchNorm(mean_only=True), "weight"][rng.integers(4)],
        "dropout": [0.0, 0.0, Dropout(0.3, input_rate=0.2)][rng.integers(3)],
        "solver": ["adam", "sgd"][rng.integers(2)],
        "batch_size": int(rng.integers(1, n_rows + 1)),
        "max_iter": 2,
        "n_jobs": int(rng.integers(1, 3)),
        "random_state": int(rng.integers(1000)),
    }


def problem(rng):
    """Rows with zeros among them, targets and weights; and an estimator for them."""
    n_rows, n_features = int(rng.integers(8, 260)), int(rng.integers(1, 40))
    X = rng.integers(1, 4, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < 0.5)
    y = np.arange(n_rows) % int(rng.integers(2, 5))
    params = parameters(n_rows, rng)
    if rng.integers(2):
        model = MLPClassifier(**params)
    else:
        y = rng.random((n_rows, int(rng.integers(1, 3))))
        loss = ["squared_error", Quantile([0.1, 0.5, 0.9])][rng.integers(2)]
        model = MLPRegressor(loss=loss, **params)
    return X.astype(np.float32), y, rng.uniform(0.5, 2, n_rows), model


def same(actual, expected, exact):
    if exact:
        np.testing.assert_array_equal(actual, expected)
    else:  # sums in another order, which bfloat16 may round to a neighbour
        np.testing.assert_allclose(actual, expected, rtol=0.05, atol=0.05)


def outputs(model, X):
    if isinstance(model, MultiTaskMLP):
        predicted = model.predict_proba(X), model.predict(X)
        return np.column_stack([part for parts in predicted for part in parts.values()])
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def try_same(rng, say):
    """Check that other layouts of the same numbers give the same results."""
    X, y, weight, model = problem(rng)
    ways = [str(rng.choice(list(SAME))) for _ in range(3)]
    exact = rng.integers(2) > 0
    if exact:
        say(f"same {ways}")
        rows = SAME[ways[0]](X)
    else:
        way = str(rng.choice(list(SAME_SPARSE)))
        say(f"same sparse {way} {ways[1:]}")
        container = (sparse.csr_array, sparse.csr_matrix)[rng.integers(2)]
        rows = SAME_SPARSE[way](container(X))
    given = rows, SAME[ways[1]](y), SAME[ways[2]](weight)
    expected = outputs(model.fit(X if exact else sparse.csr_array(X), y, weight), X)
    learned = outputs(model.fit(*given), X)
    same(learned, expected, exact)
    same(outputs(model, rows), learned, exact)


def try_wrong(rng, say):
    """Wrong numbers are refused, or what they say is possible."""
    X, y, weight, model = problem(rng)
    X = (sparse.csr_array, sparse.csr_matrix)[rng.integers(2)](X)
    fitted = rng.integers(2) > 0
    if fitted:
        model.fit(X, y, weight)
    before = outputs(model, X) if fitted else None
    wrong = wrong_sparse(X, rng)
    say(f"wrong {wrong.format} {model.precision}")
    calls = [
        lambda: model.fit(wrong, y, weight),
        lambda: model.fit(X, y, weight, X_val=wrong, y_val=y),
        lambda: model.partial_fit(wrong, y, *[None, np.unique(y)][: isinstance(y[0], np.integer)]),
        lambda: model.predict(wrong),
        lambda: model.fit(X, wrong),
    ]
    which = int(rng.integers(5))
    try:
        calls[which]()
    except (TypeError, ValueError, AttributeError) as error:
        assert str(error), repr(error)
        if fitted:
            same(outputs(model, X), before, True)


def try_meddling(rng, say):
    """Check that a callback's changes of the training data have no effect, or are an error."""
    X, y, weight, model = problem(rng)
    dtype = "float64" if model.precision == "float64" else "float32"
    of_classes = isinstance(model, MLPClassifier)
    given = [X.astype(dtype), y if of_classes else y.astype(dtype), weight.astype(dtype)]
    do, which = (reshape, retype, resize)[rng.integers(3)], int(rng.integers(3))
    if rng.integers(2):
        given[0] = sparse.csr_array(X.astype(dtype))
        do = rewrite if which == 0 else do
    say(f"{do.__name__} {'Xyw'[which]}, {type(given[0]).__name__}, {model.precision}")
    expected = outputs(model.fit(*(array.copy() for array in given)), X)
    model.set_params(callbacks=[Meddles([given[which]], do, rng)])
    try:
        model.fit(*given)
    except ValueError as error:
        assert do is rewrite, error
    else:
        learned = outputs(model, X)
        assert np.isfinite(learned).all()
        if do is not rewrite:
            same(learned, expected, True)


def try_heads(rng, say):
    """Check that heads read their targets in any layout, once, whatever a callback does to them."""
    X, _, weight, _ = problem(rng)
    y = {"class": np.arange(len(X)) % 3, "labels": rng.integers(0, 2, (len(X), 2))}
    y |= {"value": rng.random(len(X)), "values": rng.random((len(X), 3))}
    heads = dict.fromkeys(y, "log_loss") | {"value": Quantile(0.2), "values": None}
    model = MultiTaskMLP(**parameters(len(X), rng), heads=heads)
    model.set_params(task_weighting=[None, "uncertainty"][rng.integers(2)])
    ways = [str(rng.choice(list(SAME))) for _ in y]
    do = (reshape, retype, resize)[rng.integers(3)]
    say(f"heads {ways} {do.__name__} {model.precision}")
    given = {name: SAME[way](y[name]) for name, way in zip(y, ways, strict=True)}
    expected = outputs(model.fit(X, y, weight), X)
    model.set_params(callbacks=[Meddles(given.values(), do, rng)])
    same(outputs(model.fit(X, given, weight), X), expected, True)


def try_threads(rng, say):
    """Train while another thread writes to sparse rows."""
    X, y, _, model = problem(rng)
    say(f"threads {model.precision}")
    X, y = sparse.csr_array(np.repeat(X, 20, axis=0)), np.repeat(y, 20, axis=0)
    model.fit(X, y)
    kept, ends = (X.indices.copy(), X.indptr.copy()), threading.Event()

    def hammer():
        while not ends.is_set():
            X.indices[::7], X.indptr[1:-1:5] = 1 << 30, -1 << 30
            X.indices[:], X.indptr[:] = kept

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        for call in [partial(model.predict, X), partial(model.fit, X, y)] * 5:
            with suppress(ValueError):
                call()
    finally:
        ends.set()
        thread.join()
    assert np.isfinite(outputs(model, X)).all()


def main(seed, n):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(seed)
    for i in range(n):
        tries = (try_same, try_wrong, try_meddling, try_heads) * 2 + (try_threads,)
        tries[i % len(tries)](rng, lambda what, i=i: print(i, what, flush=True))


# -------------------------------------------------------------------------------------- tests


def run(seed, n):
    process = subprocess.run(
        [sys.executable, "-X", "faulthandler", Path(__file__), str(seed), str(n)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    last = process.stdout.splitlines()[-1:]
    assert process.returncode == 0, f"{last} of seed {seed}: {process.stderr[-3000:]}"


def test_hostile_rows():
    run(0, 60)


@pytest.mark.whole
@pytest.mark.parametrize("seed", range(1, 21))
def test_hostile_rows_at_length(seed):
    run(seed, 300)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
