"""Products of TF32: the instruction, tiles, and whole steps against the reference.

The simulator runs a twin of the instruction, that is held to what NVIDIA's documents say of it.
"""

import numpy as np
import pytest

from fastnn import MLPRegressor
from fastnn._core.cuda import kernels, ops
from fastnn._core.cuda._numba import cuda
from fastnn._core.cuda.tensor_cores import TILINGS, TILINGS_ON_GPU, multiply_add, to_tf32
from fastnn.activations import Maxout
from fastnn.layers import Dense, Residual
from fastnn.normalization import BatchNorm, LayerNorm
from support import reference
from support.devices import SIMULATES
from support.engines import Engine, rounded
from support.problems import make_data, make_network, relative_error
from support.reference import tf32
from support.trajectories import named

# Where a float32 lies near the middle between two numbers of TF32, the reference's may lie on the
# other side of it, and differ by 2^-10 in one of the inputs of the next product.
TOLERANCE = 3e-4


@pytest.fixture
def made(monkeypatch):
    """Makes a kernel of a function of this file."""

    def make(function, **bindings):
        known = kernels.definitions()
        monkeypatch.setitem(known, function.__name__, (function, False))
        return kernels.Kernels(np.float32)(function.__name__, **bindings)

    return make


def round_all(x, y):
    for i in range(cuda.threadIdx.x, x.size, 32):
        y[i] = to_tf32(x[i])


def test_rounding(made):
    """Check ties, their neighbours, infinities and NaN."""
    rng = np.random.default_rng(0)
    ties = rng.standard_normal(50).astype(np.float32).view(np.uint32) & 0xFFFFE000 | 0x1000
    near = np.concatenate([ties, ties - 1, ties + 1]).view(np.float32)
    others = np.float32([0, 1, -1, 1 + 2**-10, 2 - 2**-23, 1e30, -1e-30, np.inf, -np.inf, np.nan])
    x = np.concatenate([near, others])
    y = cuda.to_device(np.zeros_like(x))
    made(round_all)[1, 32](cuda.to_device(x), y)
    actual = y.copy_to_host()
    np.testing.assert_array_equal(actual, tf32(x))
    assert not (actual[:-1].view(np.uint32) & 0x1FFF).any()
    np.testing.assert_array_less(np.abs(x[:50]), np.abs(actual[:50]))


def product_of_fragments(a, b, c):
    lane = cuda.threadIdx.x
    c0, c1, c2, c3 = c[lane, 0], c[lane, 1], c[lane, 2], c[lane, 3]
    c0, c1, c2, c3 = multiply_add(
        c0, c1, c2, c3, a[lane, 0], a[lane, 1], a[lane, 2], a[lane, 3], b[lane, 0], b[lane, 1]
    )
    c[lane, 0], c[lane, 1], c[lane, 2], c[lane, 3] = c0, c1, c2, c3


def test_fragments(made):
    """ "Parallel Thread Execution ISA", "Matrix Fragments for mma.m16n8k8", .tf32."""
    lane = np.arange(32)[:, np.newaxis]
    group_id, thread_id_in_group = lane >> 2, lane % 4
    row_of_a = group_id + np.array([0, 8, 0, 8])
    column_of_a = thread_id_in_group + np.array([0, 0, 4, 4])
    row_of_b, column_of_b = thread_id_in_group + np.array([0, 4]), group_id
    row_of_c = group_id + np.array([0, 0, 8, 8])
    column_of_c = 2 * thread_id_in_group + np.array([0, 1, 0, 1])
    rng = np.random.default_rng(1)
    a, b, c = (rng.integers(-9, 9, shape) for shape in [(16, 8), (8, 8), (16, 8)])
    fragments = a[row_of_a, column_of_a], b[row_of_b, column_of_b], c[row_of_c, column_of_c]
    a_part, b_part, c_part = (cuda.to_device(each.astype(np.float32)) for each in fragments)
    made(product_of_fragments, TILE_THREADS=32)[1, 32](a_part, b_part, c_part)
    actual = np.zeros((16, 8))
    actual[row_of_c, column_of_c] = c_part.copy_to_host()
    np.testing.assert_array_equal(actual, a @ b + c)


KINDS = ["forward", "input_gradient", "weight_gradient"]
SHAPES = [(1, 1, 1), (16, 8, 16), (17, 13, 19), (5, 20, 33), (40, 3, 7)]
# For the tiles of a GPU; in the simulator one, for the smallest, that all warps have a part of.
ON_GPU = [(35, 17, 37)]
EACH_TILING = [(SHAPES, TILINGS[-1][1])]
if SIMULATES:
    EACH_TILING += [(ON_GPU, TILINGS_ON_GPU[-1][1])]
else:
    ON_GPU += [(65, 17, 3), (70, 21, 67), (500, 784, 130), (2000, 100, 10), (129, 1030, 257)]
    EACH_TILING += [(ON_GPU, tiling) for _, tiling in TILINGS_ON_GPU]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shapes, sizes", EACH_TILING)
def test_products(kind, shapes, sizes):
    """Check products within the errors of float32 sums, whose additions may truncate."""
    rng = np.random.default_rng(2)
    for m, k, n in shapes:
        a, b = (rng.standard_normal(shape).astype(np.float32) for shape in [(m, k), (k, n)])
        bias, c = (rng.standard_normal(shape).astype(np.float32) for shape in [n, (m, n)])
        a8, b8 = tf32(a), tf32(b)
        bound = (k + 2) * 2.0**-22 * (np.abs(a8) @ np.abs(b8) + np.abs(bias) + np.abs(c))
        given = {} if kind == "weight_gradient" else {"bias": bias}
        actual = ops.tf32_matmul(a, b, kind=kind, **given, **sizes)
        expected = a8 @ b8 + given.get("bias", 0)
        assert (np.abs(actual - expected) <= bound).all()
        added = ops.tf32_matmul(a, b, c=c, kind=kind, **sizes)
        assert (np.abs(added - (a8 @ b8 + c)) <= bound).all()


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_reruns_give_the_same_bits(kind):
    rng = np.random.default_rng(3)
    a, b = (rng.standard_normal((300, 300)).astype(np.float32) for _ in range(2))
    first, *others = (ops.tf32_matmul(a, b, kind=kind) for _ in range(5))
    for other in others:
        np.testing.assert_array_equal(other, first)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_nan_stays_where_it_belongs(kind):
    a, b = np.ones((17, 9), np.float32), np.ones((9, 18), np.float32)
    a[3, 2], b[8, 17] = np.nan, np.inf
    expected = np.full((17, 18), 9.0)
    expected[:, 17], expected[3] = np.inf, np.nan
    np.testing.assert_array_equal(ops.tf32_matmul(a, b, kind=kind), expected)


# ------------------------------------------------------------------------------------ whole steps

STACKS = {
    "plain": ([Dense(6, "tanh"), Dense(3, "relu"), Dense(2)], "squared_error"),
    "norms": ([Dense(6, "tanh", BatchNorm()), Dense(5, "gelu", LayerNorm()), Dense(2)], "log_loss"),
    "residual": ([Dense(6, "tanh"), Residual([Dense(6, Maxout(2)), Dense(6)]), Dense(2)], "huber"),
    "dropout": ([Dense(17, "tanh", dropout=0.3), Dense(2)], "log_loss"),
}


def twins(layers, loss, optimizer="adam"):
    """An engine in TF32 and a reference that starts at the same parameters, with some data."""
    rng = np.random.default_rng(3)
    layers[-1].activation = reference.loss_of(loss).output_activation
    network = rounded(make_network(rng, 5, layers, loss, seed=2**40 + 7), "float32")
    network = reference.Network(
        layers, loss, network.parameters, network.statistics, seed=network.seed, rounds=tf32
    )
    engine = Engine(network, loss, optimizer, "tf32", 5, device="cuda", epsilon=1e-3)
    X, y = make_data(rng, 9, 5, 2, loss)
    return engine, network, X.astype(np.float32), y


@pytest.mark.parametrize("name", STACKS)
def test_trajectory(name):
    """Two epochs of two batches, the second one short; predictions after that."""
    engine, network, X, y = twins(*STACKS[name])
    rng = np.random.default_rng(4)
    for _ in range(2):
        settings = 5, [0.02, 0.01], 0.3, rng.uniform(0.5, 2, 9), rng.permutation(9)
        actual = engine.train(X, y, *settings)
        expected = network.train(X.astype(float), y, "adam", *settings, epsilon=1e-3)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE)
    assert relative_error(named(engine.parameters), named(network.parameters)) < TOLERANCE
    np.testing.assert_allclose(engine.predict(X), network.predict(X), atol=TOLERANCE)


@pytest.mark.parametrize("name", ["plain", "residual"])
def test_gradient(name):
    """Check that the gradient is that of rounded products, and near that of float32."""
    engine, network, X, y = twins(*STACKS[name])
    *actual, gradient = engine.loss_and_grad(X, y, alpha=0.3)
    *expected, named_gradient, _ = network.loss_and_grad(X.astype(float), y, alpha=0.3)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE)
    assert relative_error(named(gradient), named(named_gradient)) < TOLERANCE
    full = Engine(network, STACKS[name][1], dtype="float32", device="cuda")
    *_, of_float32 = full.loss_and_grad(X, y, alpha=0.3)
    assert 1e-5 < relative_error(named(gradient), named(of_float32)) < 5e-3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimator():
    """Check predictions with rounded products on the device, and without on the CPU."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((9, 5)).astype(np.float32), rng.standard_normal(9)
    options = dict(hidden_layer_sizes=4, activation="identity", max_iter=1, random_state=0)
    model = MLPRegressor(**options, device="cuda", precision="tf32").fit(X, y)
    first, last = zip(model.coefs_, model.intercepts_, strict=True)
    hidden = reference.rounded_forward(tf32, X, *first)
    expected = reference.rounded_forward(tf32, hidden, *last)[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, atol=TOLERANCE)
    exact = (X.astype(float) @ first[0] + first[1]) @ last[0] + last[1]
    on_cpu = model.set_params(device="cpu").predict(X)
    np.testing.assert_allclose(on_cpu, exact[:, 0], atol=1e-6)
    assert np.abs(on_cpu - expected).max() > 1e-5
