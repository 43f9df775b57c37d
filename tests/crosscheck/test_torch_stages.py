"""Stages with parameters of their own walk PyTorch's trajectory."""

from functools import partial

import numpy as np
import pytest
import torch

from fastnn.activations import Maxout, PReLU
from fastnn.layers import Dense
from fastnn.normalization import GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support.engines import Engine, large_epsilon
from support.problems import make_data, make_network
from support.reference import OPTIMIZERS
from support.torch_functions import TORCH_LOSSES, TORCH_OPTIMIZERS, assert_close

pytestmark = pytest.mark.crosscheck


class Channels(torch.nn.Module):
    """`torch.nn.InstanceNorm1d` on rows, which it takes as (channels, length) arrays."""

    def __init__(self, n_channels, **options):
        super().__init__()
        self.norm = torch.nn.InstanceNorm1d(n_channels, **options)

    def forward(self, x):
        return self.norm(x.reshape(len(x), self.norm.num_features, -1)).reshape(x.shape)


class Pieces(torch.nn.Module):
    """The largest of k, which PyTorch has no module for."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        return x.reshape(len(x), self.k, -1).amax(dim=1)


# A hidden layer of 12 units, and PyTorch's module for what is not the matrix product and the tanh.
TORCH_STAGES = [
    (Dense(12, "tanh", LayerNorm(1e-3)), partial(torch.nn.LayerNorm, 12, eps=1e-3)),
    (Dense(12, "tanh", GroupNorm(3)), partial(torch.nn.GroupNorm, 3, 12)),
    (Dense(12, "tanh", GroupNorm(4, 0.1, "after")), partial(torch.nn.GroupNorm, 4, 12, eps=0.1)),
    (Dense(12, "tanh", InstanceNorm(3)), partial(Channels, 3)),
    (Dense(12, "tanh", InstanceNorm(2, 0.1, True)), partial(Channels, 2, eps=0.1, affine=True)),
    (Dense(12, PReLU(0.1)), partial(torch.nn.PReLU, init=0.1)),
    (Dense(12, PReLU(shared=False)), partial(torch.nn.PReLU, 12)),
    (Dense(12, Maxout(3)), partial(Pieces, 3)),
    (Dense(12, "tanh", WeightNorm()), None),
    (Dense(12, Maxout(2), WeightNorm()), partial(Pieces, 2)),
]


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("optimizer", ["momentum", "adam", "adamw"])
@pytest.mark.parametrize("layer, module", TORCH_STAGES, ids=lambda value: repr(value)[:60])
def test_engine_walks_pytorchs_trajectory_with_any_stage(
    layer, module, optimizer, dtype, tolerance
):
    """Twenty full-batch steps from PyTorch's initial scales, shifts and slopes."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 6, [layer, Dense(3, "identity")], "squared_error")
    X, y = make_data(rng, 40, 6, 3, "squared_error")
    hidden, kind = network.parameters[0], getattr(torch, dtype)

    linear, output = torch.nn.Linear(*hidden["coef"].shape), torch.nn.Linear(12, 3)
    with torch.no_grad():
        for module_, p in zip((linear, output), network.parameters, strict=True):
            module_.to(kind)
            module_.weight.copy_(torch.tensor(p["coef"].T))
            module_.bias.copy_(torch.tensor(p["intercept"]))
    if "g" in hidden:
        linear = torch.nn.utils.parametrizations.weight_norm(linear, dim=0)
        hidden["g"] = np.linalg.norm(hidden["coef"], axis=0)
        weight = linear.parametrizations.weight.original1
    else:
        weight = linear.weight
    middle = [] if module is None else [module().to(kind)]
    own = list(middle[0].parameters()) if middle else []
    names = ["slope"] if "slope" in hidden else ["scale", "shift"] if own else []
    for name, p in zip(names, own, strict=True):
        hidden[name] = p.detach().numpy().astype(float)
    if layer.activation == "tanh":
        middle = [*middle, torch.nn.Tanh()]
        after = layer.normalization.position == "after"
        middle = middle[::-1] if after else middle
    model = torch.nn.Sequential(linear, *middle, output)

    epsilon = large_epsilon(optimizer)
    engine = Engine(network, "squared_error", optimizer, dtype, max_batch=40, **epsilon)
    order = np.tile(np.arange(40), 20)
    actual = engine.train(X.astype(dtype), y, 40, [0.01] * 20, 0.3, None, order)

    weights = [weight, output.weight]
    rest = [p for p in model.parameters() if all(p is not w for w in weights)]
    decoupled = OPTIMIZERS[optimizer].decoupled
    still = {"weight_decay": 0.0} if decoupled else {}
    groups = [{"params": weights}, {"params": rest} | still]
    optim = TORCH_OPTIMIZERS[optimizer](groups, lr=0.01)
    for t in range(20):
        for group in optim.param_groups:
            group["eps"] = epsilon.get("epsilon")
            if optimizer == "adam":
                group["eps"] = epsilon["epsilon"] / np.sqrt(1 - 0.999 ** (t + 1))
        z = model(torch.tensor(X, dtype=kind))
        data_loss = TORCH_LOSSES["squared_error"](z, torch.tensor(y, dtype=kind)).mean()
        squares = sum(torch.sum(w**2) for w in weights)
        penalty = (0.0 if decoupled else 0.5 * 0.3 / 40) * squares
        optim.zero_grad()
        (data_loss + penalty).backward()
        optim.step()
        np.testing.assert_allclose(actual[t, 0], data_loss.item(), rtol=tolerance)
    ours = engine.parameters
    expected = [weight.T, linear.bias, output.weight.T, output.bias, *own]
    names = [(0, "coef"), (0, "intercept"), (1, "coef"), (1, "intercept"), *((0, n) for n in names)]
    if "g" in hidden:
        expected.append(linear.parametrizations.weight.original0[:, 0])
        names.append((0, "g"))
    for (i, name), theirs in zip(names, expected, strict=True):
        assert_close(ours[i][name], theirs, tolerance)
