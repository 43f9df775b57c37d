"""PyTorch's functions, optimizers and networks by the reference's names."""

from functools import partial

import numpy as np
import torch

from fastnn.activations import ELU, GELU, LeakyReLU, RReLU
from fastnn.losses import Huber, Minkowski, Quantile
from support.reference import OPTIMIZERS

functional = torch.nn.functional

TORCH_ACTIVATIONS = {
    "identity": torch.nn.Identity(),
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "hardtanh": functional.hardtanh,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    # By default PyTorch's is the identity above 20, off by 2e-9.
    "softplus": lambda z: functional.softplus(z, threshold=100),
    "softsign": functional.softsign,
    "rrelu": functional.rrelu,  # in evaluation, as is its default
}
TORCH_SPECS = [
    (LeakyReLU(0.3), lambda z: functional.leaky_relu(z, 0.3)),
    (ELU(0.3), lambda z: functional.elu(z, 0.3)),
    (RReLU(0.1, 0.6), lambda z: functional.rrelu(z, 0.1, 0.6)),
    (GELU(), functional.gelu),
    (GELU("tanh"), TORCH_ACTIVATIONS["gelu_tanh"]),
]
TORCH_OUTPUTS = {
    "identity": torch.nn.Identity(),
    "logistic": torch.sigmoid,
    "softmax": torch.nn.Softmax(dim=1),
    "exp": torch.exp,
    "threshold": lambda z: torch.heaviside(z, torch.zeros_like(z)),
}


def pinball(z, y, quantile=0.5):
    """Follow the definition: PyTorch has none."""
    return torch.maximum(quantile * (y - z), (quantile - 1) * (y - z)).sum(1)


def minkowski(z, y, p=2.0):
    """Make it of PyTorch's norms."""
    return torch.linalg.vector_norm(z - y, ord=p, dim=1) ** p / p


def sided_margin(z, y):
    """MarginRankingLoss compares z with 0; y is 0 or 1."""
    return functional.margin_ranking_loss(
        z, torch.zeros_like(z), 2 * y - 1, margin=1.0, reduction="none"
    )


def crammer_singer(z, y):
    """The largest of the terms that PyTorch's MultiMarginLoss adds: of pairs of classes."""
    right = z.gather(1, y.long()[:, None])
    pairs = [
        functional.multi_margin_loss(
            torch.cat([right, z[:, [j]]], 1), torch.zeros(len(y), dtype=int), reduction="none"
        )
        * 2
        * (y != j)
        for j in range(z.shape[1])
    ]
    return torch.stack(pairs).max(0).values


# The loss of every row, summed over the outputs.
TORCH_LOSSES = {
    "squared_error": lambda z, y: 0.5 * functional.mse_loss(z, y, reduction="none").sum(1),
    "log_loss": lambda z, y: functional.cross_entropy(z, y.long(), reduction="none"),
    "binary_log_loss": lambda z, y: functional.binary_cross_entropy_with_logits(
        z, y, reduction="none"
    ).sum(1),
    # PyTorch leaves out y log y - y, which does not depend on z.
    "poisson": lambda z, y: (
        functional.poisson_nll_loss(z, y, log_input=True, reduction="none")
        + torch.special.xlogy(y, y)
        - y
    ).sum(1),
    "absolute_error": lambda z, y: functional.l1_loss(z, y, reduction="none").sum(1),
    "huber": lambda z, y: functional.huber_loss(z, y, reduction="none").sum(1),
    "minkowski": minkowski,
    "quantile": pinball,
    "hinge": lambda z, y: sided_margin(z, y).sum(1),
    "squared_hinge": lambda z, y: (sided_margin(z, y) ** 2).sum(1),
    "perceptron": lambda z, y: torch.relu((1 - 2 * y) * z).sum(1),
    "weston_watkins": lambda z, y: (
        functional.multi_margin_loss(z, y.long(), reduction="none") * z.shape[1]
    ),
    "crammer_singer": crammer_singer,
    "soft_log_loss": lambda z, y: functional.cross_entropy(z, y, reduction="none"),
    "linear": lambda z, y: (z * y).sum(1),
}
TORCH_LOSS_SPECS = {
    Huber: lambda z, y, delta: functional.huber_loss(z, y, delta=delta, reduction="none").sum(1),
    Minkowski: minkowski,
    Quantile: pinball,
}


def torch_loss(of):
    """PyTorch's function for a name or a spec."""
    if isinstance(of, str):
        return TORCH_LOSSES[of]
    return lambda z, y: TORCH_LOSS_SPECS[type(of)](z, y, **of.get_params())


class Lamb(torch.optim.Optimizer):
    """PyTorch has none: algorithm 2 of You et al. (2020), of its own moments of Adam."""

    def __init__(self, params, lr, eps=1e-6, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "eps": eps, "weight_decay": weight_decay, "t": 0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            group["t"] += 1
            for p in group["params"]:
                state = self.state[p]
                for name, beta, value in (("m", 0.9, p.grad), ("v", 0.999, p.grad.square())):
                    state[name] = torch.lerp(value, state.get(name, torch.zeros_like(p)), beta)
                r = state["m"] / (1 - 0.9 ** group["t"])
                r = r / (torch.sqrt(state["v"] / (1 - 0.999 ** group["t"])) + group["eps"])
                r = r + group["weight_decay"] * p
                ratio = p.norm() / r.norm() if p.ndim > 1 else 1.0
                p.sub_(group["lr"] * ratio * r)


class Ahead(torch.optim.Optimizer):
    """Nesterov's momentum as Sutskever et al. (2013) write it, in eq. 3 and 4.

    The parameters are ahead when the gradient is taken; `step` leaves them ahead for the next, and
    `settle` takes them back.
    """

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr, "eps": None})

    def settle(self, sign=-1):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(self.state[p].get("v", torch.zeros_like(p)), alpha=sign * 0.9)

    def step(self):
        self.settle()
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].get("v", torch.zeros_like(p))
                self.state[p]["v"] = 0.9 * v - group["lr"] * p.grad
                p.data.add_(self.state[p]["v"])
        self.settle(1)


class RpropMinus(torch.optim.Optimizer):
    """Rprop- of Igel and Huesken (2000); PyTorch has iRprop-."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr, "eps": None})

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state, g = self.state[p], p.grad
                turn = torch.sign(g * state.get("g", torch.zeros_like(p)))
                factor = 1 + 0.2 * (turn > 0) - 0.5 * (turn < 0)
                size = state.get("size", torch.full_like(p, group["lr"])) * factor
                state["g"], state["size"] = g.clone(), size.clamp(1e-6, 50)
                p.data.sub_(torch.sign(g) * state["size"])


TORCH_OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "momentum_of_gradients": partial(torch.optim.SGD, momentum=0.9),
    "nesterov_of_gradients": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adam": torch.optim.Adam,
    "averaged": partial(torch.optim.SGD, momentum=0.9, dampening=0.9),
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "rmsprop_momentum": partial(torch.optim.RMSprop, momentum=0.9),
    "rmsprop_centered": partial(torch.optim.RMSprop, momentum=0.9, centered=True),
    "rprop": torch.optim.Rprop,
    "rprop_minus": RpropMinus,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "amsgrad": partial(torch.optim.Adam, amsgrad=True),
    "look_ahead": Ahead,
    "lamb": Lamb,
}


def leaf(array, dtype=torch.float64):
    """A copy as a tensor that collects its gradient."""
    return torch.tensor(np.array(array), dtype=dtype, requires_grad=True)


def assert_close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=tolerance, atol=tolerance)


class TorchNetwork:
    """Network with PyTorch's layers, autograd and optimizers."""

    def __init__(self, network, loss, dtype):
        self.loss, self.dtype, self.layers, self.stack = torch_loss(loss), dtype, [], []
        for layer, p, s in zip(network.layers, network.parameters, network.statistics, strict=True):
            linear = torch.nn.Linear(*p["coef"].shape, dtype=dtype)
            norm = None
            values = [(linear.weight, p["coef"].T), (linear.bias, p["intercept"])]
            if layer.normalization:
                norm = torch.nn.BatchNorm1d(
                    layer.units,
                    eps=layer.normalization.epsilon,
                    momentum=layer.normalization.momentum,
                    dtype=dtype,
                )
                values += [(norm.weight, p["scale"]), (norm.bias, p["shift"])]
                values += [(norm.running_mean, s["mean"]), (norm.running_var, s["variance"])]
            with torch.no_grad():
                for tensor, value in values:
                    tensor.copy_(torch.tensor(value))
            self.layers.append((linear, norm))
            activation = TORCH_ACTIVATIONS.get(layer.activation)
            if layer is network.layers[-1]:
                before = any(kind == "activation" for kind, *_ in network.stages[-2:])
                self.stack += [linear, activation] if before else [linear]
            elif norm is None:
                self.stack += [linear, activation]
            elif layer.normalization.position == "before":
                self.stack += [linear, norm, activation]
            else:
                self.stack += [linear, activation, norm]

    def parameter_groups(self, decoupled):
        """The weights of the dense layers, and all else, of which nothing decays."""
        weights = [linear.weight for linear, _ in self.layers]
        modules = [module for pair in self.layers for module in pair if module]
        rest = [p for module in modules for p in module.parameters() if p.ndim == 1]
        still = {"weight_decay": 0.0} if decoupled else {}
        return [{"params": weights}, {"params": rest} | still]

    def groups_with(self, factors, decoupled):
        """A group for each parameter, at the learning rate times its factors."""
        groups, n = [], len(self.layers)
        for i, (linear, norm) in enumerate(self.layers):
            named = [(linear.weight, "weights"), (linear.bias, "biases")]
            named += [(p, "normalization") for p in norm.parameters()] if norm else []
            for p, name in named:
                lr = 0.01 * factors.get(name, 1) * factors.get(i, 1) * factors.get(i - n, 1)
                still = {"weight_decay": 0.0} if decoupled and p.ndim == 1 else {}
                groups.append({"params": [p], "lr": lr} | still)
        return groups

    def train(
        self,
        X,
        y,
        optimizer,
        learning_rate,
        n_steps,
        alpha,
        weight,
        epsilon,
        groups=None,
        l1_ratio=0.0,
        before_step=None,
        after_step=None,
    ):
        """`groups` are of PyTorch's; the functions are called with all parameters."""
        X = torch.tensor(X, dtype=self.dtype)
        y = torch.tensor(y) if y.ndim == 1 else torch.tensor(y, dtype=self.dtype)
        weight = torch.tensor(weight, dtype=self.dtype)
        decoupled = OPTIMIZERS[optimizer].decoupled
        if decoupled:
            alpha = 0.0
        groups = groups or self.parameter_groups(decoupled)
        parameters = [p for group in groups for p in group["params"]]
        optim = TORCH_OPTIMIZERS[optimizer](groups, lr=learning_rate)
        if optimizer == "averaged":  # PyTorch starts with the first gradient, undamped
            for group in groups:
                for p in group["params"]:
                    optim.state[p]["momentum_buffer"] = torch.zeros_like(p)
        losses = []
        for t in range(1, n_steps + 1):
            for group in optim.param_groups:
                group["eps"] = epsilon
                if optimizer == "adam":
                    # PyTorch adds it after the bias correction of the root, scikit-learn before.
                    group["eps"] = epsilon / np.sqrt(1 - 0.999**t)
            z = X
            for module in self.stack:
                z = module(z)
            data_loss = torch.sum(weight * self.loss(z, y)) / weight.sum()
            squares = sum(torch.sum(linear.weight**2) for linear, _ in self.layers)
            magnitudes = sum(torch.sum(linear.weight.abs()) for linear, _ in self.layers)
            penalty = alpha * ((1 - l1_ratio) / 2 * squares + l1_ratio * magnitudes) / weight.sum()
            optim.zero_grad()
            (data_loss + penalty).backward()
            if before_step:
                before_step(parameters)
            optim.step()
            if after_step:
                after_step(parameters)
            losses.append([data_loss.item(), penalty.item()])
        if optimizer == "look_ahead":
            optim.settle()
        return np.array(losses)
