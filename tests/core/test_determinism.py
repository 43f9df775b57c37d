"""Determinism: the same bits for any number of threads and every instruction set with FMA."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from fastnn._core import cpu
from fastnn.activations import HIDDEN_ACTIVATIONS, PReLU
from fastnn.layers import Heads
from fastnn.normalization import GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support.engines import Engine
from support.problems import EACH_LOSS, LAYOUTS, make_counts, make_data, make_layers, make_network

# Widths and batches that divide evenly among no number of threads.
N_ROWS, N_FEATURES, BATCH = 301, 45, 75


# What cuts the update of the weights into parts, with barriers or without.
UPDATES = {
    "clip_value": ("adam", {"clip_value": 0.01}),
    "clip_norm": ("adam", {"clip_norm": 0.1}),
    "proximal": ("adam", {"l1_ratio": 0.5, "l1_update": "proximal"}),
    "elastic net": ("adam", {"l1_ratio": 0.5, "penalize_intercepts": True}),
    "max_norm": ("adam", {"max_norm": 0.5}),
    "weight_noise": ("adam", {"weight_noise": 0.1}),
    "look_ahead": ("look_ahead", {}),
    "lamb": ("lamb", {}),
    "all": ("lamb", {"clip_value": 0.1, "clip_norm": 0.1, "max_norm": 0.5, "weight_noise": 0.1}),
}


def trained(layout="float32", dtype="float32", n_threads=1, calls=1, update=None, **options):
    """Everything that two epochs of training leave behind, and some predictions."""
    optimizer, regularization = UPDATES.get(update, ("adam", {}))
    rng = np.random.default_rng(0)
    options = {"activation": "relu", "position": "before", "dropout": 0.3} | options
    units = options.pop("units", [67, 34, 5])
    heads = options.pop("heads", None)
    layers = make_layers(units, loss="log_loss", **options)
    if heads:
        layers[-1] = Heads(heads)
    network = make_network(rng, N_FEATURES, layers, "log_loss", options["dropout"] / 2, seed=3)
    X = LAYOUTS[layout](make_counts(rng, N_ROWS, N_FEATURES))
    y = rng.integers(5, size=(N_ROWS, len(heads)) if heads else N_ROWS).astype(np.int32)
    weight = rng.uniform(0.5, 2, N_ROWS)
    engine = Engine(network, "log_loss", optimizer, dtype, BATCH, n_threads)
    losses = []
    for _ in range(2):
        order = rng.permutation(N_ROWS)
        # Calls end where batches end, or the batches would be others.
        steps = np.array_split(np.arange(-(-N_ROWS // BATCH)), calls)
        for step in steps:
            rows = order[step[0] * BATCH : (step[-1] + 1) * BATCH]
            rates = [0.01] * len(step)
            options = {"average_weights": 0.1} | regularization
            plan = (BATCH, rates, 0.1, weight, rows)
            losses.append(engine.train(X, y, *plan, tells_norm=True, **options))
    *value, gradient = engine.loss_and_grad(X, y, weight, 0.1)
    return [
        np.concatenate(losses),
        np.array(engine.grad_norms),
        engine.state.parameters,
        engine.state.statistics,
        engine.state.slots,
        engine.state.average,
        np.array(value),
        np.array(engine.loss(X, y, weight, order)),
        *(g[name] for g in gradient for name in g),
        engine.predict(X),
    ]


def assert_same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("loss", EACH_LOSS, ids=str)
def test_any_number_of_threads_gives_the_same_bits_with_any_loss(loss):
    rng = np.random.default_rng(0)
    network = make_network(rng, N_FEATURES, make_layers([34, 5], "tanh", loss=loss), loss)
    X, y = make_data(rng, N_ROWS, N_FEATURES, 5, loss)
    smoothing = 0.1 if loss in ("log_loss", "soft_log_loss", "binary_log_loss") else 0.0
    runs = []
    for n_threads in (1, 2, 3, 8):
        engine = Engine(network, loss, "adam", "float32", BATCH, n_threads)
        losses = engine.train(X.astype("float32"), y, BATCH, [0.01] * 5, smoothing=smoothing)
        runs.append([losses, engine.state.parameters, engine.predict(X)])
        assert_same_bits(runs[0], runs[-1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("layout", ["float32", "uint8", "csr float32"])
def test_any_number_of_threads_gives_the_same_bits(layout, position, dtype):
    one = trained(layout, dtype, 1, position=position)
    assert np.isfinite(one[0]).all()
    for n_threads in (2, 3, 8):
        assert_same_bits(one, trained(layout, dtype, n_threads, position=position))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("layout", ["float32", "uint8", "csr float32"])
def test_threads_that_share_a_batch_by_pairs_of_rows_give_the_same_bits(layout, dtype):
    """Check networks without masks and sums over rows, in which a thread may have two rows."""
    options = {"position": None, "dropout": 0}
    one = trained(layout, dtype, 1, **options)
    for n_threads in (2, 5, 19, 40):
        assert_same_bits(one, trained(layout, dtype, n_threads, **options))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("update", UPDATES)
def test_any_number_of_threads_gives_the_same_bits_in_every_update(update, dtype):
    one = trained(dtype=dtype, update=update)
    assert np.isfinite(one[0]).all()
    assert not np.array_equal(one[1], trained(dtype=dtype)[1])
    for n_threads in (2, 3, 8):
        assert_same_bits(one, trained(dtype=dtype, n_threads=n_threads, update=update))
    assert_same_bits(one, trained(dtype=dtype, calls=5, update=update))


class RandomTeam:
    """A team whose number of threads is another one after each step."""

    def __init__(self, most):
        self.rng, self.most = np.random.default_rng(most), most

    def next_slice(self):
        return int(self.rng.integers(1, self.most + 1)), 0.0

    def record(self, work, seconds, busy, is_over):
        assert work >= 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("layout", ["float32", "csr float32"])
@pytest.mark.parametrize("update", [None, *UPDATES])
def test_teams_that_change_between_steps_give_the_same_bits(update, layout, dtype, monkeypatch):
    one = trained(layout, dtype, update=update, position="before")
    monkeypatch.setattr(cpu, "Team", RandomTeam)
    monkeypatch.setattr(cpu.Predictor, "new_team", RandomTeam)
    other = trained(layout, dtype, n_threads=4, update=update, position="before")
    assert_same_bits(one, other)


# Stages that take sums over rows, over columns, or over the rows of weights.
STAGES = [
    {"normalization": LayerNorm(), "activation": "prelu"},
    {"normalization": GroupNorm(3, position="after"), "units": [69, 36, 5]},
    {"normalization": InstanceNorm(3, affine=True), "units": [69, 36, 5]},
    {"normalization": WeightNorm(), "activation": "maxout"},
    {"normalization": WeightNorm(), "activation": PReLU(shared=False)},
    {"heads": (5, 17, 6), "activation": "tanh"},
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", STAGES, ids=str)
@pytest.mark.parametrize("layout", ["float32", "csr float32"])
def test_any_number_of_threads_gives_the_same_bits_of_every_stage(layout, options, dtype):
    one = trained(layout, dtype, 1, position=None, **options)
    assert np.isfinite(one[0]).all()
    for n_threads in (2, 3, 8):
        assert_same_bits(one, trained(layout, dtype, n_threads, position=None, **options))
    assert_same_bits(one, trained(layout, dtype, 2, calls=3, position=None, **options))


@pytest.mark.parametrize("layout", ["float32", "csr float32"])
@pytest.mark.parametrize("calls", [2, 5])
def test_one_long_call_and_several_short_ones_give_the_same_bits(layout, calls):
    assert_same_bits(trained(layout), trained(layout, calls=calls))


def test_the_seed_decides_the_masks():
    """Check that the seed affects dropout masks only."""
    rng = np.random.default_rng(0)
    X, y = make_counts(rng, 40, 8), rng.standard_normal((40, 2))
    for rate, same in [(0.0, True), (0.5, False)]:
        results = []
        for seed in (1, 2):
            layers = make_layers([9, 2], dropout=rate)
            network = make_network(np.random.default_rng(1), 8, layers, "squared_error", seed=seed)
            engine = Engine(network, "squared_error")
            engine.train(X, y, 8, [0.1] * 5)
            results.append(engine.state.parameters)
        assert np.array_equal(*results) is same


def digest():
    """Return a digest of the bits of many trainings, printed by the processes below."""
    total = hashlib.sha256()
    for layout in ["float32", "uint8", "csr float32"]:
        for dtype in ["float32", "float64", "bfloat16"]:
            runs = [{"activation": activation} for activation in HIDDEN_ACTIVATIONS]
            for options in [*runs, *({"position": None} | stages for stages in STAGES)]:
                for array in trained(layout, dtype, 2, **options):
                    total.update(np.ascontiguousarray(array).tobytes())
    for update in UPDATES:
        for dtype in ["float32", "float64"]:
            for array in trained("float32", dtype, 2, update=update):
                total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def digest_of_process(isa):
    result = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"FASTNN_ISA": isa, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    active, bits = result.stdout.split()
    assert active == isa
    return bits


def test_instruction_sets_with_fma_give_the_same_bits():
    from fastnn._core import cpu

    fused = [name for name in cpu.isa_info()["available"] if name != "baseline"]
    if len(fused) < 2:
        pytest.skip("this processor has fewer than two instruction sets with FMA")
    assert len({digest_of_process(isa) for isa in fused}) == 1


if __name__ == "__main__":
    from fastnn._core import cpu

    print(cpu.isa_info()["active"], digest())
