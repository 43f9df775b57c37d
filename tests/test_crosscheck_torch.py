"""The reference and the engine against PyTorch, where both define the same thing."""

from functools import partial

import numpy as np
import pytest

from fastnn import EMA, SGD, SWA, AdamW, MLPRegressor, initializers
from fastnn._core.cpu import ops
from fastnn.activations import ELU, GELU, LeakyReLU, Maxout, PReLU, RReLU, row_and_parameter
from fastnn.callbacks import Callback
from fastnn.layers import Dense, Dropout, Heads
from fastnn.losses import Huber, Minkowski, Quantile
from fastnn.losses import row_and_parameter as row_of_loss
from fastnn.normalization import GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from fastnn.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseDecay,
    LinearDecay,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    Steps,
    Warmup,
)
from support.engines import COMBINATIONS, Engine, large_epsilon, small_rate
from support.kernel_cases.activations import times_derivative
from support.names import name_of
from support.problems import EACH_LOSS, make_data, make_layers, make_network
from support.reference import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    OUTPUT_ACTIVATIONS,
    Mixing,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_statistics,
    bfloat16,
    keep_mask,
    loss_of,
    moving_average,
    normal_noise,
    random_slopes,
)

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install '.[crosscheck]'")
functional = torch.nn.functional

pytestmark = pytest.mark.crosscheck

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
    """By its definition: PyTorch has none."""
    return torch.maximum(quantile * (y - z), (quantile - 1) * (y - z)).sum(1)


def minkowski(z, y, p=2.0):
    """From PyTorch's norms."""
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


TORCH_OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adam": torch.optim.Adam,
    "averaged": partial(torch.optim.SGD, momentum=0.9, dampening=0.9),
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "rmsprop_momentum": partial(torch.optim.RMSprop, momentum=0.9),
    "rmsprop_centered": partial(torch.optim.RMSprop, momentum=0.9, centered=True),
    "rprop": torch.optim.Rprop,
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


def test_everything_of_the_reference_has_its_counterpart():
    assert TORCH_ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert TORCH_OUTPUTS.keys() == OUTPUT_ACTIVATIONS.keys()
    assert TORCH_LOSSES.keys() == LOSSES.keys()
    assert TORCH_OPTIMIZERS.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    z = leaf(np.linspace(-30, 30, 101))
    value = TORCH_ACTIVATIONS[name](z)
    value.sum().backward()
    assert_close(ACTIVATIONS[name].value(z.detach().numpy()), value)
    assert_close(ACTIVATIONS[name].derivative(z.detach().numpy()), z.grad)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("each, function", [*TORCH_ACTIVATIONS.items(), *TORCH_SPECS], ids=name_of)
def test_activation_of_the_engine(each, function, dtype, tolerance):
    z = leaf(np.linspace(-30, 30, 1001), getattr(torch, dtype))
    value = function(z)
    value.sum().backward()
    row, parameter = row_and_parameter(each)
    if row.name == "identity":  # no kernel: there is no stage for it
        return
    x = z.detach().numpy()
    y = ops.activation(x, row.code, parameter)
    assert_close(y, value, tolerance)
    gradient = times_derivative(ops, x, y, np.ones_like(x), row, (row.code, parameter))
    assert_close(gradient, z.grad, tolerance)


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_output_activation(name):
    z = np.random.default_rng(0).normal(0, 5, (7, 3))
    assert_close(OUTPUT_ACTIVATIONS[name](z), TORCH_OUTPUTS[name](torch.tensor(z)))


@pytest.mark.parametrize("of", EACH_LOSS, ids=str)
def test_loss(of):
    rng = np.random.default_rng(0)
    z = leaf(rng.normal(0, 3, (7, 3)))
    _, y = make_data(rng, 7, 4, 3, of)
    value = torch_loss(of)(z, torch.tensor(y))
    value.sum().backward()
    assert_close(loss_of(of).value(z.detach().numpy(), y), value)
    assert_close(loss_of(of).delta(z.detach().numpy(), y), z.grad)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
@pytest.mark.parametrize("name", ["log_loss", "soft_log_loss", "binary_log_loss"])
def test_label_smoothing_of_the_engine(name, smoothing):
    """PyTorch has it for the softmax; for logistic units it is one of two classes."""
    rng = np.random.default_rng(0)
    z = leaf(rng.normal(0, 3, (7, 3)))
    _, y = make_data(rng, 7, 4, 3, name)
    if name == "binary_log_loss":
        pairs = torch.stack([torch.zeros_like(z), z], 1)
        value = functional.cross_entropy(
            pairs, torch.tensor(y).long(), reduction="none", label_smoothing=smoothing
        ).sum(1)
    else:
        y_torch = torch.tensor(y).long() if y.ndim == 1 else torch.tensor(y)
        value = functional.cross_entropy(z, y_torch, reduction="none", label_smoothing=smoothing)
    value.sum().backward()
    row, _ = row_of_loss(name)
    _, delta, actual = ops.loss(z.detach().numpy(), y, row.code, smoothing=smoothing)
    assert_close(actual, value)
    assert_close(delta, z.grad)


def test_batch_norm():
    rng = np.random.default_rng(0)
    x, dy = rng.normal(1, 2, (2, 9, 4))
    norm = torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.3, dtype=torch.float64)
    scale, shift = rng.uniform(0.5, 2, (2, 4))
    with torch.no_grad():
        norm.weight.copy_(torch.tensor(scale))
        norm.bias.copy_(torch.tensor(shift))
    x_torch = leaf(x)
    y_torch = norm(x_torch)
    y_torch.backward(torch.tensor(dy))

    mean, variance = batch_norm_statistics(x)
    assert_close(batch_norm_forward(x, scale, shift, mean, variance, 1e-3), y_torch)
    dx, dscale, dshift = batch_norm_backward(x, scale, mean, variance, 1e-3, dy, False)
    assert_close(dx, x_torch.grad)
    assert_close(dscale, norm.weight.grad)
    assert_close(dshift, norm.bias.grad)
    average = {"mean": np.zeros(4), "variance": np.ones(4)}
    average = moving_average(average, mean, variance, 9, momentum=0.3)
    assert_close(average["mean"], norm.running_mean)
    assert_close(average["variance"], norm.running_var)
    norm.eval()
    assert_close(
        batch_norm_forward(x, scale, shift, average["mean"], average["variance"], 1e-3),
        norm(torch.tensor(x)),
    )


TORCH_INITIALIZERS = [
    (initializers.GlorotUniform(1.5), lambda w: torch.nn.init.xavier_uniform_(w, 1.5)),
    (initializers.GlorotNormal(1.5), lambda w: torch.nn.init.xavier_normal_(w, 1.5)),
    (initializers.HeUniform(), torch.nn.init.kaiming_uniform_),
    (initializers.HeUniform(0.2), lambda w: torch.nn.init.kaiming_uniform_(w, 0.2)),
    (
        initializers.HeNormal(0.2, "fan_out"),
        lambda w: torch.nn.init.kaiming_normal_(w, 0.2, "fan_out"),
    ),
    (initializers.LeCunNormal(), lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
    (
        initializers.LeCunUniform(),
        lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear"),
    ),
    (initializers.PyTorchDefault(), lambda w: torch.nn.init.kaiming_uniform_(w, 5**0.5)),
]


@pytest.mark.parametrize("spec, initialize", TORCH_INITIALIZERS, ids=name_of)
def test_initializer(spec, initialize):
    """The same bound or standard deviation: what a draw between -1 and 1, or at 1, is scaled by."""
    uniform = spec.distribution == "uniform"
    ours = spec.draw(np.random.RandomState(0), (7, 4), 7, 4)
    random_state = np.random.RandomState(0)
    scale = ours / (
        random_state.uniform(-1, 1, (7, 4)) if uniform else random_state.normal(size=(7, 4))
    )
    theirs, unit = (torch.empty(4, 7, dtype=torch.float64) for _ in range(2))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        initialize(theirs)
        torch.manual_seed(0)
        torch.nn.init.uniform_(unit, -1, 1) if uniform else torch.nn.init.normal_(unit)
    np.testing.assert_allclose(scale, (theirs / unit).numpy().T, rtol=1e-12)


def test_default_initialization_of_a_linear_layer():
    """Weights and biases keep within PyTorchDefault's bound, and come near it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        linear = torch.nn.Linear(50, 2000)
    bound = initializers.PyTorchDefault().variance(50, 2000) ** 0.5 * 3**0.5
    for values in (linear.weight, linear.bias):
        assert 0.99 * bound < values.abs().max().item() <= bound * (1 + 1e-6)


# --- trajectories ---------------------------------------------------------------------------------


class TorchNetwork:
    """The same network with PyTorch's layers, autograd and optimizers."""

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
    if optimizer == "rprop" and position == "before":
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
    """Of rows, which are the weights that come into a unit in PyTorch."""
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
    """Those before clipping, the gradient of the penalty included."""
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


# --- stages with parameters of their own ----------------------------------------------------------


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


# --- schedules and averages -----------------------------------------------------------------------

lr = torch.optim.lr_scheduler
N_STEPS, STEPS_PER_EPOCH = 60, 10


def _then(first, second, n):
    """First one, and after n steps the other."""
    return lambda optim: lr.SequentialLR(optim, [first(optim), second(optim)], [n])


# Ours, PyTorch's of an optimizer, and whether PyTorch's is stepped by epoch.
TORCH_SCHEDULES = [
    (Constant(), lambda o: lr.ConstantLR(o, 1.0), False),
    (LinearDecay(0.1, 40), lambda o: lr.LinearLR(o, 1.0, 0.1, 40), False),
    (LinearDecay(0.0, per="epoch"), lambda o: lr.PolynomialLR(o, 6, 1.0), True),
    (ExponentialDecay(0.7), lambda o: lr.ExponentialLR(o, 0.7), True),
    (ExponentialDecay(0.99, "step"), lambda o: lr.ExponentialLR(o, 0.99), False),
    (StepDecay(2, 0.3), lambda o: lr.StepLR(o, 2, 0.3), True),
    (StepDecay(7, 0.8, "step"), lambda o: lr.StepLR(o, 7, 0.8), False),
    (CosineDecay(0.1), lambda o: lr.CosineAnnealingLR(o, 60, 0.1 * 0.05), False),
    (CosineDecay(per="epoch"), lambda o: lr.CosineAnnealingLR(o, 6), True),
    (CosineDecay(0.1, 7), lambda o: lr.CosineAnnealingWarmRestarts(o, 7, 1, 0.1 * 0.05), False),
    (CosineDecay(0.0, 4, 3), lambda o: lr.CosineAnnealingWarmRestarts(o, 4, 3), False),
    (CosineDecay(0.0, 1, 2, "epoch"), lambda o: lr.CosineAnnealingWarmRestarts(o, 1, 2), True),
    *(
        (
            OneCycle(0.2, 10.0, 50.0, strategy, three),
            partial(
                lr.OneCycleLR,
                max_lr=0.05,
                total_steps=N_STEPS,
                pct_start=0.2,
                anneal_strategy=strategy,
                cycle_momentum=False,
                div_factor=10.0,
                final_div_factor=50.0,
                three_phase=three,
            ),
            False,
        )
        for strategy in ("cos", "linear")
        for three in (False, True)
    ),
    (
        InverseDecay(0.2),
        lambda o: lr.LambdaLR(o, lambda t: 1 / (1 + 0.2 * t)),
        False,
    ),
    (
        Warmup(15, ExponentialDecay(0.9, "step"), 0.2),
        _then(lambda o: lr.LinearLR(o, 0.2, 1.0, 15), lambda o: lr.ExponentialLR(o, 0.9), 15),
        False,
    ),
    (
        Warmup(12, CosineDecay(0.0, 20), 0.5),
        _then(
            lambda o: lr.LinearLR(o, 0.5, 1.0, 12),
            lambda o: lr.CosineAnnealingWarmRestarts(o, 20),
            12,
        ),
        False,
    ),
]


@pytest.mark.filterwarnings("ignore")  # of how SequentialLR calls the others
@pytest.mark.parametrize("schedule, make, by_epoch", TORCH_SCHEDULES, ids=name_of)
def test_schedule(schedule, make, by_epoch):
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    scheduler = make(optim)
    expected = []
    for step in range(N_STEPS):
        expected.append(optim.param_groups[0]["lr"])
        optim.step()
        if (step + 1) % STEPS_PER_EPOCH == 0 or not by_epoch:
            scheduler.step()
    number = np.arange(N_STEPS)
    steps = Steps(number, number // STEPS_PER_EPOCH, N_STEPS, 6, STEPS_PER_EPOCH)
    np.testing.assert_allclose(0.05 * schedule.factors(steps), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("patience, cooldown, minimum", [(0, 0, 0.0), (1, 2, 0.0), (2, 0, 0.3)])
def test_reduce_on_plateau(patience, cooldown, minimum, threshold_mode, sign):
    curve = list(np.random.default_rng(0).uniform(1, 2, 40) + np.linspace(0, sign, 40))
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    options = {"factor": 0.7, "patience": patience, "threshold": 0.1, "cooldown": cooldown}
    options["threshold_mode"] = threshold_mode
    mode = "max" if sign > 0 else "min"
    scheduler = lr.ReduceLROnPlateau(optim, mode, min_lr=minimum * 0.05, eps=0, **options)
    schedule = ReduceOnPlateau(minimum=minimum, **options)
    for epoch in range(len(curve)):
        steps = Steps(np.arange(3), epoch, curve=curve[:epoch], sign=sign)
        rate = 0.05 * schedule.factors(steps)[0]
        assert rate == pytest.approx(optim.param_groups[0]["lr"], rel=1e-12)
        scheduler.step(curve[epoch])


def torch_regression(model, optim, scheduler, X, y, n_epochs, after_step=None):
    """Train on batches of ten rows in their order, as `regression` does."""
    for _ in range(n_epochs):
        for start in range(0, len(X), 10):
            rows = slice(start, start + 10)
            optim.zero_grad()
            (0.5 * torch.mean((model(X[rows]) - y[rows]) ** 2)).backward()
            optim.step()
            if after_step is not None:
                after_step()
            scheduler.step()


def regression(**options):
    """An estimator that was fitted for 20 steps, the start as PyTorch's module, and the data."""
    X, y = make_data(np.random.default_rng(0), 40, 6, 1, "squared_error")
    options |= {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": 0.0, "shuffle": False}
    options |= {"batch_size": 10, "random_state": 0}
    start = MLPRegressor(solver="sgd", learning_rate_init=1e-300, max_iter=1, **options)
    start.set_params(learning_rate="constant", averaging=None).fit(X, y[:, 0])
    first, second = (torch.nn.Linear(a, b, dtype=torch.float64) for a, b in ((6, 5), (5, 1)))
    with torch.no_grad():
        for linear, coef, intercept in zip(
            (first, second), start.coefs_, start.intercepts_, strict=True
        ):
            linear.weight.copy_(torch.tensor(coef.T))
            linear.bias.copy_(torch.tensor(intercept))
    model = MLPRegressor(learning_rate_init=0.05, max_iter=5, **options)
    module = torch.nn.Sequential(first, torch.nn.Tanh(), second)
    return model, module, torch.tensor(X), torch.tensor(y)


def assert_same_regression(model, module):
    for i, linear in enumerate((module[0], module[2])):
        assert_close(model.coefs_[i], linear.weight.T, 1e-9)
        assert_close(model.intercepts_[i], linear.bias, 1e-9)


@pytest.mark.filterwarnings("ignore")  # that twenty steps are too few, and as above
@pytest.mark.parametrize(
    "schedule, make", [(ours, make) for ours, make, by_epoch in TORCH_SCHEDULES if not by_epoch]
)
def test_estimator_walks_pytorchs_trajectory_of_a_schedule(schedule, make):
    """Twenty steps, planned for sixty where the schedule asks."""
    model, module, X, y = regression(learning_rate=schedule)
    model.set_params(solver=SGD(0.0), max_iter=15, callbacks=[InterruptAfter(5)])  # 4 steps each
    model.fit(X.numpy(), y.numpy()[:, 0])
    optim = torch.optim.SGD(module.parameters(), lr=0.05)
    torch_regression(module, optim, make(optim), X, y, 5)
    assert_same_regression(model, module)


class InterruptAfter(Callback):
    """Ends a training as Ctrl-C does."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, context):
        if context.epoch == self.n_epochs:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("averaging", [EMA(0.8, bias_correction=False), SWA(0), SWA(2)], ids=repr)
def test_average_of_the_parameters(averaging):
    model, module, X, y = regression(averaging=averaging)
    model.set_params(solver=AdamW(epsilon=1e-3)).fit(X.numpy(), y.numpy()[:, 0])
    optim = torch.optim.AdamW(
        [
            {"params": [module[0].weight, module[2].weight]},
            {"params": [module[0].bias, module[2].bias], "weight_decay": 0.0},
        ],
        lr=0.05,
        eps=1e-3,
    )
    swa_utils, steps = torch.optim.swa_utils, []
    if isinstance(averaging, EMA):
        average = swa_utils.AveragedModel(
            module, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(averaging.decay)
        )
        average.update_parameters(module)  # its first call copies: the parameters at the start
    else:
        average = swa_utils.AveragedModel(module)

    def after_step():
        steps.append(1)
        ends_epoch = len(steps) % 4 == 0 and len(steps) > 4 * getattr(averaging, "start", 0)
        if isinstance(averaging, EMA) or ends_epoch:
            average.update_parameters(module)

    torch_regression(module, optim, lr.ConstantLR(optim, 1.0), X, y, 5, after_step)
    assert_same_regression(model, average.module)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "binary_log_loss"])
def test_engine_walks_pytorchs_trajectory_through_all_that_is_random(
    loss, inverted, dtype, tolerance
):
    """Mixed rows and losses, noise, masks and slopes: drawn by the reference, trained by PyTorch.

    The loss of mixed rows is written as users of PyTorch do: two losses of one prediction.
    """
    rng = np.random.default_rng(2)
    slopes, n = RReLU(0.1, 0.7), 40
    layers = make_layers([7, 3], slopes, dropout=Dropout(0.3, inverted=inverted), loss=loss)
    network = make_network(rng, 6, layers, loss, 0.0, seed=9, input_noise=0.2)
    X, y = make_data(rng, n, 6, 3, loss)
    mixings = [Mixing(0.3, 7), Mixing(0.75, 11, 2, 1, 2, 3), Mixing(0.5, 1, 1, 3, 1, 6)] * 7
    factors = np.linspace(0.5, 1.2, 20)
    engine = Engine(network, loss, "sgd", dtype, max_batch=n)
    actual = engine.train(
        X.astype(dtype),
        y,
        n,
        [0.05] * 20,
        order=np.tile(np.arange(n), 20),
        mixings=mixings[:20],
        dropout_factors=factors,
    )
    kind = getattr(torch, dtype)
    parameters = [
        leaf(values[name], kind) for values in network.parameters for name in ("coef", "intercept")
    ]
    inputs = torch.tensor(X, dtype=kind)
    targets = torch.tensor(y) if y.ndim == 1 else torch.tensor(y, dtype=kind)
    expected = []
    for step, (mixing, factor) in enumerate(zip(mixings, factors, strict=False)):
        index = (torch.arange(n) + mixing.shift) % n
        mixed = mixing.weight * inputs + (1 - mixing.weight) * inputs[index]
        if mixing.n_runs:
            mixed = inputs.clone()
            for run in range(mixing.n_runs):
                begin = mixing.first + run * mixing.stride
                mixed[:, begin : begin + mixing.run] = inputs[index, begin : begin + mixing.run]
        z = mixed + 0.2 * torch.tensor(normal_noise((n, 6), 9, step, 0), dtype=kind)
        z = z @ parameters[0] + parameters[1]
        z = torch.where(
            z > 0, z, z * torch.tensor(random_slopes(slopes, (n, 7), 9, step, 2), dtype=kind)
        )
        rate = 0.3 * factor
        keep = torch.tensor(keep_mask(rate, (n, 7), 9, step, 3))
        z = z * keep / (1 - rate if inverted else 1)
        z = z @ parameters[2] + parameters[3]
        own, others = (TORCH_LOSSES[loss](z, of).mean() for of in (targets, targets[index]))
        value = mixing.weight * own + (1 - mixing.weight) * others
        value.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= 0.05 * parameter.grad
                parameter.grad = None
        expected.append(value.item())
    np.testing.assert_allclose(actual[:, 0], expected, rtol=tolerance, atol=tolerance)
    values = [view for p in engine.parameters for view in (p["coef"], p["intercept"])]
    for value, parameter in zip(values, parameters, strict=True):
        assert_close(value, parameter, tolerance)
