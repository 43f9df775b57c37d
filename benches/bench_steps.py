"""Training steps and predictions in the engine: many steps a call, no Python between them."""

import itertools

import numpy as np
import pytest

import measure
from fastnn import _core
from fastnn._core.codes import Column
from fastnn._core.program import State, aligned_zeros
from fastnn._network.compiler import compile_program
from fastnn.layers import BatchNorm, Dense
from fastnn.losses import LOSSES
from fastnn.optimizers import Adam

N_ROWS = 6_400
KINDS = {
    "plain": {},
    "batch_norm": {"normalization": BatchNorm()},
    "dropout": {"dropout": 0.5},
    "average": {},
}
DTYPES = ["float32", "float64", "bfloat16"]
THREADS = sorted({1, measure.available_threads()})


def network(shape, kind, dtype):
    n_features, hidden, n_classes, _ = measure.SHAPES[shape]
    layers = [Dense(units, "relu", **KINDS[kind]) for units in hidden]
    layers.append(Dense(n_classes, "softmax"))
    bfloat16 = dtype == "bfloat16"
    dtype = "float32" if bfloat16 else dtype
    loss = LOSSES["log_loss"].code
    program = compile_program(n_features, layers, loss, dtype, bfloat16=bfloat16)
    state = State.new(program, Adam.n_slots)
    rng = np.random.default_rng(0)
    for coef in program.coefs(state.parameters):
        bound = np.sqrt(6 / sum(coef.shape))
        coef[...] = rng.uniform(-bound, bound, coef.shape)
    X = rng.random((N_ROWS, n_features)).astype(dtype)
    return program, state, X, rng.integers(0, n_classes, N_ROWS).astype(np.int32)


def operations_of_step(shape):
    """Multiplications and additions of the three products of every layer, two of the first."""
    n_features, hidden, n_classes, batch_size = measure.SHAPES[shape]
    widths = (n_features, *hidden, n_classes)
    products = [a * b for a, b in itertools.pairwise(widths)]
    return 2 * batch_size * (3 * sum(products) - products[0])


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", measure.SHAPES)
def bench_step(rate, shape, kind, dtype, threads):
    program, state, X, y = network(shape, kind, dtype)
    if kind == "average":
        state.average = aligned_zeros(program.n_parameters, program.dtype)
    batch_size = measure.SHAPES[shape][-1]
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
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", measure.SHAPES)
def bench_predict(rate, shape, dtype, threads):
    program, state, X, _ = network(shape, "plain", dtype)
    predictor = _core.make_predictor(program, state.parameters, state.statistics)
    rate(
        lambda: predictor(X, threads),
        operations=N_ROWS * program.flops,
        dtype=dtype,
        threads=threads,
    )
