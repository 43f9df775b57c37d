"""The CUDA engine without a device: rules of optimizers, compiled for this processor, and tasks."""

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

import numba

from fastnn._core.codes import Rule
from fastnn._core.cuda import tasks
from fastnn._core.cuda.kernels import _copy, definitions
from fastnn._core.cuda.optimizers import RULES
from fastnn._network.compiler import compile_program
from fastnn.activations import PReLU
from fastnn.layers import Dense
from fastnn.normalization import BatchNorm, GroupNorm, WeightNorm
from support.engines import SOLVERS
from support.reference import OPTIMIZERS

pytestmark = pytest.mark.cuda


def compiled(name, dtype):
    """A device function and all that it calls, for the processor: see ``Kernels``."""
    dtype = np.dtype(dtype)
    space = {
        "real": numba.from_dtype(dtype),
        "IS_DOUBLE": dtype.itemsize == 8,
        "SMALLEST": np.finfo(dtype).tiny,
    }

    def fill(function):
        for used in function.__code__.co_names:
            if used in space:
                continue
            if used in definitions():
                space[used] = None
                called, _ = definitions()[used]
                fill(called)
                space[used] = numba.njit(error_model="numpy")(_copy(called, space))
            elif used in function.__globals__:
                space[used] = function.__globals__[used]

    function, _ = definitions()[name]
    fill(function)
    return numba.njit(error_model="numpy")(_copy(function, space))


def test_every_rule_has_a_name():
    assert list(RULES) == list(Rule)
    assert all(definitions()[name][1] for name in RULES.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rule(name, dtype):
    """Check a step after others; for LAMB, whose step depends on all parameters, its direction."""
    rng, n, t, factor = np.random.default_rng(0), 40, 11, 0.5
    rule, solver = OPTIMIZERS[name], SOLVERS[name]()
    w, g = rng.standard_normal((2, n)).astype(dtype)
    g[0] = 0
    slots = np.zeros((3, n), dtype)
    slots[: rule.n_slots] = np.abs(rng.standard_normal((rule.n_slots, n)))
    if name == "rmsprop_centered":
        slots[0] += slots[2] ** 2  # as a mean square is
    if name == "rprop":
        slots[:, 1] = 0  # has not begun
    (row,) = solver.coefficients(np.array([0.1]), 1.0, t - 1)
    rate, decay, own = dtype(row[0] * factor), dtype(row[2]), tuple(row[3:10].astype(dtype))
    step = compiled(RULES[solver.code], dtype)
    start = w if name == "lamb" else w - dtype(factor) * decay * w
    actual = [
        step(own, rate, dtype(factor), decay, *values)
        for values in zip(start, g, *slots, strict=True)
    ]
    after = list(slots[: rule.n_slots].astype(float))
    of_lamb = {"adapts": False} if name == "lamb" else {}
    expected = rule.update(w.astype(float), g.astype(float), after, t, factor * 0.1, **of_lamb)
    if name == "lamb":
        expected = (w - expected) / (factor * 0.1)
    wanted = np.array([expected, *after, *slots[rule.n_slots :]])
    np.testing.assert_allclose(np.transpose(actual), wanted, 0, 60 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("code", Rule)
def test_padding_stays_zero(code, dtype):
    """Check that padding stays zero, also for an epsilon that underflows."""
    step = compiled(RULES[code], dtype)
    own = (dtype(0),) * 7
    assert step(own, dtype(0.1), dtype(1), dtype(0.5), *(dtype(0),) * 5)[0] == 0
    own = (dtype(0.9), *(dtype(0.1),) * 6)
    assert step(own, dtype(0.1), dtype(1), dtype(0.5), *(dtype(0),) * 5) == (0.0,) * 4


def program_of_all():
    layers = [
        Dense(70, PReLU(), BatchNorm()),
        Dense(40, "relu", WeightNorm()),
        Dense(20, "relu", GroupNorm(4)),
        Dense(3),
    ]
    program = compile_program(30, layers, 1, np.float32)
    program.stages["weight_factor"] = np.arange(len(program.stages))
    program.stages["bias_factor"] = 0.5
    return program


def test_tasks_cover_the_parameters():
    """Check that each parameter is in one task of its array."""
    program = program_of_all()
    table, factors, n_weights = tasks.plan_tasks(program)
    assert (table[:, tasks.LENGTH] <= tasks.TASK_ELEMENTS).all()
    covered = np.zeros(program.n_parameters, int)
    for row, factor in zip(table, factors, strict=True):
        run = slice(row[tasks.FIRST], row[tasks.FIRST] + row[tasks.LENGTH])
        covered[run] += 1
        (array,) = [a for a in program.arrays if not a.is_statistic and a.start == row[tasks.BASE]]
        group = {"coef": tasks.WEIGHTS, "intercept": tasks.BIASES}.get(array.name, tasks.VECTORS)
        assert row[tasks.GROUP] == group
        assert factor == (0.5 if group == tasks.BIASES else row[tasks.STAGE])
        if group == tasks.WEIGHTS:
            assert (row[tasks.LD], row[tasks.N_COLUMNS]) == (array.ld, array.shape[1])
    assert (covered == 1).all()

    weights = table[:, tasks.WEIGHT]
    assert n_weights == weights.max() + 1 == 4
    for weight in range(n_weights):
        begin, end = table[weight, tasks.WEIGHT_BEGIN : tasks.WEIGHT_END + 1]
        np.testing.assert_array_equal(np.flatnonzero(weights == weight), np.arange(begin, end))
