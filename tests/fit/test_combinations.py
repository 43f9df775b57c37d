"""Random combinations of all that a training may be asked for, on random stacks of layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.layers import Dense, Dropout
from fastnn.losses import Minkowski, row_and_parameter
from fastnn.normalization import WeightNorm
from support.engines import SOLVERS, Engine, large_epsilon, rounded, small_rate
from support.problems import (
    EACH_LOSS,
    LAYOUTS,
    make_counts,
    make_data,
    make_network,
    rate_factors,
    relative_error,
)
from support.reference import Mixing, leaves
from support.stacks import N_FEATURES, SPECS, stacks
from support.trajectories import TOLERANCE, assert_same_state, named

N_ROWS, BATCH, EPOCHS = 22, 8, 2
N_STEPS = -(-N_ROWS // BATCH)

# What one parameter of a step may be; the first is what it is where nobody asks for it.
OPTIONS = {
    "clip_value": [None, 0.02],
    "clip_norm": [None, 0.1],
    "l1_ratio": [0.0, 0.3, 1.0],
    "penalize_intercepts": [False, True],
    "max_norm": [None, 0.7],
    "weight_noise": [0.0, 0.1],
    "smoothing": [0.0, 0.2],
    "dropout_factors": [None, [0.5, 0.0, 1.0]],
    "average_weights": [[0.0] * 3, [0.5] * 3, [0.0, 1.0, 0.2]],
    "mixings": [
        None,
        [Mixing(0.7, 3), Mixing(), Mixing(0.4, 1)],
        [Mixing(0.8, 2, 1, 1, 1, N_FEATURES), Mixing(0.6, 1, 3, 2, 1, N_FEATURES), Mixing()],
    ],
    "factors": [None, {"biases": 2.0, 0: 0.1}, {"weights": 0.5, -1: 0.0}, {"normalization": 0.0}],
    "momentum": [0.9, 0.5],
    "weight_decay": [0.0, 0.5],
    "input_noise": [0.0, 0.3],
    "input_dropout": [0.0, 0.3, Dropout(0.3, inverted=False)],
    "layout": list(LAYOUTS),
    "weight": [False, True],
}


@st.composite
def trainings(draw):
    """An optimizer, a loss, a stack, and several options that go together."""
    given = {name: values[0] for name, values in OPTIONS.items()}
    names = draw(st.lists(st.sampled_from(list(OPTIONS)), unique=True, min_size=2, max_size=7))
    given |= {name: draw(st.sampled_from(OPTIONS[name])) for name in names}
    # These make whole steps of a gradient that is but a rounding error, as before some norms.
    optimizer = draw(st.sampled_from(sorted(set(SOLVERS) - {"rprop", "rprop_minus", "lamb"})))
    loss = draw(st.sampled_from([each for each in EACH_LOSS if each != Minkowski(4)]))  # diverges
    layers = draw(stacks(["tanh", "relu", "gelu", *SPECS], widths=(1, 3, 17)))
    norms = [layer.normalization for layer in leaves(layers) if isinstance(layer, Dense)]
    own = set(SOLVERS[optimizer]().names()) & {"weight_decay"}
    if optimizer.removesuffix("_of_gradients") in ("momentum", "nesterov", "look_ahead"):
        own.add("momentum")
    if not row_and_parameter(loss)[0].probabilities:
        given["smoothing"] = 0.0
    if given["layout"].startswith("csr"):
        given |= {"mixings": None, "input_noise": 0.0}
        layers = [Dense(7, "tanh"), *layers[-1:]]
    if WeightNorm() in norms:
        given["max_norm"] = None
    given["hyper"] = large_epsilon(optimizer)
    given["hyper"] |= {name: given[name] for name in ("momentum", "weight_decay") if name in own}
    return optimizer, loss, layers, given


@pytest.mark.parametrize("dtype", TOLERANCE)
@settings(max_examples=100)
@given(training=trainings())
def test_training_follows_the_reference_and_is_the_same_for_any_threads(training, dtype):
    optimizer, loss, layers, options = training
    rng = np.random.default_rng(0)
    network = make_network(
        rng, N_FEATURES, layers, loss, options["input_dropout"], 5, options["input_noise"]
    )
    network = rounded(network, dtype)
    X, (_, y) = make_counts(rng, N_ROWS, N_FEATURES), make_data(rng, N_ROWS, N_FEATURES, 2, loss)
    weight = rng.uniform(0.5, 2, N_ROWS) if options["weight"] else None
    rows, factors = LAYOUTS[options["layout"]](X), options["factors"]
    engines = [
        Engine(network, loss, optimizer, dtype, BATCH, n, factors, **options["hyper"])
        for n in (1, 2, 3)
    ]
    rates = small_rate(optimizer) * np.array([1.0, 0.8, 0.5])
    own = {
        name: options[name]
        for name in (
            *("clip_value", "clip_norm", "l1_ratio", "penalize_intercepts", "max_norm"),
            *("weight_noise", "smoothing", "dropout_factors", "average_weights", "mixings"),
        )
    }
    names, hyper, tolerance = (
        rate_factors(network, factors),
        options["hyper"],
        1e3 * TOLERANCE[dtype],
    )
    for _ in range(EPOCHS):
        order = rng.permutation(N_ROWS)
        plan = (BATCH, rates, 0.3, weight, order)
        losses = [
            engine.train(rows, y, *plan, **own, tells_norm=engine is not engines[0])
            for engine in engines
        ]
        expected = network.train(X, y, optimizer, *plan, **own, factors=names, **hyper)
        np.testing.assert_allclose(losses[0], expected, rtol=tolerance, atol=tolerance)
        for other in losses[1:]:
            np.testing.assert_array_equal(other, losses[0])
    assert_same_state(engines[0], network, tolerance)
    np.testing.assert_allclose(engines[1].grad_norms, network.grad_norms, tolerance, tolerance)
    assert engines[2].grad_norms == engines[1].grad_norms
    if any(options["average_weights"]):
        average = named(engines[0].named(engines[0].state.average))
        assert relative_error(average, named(network.average)) < tolerance
    for name in ("parameters", "statistics", "slots", "average"):
        arenas = [getattr(engine.state, name) for engine in engines]
        np.testing.assert_array_equal(arenas[1], arenas[0])
        np.testing.assert_array_equal(arenas[2], arenas[0])
