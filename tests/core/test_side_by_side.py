"""Several networks trained in one native call."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from fastnn import _core
from fastnn._core import cpu
from support import TESTS
from support.engines import SOLVERS, Engine
from support.problems import make_data, make_layers, make_network
from support.reference import ACTIVATIONS
from support.scripts import run_script
from support.stacks import SPECS, inputs, losses, problem, stacks

kinds = st.fixed_dictionaries(
    {
        "layers": stacks([*ACTIVATIONS, *SPECS]),
        "loss": losses,
        "of_input": inputs,
        "n_rows": st.sampled_from([1, 19, 40]),
        "optimizer": st.sampled_from(sorted(SOLVERS)),
        "dtype": st.sampled_from(["float32", "float64", "bfloat16"]),
        "batch_size": st.sampled_from([4, 8]),
        "n_threads": st.sampled_from([1, 3]),
    }
)


def prepared(layers, loss, of_input, n_rows, optimizer, dtype, batch_size, n_threads):
    """Return an engine, and the arguments of a call that takes two epochs of steps."""
    network, X, y, weight = problem(layers, loss, n_rows, of_input)
    engine = Engine(network, loss, optimizer, dtype, batch_size, n_threads)
    n_steps = 2 * n_rows // batch_size + (2 * n_rows % batch_size > 0)
    order = np.random.default_rng(1).permutation(np.tile(np.arange(n_rows), 2))
    table = engine.solver.coefficients(np.full(n_steps, 1e-3), 0.1, 0)
    rows = X.astype(engine.dtype), engine.targets(y), engine.weights(weight), order
    return engine, (*rows, batch_size, table, np.zeros((n_steps, 2)), np.zeros(n_steps))


def learned(engine, arguments):
    """Everything that a call leaves."""
    state = engine.state
    return [state.step, *arguments[-2:], state.parameters, state.statistics, state.slots]


def assert_same(pairs, others):
    for one, other in zip(pairs, others, strict=True):
        for mine, expected in zip(learned(*one), learned(*other), strict=True):
            np.testing.assert_array_equal(mine, expected)


def side_by_side(pairs, n_threads):
    calls = [(engine.native, arguments) for engine, arguments in pairs]
    return _core.train_side_by_side(calls, n_threads)


def wide(seed=0, width=20, scale=1.0, n_steps=5, n_rows=40):
    """A network for classes, and arguments to train it."""
    rng = np.random.default_rng(seed)
    layers = make_layers([width, 3], "tanh", "before", loss="log_loss")
    engine = Engine(make_network(rng, 6, layers, "log_loss"), "log_loss", "adam", "float32")
    X, y = make_data(rng, n_rows, 6, 3, "log_loss")
    order = np.resize(np.arange(n_rows), 8 * n_steps)
    table = engine.solver.coefficients(np.full(n_steps, 0.01), 0.1, 0)
    rows = (X * scale).astype("f4"), engine.targets(y), None, order
    return engine, (*rows, 8, table, np.zeros((n_steps, 2)), np.zeros(n_steps))


@given(st.lists(kinds, min_size=1, max_size=5), st.sampled_from([1, 2, 3, 8]))
def test_networks_learn_the_same_bits_as_each_alone(drawn, n_threads):
    together, alone = ([prepared(**kind) for kind in drawn] for _ in range(2))
    taken = side_by_side(together, n_threads)
    assert taken == [engine.native.train_steps(*arguments) for engine, arguments in alone]
    assert_same(together, alone)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_that_diverges_stops_alone(n_threads):
    together, alone = ([wide(0), wide(1, scale=np.inf), wide(2)] for _ in range(2))
    taken = side_by_side(together, n_threads)
    assert taken == [5, 0, 5]
    assert [engine.native.train_steps(*arguments) for engine, arguments in alone] == taken
    assert_same(together, alone)


def test_many_calls_go_on_from_each_other():
    together, alone = ([wide(seed, 5 + seed) for seed in range(7)] for _ in range(2))
    for _ in range(20):
        side_by_side(together, 2)
    for engine, arguments in alone:
        for _ in range(20):
            engine.native.train_steps(*arguments)
    assert_same(together, alone)


def test_sparse_and_dense_rows_of_one_table():
    def pairs():
        for seed, convert in enumerate([np.asarray, scipy.sparse.csr_array, np.asfortranarray]):
            engine, (X, *others) = wide(seed)
            yield engine, (convert(X * (X > 0)), *others)

    together, alone = list(pairs()), list(pairs())
    side_by_side(together, 3)
    for engine, arguments in alone:
        engine.native.train_steps(*arguments)
    assert_same(together, alone)


def test_what_does_not_fit_is_refused_before_any_network_is_trained():
    pairs = [wide(seed) for seed in range(3)]
    before = [[a.copy() for a in map(np.asarray, learned(*pair))] for pair in pairs]
    misfit = pairs[2][0], (pairs[2][1][0][:, 1:], *pairs[2][1][1:])
    for calls, message in [
        ([*pairs[:2], misfit], "X has 5 features"),
        ([], "one network or more"),
        ([pairs[0], pairs[1], pairs[0]], "none twice"),
    ]:
        with pytest.raises(ValueError, match=message):
            side_by_side(calls, 2)
        for pair, expected in zip(pairs, before, strict=True):
            for now, then in zip(learned(*pair), expected, strict=True):
                np.testing.assert_array_equal(now, then)
    with pytest.raises(TypeError):
        cpu.train_side_by_side([(object(), ())], 2)
    assert side_by_side(pairs, 2) == [5, 5, 5]


INTERRUPTED = """
    import sys
    import numpy as np
    sys.path[:0] = [{tests!r}, {tests!r} + "/core"]
    from support.interrupts import CtrlC
    from test_side_by_side import learned, side_by_side, wide

    lengths = {lengths}
    pairs = [wide(seed, 100, n_steps=n) for seed, n in enumerate(lengths)]
    ctrl_c = CtrlC(0.4)
    try:
        side_by_side(pairs, {n_threads})
    except KeyboardInterrupt:
        print(ctrl_c.answered())
    steps = [engine.state.step for engine, _ in pairs]
    assert steps[0] > 0, steps
    assert sum(steps) < sum(lengths) - 10_000, steps
    for seed, step in enumerate(steps):  # what was taken is what would be taken alone
        engine, (*rows, table, losses, norms) = wide(seed, 100, n_steps=lengths[seed])
        if step:
            rows[3] = rows[3][: 8 * step]
            engine.native.train_steps(*rows, table[:step], losses[:step], norms[:step])
        assert np.array_equal(engine.state.parameters, pairs[seed][0].state.parameters), seed
"""


@pytest.mark.parametrize(
    ("lengths", "n_threads"),
    [
        ([400_000, 300_000, 200_000], 2),
        ([400_000, 300_000], 1),
        # The first thread takes what is left, or waits for the other.
        ([400_000, 5], 2),
        # Many short ones.
        ([3_000] * 400, 2),
    ],
)
def test_ctrl_c_stops_all_between_steps(lengths, n_threads):
    script = INTERRUPTED.format(tests=str(TESTS), lengths=lengths, n_threads=n_threads)
    answered = float(run_script(script))
    print(f"Ctrl-C was answered after {answered * 1000:.0f} ms")
    assert answered < 1
