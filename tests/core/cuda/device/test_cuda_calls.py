"""Calls of the CUDA engine: chunks of rows, halts, Ctrl-C, memory."""

import signal

import numpy as np
import pytest
from scipy import sparse

from fastnn._core.codes import Column
from fastnn._core.cuda import data, engine, launch
from fastnn.layers import BatchNorm, Dense
from support.engines import Engine
from support.problems import make_data, make_network
from support.trajectories import assert_same_state, named

# A GPU says nothing of an overflow, and NumPy's numbers, with which the simulator computes, do.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

N_FEATURES, N_ROWS, BATCH = 5, 10, 3
N_STEPS = 4
# Adam would make whole steps of the rounding errors that the gradients of biases before a norm are.
SOLVER = "nesterov"
LAYERS = [Dense(6, "tanh", BatchNorm(), 0.3), Dense(2, "identity")]


def problem():
    rng = np.random.default_rng(0)
    network = make_network(rng, N_FEATURES, LAYERS, "squared_error", seed=3)
    X, y = make_data(rng, N_ROWS, N_FEATURES, 2, "squared_error")
    weight, order = rng.uniform(0.5, 2, N_ROWS), rng.permutation(N_ROWS)
    return network, X, y, weight, order


def engine_of(network, **given):
    return Engine(network, "squared_error", SOLVER, max_batch=BATCH, device="cuda", **given)


def state_of(trained):
    state = trained.state
    return [state.parameters, state.statistics, state.slots]


@pytest.fixture
def small_chunks(monkeypatch):
    """Leave no room for the rows, so that chunks have two batches."""
    monkeypatch.setattr(data, "free_memory", lambda: 0)
    monkeypatch.setattr(data, "BYTES_OF_CHUNK", 2 * BATCH * N_FEATURES * 8)


@pytest.mark.parametrize("is_ordered", [False, True])
@pytest.mark.parametrize("kind", ["dense", "fortran", "sparse"])
def test_rows_in_chunks_train_to_the_same_bits(kind, is_ordered, small_chunks):
    network, X, y, weight, order = problem()
    order = order if is_ordered else None
    kinds = {"dense": X, "fortran": np.asfortranarray(X), "sparse": sparse.csr_array(X)}
    runs = [engine_of(network) for _ in range(2)]
    runs[0].native._uploads(X, data.on_device)  # there, and so it stays
    for _ in range(2):
        losses = [
            run.train(
                rows, y, BATCH, [0.1] * N_STEPS, 0.1, weight, order, tells_norm=[True, False] * 2
            )
            for run, rows in zip(runs, [X, kinds[kind]], strict=True)
        ]
        np.testing.assert_array_equal(*losses)
    np.testing.assert_array_equal(*(run.grad_norms for run in runs))
    for ours, theirs in zip(*map(state_of, runs), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    expected = runs[0].loss(X, y, weight)
    np.testing.assert_allclose(runs[1].loss(kinds[kind], y, weight), expected)
    np.testing.assert_array_equal(runs[1].predict(kinds[kind]), runs[0].predict(X))


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize("dtype", [np.int16, np.float16, bool])
def test_rows_of_types_without_a_kernel_are_converted(dtype, in_chunks, request):
    if in_chunks:
        request.getfixturevalue("small_chunks")
    network, X, y, weight, order = problem()
    given = (3 * X).astype(dtype)
    runs = [engine_of(network) for _ in range(2)]
    for run, rows in zip(runs, [given, given.astype(float)], strict=True):
        run.train(rows, y, BATCH, [0.1] * N_STEPS, 0.1, weight, order)
    for ours, theirs in zip(*map(state_of, runs), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(runs[0].predict(given), runs[1].predict(given.astype(float)))


def test_predictions_of_several_blocks(small_chunks, monkeypatch):
    """Products of other sizes are summed in another order."""
    network, X, *_ = problem()
    expected = engine_of(network).predict(X)
    monkeypatch.setattr(engine, "ROWS_PER_BLOCK", BATCH)
    np.testing.assert_allclose(engine_of(network).predict(X), expected, rtol=1e-14, atol=1e-14)


def test_gradients_and_losses_of_several_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    layers = [Dense(3, "tanh"), Dense(2, "identity")]
    network = make_network(rng, N_FEATURES, layers, "squared_error")
    _, X, y, weight, _ = problem()
    expected = network.loss_and_grad(X, y, weight, 0.3)
    monkeypatch.setattr(engine, "ROWS_PER_BLOCK", BATCH)
    trained = engine_of(network)
    for _ in range(2):  # nothing is left of the first
        *actual, gradient = trained.loss_and_grad(X, y, weight, 0.3)
        np.testing.assert_allclose(actual, expected[:2])
        for ours, theirs in zip(named(gradient), named(expected[2]), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trained.loss(X, y, weight), expected[0])


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_loss_that_is_not_finite_halts(in_chunks, request):
    """The step is not applied, nor any after it; those before it are."""
    if in_chunks:
        request.getfixturevalue("small_chunks")
    network, X, y, *_ = problem()
    trained = engine_of(network)
    y = y.copy()
    y[2 * BATCH] = np.inf
    losses, norms = np.full((N_STEPS, 2), np.nan), np.full(N_STEPS, np.nan)
    table = trained.solver.coefficients(np.full(N_STEPS, 0.1), 0.1, 0)
    table[:, Column.GRAD_NORM] = 1
    done = trained.native.train_steps(X, y, None, None, BATCH, table, losses, norms)
    assert done == trained.state.step == 2
    assert np.isnan(norms[2:]).all()
    assert not np.isfinite(losses[2, 0])
    expected = network.train(X[: 2 * BATCH], y[: 2 * BATCH], SOLVER, BATCH, [0.1] * 2, 0.1)
    np.testing.assert_allclose(losses[:2], expected)
    np.testing.assert_allclose(norms[:2], network.grad_norms)
    assert_same_state(trained, network, 1e-9)


def test_an_interrupted_call_ends_with_a_whole_step(monkeypatch):
    network, X, y, *_ = problem()
    trained, one_step, n_calls = engine_of(network), launch.Replay._launch, 0

    def interrupted(self, stream):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 2:
            signal.raise_signal(signal.SIGINT)
        one_step(self, stream)

    monkeypatch.setattr(launch.Replay, "_launch", interrupted)
    monkeypatch.setattr(launch, "SECONDS_PER_SLICE", 0.0)  # it looks after each step
    with pytest.raises(KeyboardInterrupt):
        trained.train(X, y, BATCH, [0.1] * N_STEPS, 0.1)
    done = trained.state.step
    assert 2 <= done < N_STEPS
    network.train(X[: done * BATCH], y[: done * BATCH], SOLVER, BATCH, [0.1] * done, 0.1)
    assert_same_state(trained, network, 1e-9)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_batch_may_be_larger_than_was_planned_for():
    network, X, y, *_ = problem()
    trained = engine_of(network)
    for size in (BATCH, N_ROWS, 2):
        rates = [0.1] * -(-N_ROWS // size)
        trained.train(X, y, size, rates)
        network.train(X, y, SOLVER, size, rates)
    assert_same_state(trained, network, 1e-9)


def test_what_is_written_between_calls_counts():
    network, X, y, *_ = problem()
    trained = engine_of(network)
    for _ in range(2):
        trained.train(X, y, BATCH, [0.1] * N_STEPS)
        network.train(X, y, SOLVER, BATCH, [0.1] * N_STEPS)
        for values in (*trained.parameters, *network.parameters):
            values["coef"][...] = values["coef"] * 1.5
    np.testing.assert_allclose(trained.predict(X), network.predict(X), rtol=1e-9)


def test_reruns_give_the_same_bits():
    network, X, y, weight, order = problem()
    runs = [engine_of(network, dtype="float32") for _ in range(2)]
    for run in runs:
        run.train(X.astype("float32"), y, BATCH, [0.1] * N_STEPS, 0.1, weight, order)
    for ours, theirs in zip(*map(state_of, runs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("is_late", [False, True])
def test_no_memory_is_told_and_changes_nothing(is_late, monkeypatch):
    network, X, y, *_ = problem()
    trained = engine_of(network)
    before = [arena.copy() for arena in state_of(trained)]

    allocate = launch.cuda.device_array

    def fail(shape, dtype):
        if not is_late or dtype == np.int64:
            raise RuntimeError("[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")
        return allocate(shape, dtype)

    monkeypatch.setattr(launch.cuda, "device_array", fail)
    with pytest.raises(MemoryError, match="smaller batch_size"):
        trained.train(X, y, BATCH, [0.1] * N_STEPS)
    assert trained.state.step == 0
    for ours, theirs in zip(state_of(trained), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def wrong_sparse(X):
    X = sparse.csr_array(X)
    X.indices[3] = 1 << 20
    return X


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y, weight, order: (np.hstack([X, X]), y, weight, order),
        lambda X, y, weight, order: (X[:-1], y, weight, order),
        lambda X, y, weight, order: (X, y[:, :1], weight, order),
        lambda X, y, weight, order: (X, y, weight[1:], order),
        lambda X, y, weight, order: (X, y, weight, order - 1),
        lambda X, y, weight, order: (X, y, weight, order + 1),
        lambda X, y, weight, order: (wrong_sparse(X), y, weight, order),
    ],
)
def test_what_does_not_fit_is_refused(change):
    network, X, y, weight, order = problem()
    trained = engine_of(network)
    before = [arena.copy() for arena in state_of(trained)]
    X, y, weight, order = change(X, y, weight, order)
    with pytest.raises(ValueError, match=r"X|y|sample_weight|indices|index"):
        trained.train(X, y, BATCH, [0.1] * N_STEPS, 0.1, weight, order)
    for ours, theirs in zip(state_of(trained), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if X.shape[1] != N_FEATURES:
        with pytest.raises(ValueError, match="10 features"):
            trained.predict(X)


def test_an_engine_does_one_thing_at_a_time(monkeypatch):
    network, X, y, *_ = problem()
    trained = engine_of(network)
    do, nested = engine.Engine._do, []

    def twice(self, *arguments, **more):
        with pytest.raises(RuntimeError, match="is being trained"):
            trained.train(X, y, BATCH, [0.1] * N_STEPS)
        nested.append(True)
        return do(self, *arguments, **more)

    monkeypatch.setattr(engine.Engine, "_do", twice)
    for _ in range(2):
        trained.train(X, y, BATCH, [0.1] * N_STEPS)
    assert len(nested) == 2


@pytest.mark.gpu
def test_graphs_do_what_single_launches_do():
    """The first step of a plan is launched, others replayed: one by one, and many in a graph."""
    rng = np.random.default_rng(0)
    n_steps = 3 * launch.STEPS_IN_GRAPH + 5
    network = make_network(rng, N_FEATURES, LAYERS, "squared_error", seed=3)
    X, y = make_data(rng, n_steps * BATCH, N_FEATURES, 2, "squared_error")
    runs = [engine_of(network, dtype="float32") for _ in range(2)]
    X = X.astype("float32")
    runs[0].train(X, y, BATCH, [0.01] * n_steps)
    order = np.arange(len(X))
    for step in range(n_steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        runs[1].train(X, y, BATCH, [0.01], order=rows)
    for ours, theirs in zip(*map(state_of, runs), strict=True):
        np.testing.assert_array_equal(ours, theirs)
