"""Time of each kernel on one thread, repeated in each call so that Python is negligible."""

import numpy as np
import pytest

from fastnn._core.cpu import ops
from fastnn.activations import ACTIVATIONS
from fastnn.losses import LOSSES, row_and_parameter
from fastnn.optimizers import LBFGS, SGD, RMSprop
from fastnn.optimizers import OPTIMIZERS as SPECS

REPEAT = 200
DTYPES = ["float32", "float64"]
HIDDEN = [row for row in ACTIVATIONS.values() if row.code and not row.output_only]
# rows of the batch, fan-in, fan-out
SHAPES = [(128, 784, 100), (256, 512, 512), (200, 64, 64), (128, 100, 10)]
OPTIMIZERS = {name: spec() for name, spec in SPECS.items() if spec is not LBFGS}
OPTIMIZERS |= {
    "sgd": SGD(momentum=0.0),
    "classic momentum": SGD(nesterov=False),
    "nesterov": SGD(),
    "rmsprop with momentum": RMSprop(momentum=0.9),
    "rmsprop centered": RMSprop(centered=True),
}


def random(dtype, *shape):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def shape_name(shape):
    return "x".join(map(str, shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("product", ["forward", "input_gradient", "weight_gradient"])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def bench_matmul(rate, shape, product, dtype):
    rows, fan_in, fan_out = shape
    X, dZ = random(dtype, rows, fan_in), random(dtype, rows, fan_out)
    W, bias = random(dtype, fan_in, fan_out), random(dtype, fan_out)
    op, *arguments = {
        "forward": (ops.matmul, X, W, bias),
        "input_gradient": (ops.matmul, dZ, np.ascontiguousarray(W.T)),
        "weight_gradient": (ops.matmul_transposed, X, dZ),
    }[product]
    rate(
        lambda: op(*arguments, repeat=REPEAT),
        repeat=REPEAT,
        operations=2 * rows * fan_in * fan_out,
        dtype=dtype,
    )


@pytest.mark.parametrize("product", ["forward", "input_gradient", "weight_gradient", "converting"])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def bench_bfloat16_matmul(rate, shape, product):
    """Operands are laid out before, which takes as long as a few products."""
    rows, fan_in, fan_out = shape
    X, dZ = random("float32", rows, fan_in), random("float32", rows, fan_out)
    W, bias = random("float32", fan_in, fan_out), random("float32", fan_out)
    left, right = {"input_gradient": (dZ, W.T), "weight_gradient": (X.T, dZ)}.get(product, (X, W))
    bias = bias if right is W else None
    repeat = 10 * REPEAT
    rate(
        lambda: ops.bfloat16_matmul(left, right, bias, kind=product, repeat=repeat),
        repeat=repeat,
        operations=2 * rows * fan_in * fan_out,
        dtype="bfloat16",
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [row.name for row in HIDDEN])
def bench_activation(rate, name, dtype):
    x = random(dtype, 128, 128)
    code = ACTIVATIONS[name].code
    rate(
        lambda: ops.activation(x, code, repeat=REPEAT),
        repeat=REPEAT,
        moved=2 * x.nbytes,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def bench_loss(rate, name, dtype):
    row, parameter = row_and_parameter(name)
    z = random(dtype, 128, 10)
    y = np.abs(z) if not row.class_codes else np.arange(128, dtype=np.int32) % 10
    rate(
        lambda: ops.loss(z, y, row.code, parameter=parameter, repeat=REPEAT),
        repeat=REPEAT,
        moved=2 * z.nbytes,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def bench_dropout(rate, dtype):
    x = random(dtype, 8192, 96)  # a mask too long for the processor to learn its branches
    rate(lambda: ops.dropout(x, 0.5, seed=1, repeat=10), repeat=10, moved=2 * x.nbytes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def bench_optimizer(rate, name, dtype):
    solver = OPTIMIZERS[name]
    w, g = random(dtype, 128 * 128), random(dtype, 128 * 128)
    slots = np.abs(random(dtype, solver.n_slots, w.size))
    coefficients = solver.coefficients(np.array([1e-9]), 1e-4, first_step=0)[0]
    rate(
        lambda: ops.optimize(w, g, slots, solver.code, coefficients, l2=1e-6, repeat=REPEAT),
        repeat=REPEAT,
        moved=(3 + 2 * solver.n_slots) * w.nbytes,
    )
