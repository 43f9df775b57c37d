"""Random stacks of every kind of layer: the engine, the reference and finite differences agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn._core.codes import Kind
from fastnn.layers import Dense, Residual
from support.engines import Engine, rounded
from support.problems import make_network, numerical_gradient, relative_error
from support.reference import ACTIVATIONS
from support.stacks import SMOOTH, SPECS, inputs, losses, problem, stacks
from support.trajectories import TOLERANCE, assert_same_state, named


@given(stacks(SMOOTH, widths=(1, 3, 8)), inputs)
def test_reference_gradient_is_that_of_finite_differences(layers, of_input):
    network, X, y, weight = problem(layers, n_rows=5, of_input=of_input)

    def loss():
        return sum(network.loss_and_penalty(X, y, weight, 0.3, step=4))

    _, _, gradient, _ = network.loss_and_grad(X, y, weight, 0.3, step=4)
    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    numerical = numerical_gradient(loss, arrays)
    # Batch norm of a unit that hardly varies bends the loss sharply.
    assert relative_error(numerical, named(gradient)) < 1e-4


@given(stacks([*ACTIVATIONS, *SPECS]), losses, st.sampled_from([1, 19]), inputs)
def test_engine_gradient_is_the_references(layers, loss, n_rows, of_input):
    network, X, y, weight = problem(layers, loss, n_rows, of_input)
    expected = network.loss_and_grad(X, y, weight, 0.3)
    for n_threads in (1, 3):
        engine = Engine(network, loss, n_threads=n_threads)
        data_loss, penalty, gradient = engine.loss_and_grad(X, y, weight, 0.3)
        np.testing.assert_allclose([data_loss, penalty], expected[:2], rtol=1e-9)
        assert relative_error(named(gradient), named(expected[2])) < 1e-9


@given(stacks([*ACTIVATIONS, *SPECS]), losses, inputs, st.sampled_from(sorted(TOLERANCE)))
def test_training_follows_the_reference_and_is_the_same_for_any_threads(
    layers, loss, of_input, dtype
):
    network, X, y, weight = problem(layers, loss, of_input=of_input)
    runs = [
        Engine(rounded(network, dtype), loss, "sgd", dtype, 8, n_threads)
        for n_threads in (1, 2, 3, 8)
    ]
    rates = [0.01] * 3
    losses = [run.train(X.astype(dtype), y, 8, rates, 0.1, weight) for run in runs]
    expected = network.train(X, y, "sgd", 8, rates, 0.1, weight)
    tolerance = 1e3 * TOLERANCE[dtype]  # batches of 3 rows make batch norm steep
    np.testing.assert_allclose(losses[0], expected, rtol=tolerance)
    assert_same_state(runs[0], network, tolerance)
    for run, its_losses in zip(runs[1:], losses[1:], strict=True):
        np.testing.assert_array_equal(its_losses, losses[0])
        np.testing.assert_array_equal(run.state.parameters, runs[0].state.parameters)
        np.testing.assert_array_equal(run.state.statistics, runs[0].state.statistics)


def spoil_memory():
    """Fill the memory that one prediction leaves to the next one with NaN."""
    layers = [Dense(300, "identity"), Dense(200, "identity"), Dense(3, "identity")]
    engine = Engine(
        make_network(np.random.default_rng(0), 4, layers, "squared_error"), "squared_error"
    )
    engine.state.parameters[...] = np.nan
    assert np.isnan(engine.predict(np.ones((100, 4)))).all()


@given(stacks([*ACTIVATIONS, *SPECS]), losses, inputs)
def test_prediction_is_the_references(layers, loss, of_input):
    network, X, _, _ = problem(layers, loss, of_input=of_input)
    engine = Engine(network, loss)
    spoil_memory()
    np.testing.assert_allclose(engine.predict(X), network.predict(X), rtol=1e-9, atol=1e-9)


def test_every_kind_of_stage_is_drawn():
    kinds = set()

    @given(stacks([*ACTIVATIONS, *SPECS]), inputs)
    def collect(layers, of_input):
        network, *_ = problem(layers, of_input=of_input)
        kinds.update(Engine(network, "squared_error").program.stages["kind"].tolist())

    collect()
    assert kinds == set(Kind)


def test_a_block_must_end_as_wide_as_it_began():
    with pytest.raises(ValueError, match=r"has 5 inputs and 3 outputs: end it with Dense\(5\)"):
        problem_layers = [Residual([Dense(3)]), Dense(2)]
        Engine(problem(problem_layers)[0], "squared_error")
