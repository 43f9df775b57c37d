"""Training steps and predictions in the engine: many steps a call, no Python between them."""

import itertools

import numpy as np
import pytest

import measure
from fastnn import _core
from fastnn.layers import BatchNorm, Dense
from fastnn.losses import LOSSES
from fastnn.optimizers import Adam
from fastnn.program import Column, State, aligned_zeros, compile_program

N_ROWS = 6_400
# features, hidden layers, classes, rows of a batch
SHAPES = {
    "784-100-100-10, batch 128": (784, (100, 100), 10, 128),
    "784-512-512-10, batch 256": (784, (512, 512), 10, 256),
    "784-256-128-10, batch 200": (784, (256, 128), 10, 200),
    "784-100-100-10, batch 32": (784, (100, 100), 10, 32),
    "64-64-32-2, batch 200": (64, (64, 32), 2, 200),
}
KINDS = {
    "plain": {},
    "batch_norm": {"normalization": BatchNorm()},
    "dropout": {"dropout": 0.5},
    "average": {},
}
THREADS = sorted({1, measure.available_threads()})


def network(shape, kind, dtype):
    n_features, hidden, n_classes, _ = SHAPES[shape]
    layers = [Dense(units, "relu", **KINDS[kind]) for units in hidden]
    layers.append(Dense(n_classes, "softmax"))
    program = compile_program(n_features, layers, LOSSES["log_loss"].code, dtype)
    state = State.new(program, Adam.n_slots)
    rng = np.random.default_rng(0)
    for coef in program.coefs(state.parameters):
        bound = np.sqrt(6 / sum(coef.shape))
        coef[...] = rng.uniform(-bound, bound, coef.shape)
    X = rng.random((N_ROWS, n_features)).astype(dtype)
    return program, state, X, rng.integers(0, n_classes, N_ROWS).astype(np.int32)


def operations_of_step(shape):
    """Multiplications and additions of the three products of every layer, two of the first."""
    n_features, hidden, n_classes, batch_size = SHAPES[shape]
    widths = (n_features, *hidden, n_classes)
    products = [a * b for a, b in itertools.pairwise(widths)]
    return 2 * batch_size * (3 * sum(products) - products[0])


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def bench_step(rate, shape, kind, dtype, threads):
    program, state, X, y = network(shape, kind, dtype)
    if kind == "average":
        state.average = aligned_zeros(program.n_parameters, program.dtype)
    batch_size = SHAPES[shape][-1]
    engine = _core.make_engine(program, state, Adam.code, batch_size, threads, seed=0)
    n_steps = N_ROWS // batch_size
    order = np.random.default_rng(1).permutation(N_ROWS)
    coefficients = Adam().coefficients(np.full(n_steps, 1e-5), 1e-4, first_step=0)
    coefficients[:, Column.AVERAGE] = 1e-3 if kind == "average" else 0
    losses = np.empty((n_steps, 2))
    rate(
        lambda: engine.train_steps(X, y, None, order, batch_size, coefficients, losses),
        repeat=n_steps,
        operations=operations_of_step(shape),
        dtype=dtype,
        threads=threads,
    )


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def bench_predict(rate, shape, dtype, threads):
    program, state, X, _ = network(shape, "plain", dtype)
    out = np.empty((N_ROWS, program.n_outputs), dtype)
    rate(
        lambda: _core.predict(program, state.parameters, state.statistics, X, out, threads),
        operations=N_ROWS * program.flops,
        dtype=dtype,
        threads=threads,
    )
