"""The reference and the engine against PyTorch, where both define the same function."""

import numpy as np
import pytest
import torch

from fastnn import initializers
from fastnn._core.cpu import ops
from fastnn.activations import row_and_parameter
from fastnn.losses import row_and_parameter as row_of_loss
from support.kernel_cases.activations import times_derivative
from support.names import name_of
from support.problems import EACH_LOSS, make_data
from support.reference import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    OUTPUT_ACTIVATIONS,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_statistics,
    loss_of,
    moving_average,
)
from support.torch_functions import (
    TORCH_ACTIVATIONS,
    TORCH_LOSSES,
    TORCH_OPTIMIZERS,
    TORCH_OUTPUTS,
    TORCH_SPECS,
    assert_close,
    functional,
    leaf,
    torch_loss,
)

pytestmark = pytest.mark.crosscheck


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
    """Compare bounds or standard deviations, with which a standard draw is scaled."""
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
