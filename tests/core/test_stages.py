"""Stages that have parameters of their own, or change the width: the engine and the reference.

Random stacks of them are in test_stacks.py; here are long trajectories, and what has gone wrong in
such code before: short batches, batches of one row, sparse rows, many rows, stale copies.
"""

import numpy as np
import pytest

from fastnn.activations import Maxout, PReLU
from fastnn.layers import Dense
from fastnn.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support.engines import Engine, rounded
from support.problems import (
    LAYOUTS,
    make_counts,
    make_data,
    make_network,
    numerical_gradient,
    relative_error,
)
from support.trajectories import TOLERANCE, assert_same_state, check_trajectory, named


def layers(activation="tanh", normalization=None, dropout=0.0, widths=(18, 40)):
    return [*(Dense(n, activation, normalization, dropout) for n in widths), Dense(3, "identity")]


# Groups of one unit, of less than a panel, of a panel and more; pieces that begin within a panel.
STAGES = {
    "layer norm": layers(normalization=LayerNorm()),
    "layer norm after": layers("logistic", LayerNorm(position="after")),
    "layer norm of one unit": layers(normalization=LayerNorm(), widths=(17, 1)),
    "group norm": layers(normalization=GroupNorm(2)),
    "group norm after": layers(normalization=GroupNorm(2, position="after"), widths=(66, 6)),
    "instance norm": layers(normalization=InstanceNorm(2)),
    "instance norm, affine": layers(normalization=InstanceNorm(2, affine=True)),
    "instance norm after": layers(normalization=InstanceNorm(2, 0.1, True, "after")),
    "one slope": layers("prelu"),
    "slopes": layers(PReLU(shared=False)),
    "slopes after a norm": layers("prelu", LayerNorm()),
    "two pieces": layers("maxout"),
    "three pieces": layers(Maxout(3), dropout=0.3),
    "pieces normalised": layers(Maxout(3), LayerNorm()),
    "pieces, then normalised": layers(Maxout(3), GroupNorm(2, position="after")),
    "weight norm": layers("tanh", WeightNorm()),
    "biased variance": layers("tanh", BatchNorm(unbiased=False, position="after")),
    "weight norm with pieces": layers(Maxout(2), WeightNorm(), dropout=0.3),
    "weight norm with slopes": layers(PReLU(shared=False), WeightNorm()),
}
# Their scale is no parameter that is trained: its gradient is 0.
OF_MEANS = {
    "means only": layers("tanh", BatchNorm(0.3, mean_only=True, position="after")),
    "means only, weight norm": [
        Dense(9, "tanh", WeightNorm()),
        BatchNorm(mean_only=True),
        Dense(3, "identity"),
    ],
}
LOSS = "squared_error"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "adamw"])
@pytest.mark.parametrize("name", STAGES | OF_MEANS)
def test_trajectory(name, optimizer, dtype):
    """Check trajectories with an L2 penalty or decay on the weights."""
    rng = np.random.default_rng(0)
    network = make_network(
        rng, 30, (STAGES | OF_MEANS)[name], LOSS, input_dropout=0.2, seed=2**40 + 7
    )
    X, y = make_data(rng, 27, 30, 3, LOSS)
    weight = rng.uniform(0.5, 2, 27)
    check_trajectory(network, LOSS, optimizer, dtype, X.astype(dtype), y, weight, n_threads=2)


@pytest.mark.parametrize("batch_size", [1, 27])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", STAGES)
def test_trajectory_of_every_kind_of_rows(name, layout, batch_size):
    rng = np.random.default_rng(1)
    network = make_network(rng, 11, STAGES[name], LOSS, seed=1)
    X, y = make_counts(rng, 27, 11), rng.standard_normal((27, 3))
    check_trajectory(network, LOSS, "adam", "float64", LAYOUTS[layout](X), y, None, batch_size)


@pytest.mark.parametrize("layout", ["float64", "csr float64"])
@pytest.mark.parametrize("name", STAGES | OF_MEANS)
def test_gradient_of_many_rows(name, layout):
    """Check more rows than are processed at once, whose sums are added."""
    rng = np.random.default_rng(2)
    network = make_network(rng, 11, (STAGES | OF_MEANS)[name], LOSS)
    X, y = make_counts(rng, 2500, 11), rng.standard_normal((2500, 3))
    weight = rng.uniform(0.5, 2, 2500)
    engine = Engine(network, LOSS, n_threads=2)
    *actual, gradient = engine.loss_and_grad(LAYOUTS[layout](X), y, weight, 0.3)
    *expected, reference, _ = network.loss_and_grad(X, y, weight, 0.3)
    np.testing.assert_allclose(actual, expected)
    for ours, theirs in zip(gradient, reference, strict=True):  # each, as some are small
        for array in theirs:
            assert relative_error([ours[array]], [theirs[array]]) < 1e-9, array
    np.testing.assert_allclose(engine.predict(X), network.predict(X), rtol=1e-9, atol=1e-9)


def test_gradient_through_means_by_finite_differences():
    rng = np.random.default_rng(3)
    network = make_network(rng, 5, OF_MEANS["means only, weight norm"], LOSS)
    X, y = make_data(rng, 7, 5, 3, LOSS)
    engine = Engine(network, LOSS)
    *_, gradient = engine.loss_and_grad(X, y)
    assert not gradient[1].pop("scale").any()
    del engine.parameters[1]["scale"]

    def value():
        return engine.loss_and_grad(X, y)[0]

    views = [p[name] for p in engine.parameters for name in sorted(p)]
    assert relative_error(named(gradient), numerical_gradient(value, views)) < 1e-6


@pytest.mark.parametrize("name", STAGES)
def test_gradient_by_finite_differences(name):
    """Check the engine's gradient against differences of its own loss."""
    rng = np.random.default_rng(3)
    small = [Dense(6, each.activation, each.normalization) for each in STAGES[name][:2]]
    X, y = make_data(rng, 9, 4, 2, LOSS)
    engine = Engine(make_network(rng, 4, [*small, Dense(2, "identity")], LOSS), LOSS)

    def value():
        return sum(engine.loss_and_grad(X, y, alpha=0.3)[:2])

    *_, gradient = engine.loss_and_grad(X, y, alpha=0.3)
    views = [p[array] for p in engine.parameters for array in sorted(p)]
    assert relative_error(named(gradient), numerical_gradient(value, views)) < 1e-6


@pytest.mark.parametrize("name", STAGES)
def test_padding_stays_zero(name):
    rng = np.random.default_rng(4)
    engine = Engine(make_network(rng, 4, STAGES[name], LOSS), LOSS, "adam", "float32")
    X, y = make_data(rng, 9, 4, 3, LOSS)
    engine.train(X.astype("float32"), y, 4, [0.1] * 3, alpha=0.1)
    for arena in [engine.state.parameters, *engine.state.slots]:
        assert arena.any()
        assert np.isfinite(arena).all()
        for values in engine.named(arena):
            for view in values.values():
                view[...] = 0
        assert not arena.any()


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_norm_of_written_weights_is_not_stale(n_threads):
    rng = np.random.default_rng(5)
    network = make_network(rng, 60, STAGES["weight norm"], LOSS)
    engine = Engine(network, LOSS, n_threads=n_threads)
    X, y = make_data(rng, 20, 60, 3, LOSS)
    for _ in range(2):
        engine.train(X, y, 8, [0.1] * 3)
        network.train(X, y, "sgd", 8, [0.1] * 3)
        assert_same_state(engine, network, TOLERANCE["float64"])
        for values in (*engine.parameters, *network.parameters):
            values["coef"][...] = values["coef"] * 1.5
        np.testing.assert_allclose(engine.predict(X), network.predict(X), rtol=1e-10)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_weights_of_zero_stay_finite(dtype):
    """Check that zero weights, which have no direction, stay finite."""
    rng = np.random.default_rng(6)
    network = rounded(make_network(rng, 5, STAGES["weight norm"], LOSS), dtype)
    network.parameters[0]["coef"][:, 3] = 0
    network.parameters[0]["g"][3] = 0
    engine = Engine(network, LOSS, dtype=dtype)
    X, y = make_data(rng, 20, 5, 3, LOSS)
    losses = engine.train(X.astype(dtype), y, 5, [0.1] * 4)
    assert np.isfinite(losses).all()
    assert np.isfinite(engine.state.parameters).all()
    assert not engine.parameters[0]["coef"][:, 3].any()
    assert np.isfinite(engine.predict(X.astype(dtype))).all()


@pytest.mark.parametrize(
    "first", [Maxout(3), PReLU(), PReLU(shared=False), LayerNorm(), GroupNorm(4)], ids=repr
)
@pytest.mark.parametrize("layout", ["float64", "uint8", "fortran"])
def test_the_first_stage_may_be_any(first, layout):
    """Check that any stage can read the user's rows, of any type, without a gradient."""
    rng = np.random.default_rng(8)
    network = make_network(rng, 12, [first, Dense(7), Dense(3, "identity")], LOSS)
    X, y = make_counts(rng, 27, 12), rng.standard_normal((27, 3))
    check_trajectory(network, LOSS, "adam", "float64", LAYOUTS[layout](X), y, None)


def test_maxout_needs_a_multiple_of_its_pieces():
    rng = np.random.default_rng(7)
    network = make_network(rng, 5, [Dense(7), Dense(2)], LOSS)
    network.layers = [Dense(7), Maxout(3), Dense(2)]
    with pytest.raises(ValueError, match=r"Maxout\(k=3\) .* 7, which is not a multiple of 3"):
        Engine(network, LOSS)
