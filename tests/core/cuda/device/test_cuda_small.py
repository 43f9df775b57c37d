"""Whole steps in four kernels against the reference, and which networks have them."""

import numpy as np
import pytest

from fastnn._core.codes import Column, Rule
from fastnn._core.cuda import plan, small
from fastnn._core.cuda.plan import small as small_plan
from fastnn._network.compiler import compile_program
from fastnn.activations import ELU, LeakyReLU, RReLU
from fastnn.layers import BatchNorm, Dense, Dropout, Heads, Residual
from support.engines import SOLVERS, Engine, large_epsilon, rounded, small_rate
from support.problems import EACH_LOSS, make_data, make_network, rate_factors
from support.reference import ACTIVATIONS
from support.small_trainings import BATCH, N_FEATURES, N_ROWS, follow, hidden
from support.trajectories import TOLERANCE, assert_same_state

KERNELS = ["gather", "small_first", "small_rest", "small_update"]


@pytest.fixture
def planned(monkeypatch):
    """Check that all training steps are small, and at least one was planned."""
    found, init = [], plan.Plan.__init__

    def kept(self, program, arenas, call, *others):
        init(self, program, arenas, call, *others)
        if call.trains:
            found.append([launch.name for launch in self.launches])

    monkeypatch.setattr(plan.Plan, "__init__", kept)
    yield
    assert found
    assert all([name for name in names if name != "dropout"] == KERNELS for names in found)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "optimizer", [name for name in SOLVERS if name not in ("look_ahead", "lamb")]
)
def test_every_optimizer(optimizer, dtype, planned):
    follow(hidden(widths=(3,)), "log_loss", optimizer, dtype, epochs=2)


@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
def test_every_loss(loss, planned):
    follow(hidden(widths=(3,)), loss, "nesterov", "float32")


ELEMENTWISE = [name for name in ACTIVATIONS if name != "rrelu"]


@pytest.mark.parametrize("activation", [*ELEMENTWISE, LeakyReLU(0.3), ELU(0.7)], ids=str)
def test_every_activation(activation, planned):
    follow(hidden(activation, widths=(2, 3)), dtype="float32", weighted=False)


DEPTHS = {
    "none": [Dense(2)],
    "one": hidden(widths=(7,)),
    "three": hidden("silu", widths=(5, 1, 9)),
    "dropout": hidden("logistic", dropout=0.4),
    "dropout as it was first": [Dense(6), Dropout(0.3, inverted=False), Dense(3, "relu"), Dense(2)],
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", DEPTHS)
def test_every_depth(name, dtype, planned):
    input_dropout = 0.3 if "dropout" in name else 0.0
    follow(DEPTHS[name], "binary_log_loss", dtype=dtype, input_dropout=input_dropout)


OPTIONS = {
    "clip_value": dict(clip_value=0.02),
    "elastic net": dict(l1_ratio=0.3, penalize_intercepts=True),
    "smoothing": dict(smoothing=0.2),
    "dropout_factors": dict(dropout_factors=[0.5, 0.0]),
}


def data_of(layers, loss="log_loss"):
    rng = np.random.default_rng(1)
    network = make_network(rng, N_FEATURES, layers, loss, seed=5)
    return network, *make_data(rng, N_ROWS, N_FEATURES, 2, loss)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option(name, planned):
    """Rows come as they lie, and some parameters stay as they are."""
    network, X, y = data_of(hidden(dropout=0.3))
    factors, hyper = {"biases": 2.0, 0: 0.1, -1: 0.0}, large_epsilon("adamw")
    engine = Engine(network, "log_loss", "adamw", factors=factors, device="cuda", **hyper)
    arguments = BATCH, small_rate("adamw") * np.array([1.0, 0.5]), 0.3
    for _ in range(2):
        actual = engine.train(X, y, *arguments, **OPTIONS[name], tells_norm=[True, False])
        names = rate_factors(network, factors)
        expected = network.train(X, y, "adamw", *arguments, **OPTIONS[name], factors=names, **hyper)
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
    np.testing.assert_allclose(engine.grad_norms, network.grad_norms[::2], rtol=1e-9)
    assert_same_state(engine, network, 1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_rows_of_another_type(dtype, planned):
    network, X, y = data_of(hidden())
    X, order = np.abs(10 * X).astype(dtype), np.arange(N_ROWS)[::-1].copy()
    engine = Engine(rounded(network, "float32"), "log_loss", dtype="float32", device="cuda")
    for rows in (X, np.asfortranarray(X)):
        actual = engine.train(rows, y, BATCH, [0.01] * 2, order=order)
        expected = network.train(X.astype(float), y, "sgd", BATCH, [0.01] * 2, order=order)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE["float32"])
    assert_same_state(engine, network, TOLERANCE["float32"])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_step_that_is_not_finite_changes_nothing(bad, planned):
    """Check that neither this step nor later ones change anything."""
    network, X, y = data_of(hidden("tanh"), "squared_error")
    engine = Engine(network, "squared_error", "adam", device="cuda")
    X, y = np.concatenate([X] * 3)[: 4 * BATCH], np.concatenate([y] * 3)[: 4 * BATCH]
    y[BATCH] = bad  # of the second of four batches
    coefficients = engine.solver.coefficients(np.full(4, 0.1), 0.3, 0)
    losses = np.full((4, 2), -1.0)
    done = engine.native.train_steps(X, engine.targets(y), None, None, BATCH, coefficients, losses)
    expected = network.train(X[:BATCH], y[:BATCH], "adam", BATCH, [0.1], 0.3)
    assert done == engine.state.step == 1
    np.testing.assert_allclose(losses[:1], expected)
    assert not np.isfinite(losses[1, 0])
    assert (losses[2:] == -1).all()
    assert_same_state(engine, network, 1e-9)


# --- which are small ------------------------------------------------------------------------------

TRAINS = plan.Call(plan.TRAIN)


def are_small(layers, call=TRAINS, room=128, n_features=784, loss_code=1, **given):
    program = compile_program(n_features, layers, loss_code, np.float32, **given)
    return small_plan.is_small(program, call, room)


def test_what_is_small():
    layers = [Dense(100, "relu", dropout=0.5), Dense(100, "relu", dropout=0.5), Dense(10)]
    columns = frozenset([Column.L1, Column.L2, Column.SMOOTHING])
    assert are_small(layers)
    assert are_small(layers, plan.Call(plan.TRAIN, True, True, columns=columns), input_dropout=0.2)
    assert not are_small(layers, room=small_plan.MOST_ROWS + 1)
    assert not are_small([Dense(500), Dense(500), Dense(10)], room=small_plan.MOST_ROWS)
    assert not are_small(layers, tf32=True)
    for mode in (plan.GRADIENT, plan.PREDICT, plan.EVALUATE):
        assert not are_small(layers, plan.Call(mode))
    for optimizer in (Rule.LOOK_AHEAD, Rule.LAMB):
        assert not are_small(layers, plan.Call(plan.TRAIN, optimizer=optimizer))
    assert not are_small(layers, plan.Call(plan.TRAIN, mixes=True))
    for column in (Column.CLIP_NORM, Column.MAX_NORM, Column.WEIGHT_NOISE, Column.AVERAGE):
        assert not are_small(layers, plan.Call(plan.TRAIN, columns=frozenset([column])))


OTHERS = {
    "norm": [Dense(6, "relu", BatchNorm()), Dense(2)],
    "slopes": [Dense(6, "prelu"), Dense(2)],
    "random slopes": [Dense(6, RReLU()), Dense(2)],
    "two activations": [Dense(6, "relu"), Dense(6, "tanh"), Dense(2)],
    "two parameters": [Dense(6, ELU(1.0)), Dense(6, ELU(0.5)), Dense(2)],
    "dropout first": [Dense(6), Dropout(0.5), "relu", Dense(2)],
    "a residual block": [Dense(6), Residual([Dense(6)]), Dense(2)],
    "heads": [Dense(6), Heads((2, 3))],
    "too wide": [Dense(small.MOST_UNITS + 1), Dense(2)],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_small(name):
    assert not are_small(OTHERS[name])


def test_noise_of_the_input_is_not_small():
    assert not are_small([Dense(6), Dense(2)], input_noise=0.1)


def test_norms_are_told_or_not_to_the_same_bits(planned):
    """Check norms of layers of several tiles, whose blocks end in any order."""
    network, X, y = data_of(hidden(widths=(9, 4)))
    runs = [Engine(network, "log_loss", "adam", "float32", device="cuda") for _ in range(3)]
    told = [True, [True, False], False]
    for run, tells_norm in zip(runs, told, strict=True):
        run.train(X.astype("float32"), y, BATCH, [0.01] * 2, 0.3, tells_norm=tells_norm)
    assert runs[0].grad_norms[:1] == runs[1].grad_norms
    for run in runs[1:]:
        np.testing.assert_array_equal(run.state.parameters, runs[0].state.parameters)
