"""The CUDA engine against the reference: small networks of every kind, for a few steps each.

The CPU's engine is tested at length; here each kind of stage, loss, optimizer and option takes part
in whole steps on the device, or in the simulator.
"""

import numpy as np
import pytest

from fastnn._core.cuda.plan import small as small_plan
from fastnn.activations import ELU, LeakyReLU, Maxout, PReLU, RReLU
from fastnn.custom import CustomActivation
from fastnn.layers import BatchNorm, Dense, Dropout, Heads, Residual
from fastnn.losses import Quantile
from fastnn.normalization import GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support import mixed_heads
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
from support.reference import ACTIVATIONS, Mixing
from support.small_trainings import BATCH, N_FEATURES, N_ROWS, follow, hidden
from support.trajectories import TOLERANCE, assert_same_state, check_trajectory, named
from support.user_functions import SQUARE, tanh, tanh_derivative


@pytest.fixture(autouse=True)
def no_step_is_small(monkeypatch):
    """Disable small steps, which have separate tests."""
    monkeypatch.setattr(small_plan, "MOST_OPERATIONS", 0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("optimizer", SOLVERS)
def test_every_optimizer(optimizer, dtype):
    follow(hidden(), "log_loss", optimizer, dtype, epochs=2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
def test_every_loss(loss, dtype):
    follow(hidden(widths=(3,)), loss, "nesterov", dtype)


def test_functions_of_the_user():
    """Written out, they are what is built in."""
    rng = np.random.default_rng(0)
    network = make_network(rng, N_FEATURES, hidden("tanh"), "squared_error")
    X, y = make_data(rng, N_ROWS, N_FEATURES, 2, "squared_error")
    runs = [Engine(network, "squared_error", device="cuda")]
    network.layers = hidden(CustomActivation(tanh, tanh_derivative))
    runs += [Engine(network, SQUARE, device="cuda")]
    np.testing.assert_allclose(*(run.train(X, y, BATCH, [0.1] * 2) for run in runs))
    np.testing.assert_allclose(*(run.predict(X) for run in runs))


@pytest.mark.parametrize("activation", [*ACTIVATIONS, LeakyReLU(0.3), ELU(0.7), RReLU()], ids=str)
def test_every_activation(activation):
    follow(hidden(activation, widths=(3,)), dtype="float32")


def test_weights_of_more_tiles_than_blocks():
    rng = np.random.default_rng(0)
    network = make_network(rng, 21, hidden(widths=(9,)), "squared_error")
    X, y = make_data(rng, N_ROWS, 21, 2, "squared_error")
    arguments = "float64", X, y, None, N_ROWS
    check_trajectory(network, "squared_error", "adam", *arguments, epochs=1, device="cuda")


STAGES = {
    "batch norm": hidden(normalization=BatchNorm()),
    "batch norm after": hidden(normalization=BatchNorm(position="after"), dropout=0.3),
    "means only": [Dense(5, "tanh", WeightNorm()), BatchNorm(mean_only=True), Dense(2)],
    "layer norm": hidden(normalization=LayerNorm()),
    "layer norm after": hidden("logistic", LayerNorm(position="after")),
    "group norm": hidden(normalization=GroupNorm(3)),
    "instance norm": hidden(normalization=InstanceNorm(3)),
    "instance norm, affine": hidden(normalization=InstanceNorm(3, affine=True)),
    "one slope": hidden("prelu"),
    "slopes": hidden(PReLU(shared=False)),
    "pieces": hidden("maxout", dropout=0.3),
    "three pieces, normalised": hidden(Maxout(3), LayerNorm()),
    "weight norm": hidden(normalization=WeightNorm()),
    "weight norm, pieces": hidden(Maxout(2), WeightNorm()),
    "dropout as it was first": [Dense(6), Dropout(0.3, inverted=False), Dense(2)],
    "residual": [Dense(4), Residual([Dense(4, "tanh"), BatchNorm()], 0.3), Dense(2)],
    "norm of the rows": [LayerNorm(), PReLU(), Dense(3), Dense(2)],
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", STAGES)
def test_every_stage(name, dtype):
    follow(STAGES[name], dtype=dtype, weighted=False, input_dropout=0.2)


def test_noise_of_the_input():
    follow(hidden(), input_noise=0.3, input_dropout=Dropout(0.3, inverted=False))


@pytest.mark.parametrize("name", ["pieces", "instance norm, affine", "weight norm", "residual"])
def test_gradient(name):
    """Check gradients of all rows, and of blocks of rows if no stage needs all."""
    rng = np.random.default_rng(0)
    network = make_network(rng, N_FEATURES, STAGES[name], "squared_error")
    X, y = make_data(rng, N_ROWS, N_FEATURES, 2, "squared_error")
    weight = rng.uniform(0.5, 2, N_ROWS)
    engine = Engine(network, "squared_error", device="cuda")
    *actual, gradient = engine.loss_and_grad(X, y, weight, 0.3)
    *expected, reference, _ = network.loss_and_grad(X, y, weight, 0.3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)
    assert relative_error(named(gradient), named(reference)) < 1e-9
    cpu = Engine(network, "squared_error")
    np.testing.assert_allclose(engine.loss(X, y, weight), cpu.loss(X, y, weight))


OPTIONS = {
    "clip_value": dict(clip_value=0.02),
    "clip_norm": dict(clip_norm=0.1),
    "elastic net": dict(l1_ratio=0.3, penalize_intercepts=True),
    "proximal": dict(l1_ratio=0.8, l1_update="proximal", penalize_intercepts=True),
    "max_norm": dict(max_norm=0.7),
    "weight_noise": dict(weight_noise=0.1),
    "smoothing": dict(smoothing=0.2),
    "dropout_factors": dict(dropout_factors=[0.5, 0.0]),
    "average": dict(average_weights=[1.0, 0.2]),
    "mixup": dict(mixings=[Mixing(0.7, 3), Mixing()]),
    "cutmix": dict(mixings=[Mixing(0.8, 2, 1, 1, 2, 2), Mixing(0.6, 1, 3, 2, 1, N_FEATURES)]),
    "all": dict(
        clip_value=0.5,
        clip_norm=0.1,
        l1_ratio=0.3,
        max_norm=0.7,
        weight_noise=0.1,
        smoothing=0.2,
        average_weights=[1.0, 0.2],
        mixings=[Mixing(0.7, 3), Mixing()],
    ),
}


OPTIMIZERS_WITH = {"proximal": ["nesterov"]}


@pytest.mark.parametrize(
    "name, optimizer",
    [(n, o) for n in OPTIONS for o in OPTIMIZERS_WITH.get(n, ["adamw", "look_ahead", "lamb"])],
)
def test_every_option(name, optimizer):
    rng = np.random.default_rng(1)
    network = make_network(rng, N_FEATURES, hidden(dropout=0.3), "log_loss", seed=5)
    X, y = make_data(rng, N_ROWS, N_FEATURES, 2, "log_loss")
    weight, factors = rng.uniform(0.5, 2, N_ROWS), {"biases": 2.0, 0: 0.1, -1: 0.0}
    hyper = large_epsilon(optimizer)
    engine = Engine(
        network, "log_loss", optimizer, max_batch=BATCH, factors=factors, device="cuda", **hyper
    )
    rates, order = small_rate(optimizer) * np.array([1.0, 0.5]), rng.permutation(N_ROWS)
    plan, names = (BATCH, rates, 0.3, weight, order), rate_factors(network, factors)
    for _ in range(2):
        actual = engine.train(X, y, *plan, **OPTIONS[name], tells_norm=[True, False])
        expected = network.train(X, y, optimizer, *plan, **OPTIONS[name], factors=names, **hyper)
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
    np.testing.assert_allclose(engine.grad_norms, network.grad_norms[::2], rtol=1e-9)
    assert_same_state(engine, network, 1e-9)
    if "average_weights" in OPTIONS[name]:
        average = named(engine.named(engine.state.average))
        assert relative_error(average, named(network.average)) < 1e-9


@pytest.mark.parametrize("is_ordered", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_of_every_kind(layout, is_ordered):
    rng = np.random.default_rng(1)
    network = rounded(make_network(rng, 4, [Dense(3), Dense(2)], "squared_error"), "float32")
    X, y = make_counts(rng, N_ROWS, 4), rng.standard_normal((N_ROWS, 2))
    engine = Engine(network, "squared_error", dtype="float32", device="cuda")
    rows, order = LAYOUTS[layout](X), rng.permutation(N_ROWS) if is_ordered else None
    for _ in range(2):
        actual = engine.train(rows, y, BATCH, [0.1] * 2, order=order)
        expected = network.train(X, y, "sgd", BATCH, [0.1] * 2, order=order)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE["float32"])
    assert_same_state(engine, network, TOLERANCE["float32"])
    np.testing.assert_allclose(engine.predict(rows), network.predict(X), rtol=1e-5, atol=1e-5)


def test_several_quantiles():
    """Each head has a parameter and targets of its own."""
    rng, loss = np.random.default_rng(2), Quantile([0.2, 0.7])
    network = make_network(rng, N_FEATURES, [Dense(4), Heads((1, 1), "identity")], loss)
    X, y = rng.standard_normal((N_ROWS, N_FEATURES)), rng.standard_normal((N_ROWS, 1))
    y = np.repeat(y, 2, axis=1)
    check_trajectory(network, loss, "adam", "float64", X, y, None, BATCH, epochs=2, device="cuda")


def test_heads_of_several_kinds():
    heads = mixed_heads.HEADS[:2]
    network, loss, X, y, weight = mixed_heads.problem("none", heads, 5, n_features=3)
    engine = Engine(network, loss, "adam", epsilon=1e-3, device="cuda")
    z, _ = network.forward(X[:3], True)
    of_heads = network.head_losses(z, y[:3]) @ weight[:3] / weight[:3].sum()
    settings = 3, [0.02] * 2, 0.3, weight
    actual = engine.train(X, y, *settings)
    np.testing.assert_allclose(engine.head_losses[0][0], of_heads)
    expected = network.train(X, y, "adam", *settings, epsilon=1e-3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)
    assert_same_state(engine, network, 1e-9)
    *actual, gradient = engine.loss_and_grad(X, y, weight, 0.3)
    *expected, reference, _ = network.loss_and_grad(X, y, weight, 0.3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)
    assert relative_error(named(gradient), named(reference)) < 1e-9


def test_several_heads():
    rng = np.random.default_rng(2)
    layers = [Dense(4), Heads((3, 2))]
    network = make_network(rng, N_FEATURES, layers, "log_loss")
    X = rng.standard_normal((N_ROWS, N_FEATURES))
    y = np.stack([rng.integers(3, size=N_ROWS), rng.integers(2, size=N_ROWS)], 1).astype(np.int32)
    check_trajectory(
        network, "log_loss", "adam", "float64", X, y, None, BATCH, epochs=2, device="cuda"
    )
