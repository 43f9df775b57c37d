"""Trainings of the engine walk PyTorch's trajectory."""

from functools import partial

import numpy as np
import pytest
import torch

from fastnn.heads import Head
from fastnn.layers import Dense, Heads
from fastnn.losses import Huber, Minkowski, Quantile
from support import mixed_heads
from support.engines import COMBINATIONS, Engine, large_epsilon, small_rate
from support.problems import make_data, make_layers, make_network
from support.reference import OPTIMIZERS, bfloat16
from support.torch_functions import TORCH_ACTIVATIONS, TorchNetwork, assert_close, functional, leaf

pytestmark = pytest.mark.crosscheck


@pytest.fixture
def float64_by_default():
    """The type that PyTorch's NAdam multiplies its momenta in."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("optimizer, loss", COMBINATIONS)
def test_engine_walks_pytorchs_trajectory(optimizer, loss, position, dtype, tolerance):
    """Twenty full-batch steps. Tanh, as at relu's kink a rounding error decides the gradient.

    The learning rate is constant: PyTorch's velocities do not contain it.
    """
    if optimizer.startswith("rprop") and position == "before":
        position = None  # the gradient of a bias before batch norm is a rounding error: any sign
    rng = np.random.default_rng(0)
    layers = make_layers([7, 5, 3], "tanh", position, loss=loss)
    network = make_network(rng, 6, layers, loss)
    X, y = make_data(rng, 40, 6, 3, loss)
    weight = rng.uniform(0.5, 2, 40)
    rate, epsilon = small_rate(optimizer) / 2, large_epsilon(optimizer)

    engine = Engine(network, loss, optimizer, dtype, max_batch=40, **epsilon)
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [rate] * 20, 0.3, weight, order)
    expected = TorchNetwork(network, loss, getattr(torch, dtype))
    losses = expected.train(X, y, optimizer, rate, 20, 0.3, weight, epsilon.get("epsilon"))

    np.testing.assert_allclose(actual, losses, rtol=tolerance, atol=tolerance)
    for i, (linear, norm) in enumerate(expected.layers):
        assert_close(engine.parameters[i]["coef"], linear.weight.T, tolerance)
        assert_close(engine.parameters[i]["intercept"], linear.bias, tolerance)
        if norm:
            assert_close(engine.parameters[i]["scale"], norm.weight, tolerance)
            assert_close(engine.parameters[i]["shift"], norm.bias, tolerance)
            assert_close(engine.statistics[i]["mean"], norm.running_mean, tolerance)
            assert_close(engine.statistics[i]["variance"], norm.running_var, tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("activation", [name for name in TORCH_ACTIVATIONS if name != "rrelu"])
def test_engine_walks_pytorchs_trajectory_with_any_activation(activation, dtype, tolerance):
    rng = np.random.default_rng(1)
    layers = make_layers([7, 5, 3], activation)
    network = make_network(rng, 6, layers, "squared_error")
    X, y = make_data(rng, 40, 6, 3, "squared_error")
    weight = rng.uniform(0.5, 2, 40)
    engine = Engine(network, "squared_error", "momentum", dtype, max_batch=40)
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [0.01] * 20, 0.3, weight, order)
    expected = TorchNetwork(network, "squared_error", getattr(torch, dtype))
    losses = expected.train(X, y, "momentum", 0.01, 20, 0.3, weight, None)
    np.testing.assert_allclose(actual, losses, rtol=tolerance, atol=tolerance)
    for i, (linear, _) in enumerate(expected.layers):
        assert_close(engine.parameters[i]["coef"], linear.weight.T, tolerance)
        assert_close(engine.parameters[i]["intercept"], linear.bias, tolerance)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
def test_heads_are_a_sum_of_cross_entropies(dtype, tolerance, smoothing):
    rng = np.random.default_rng(1)
    units, real = (3, 2, 5), getattr(torch, dtype)
    network = make_network(rng, 6, [Dense(7, "tanh"), Heads(units)], "log_loss")
    X, weight = rng.standard_normal((40, 6)), rng.uniform(0.5, 2, 40)
    y = np.stack([rng.integers(n, size=40) for n in units], axis=1).astype(np.int32)
    engine = Engine(network, "log_loss", "adam", dtype, max_batch=40, epsilon=1e-3)
    order = np.tile(np.arange(40), 20)
    settings = X.astype(dtype), y, 40, [0.01] * 20, 0.0, weight, order
    actual = engine.train(*settings, smoothing=smoothing)

    layers = [[leaf(p[name], real) for name in ("coef", "intercept")] for p in network.parameters]
    parameters = [tensor for layer in layers for tensor in layer]
    optimizer = torch.optim.Adam(parameters, 0.01)
    rows, targets, of_rows = (torch.tensor(a) for a in (X.astype(dtype), y, weight.astype(dtype)))
    losses = []
    for t in range(1, 21):
        optimizer.param_groups[0]["eps"] = 1e-3 / np.sqrt(1 - 0.999**t)
        (w, b), *heads = layers
        hidden = torch.tanh(rows @ w + b)
        value = sum(
            functional.cross_entropy(
                hidden @ w + b, targets[:, h].long(), reduction="none", label_smoothing=smoothing
            )
            for h, (w, b) in enumerate(heads)
        )
        loss = (of_rows * value).sum() / of_rows.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(actual[:, 0], losses, rtol=tolerance)
    for own, (w, b) in zip(engine.parameters, layers, strict=True):
        assert_close(own["coef"], w, tolerance)
        assert_close(own["intercept"], b, tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
def test_quantiles_are_a_sum_of_pinball_losses(dtype, tolerance):
    rng, real = np.random.default_rng(1), getattr(torch, dtype)
    levels = [0.05, 0.5, 0.95]
    layers = [Dense(7, "tanh"), Heads((1,) * 6, "identity")]
    network = make_network(rng, 6, layers, Quantile(levels))
    X, y = make_data(rng, 40, 6, 2, "squared_error")
    weight = rng.uniform(0.5, 2, 40)
    engine = Engine(network, Quantile(levels), "momentum", dtype, max_batch=40)
    order, targets = np.tile(np.arange(40), 20), np.repeat(y, 3, axis=1)
    actual = engine.train(X.astype(dtype), targets, 40, [0.01] * 20, 0.0, weight, order)

    layers = [[leaf(p[name], real) for name in ("coef", "intercept")] for p in network.parameters]
    optimizer = torch.optim.SGD([t for layer in layers for t in layer], 0.01, momentum=0.9)
    rows, targets, of_rows = (torch.tensor(a.astype(dtype)) for a in (X, y, weight))
    (w, b), *heads = layers
    losses = []
    for _ in range(20):
        hidden = torch.tanh(rows @ w + b)
        outputs = torch.hstack([hidden @ w + b for w, b in heads]).reshape(40, 2, 3)
        errors = targets[:, :, None] - outputs
        quantiles = torch.tensor(levels, dtype=real)
        value = torch.maximum(quantiles * errors, (quantiles - 1) * errors).sum(dim=(1, 2))
        loss = (of_rows * value).sum() / of_rows.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(actual[:, 0], losses, rtol=tolerance)
    for own, (w, b) in zip(engine.parameters, layers, strict=True):
        assert_close(own["coef"], w, tolerance)
        assert_close(own["intercept"], b, tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("uncertainty", [False, True])
def test_heads_of_several_kinds(uncertainty, dtype, tolerance):
    """Classes, labels, values and counts, of which the log variances are trained with SGD too."""
    real = getattr(torch, dtype)
    heads = [
        (Head("log_loss", 0.5), 3),
        (Head("binary_log_loss", 2.0), 4),
        (Head("squared_error", 1.5, "tanh"), 2),
        (Head("poisson"), 1),
    ]
    network, loss, X, y, weight = mixed_heads.problem("dense", heads, 40, uncertainty)
    engine = Engine(network, loss, "momentum", dtype, max_batch=40)
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [0.01] * 20, 0.0, weight, order)

    names = "coef", "intercept", "log_variance"
    layers = [[leaf(p[n], real) for n in names if n in p] for p in network.parameters]
    optimizer = torch.optim.SGD([t for layer in layers for t in layer], 0.01, momentum=0.9)
    rows, of_rows = (torch.tensor(a.astype(dtype)) for a in (X, weight))
    classes, *values = (torch.tensor(y[name]) for name in y.dtype.names)
    labels, numbers, counts = (of.to(real) for of in values)
    (w, b), *of_heads = layers
    losses = []
    for _ in range(20):
        hidden = torch.tanh(rows @ w + b)
        z = [hidden @ p[0] + p[1] for p in of_heads]
        constant = torch.xlogy(counts, counts) - counts  # of half the deviance
        each = [
            functional.cross_entropy(z[0], classes.long(), reduction="none"),
            functional.binary_cross_entropy_with_logits(z[1], labels, reduction="none").sum(1),
            0.5 * functional.mse_loss(torch.tanh(z[2]), numbers, reduction="none").sum(1),
            (functional.poisson_nll_loss(z[3], counts, reduction="none") + constant).sum(1),
        ]
        total = 0.0
        for (head, n), p, of in zip(heads, of_heads, each, strict=True):
            mean = (of_rows * of).sum() / of_rows.sum()
            if uncertainty:
                n_terms = 1 if head.loss == "log_loss" else n
                mean = torch.exp(-p[2][0]) * mean + n_terms * p[2][0] / 2
            total = total + head.weight * mean
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    np.testing.assert_allclose(actual[:, 0], losses, rtol=tolerance)
    for own, layer in zip(engine.parameters, layers, strict=True):
        for name, expected in zip(names, layer, strict=False):
            assert_close(own[name], expected, tolerance)


def test_rounding_to_bfloat16():
    """PyTorch keeps denormals, which the processor's instruction takes as zero."""
    rng = np.random.default_rng(0)
    x = rng.integers(2**32, size=100_000, dtype=np.uint32)
    x[::2] = x[::2] & 0xFFFF0000 | 0x8000  # in the middle between two
    x = x.view(np.float32)
    x = x[np.isnan(x) | (np.abs(x) >= np.finfo(np.float32).tiny)]
    np.testing.assert_array_equal(bfloat16(x), torch.tensor(x).bfloat16().double().numpy())


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("output_activation", [None, "logistic", "gelu"])
@pytest.mark.parametrize("loss", [Huber(0.3), Minkowski(1.5), Quantile(0.2), "squared_error"])
def test_engine_walks_pytorchs_trajectory_with_any_output(
    loss, output_activation, dtype, tolerance
):
    rng = np.random.default_rng(1)
    layers = make_layers([7, 3], "tanh", loss=loss)
    layers[-1].activation = output_activation or "identity"
    network = make_network(rng, 6, layers, loss)
    X, y = make_data(rng, 40, 6, 3, loss)
    weight = rng.uniform(0.5, 2, 40)
    engine = Engine(network, loss, "momentum", dtype, max_batch=40)
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [0.01] * 20, 0.3, weight, order)
    expected = TorchNetwork(network, loss, getattr(torch, dtype))
    losses = expected.train(X, y, "momentum", 0.01, 20, 0.3, weight, None)
    np.testing.assert_allclose(actual, losses, rtol=tolerance, atol=tolerance)
    for i, (linear, _) in enumerate(expected.layers):
        assert_close(engine.parameters[i]["coef"], linear.weight.T, tolerance)
        assert_close(engine.parameters[i]["intercept"], linear.bias, tolerance)


def limit(parameters, most):
    """Limit the norms of rows, which are the incoming weights of a unit in PyTorch."""
    for p in parameters:
        if p.ndim == 2:
            p.data.mul_(torch.clamp(most / p.data.norm(dim=1, keepdim=True), max=1))


# optimizer, options of the engine, options of PyTorch, its parameter groups
REGULARIZED = {
    "clip_norm": (
        "momentum",
        {"clip_norm": 0.2},
        {"before_step": partial(torch.nn.utils.clip_grad_norm_, max_norm=0.2)},
    ),
    "clip_norm that nothing reaches": (
        "momentum",
        {"clip_norm": 100.0},
        {"before_step": partial(torch.nn.utils.clip_grad_norm_, max_norm=100.0)},
    ),
    "clip_value": (
        "adam",
        {"clip_value": 0.02},
        {"before_step": partial(torch.nn.utils.clip_grad_value_, clip_value=0.02)},
    ),
    "elastic net": ("momentum", {"l1_ratio": 0.3}, {"l1_ratio": 0.3}),
    # torch.renorm divides by the norm and 1e-7.
    "max_norm": ("momentum", {"max_norm": 0.8}, {"after_step": partial(limit, most=0.8)}),
}


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("position", [None, "after"])
@pytest.mark.parametrize("name", REGULARIZED)
def test_engine_walks_pytorchs_trajectory_with_regularization(name, position, dtype, tolerance):
    optimizer, ours, theirs = REGULARIZED[name]
    compare_trajectories(optimizer, ours, theirs, {}, None, position, dtype, tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("position", [None, "after"])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_norms_of_gradients_are_pytorchs(optimizer, position, dtype, tolerance):
    """Compare norms before clipping, penalty included."""
    norms = []

    def clip(parameters):
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 0.2)))

    ours, theirs = {"clip_norm": 0.2, "tells_norm": True}, {"before_step": clip}
    engine = compare_trajectories(optimizer, ours, theirs, {}, None, position, dtype, tolerance)
    np.testing.assert_allclose(engine.grad_norms, norms, rtol=tolerance)
    assert max(norms) > 0.2


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "nadam", "lamb"])
@pytest.mark.usefixtures("float64_by_default")
def test_engine_walks_pytorchs_trajectory_with_parameter_groups(optimizer, dtype, tolerance):
    factors = {"weights": 0.5, "biases": 2.0, "normalization": 3.0, 1: 0.1, -1: 0.0}
    compare_trajectories(optimizer, {}, {}, {}, factors, "after", dtype, tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("optimizer", ["sgd", "averaged", "adagrad", "adadelta", "rmsprop"])
def test_engine_walks_pytorchs_trajectory_with_decoupled_decay(optimizer, dtype, tolerance):
    """SGDW by hand, and likewise: weights shrink before PyTorch's step, which does not see it."""
    before_step = partial(shrink, factor=1 - 0.01 * 0.5)
    hyper = {"weight_decay": 0.5}
    compare_trajectories(
        optimizer, {}, {"before_step": before_step}, hyper, None, "after", dtype, tolerance
    )


def shrink(parameters, factor):
    for p in parameters:
        if p.ndim == 2:
            p.data.mul_(factor)


def compare_trajectories(optimizer, ours, theirs, hyper, factors, position, dtype, tolerance):
    """Twenty full-batch steps; returns the engine."""
    rng = np.random.default_rng(0)
    layers = make_layers([7, 5, 3], "tanh", position)
    network = make_network(rng, 6, layers, "squared_error")
    X, y = make_data(rng, 40, 6, 3, "squared_error")
    weight, epsilon = rng.uniform(0.5, 2, 40), large_epsilon(optimizer)
    engine = Engine(
        network, "squared_error", optimizer, dtype, 40, factors=factors, **epsilon, **hyper
    )
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [0.01] * 20, 0.3, weight, order, **ours)
    expected = TorchNetwork(network, "squared_error", getattr(torch, dtype))
    groups = expected.groups_with(factors, OPTIMIZERS[optimizer].decoupled) if factors else None
    losses = expected.train(
        X, y, optimizer, 0.01, 20, 0.3, weight, epsilon.get("epsilon"), groups, **theirs
    )
    np.testing.assert_allclose(actual, losses, rtol=tolerance, atol=tolerance)
    for i, (linear, norm) in enumerate(expected.layers):
        assert_close(engine.parameters[i]["coef"], linear.weight.T, tolerance)
        assert_close(engine.parameters[i]["intercept"], linear.bias, tolerance)
        if norm:
            assert_close(engine.parameters[i]["scale"], norm.weight, tolerance)
            assert_close(engine.parameters[i]["shift"], norm.bias, tolerance)
    return engine
