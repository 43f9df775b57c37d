"""The native engine against the reference: trajectories, gradients, predictions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn import _core
from fastnn._core.program import State
from fastnn._network.compiler import compile_program
from fastnn.activations import ELU, GELU, LeakyReLU
from fastnn.layers import BatchNorm, Dense
from fastnn.losses import row_and_parameter
from support.engines import COMBINATIONS, SOLVERS, Engine, large_epsilon, rounded
from support.problems import (
    EACH_LOSS,
    LAYOUTS,
    make_counts,
    make_data,
    make_layers,
    make_network,
    numerical_gradient,
    relative_error,
)
from support.reference import ACTIVATIONS, loss_of
from support.trajectories import TOLERANCE, assert_same_state, check_trajectory, named


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("optimizer, loss", COMBINATIONS)
def test_trajectory(optimizer, loss, position, dropout, dtype):
    rng = np.random.default_rng(0)
    if optimizer in ("rprop", "rprop_minus") and position == "before":
        position = None  # the gradient of a bias before batch norm is a rounding error: any sign
    layers = make_layers([19, 7, 3], "tanh", position, dropout, loss)
    network = make_network(rng, 6, layers, loss, input_dropout=dropout / 2, seed=2**40 + 7)
    X, y = make_data(rng, 27, 6, 3, loss)
    weight = rng.uniform(0.5, 2, 27) if position != "after" else None
    check_trajectory(network, loss, optimizer, dtype, X.astype(dtype), y, weight)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("batch_size", [1, 8, 27])
@pytest.mark.parametrize("input_dropout", [0.0, 0.4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_trajectory_of_every_kind_of_rows(layout, input_dropout, batch_size, dtype):
    rng = np.random.default_rng(1)
    layers = make_layers([9, 5, 2], "logistic", "before", 0.25, "squared_error")
    network = make_network(rng, 11, layers, "squared_error", input_dropout, seed=1)
    X = make_counts(rng, 27, 11)
    y = rng.standard_normal((27, 2))
    weight = rng.uniform(0.5, 2, 27) if batch_size == 8 else None
    check_trajectory(
        network, "squared_error", "adam", dtype, LAYOUTS[layout](X), y, weight, batch_size
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("units", [[1], [3], [40, 1], [16, 17, 8, 9, 2], [200, 33, 4], [1100, 2]])
def test_trajectory_of_many_shapes(units, n_threads, activation):
    rng = np.random.default_rng(2)
    loss = "binary_log_loss"
    network = make_network(rng, 33, make_layers(units, activation, loss=loss), loss)
    X, y = make_data(rng, 150, 33, units[-1], loss)
    check_trajectory(network, loss, "nesterov", "float64", X, y, None, 64, n_threads)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_without_an_order_are_taken_as_they_come(layout, dtype):
    """Check that rows are read in place, with the bits of a gathered batch."""
    rng = np.random.default_rng(3)
    layers = make_layers([5, 2], position="after", dropout=0.5)
    network = make_network(rng, 11, layers, "squared_error")
    X, y = LAYOUTS[layout](make_counts(rng, 20, 11)), rng.standard_normal((20, 2))
    runs = [Engine(network, "squared_error", dtype=dtype) for _ in range(2)]
    losses = [
        run.train(X, y, 8, [0.1] * 3, order=order)
        for run, order in zip(runs, [None, np.arange(20)], strict=True)
    ]
    np.testing.assert_array_equal(*losses)
    np.testing.assert_array_equal(*(run.state.parameters for run in runs))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("units", [[4, 2], [20, 17, 1], [300, 2]])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_rows_in_any_order_are_read_where_they_lie_or_copied_together(units, dtype, n_threads):
    """Check that both give the same bits; columns that are not contiguous are always copied."""
    rng = np.random.default_rng(5)
    network = make_network(rng, 45, make_layers(units), "squared_error")
    X, y = rng.random((90, 45)).astype(dtype), rng.standard_normal((90, units[-1]))
    order = rng.permutation(90)
    runs = [Engine(network, "squared_error", dtype=dtype, n_threads=n_threads) for _ in range(2)]
    for run, rows in zip(runs, [X, np.asfortranarray(X)], strict=True):
        run.train(rows, y, 40, [0.1] * 3, order=order)
    np.testing.assert_array_equal(*(run.state.parameters for run in runs))


def test_a_batch_may_be_larger_than_was_planned_for():
    rng = np.random.default_rng(3)
    layers = make_layers([9, 5, 2], "tanh", "before", 0.25)
    network = make_network(rng, 11, layers, "squared_error")
    engine = Engine(network, "squared_error", max_batch=4)
    for layout, n_rows in [("float64", 20), ("csr float64", 90), ("float32", 50)]:
        X, y = make_counts(rng, n_rows, 11), rng.standard_normal((n_rows, 2))
        engine.train(LAYOUTS[layout](X), y, n_rows, [0.1])
        network.train(X, y, "sgd", n_rows, [0.1])
    assert_same_state(engine, network, TOLERANCE["float64"])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
@pytest.mark.parametrize("n_rows", [1, 2, 57])
def test_gradient(loss, position, dtype, n_rows):
    """Dropout and the moving averages are a training's: loss_and_grad leaves both alone."""
    rng = np.random.default_rng(4)
    layers = make_layers([17, 5, 3], "tanh", position, 0.5, loss)
    network = rounded(make_network(rng, 6, layers, loss), dtype)
    X, y = make_data(rng, n_rows, 6, 3, loss)
    X = X.astype(dtype)
    weight = rng.uniform(0.5, 2, n_rows).astype(dtype)
    engine = Engine(network, loss, dtype=dtype)
    before = engine.state.statistics.copy()
    *actual, gradient = engine.loss_and_grad(X, y, weight, alpha=0.3)
    *expected, reference, _ = network.loss_and_grad(X.astype(float), y, weight, alpha=0.3)
    # Batch norm of two rows divides by a standard deviation that may be near zero.
    tolerance = TOLERANCE[dtype] * (100 if n_rows == 2 else 1)
    np.testing.assert_allclose(actual, expected, rtol=tolerance)
    assert relative_error(named(gradient), named(reference)) < tolerance
    np.testing.assert_array_equal(engine.state.statistics, before)
    assert engine.state.step == 0


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "loss", [loss for loss in EACH_LOSS if row_and_parameter(loss)[0].any_activation], ids=str
)
@pytest.mark.parametrize("output_activation", ["logistic", "tanh", "gelu", LeakyReLU(0.3)], ids=str)
def test_trajectory_with_an_output_activation(output_activation, loss, dtype):
    rng = np.random.default_rng(0)
    layers = make_layers([9, 3], "tanh", loss=loss)
    layers[-1].activation = output_activation
    network = make_network(rng, 6, layers, loss)
    X, y = make_data(rng, 27, 6, 3, loss)
    engine = check_trajectory(network, loss, "nesterov", dtype, X.astype(dtype), y, None)
    predicted = engine.predict(X.astype(dtype))
    np.testing.assert_allclose(predicted, network.predict(X), atol=TOLERANCE[dtype])
    *_, gradient = engine.loss_and_grad(X.astype(dtype), y)
    *_, expected, _ = network.loss_and_grad(X, y)
    assert relative_error(named(gradient), named(expected)) < 10 * TOLERANCE[dtype]


def test_a_threshold_counts_in_prediction_only():
    rng = np.random.default_rng(0)
    layers = make_layers([9, 3], "tanh", loss="perceptron")
    layers[-1].activation = "threshold"
    network = make_network(rng, 6, layers, "perceptron")
    X, y = make_data(rng, 27, 6, 3, "perceptron")
    engine = check_trajectory(network, "perceptron", "sgd", "float64", X, y, None)
    np.testing.assert_array_equal(engine.predict(X), network.predict(X))
    assert set(engine.predict(X).ravel()) == {0, 1}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", ["log_loss", "soft_log_loss", "binary_log_loss"])
def test_trajectory_with_label_smoothing(loss, dtype):
    """Check label smoothing with another value at each step, as of a schedule."""
    rng = np.random.default_rng(0)
    network = rounded(make_network(rng, 6, make_layers([9, 3], "tanh", loss=loss), loss), dtype)
    X, y = make_data(rng, 27, 6, 3, loss)
    X = X.astype(dtype).astype(float)
    engine = Engine(network, loss, dtype=dtype)
    amounts = [0.0, 0.1, 0.4, 0.9]
    actual = engine.train(X.astype(dtype), y, 8, [0.1] * 4, smoothing=amounts)
    for i, amount in enumerate(amounts):
        rows = slice(8 * i, 8 * i + 8)
        expected = network.train(X[rows], y[rows], "sgd", 8, [0.1], smoothing=amount)
        np.testing.assert_allclose(actual[i], expected[0], rtol=TOLERANCE[dtype])
    assert_same_state(engine, network, TOLERANCE[dtype])
    *actual, gradient = engine.loss_and_grad(X.astype(dtype), y, smoothing=0.2)
    *expected, reference, _ = network.loss_and_grad(X, y, smoothing=0.2)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert relative_error(named(gradient), named(reference)) < TOLERANCE[dtype]


@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
def test_gradient_by_finite_differences(loss):
    """Check the engine's gradient against differences of its own loss."""
    rng = np.random.default_rng(5)
    layers = make_layers([5, 3], "logistic", "before", loss=loss)
    X, y = make_data(rng, 9, 4, 3, loss)
    engine = Engine(make_network(rng, 4, layers, loss), loss)

    def value():
        return sum(engine.loss_and_grad(X, y, alpha=0.3)[:2])

    *_, gradient = engine.loss_and_grad(X, y, alpha=0.3)
    views = [p[name] for p in engine.parameters for name in sorted(p)]
    assert relative_error(named(gradient), numerical_gradient(value, views)) < 1e-6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradient_of_every_kind_of_rows(layout):
    rng = np.random.default_rng(6)
    network = make_network(rng, 11, make_layers([9, 2]), "squared_error")
    X, y = make_counts(rng, 27, 11), rng.standard_normal((27, 2))
    *actual, gradient = Engine(network, "squared_error").loss_and_grad(LAYOUTS[layout](X), y)
    *expected, reference, _ = network.loss_and_grad(X, y)
    np.testing.assert_allclose(actual, expected)
    assert relative_error(named(gradient), named(reference)) < TOLERANCE["float64"]


@pytest.mark.parametrize("layout", ["float64", "csr float64"])
@pytest.mark.parametrize("position", [None, "before"])
def test_gradient_of_many_rows(layout, position):
    """Check more rows than are processed at once, without batch norm."""
    rng = np.random.default_rng(6)
    layers = make_layers([9, 2], "tanh", position)
    network = make_network(rng, 11, layers, "squared_error")
    X, y = make_counts(rng, 3000, 11), rng.standard_normal((3000, 2))
    weight = rng.uniform(0.5, 2, 3000)
    engine = Engine(network, "squared_error", n_threads=2)
    *actual, gradient = engine.loss_and_grad(LAYOUTS[layout](X), y, weight, 0.3)
    *expected, reference, _ = network.loss_and_grad(X, y, weight, 0.3)
    np.testing.assert_allclose(actual, expected)
    assert relative_error(named(gradient), named(reference)) < TOLERANCE["float64"]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_rows", [1, 5, 700])
def test_predict(layout, dtype, n_rows):
    rng = np.random.default_rng(7)
    layers = make_layers([18, 5, 3], "relu", "before", 0.5, "log_loss")
    network = rounded(make_network(rng, 11, layers, "log_loss", input_dropout=0.5), dtype)
    X = make_counts(rng, n_rows, 11)
    engine = Engine(network, "log_loss", dtype=dtype, n_threads=2)
    actual = engine.predict(LAYOUTS[layout](X))
    np.testing.assert_allclose(actual, network.predict(X), rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
def test_predict_applies_the_output_activation(loss):
    rng = np.random.default_rng(8)
    network = make_network(rng, 4, make_layers([5, 3], loss=loss), loss)
    X, _ = make_data(rng, 9, 4, 3, loss)
    np.testing.assert_allclose(Engine(network, loss).predict(X), network.predict(X))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_rows", [1, 96, 500])
def test_predict_both_classes(n_rows, dtype):
    rng = np.random.default_rng(8)
    network = make_network(rng, 4, make_layers([5, 1], loss="binary_log_loss"), "binary_log_loss")
    engine = Engine(network, "binary_log_loss", dtype=dtype)
    X = rng.standard_normal((n_rows, 4))
    predictor = _core.make_predictor(
        engine.program, engine.state.parameters, engine.state.statistics
    )
    both, finite = predictor(X, 2, True)
    second = engine.predict(X)
    assert finite
    np.testing.assert_array_equal(both, np.hstack([1 - second, second]), strict=True)


def test_predict_of_no_rows():
    network = make_network(np.random.default_rng(0), 4, make_layers([5, 3]), "squared_error")
    assert Engine(network, "squared_error").predict(np.empty((0, 4))).shape == (0, 3)


def test_what_is_written_into_a_view_is_what_predicts_and_trains():
    """The engine keeps no copy that would be stale, as of transposed weights."""
    rng = np.random.default_rng(9)
    layers = make_layers([5, 4, 3], "tanh", "before")
    network, other = (make_network(rng, 4, layers, "squared_error") for _ in range(2))
    engine = Engine(network, "squared_error")
    X, y = make_data(rng, 9, 4, 3, "squared_error")
    for view, value in zip(engine.parameters, other.parameters, strict=True):
        for name in view:
            view[name][...] = value[name]
    other.statistics = network.statistics
    for _ in range(2):
        np.testing.assert_allclose(engine.predict(X), other.predict(X))
        *_, gradient = engine.loss_and_grad(X, y)
        *_, expected, _ = other.loss_and_grad(X, y)
        assert relative_error(named(gradient), named(expected)) < TOLERANCE["float64"]
        engine.train(X, y, 3, [0.1] * 3)
        other.train(X, y, "sgd", 3, [0.1] * 3)
        assert_same_state(engine, other, TOLERANCE["float64"])
        for values in (*engine.parameters, *other.parameters):
            values["coef"][...] = values["coef"] * 1.5


@pytest.mark.parametrize("optimizer", SOLVERS)
def test_padding_stays_zero(optimizer):
    rng = np.random.default_rng(10)
    layers = make_layers([5, 19, 3], "logistic", "after", 0.3, "log_loss")
    engine = Engine(make_network(rng, 4, layers, "log_loss"), "log_loss", optimizer, "float32")
    X, y = make_data(rng, 9, 4, 3, "log_loss")
    engine.train(X.astype("float32"), y, 4, [0.1] * 3, alpha=0.1, average_weights=0.5)
    arenas = [engine.state.parameters, engine.state.average, *engine.state.slots]
    for arena in arenas:
        assert arena.any()
        assert np.isfinite(arena).all()
        for values in engine.named(arena):
            for view in values.values():
                view[...] = 0
        assert not arena.any()


@pytest.mark.parametrize("name", [name for name in SOLVERS if large_epsilon(name)])
def test_an_epsilon_below_the_type_still_keeps_denominators_from_zero(name):
    """Denormals count as zero in the kernels, and dead features have moments of zero."""
    rng = np.random.default_rng(10)
    program = compile_program(4, [Dense(5), Dense(1)], 0, "float32")
    optimizer = SOLVERS[name](epsilon=1e-40)
    state = State.new(program, optimizer.n_slots)
    engine = _core.make_engine(program, state, optimizer.code, 6, 1, 0)
    losses = np.zeros((3, 2))
    coefficients = optimizer.coefficients(np.full(3, 0.1), 0.0, 0)
    X, y = np.zeros((6, 4), np.float32), rng.standard_normal((6, 1)).astype(np.float32)
    assert engine.train_steps(X, y, None, None, 2, coefficients, losses) == 3
    assert np.isfinite(losses).all()
    assert np.isfinite(state.parameters).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_step_whose_loss_is_not_finite_is_not_applied(bad):
    """The rows of the third batch; the two steps before it stand."""
    rng = np.random.default_rng(11)
    network = make_network(rng, 4, make_layers([5, 2], position="before"), "squared_error")
    X, y = make_data(rng, 20, 4, 2, "squared_error")
    y[13] = bad
    engine, witness = (Engine(network, "squared_error", dtype="float32") for _ in range(2))
    X = X.astype("float32")
    coefficients = engine.solver.coefficients(np.full(4, 0.1), 0.0, 0)
    losses = np.zeros((4, 2))
    with np.errstate(over="ignore"):
        target = engine.targets(y)
    assert engine.native.train_steps(X, target, None, None, 5, coefficients, losses) == 2
    assert engine.state.step == 2
    assert np.isfinite(losses[:2]).all()
    assert not np.isfinite(losses[2, 0])
    witness.train(X[:10], y[:10], 5, [0.1] * 2)
    np.testing.assert_array_equal(engine.state.parameters, witness.state.parameters)
    np.testing.assert_array_equal(engine.state.statistics, witness.state.statistics)


def test_coefficients_follow_schedules_and_count_on():
    """Learning rates differ by step, Adam's bias correction goes on where the last call ended."""
    rng = np.random.default_rng(12)
    network = make_network(rng, 4, make_layers([5, 2], "tanh"), "squared_error")
    engine = Engine(network, "squared_error", "adam", epsilon=1e-3)
    X, y = make_data(rng, 20, 4, 2, "squared_error")
    for rates in ([0.1, 0.05], [0.02, 0.2]):
        engine.train(X, y, 10, rates)
        network.train(X, y, "adam", 10, rates, epsilon=1e-3)
    assert_same_state(engine, network, TOLERANCE["float64"])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("position", [None, "after"])
def test_average_of_the_parameters(position, optimizer, dtype):
    """Check the average of all parameters with a weight for each step; 0 leaves it unchanged."""
    rng = np.random.default_rng(13)
    layers = make_layers([9, 2], "tanh", position, 0.3)
    network = rounded(make_network(rng, 30, layers, "squared_error"), dtype)
    X, y = make_data(rng, 20, 30, 2, "squared_error")
    epsilon = large_epsilon(optimizer)
    engine = Engine(network, "squared_error", optimizer, dtype, n_threads=2, **epsilon)
    for weights in ([1.0, 0.5], [0.0, 0.25], [0.001, 0.999]):
        settings_ = (10, [0.1, 0.05], 0.3, None, np.arange(20), None, None, weights)
        engine.train(X.astype(dtype), y, *settings_)
        network.train(X.astype(dtype).astype(float), y, optimizer, *settings_, **epsilon)
        average = named(engine.named(engine.state.average))
        assert relative_error(average, named(network.average)) < TOLERANCE[dtype]
    assert_same_state(engine, network, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
@pytest.mark.parametrize("n_rows", [1, 57, 2100])
def test_loss_is_that_of_prediction(loss, position, dtype, n_rows):
    """Moving averages and no dropout; of all rows or of some, in more than one block."""
    rng = np.random.default_rng(14)
    layers = make_layers([17, 5, 3], "tanh", position, 0.5, loss)
    network = rounded(make_network(rng, 6, layers, loss, input_dropout=0.2), dtype)
    X, y = make_data(rng, n_rows, 6, 3, loss)
    X = X.astype(dtype)
    weight = rng.uniform(0.5, 2, n_rows).astype(dtype)
    engine = Engine(network, loss, dtype=dtype, n_threads=2)
    arenas = engine.state.parameters, engine.state.statistics
    before = [arena.copy() for arena in arenas]
    for w, order in [
        (None, None),
        (weight, None),
        (weight, rng.permutation(n_rows)[: n_rows // 2 + 1]),
    ]:
        rows = np.arange(n_rows) if order is None else order
        z, _ = network.forward(X[rows].astype(float), training=False)
        expected = np.average(
            loss_of(loss).value(z, y[rows]), weights=None if w is None else w[rows].astype(float)
        )
        assert engine.loss(X, y, w, order) == pytest.approx(expected, rel=TOLERANCE[dtype])
    assert engine.state.step == 0
    for arena, expected in zip(
        (engine.state.parameters, engine.state.statistics), before, strict=True
    ):
        np.testing.assert_array_equal(arena, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_loss_of_every_kind_of_rows(layout):
    rng = np.random.default_rng(6)
    network = make_network(rng, 11, make_layers([9, 2], "tanh", "before"), "squared_error")
    X, y = make_counts(rng, 27, 11), rng.standard_normal((27, 2))
    expected = 0.5 * np.square(network.predict(X) - y).sum(axis=1)
    for order in (None, rng.permutation(27)[:9]):
        rows = np.arange(27) if order is None else order
        actual = Engine(network, "squared_error").loss(LAYOUTS[layout](X), y, None, order)
        assert actual == pytest.approx(expected[rows].mean())


@st.composite
def problems(draw):
    """A random small stack, its data, and how the loss is weighted."""
    loss = draw(st.sampled_from(EACH_LOSS))
    n_features, n_outputs = draw(st.integers(1, 20)), draw(st.integers(1, 9))
    hidden = [
        Dense(
            draw(st.integers(1, 40)),
            draw(st.sampled_from([*sorted(ACTIVATIONS), LeakyReLU(0.3), ELU(0.5), GELU("tanh")])),
            draw(st.sampled_from([None, BatchNorm(), BatchNorm(position="after", epsilon=0.1)])),
            draw(st.sampled_from([0.0, 0.5])),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    output_activation = loss_of(loss).output_activation
    if row_and_parameter(loss)[0].any_activation:
        output_activation = draw(st.sampled_from(["identity", "logistic", "gelu", ELU(0.5)]))
    layers = [*hidden, Dense(n_outputs, output_activation)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    network = make_network(rng, n_features, layers, loss, draw(st.sampled_from([0.0, 0.2])))
    n_rows = draw(st.integers(1, 70))
    X, y = make_data(rng, n_rows, n_features, n_outputs, loss)
    weight = rng.uniform(0.5, 2, n_rows) if draw(st.booleans()) else None
    return network, loss, X, y, weight, draw(st.sampled_from([0.0, 0.5]))


@given(problems(), st.sampled_from([1, 2]))
@settings(max_examples=150)
def test_any_small_stack_has_the_references_gradient(problem, n_threads):
    network, loss, X, y, weight, alpha = problem
    engine = Engine(network, loss, max_batch=len(X), n_threads=n_threads)
    *actual, gradient = engine.loss_and_grad(X, y, weight, alpha)
    *expected, reference, _ = network.loss_and_grad(X, y, weight, alpha)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    assert relative_error(named(gradient), named(reference)) < 1e-8
    np.testing.assert_allclose(engine.predict(X), network.predict(X), rtol=1e-9, atol=1e-12)
