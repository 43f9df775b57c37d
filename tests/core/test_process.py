"""The engine as a guest of its process: forks, threads, floating-point mode, memory."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import threadpoolctl

from fastnn import _core
from fastnn._core import cpu
from support.engines import Engine
from support.problems import make_data, make_layers, make_network
from support.scripts import run_script

# Work that is worth any number of threads.
HUGE = 10**12

needs_openmp = pytest.mark.skipif(
    not cpu.isa_info()["openmp"], reason="this build trains on one thread"
)


def test_import_starts_no_thread():
    """A parallel region at import would make every later fork dangerous."""
    script = """
        import os
        import sklearn.base, scipy.sparse
        before = len(os.listdir("/proc/self/task"))
        import fastnn
        print(len(os.listdir("/proc/self/task")) - before)
    """
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("counts threads in /proc")
    assert int(run_script(script)) == 0


def test_fork_after_fit():
    """OpenMP's threads do not survive a fork; a child that waited for them would hang."""
    run_script("""
        import os, warnings
        import numpy as np
        from fastnn import MLPClassifier, _core
        warnings.simplefilter("ignore")
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((2000, 50)).astype("float32"), rng.integers(3, size=2000)
        model = MLPClassifier((100,), max_iter=2, n_jobs=2, random_state=0).fit(X, y)
        expected = model.predict_proba(X)
        child = os.fork()
        if child == 0:
            same = np.array_equal(model.predict_proba(X), expected)
            again = MLPClassifier((100,), max_iter=2, n_jobs=2, random_state=0).fit(X, y)
            same = same and np.array_equal(again.predict_proba(X), expected)
            os._exit(0 if same and _core.n_threads(None, 10**12) == 1 else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the child computed something else"
        assert np.array_equal(model.predict_proba(X), expected)
    """)


def test_many_threads_predict_with_one_model():
    rng = np.random.default_rng(0)
    network = make_network(rng, 20, make_layers([50, 3], position="before"), "log_loss")
    engine = Engine(network, "log_loss", n_threads=2)
    blocks = [rng.standard_normal((n, 20)) for n in rng.integers(1, 400, 60)]
    expected = [engine.predict(X) for X in blocks]
    with ThreadPoolExecutor(8) as pool:
        for actual, one in zip(pool.map(engine.predict, blocks), expected, strict=True):
            np.testing.assert_array_equal(actual, one)


def test_models_train_at_once_in_threads():
    """The lock of the interpreter is released, and no buffer is shared."""

    def train(seed):
        rng = np.random.default_rng(seed)
        layers = make_layers([30, 3], position="before", dropout=0.5, loss="log_loss")
        network = make_network(rng, 20, layers, "log_loss", seed=seed)
        X, y = make_data(rng, 200, 20, 3, "log_loss")
        engine = Engine(network, "log_loss", "adam", n_threads=2)
        engine.train(X, y, 20, [0.01] * 200, order=np.tile(np.arange(200), 20))
        return engine.state.parameters

    expected = [train(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for actual, one in zip(pool.map(train, range(8)), expected, strict=True):
            np.testing.assert_array_equal(actual, one)


def test_other_threads_run_while_the_engine_works():
    rng = np.random.default_rng(0)
    engine = Engine(make_network(rng, 50, make_layers([100, 3]), "squared_error"), "squared_error")
    X, y = make_data(rng, 1000, 50, 3, "squared_error")
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    engine.train(X, y, 50, [1e-4] * 8000, order=np.tile(np.arange(1000), 400))
    end = time.perf_counter()
    done.set()
    thread.join()
    during = sum(start < tick < end for tick in ticks)
    # One tick in five milliseconds, were the machine ours alone.
    assert during > 3, f"{during} ticks in {end - start:.2f} s"


# --- denormal numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_callers_floating_point_mode_is_left_as_it_was(n_threads):
    """Inside, denormals are zero, as they would slow it down; outside, they are numbers."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 20, make_layers([50, 3]), "squared_error")
    engine = Engine(network, "squared_error", "adam", "float32", n_threads=n_threads)
    X, y = make_data(rng, 200, 20, 3, "squared_error")
    smallest = np.full(64, np.finfo(np.float32).smallest_normal)
    for call in (
        lambda: engine.train(X, y, 50, [0.01] * 4),
        lambda: engine.loss_and_grad(X[:60], y[:60]),
        lambda: engine.predict(X),
    ):
        call()
        assert (smallest / np.float32(4) > 0).all()


@pytest.mark.parametrize("n_threads", [1, 2])
def test_denormal_moments_become_zero(n_threads):
    """Adam's moments of a unit that died decay to where arithmetic is several times slower."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 200, make_layers([50, 1]), "squared_error")
    engine = Engine(network, "squared_error", "adam", "float32", n_threads=n_threads)
    denormal = np.float32(1e-40)
    engine.state.slots[...] = denormal
    # Where the rows are zero, so are the gradients of the first weight.
    engine.train(np.zeros((8, 200), np.float32), np.zeros((8, 1)), 8, [0.01])
    for slot in engine.state.slots:
        assert not engine.named(slot)[0]["coef"].any()
    assert denormal > 0


# --- how many threads -----------------------------------------------------------------------------


def test_n_jobs_asks_for_threads():
    assert _core.n_threads(2, HUGE) == min(2, joblib.cpu_count())
    assert _core.n_threads(None, 1) == 1
    assert _core.n_threads(None, 1, HUGE) == 1  # tiny steps, however many
    assert _core.n_threads(None, 3e6, 3) == 1  # too little in all
    assert _core.n_threads(1, HUGE) == 1
    assert _core.n_threads(-1, HUGE) >= 1


def test_threads_are_as_many_as_have_enough_to_do(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name in ("most_openmp_threads", "n_processors"):
        monkeypatch.setattr(cpu.threads, name, lambda: 16)
    for million, n_threads in ((1.9, 1), (2, 2), (7.9, 7), (1000, 16)):
        assert _core.n_threads(None, million * 1e6, HUGE) == n_threads
    for million, n_threads in ((9.9, 1), (10, 2), (33, 6), (HUGE, 16), (np.inf, 16)):
        assert _core.n_threads(None, million * 1e6) == n_threads
    assert _core.n_threads(-1, 1) == 16
    assert _core.n_threads(3, 1) == 3
    assert _core.n_threads(17, 1) == 16
    monkeypatch.setenv("OMP_NUM_THREADS", "20")
    monkeypatch.setattr(cpu.threads, "most_openmp_threads", lambda: 20)
    assert _core.n_threads(100, 1) == 20


@pytest.mark.parametrize("n_jobs", [100_000, 2**40, 2**70, -(2**40), np.int8(-128), np.int64(2)])
def test_any_number_of_jobs_is_a_number_of_threads(n_jobs):
    n = _core.n_threads(n_jobs, HUGE)
    assert 1 <= n <= min(max(n_jobs, 1), joblib.cpu_count())


@needs_openmp
@pytest.mark.skipif(sys.platform != "linux", reason="threads are tried on Linux only")
def test_where_threads_cannot_be_started_there_are_fewer():
    """OpenMP would end the process. Teams grow and shrink, and others start threads meanwhile."""
    script = """
        import resource, threading, warnings
        import numpy as np
        from fastnn import MLPClassifier
        warnings.filterwarnings("ignore", "Stochastic")
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((2000, 50)).astype("float32"), rng.integers(3, size=2000)

        def fitted(n_jobs):
            return MLPClassifier((100,), max_iter=2, n_jobs=n_jobs, random_state=0).fit(X, y)

        expected = fitted(1).predict_proba(X)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        # Threads that leave a team, or are those of others, may end a little later and take their
        # room: the first turn has twice as much.
        others, n_stacks = [], 7  # of 1 GB
        for n_jobs in (3, 64, 2, 64, 3, 8):
            resource.setrlimit(resource.RLIMIT_AS, (used + (n_stacks << 30) + (1 << 29), -1))
            n_stacks = 3
            with warnings.catch_warnings(record=True) as caught:
                warnings.filterwarnings("ignore", "Stochastic")
                warnings.filterwarnings("default", "Only")
                model = fitted(n_jobs)
                assert np.array_equal(model.predict_proba(X), expected)
            messages = [str(one.message) for one in caught]
            assert len(messages) <= 2, messages
            assert all(f"of {n_jobs} threads could be started" in one for one in messages), messages
            assert bool(messages) == (n_jobs > 4) or n_jobs < 4 and others, (n_jobs, messages)
            results = [None] * 3
            def train(i):
                results[i] = np.array_equal(fitted(2).predict_proba(X), expected)
            others = [threading.Thread(target=train, args=(i,)) for i in range(3)]
            for i in range(3):
                others[i].start(), others[i].join()
            assert results == [True] * 3
    """
    run_script(
        script,
        OMP_STACKSIZE="1G",
        OPENBLAS_NUM_THREADS="1",
        MALLOC_ARENA_MAX="1",
        OMP_NUM_THREADS="64",
    )


@needs_openmp
def test_threadpoolctl_limits_the_threads():
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert _core.n_threads(None, HUGE) == 1


@needs_openmp
def test_overlapping_lbfgs_fits_leave_the_threads_of_blas_as_they_were():
    script = """
import threading
from sklearn.datasets import load_iris
from threadpoolctl import ThreadpoolController
from fastnn import MLPClassifier
from fastnn.callbacks import Callback

X, y = load_iris(return_X_y=True)
inside, first_is_over = threading.Barrier(2), threading.Event()

class Wait(Callback):
    def __init__(self, longer=False):
        self.longer = longer
    def on_epoch_end(self, context):
        if context.epoch == 1:
            inside.wait(20)
            if self.longer:
                first_is_over.wait(20)
                counts.append(threads())

def threads():
    pools = ThreadpoolController().select(user_api="blas").lib_controllers
    return [pool.num_threads for pool in pools]

def fit(longer):
    model = MLPClassifier(solver="lbfgs", max_iter=3, n_jobs=1, callbacks=[Wait(longer)])
    model.fit(X, y)

import scipy.linalg
for pool in ThreadpoolController().select(user_api="blas").lib_controllers:
    pool.set_num_threads(2)
before, counts = threads(), []
both = [threading.Thread(target=fit, args=(longer,)) for longer in (False, True)]
[thread.start() for thread in both]
both[0].join()
first_is_over.set()
both[1].join()
assert set(counts[0]) == {1}, counts
assert threads() == before, (threads(), before)
"""
    run_script(script)


@pytest.mark.parametrize("limit", [1, 2])
def test_environment_limits_the_threads(limit):
    script = f"from fastnn import _core; print(_core.n_threads(None, {HUGE}))"
    assert int(run_script(script, OMP_NUM_THREADS=str(limit))) <= limit


def _threads_of_worker(_):
    from fastnn import _core

    return _core.n_threads(None, HUGE)


def test_workers_of_joblib_share_the_cores():
    n_jobs = 2
    threads = joblib.Parallel(n_jobs)(joblib.delayed(_threads_of_worker)(i) for i in range(4))
    assert max(threads) <= max(1, joblib.cpu_count() // n_jobs)


def test_threads_of_joblib_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    calls = [joblib.delayed(_threads_of_worker)(i) for i in range(4)]
    assert joblib.Parallel(2, prefer="threads")(calls) == [1] * 4
    alone = joblib.Parallel(1, prefer="threads")(calls)
    assert alone == [_core.n_threads(None, HUGE)] * 4
    asked = joblib.Parallel(2, prefer="threads")(
        joblib.delayed(_core.n_threads)(2, HUGE) for _ in range(4)
    )
    assert asked == [_core.n_threads(2, HUGE)] * 4


# --- more than 2**31 elements ---------------------------------------------------------------------


@pytest.fixture
def long_file(tmp_path):
    """2.5 GB of zeros that take no room: a file with a hole, apart from its last megabyte."""
    path = tmp_path / "rows"
    flat = np.memmap(path, np.uint8, "w+", shape=(2_500_000_000,))
    flat[-1_000_000:] = np.random.default_rng(0).integers(5, size=1_000_000)
    return flat


def test_rows_that_lie_beyond_two_gigabytes_train(long_file):
    X = long_file.reshape(-1, 500)
    assert X.size > 2**31
    rng = np.random.default_rng(0)
    order = np.array([0, 1, len(X) - 1, len(X) - 2, len(X) - 100, 7, len(X) - 1999])
    y = np.zeros((len(X), 1), np.float32)
    y[order] = rng.standard_normal((7, 1))
    network = make_network(rng, 500, make_layers([3, 1], "tanh"), "squared_error")
    far, near = (Engine(network, "squared_error", dtype="float32") for _ in range(2))
    losses = far.train(X, y, 4, [0.01] * 2, order=order)
    expected = near.train(np.array(X[order]), y[order], 4, [0.01] * 2)
    assert np.isfinite(losses).all()
    np.testing.assert_array_equal(losses, expected)
    np.testing.assert_array_equal(far.state.parameters, near.state.parameters)


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_strides_beyond_two_gigabytes_predict(long_file, axis):
    rng = np.random.default_rng(0)
    network = make_network(rng, 26, make_layers([3, 1], "tanh"), "squared_error")
    end = long_file[-100_000_000 * 24 - 500_000 :]
    shape, strides = ((25, 26), (100_000_000, 1)) if axis == "rows" else ((25, 26), (1, 96_000_000))
    X = np.lib.stride_tricks.as_strided(end, shape, strides, writeable=False)
    assert sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) > 2**31
    assert X.any()
    engine = Engine(network, "squared_error", dtype="float32")
    np.testing.assert_array_equal(engine.predict(X), engine.predict(np.array(X)))


def test_more_than_two_gigabytes_of_rows_predict():
    rng = np.random.default_rng(0)
    row = rng.integers(5, size=45_000).astype(np.uint8)
    X = np.broadcast_to(row, (50_000, 45_000))
    assert X.size > 2**31
    network = make_network(rng, 45_000, make_layers([1], "tanh"), "squared_error")
    engine = Engine(network, "squared_error", dtype="float32", n_threads=2)
    out = engine.predict(X)
    np.testing.assert_array_equal(out, np.full_like(out, engine.predict(X[:1]).item()))
