"""Checks of the arguments of native code in every call, and calls that fail."""

import signal
import threading

import numpy as np
import pytest
import scipy.sparse

from fastnn import _core
from fastnn._core.codes import Column
from fastnn._core.cpu import engine as native
from fastnn._core.program import aligned_zeros
from support.engines import Engine
from support.problems import make_data, make_layers, make_network

N_ROWS, N_FEATURES, BATCH = 40, 6, 8


def an_engine(loss="log_loss", dtype="float32", **options):
    rng = np.random.default_rng(0)
    layers = make_layers([20, 3], "tanh", "before", loss=loss)
    return Engine(make_network(rng, N_FEATURES, layers, loss), loss, "adam", dtype, **options)


def call(engine, loss="log_loss"):
    """Return the arguments of a call of five steps, by name."""
    X, y = make_data(np.random.default_rng(1), N_ROWS, N_FEATURES, 3, loss)
    coefficients = engine.solver.coefficients(np.full(5, 0.01), 0.1, 0)
    return {
        "X": X.astype(engine.dtype),
        "y": engine.targets(y),
        "sample_weight": np.ones(N_ROWS, engine.dtype),
        "order": np.random.default_rng(2).permutation(N_ROWS),
        "batch_size": BATCH,
        "coefficients": coefficients,
        "losses": np.empty((5, 2)),
        "grad_norms": np.empty(5),
    }


def arenas(engine):
    state = engine.state
    return [state.step, *(a.copy() for a in (state.parameters, state.statistics, state.slots))]


def assert_same(engine, before):
    for now, then in zip(arenas(engine), before, strict=True):
        np.testing.assert_array_equal(now, then)


def with_one(array, value, position=7):
    array = array.copy()
    array[position] = value
    return array


# Name, and what becomes of it.
MISFITS = {
    "wider rows": ("X", lambda X: np.hstack([X, X])),
    "narrower rows": ("X", lambda X: X[:, 1:]),
    "rows of another type": ("X", lambda X: X.astype(np.longdouble)),
    "rows of the other byte order": ("X", lambda X: X.astype(X.dtype.newbyteorder())),
    "rows of three axes": ("X", lambda X: X[np.newaxis]),
    "a list": ("X", lambda X: X.tolist()),
    "another format": ("X", lambda X: scipy.sparse.csc_array(X)),
    "sparse bytes": ("X", lambda X: scipy.sparse.csr_array(X.astype(np.uint8))),
    "fewer targets": ("y", lambda y: y[:-1]),
    "targets with gaps": ("y", lambda y: np.repeat(y, 2)[::2]),
    "targets of another type": ("y", lambda y: y.astype(float)),
    "a class too many": ("y", lambda y: with_one(y, 3)),
    "a negative class": ("y", lambda y: with_one(y, -1)),
    "fewer weights": ("sample_weight", lambda w: w[:-1]),
    "weights with gaps": ("sample_weight", lambda w: np.repeat(w, 2)[::2]),
    "weights of another type": ("sample_weight", lambda w: w.astype(np.float16)),
    "a row too far": ("order", lambda order: with_one(order, N_ROWS)),
    "a negative row": ("order", lambda order: with_one(order, -1)),
    "an order of another type": ("order", lambda order: order.astype(np.int32)),
    "an order with gaps": ("order", lambda order: np.repeat(order, 2)[::2]),
    "fewer rows than steps": ("order", lambda order: order[:32]),
    "no batch": ("batch_size", lambda n: 0),
    "fewer coefficients": ("coefficients", lambda table: table[:, :-1].copy()),
    "coefficients of another type": ("coefficients", lambda table: table.astype("f4")),
    "room for fewer losses": ("losses", lambda losses: losses[1:]),
    "room for fewer norms": ("grad_norms", lambda norms: norms[1:]),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_refused(name):
    engine = an_engine()
    right = call(engine)
    assert engine.native.train_steps(**right) == 5
    before = arenas(engine)
    which, change = MISFITS[name]
    with pytest.raises((TypeError, ValueError)) as error:
        engine.native.train_steps(**{**right, which: change(right[which])})
    assert str(error.value).endswith(".")
    assert_same(engine, before)
    assert engine.native.train_steps(**right) == 5


@pytest.mark.parametrize("loss", ["squared_error", "binary_log_loss"])
def test_targets_of_another_number_of_outputs_are_refused(loss):
    engine = an_engine(loss)
    right = call(engine, loss)
    for targets in (right["y"][:, :2].copy(), np.asfortranarray(right["y"])):
        with pytest.raises(ValueError, match="y must be 120 numbers"):
            engine.native.train_steps(**{**right, "y": targets})


def test_predictions_have_to_fit():
    engine = an_engine()
    X, state = call(engine)["X"], engine.state

    def predict(X=X, parameters=state.parameters, statistics=state.statistics):
        _core.make_predictor(engine.program, parameters, statistics)(X)

    predict()
    wide = np.repeat(X, 2000, axis=1)
    unaligned = np.empty(len(state.parameters) + 1, engine.dtype)[1:]
    for misfit in [
        {"X": wide},
        {"X": scipy.sparse.csr_array(wide)},
        {"parameters": state.parameters[:-16]},
        {"parameters": unaligned},
        {"statistics": state.statistics.astype(float)},
    ]:
        with pytest.raises(ValueError, match=r"\.$"):
            predict(**misfit)


def test_a_gradient_has_to_fit():
    engine = an_engine()
    given = [call(engine)[name] for name in ("X", "y", "sample_weight")]
    for grad in (aligned_zeros(5, engine.dtype), aligned_zeros(engine.program.n_parameters, float)):
        with pytest.raises(ValueError, match="grad must be"):
            engine.native.loss_and_grad(*given, 0.1, grad)


def sparse_rows(X):
    return scipy.sparse.csr_array(np.where(X > 0, X, 0))


def spoiled(array_name, position, value):
    def spoil(X):
        getattr(X, array_name)[position] = value

    return spoil


SPOILED = {
    "a column too far": spoiled("indices", 5, N_FEATURES),
    "a column very far": spoiled("indices", 5, 1 << 20),
    "a negative column": spoiled("indices", -1, -1),
    "row pointers that fall": spoiled("indptr", 3, 0),
    "a row pointer beyond": spoiled("indptr", -1, 1 << 20),
    "row pointers that are too many": lambda X: setattr(X, "indptr", np.append(X.indptr, X.nnz)),
    "a negative row pointer": spoiled("indptr", 0, -5),
    "fewer numbers of columns": lambda X: setattr(X, "indices", X.indices[:-1]),
    "fewer elements": lambda X: setattr(X, "data", X.data[:-1]),
    "a column that would wrap": lambda X: setattr(X, "indices", X.indices + np.int64(1 << 32)),
}


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", SPOILED)
def test_wrong_numbers_of_a_sparse_matrix_reach_no_memory(name, dtype, n_threads):
    """Check a sparse matrix that another thread modifies after it was checked."""
    engine = an_engine(dtype=dtype, n_threads=n_threads)
    right = call(engine)
    right["X"] = sparse_rows(right["X"])
    assert engine.native.train_steps(**right) == 5
    before = arenas(engine)
    SPOILED[name](X := right["X"].copy())
    with pytest.raises(ValueError, match="sparse X"):
        engine.native.train_steps(**{**right, "X": X})
    with pytest.raises(ValueError, match="sparse X"):
        engine.predict(X)
    with pytest.raises(ValueError, match="sparse X"):
        engine.native.loss(X, right["y"], None)
    if (
        name.startswith("a ") and "column" in name
    ):  # the step that met it was not taken, those before were
        assert before[0] <= engine.state.step < before[0] + 5
    else:
        assert_same(engine, before)


@pytest.mark.parametrize("layout", ["strided", "reversed", "big", "unsorted", "doubled"])
def test_parts_of_sparse_matrices_are_read_as_they_are(layout):
    engine = an_engine(dtype="float64")
    dense = np.maximum(call(engine)["X"], 0)
    X = scipy.sparse.csr_array(dense)
    if layout == "strided":
        X = (X + 0j * X).real
        assert X.data.strides == (16,)
    elif layout == "reversed":
        X.data = X.data[::-1].copy()[::-1]
        X.indices = X.indices[::-1].copy()[::-1]
    elif layout == "big":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    elif layout == "unsorted":
        for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
            X.data[start:end] = X.data[start:end][::-1].copy()
            X.indices[start:end] = X.indices[start:end][::-1].copy()
    else:  # an element in two parts
        X = scipy.sparse.csr_array(
            (np.repeat(X.data, 2) / 2, np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape
        )
    kept = [array.copy() for array in (X.data, X.indices, X.indptr)]
    np.testing.assert_allclose(engine.predict(X), engine.predict(dense), rtol=1e-12)
    other, given = an_engine(dtype="float64"), call(engine)
    engine.native.train_steps(**{**given, "X": X})
    other.native.train_steps(**{**given, "X": dense})
    np.testing.assert_allclose(engine.state.parameters, other.state.parameters, atol=1e-9)
    for array, before in zip((X.data, X.indices, X.indptr), kept, strict=True):
        np.testing.assert_array_equal(array, before)


def test_rows_that_are_not_aligned():
    engine = an_engine()
    X = call(engine)["X"]
    raw = np.zeros(X.nbytes + 1, np.uint8)
    raw[1:] = X.view(np.uint8).ravel()
    shifted = np.ndarray(X.shape, X.dtype, raw, 1)
    assert not shifted.flags.aligned
    np.testing.assert_array_equal(engine.predict(shifted), engine.predict(X))


def larger(engine, sparse):
    """A call that needs more room than there is, of every kind."""
    right = call(engine)
    right["coefficients"] = right["coefficients"][:1].copy()
    right["coefficients"][:, Column.MIX_WEIGHT : Column.MIX_SHIFT + 1] = 0.3, 1
    right["coefficients"][:, Column.CLIP_NORM] = 1
    right["coefficients"][:, Column.WEIGHT_NOISE] = 0.1
    right |= {"batch_size": N_ROWS, "losses": np.empty((1, 2)), "grad_norms": np.empty(1)}
    if sparse:
        right["coefficients"][:, Column.MIX_WEIGHT] = 1
        right["X"] = sparse_rows(right["X"])
    return right


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("sparse", [False, True])
def test_memory_that_cannot_be_had_leaves_the_engine_as_it_was(sparse, dtype, monkeypatch):
    """Whichever allocation fails: what comes after has the bits that it would have had."""
    failed = 0
    while True:
        engine, other = (an_engine(dtype=dtype, max_batch=BATCH) for _ in range(2))
        engine.native.train_steps(**call(engine))
        other.native.train_steps(**call(other))
        before, left = arenas(engine), [failed]

        def failing(*arguments, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise MemoryError
            return aligned_zeros(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(native, "aligned_zeros", failing)
            try:
                engine.native.train_steps(**larger(engine, sparse))
            except MemoryError:
                assert_same(engine, before)
            else:
                break
        for given in (call, lambda engine: larger(engine, sparse), call):
            for run in (engine, other):
                run.native.train_steps(**given(run))
            assert_same(engine, arenas(other))
        failed += 1
    assert failed > 5


def interrupt(engine, do):
    """Run a function in a signal handler during a long call; return its errors."""
    n_steps, right = 2_000_000, call(engine)
    right |= {"order": np.zeros(2 * n_steps, np.int64), "batch_size": 2, "grad_norms": None}
    right["coefficients"] = np.repeat(right["coefficients"][:1], n_steps, axis=0)
    right["losses"] = np.empty((n_steps, 2))
    errors = []

    def attempt():
        try:
            do(right["X"])
        except (RuntimeError, ValueError) as error:
            errors.append(str(error))

    def handler(*_):
        attempt()
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.native.train_steps(**right)
    finally:
        signal.signal(signal.SIGALRM, before)
    do(right["X"])
    return errors


def test_an_engine_does_one_thing_at_a_time():
    """Check that a signal handler and another thread are rejected."""
    engine = an_engine(max_batch=2)
    errors = interrupt(engine, lambda X: engine.native.train_steps(**call(engine)))
    assert len(errors) == 2
    assert all("is being trained" in message for message in errors)


def test_nobody_resizes_rows_that_are_read():
    """Check that weak references of the engine prevent resizing, also with refcheck=False."""
    errors = interrupt(an_engine(max_batch=2), lambda X: X.resize((4, 12), refcheck=False))
    assert len(errors) == 2
    assert all("resize" in message for message in errors)


def test_same_objects_are_not_compared_by_value():
    a, b, equal = np.ones(1), np.ones(2), np.ones(1)
    assert native.are_same((), ()) and native.are_same((a, b), (a, b))
    assert not native.are_same((a, b), (b, a))
    assert not native.are_same((a,), (equal,))
    assert not native.are_same((a, b), (a,)) and not native.are_same((a,), (a, b))
