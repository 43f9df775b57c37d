"""Comparison of all kernels with the reference: instruction sets, types, odd shapes.

The cases are those of `support/kernel_cases`, which `cuda/device/test_cuda_ops.py` runs on a GPU.
One test compares them with the reference; another demands the same bits of all instruction sets
that have a fused multiply-add.
"""

from functools import partial

import numpy as np
import pytest

from fastnn import activations, losses
from fastnn._core import codes, cpu, program
from fastnn._core.codes import Rule
from fastnn._core.cpu import ops as cpu_ops
from fastnn.optimizers import LBFGS
from fastnn.optimizers import OPTIMIZERS as SPECS
from support.engines import SOLVERS
from support.kernel_cases import CASES, arrays, calls_of, check_against_the_reference
from support.kernel_cases.extremes import (
    check_limits_of_activations,
    check_losses_of_extreme_outputs,
    check_softmax_of_any_logits,
    check_that_nan_passes_through,
)
from support.problems import EACH_LOSS
from support.reference import ACTIVATIONS, LOSSES, OPTIMIZERS

# The set for bfloat16 has the kernels of AVX-512 for all else.
AVAILABLE = [isa for isa in cpu.isa_info()["available"] if isa != "avx512_bf16"]


class HeldTo:
    """The kernels of one instruction set."""

    def __init__(self, isa):
        self.isa = isa

    def __getattr__(self, name):
        return partial(getattr(cpu_ops, name), isa=self.isa)


on_each_isa = pytest.mark.parametrize("ops", [HeldTo(isa) for isa in AVAILABLE], ids=AVAILABLE)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_kernel_against_the_reference(name, dtype, ops):
    check_against_the_reference(name, dtype, ops)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", "?bBhHiIlLqQe")
def test_rows_of_every_type_are_converted_as_numpy_does(code, dtype, ops):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (23, 11 * 8), dtype=np.uint8) // (128 if code == "?" else 1)
    numbers = bits.view(code)[:, :11]
    if code == "e":  # all of them
        numbers = np.arange(1 << 16, dtype=np.uint16).view(code).reshape(512, 128)
    order = rng.permutation(23)
    with np.errstate(invalid="ignore"):  # of NaN
        expected = numbers.astype(float).astype(dtype)
    np.testing.assert_array_equal(ops.gather(numbers, dtype), expected)
    np.testing.assert_array_equal(ops.gather(numbers[:, ::-2], dtype, order), expected[order, ::-2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_instruction_sets_with_fma_give_the_same_bits(name, dtype):
    fused = [isa for isa in AVAILABLE if isa != "baseline"]
    if len(fused) < 2:
        pytest.skip("this processor has fewer than two instruction sets with FMA")
    for each in zip(*(calls_of(name, dtype, HeldTo(isa)) for isa in fused), strict=True):
        for one, *others in zip(*(arrays(call()) for call, *_ in each), strict=True):
            for other in others:
                np.testing.assert_array_equal(one, other)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_passes_through(dtype, ops):
    check_that_nan_passes_through(dtype, ops)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", [of for of in EACH_LOSS if of != "poisson"], ids=str)
def test_losses_of_extreme_outputs(of, dtype, ops):
    check_losses_of_extreme_outputs(of, dtype, ops)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_go_to_their_limits(dtype, ops):
    check_limits_of_activations(dtype, ops)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_of_any_logits_is_a_distribution(dtype, ops):
    check_softmax_of_any_logits(dtype, ops)


def test_native_code_has_these_codes():
    """Check that native code was built with the current list of codes."""
    assert cpu_ops.constants() == codes.constants()


def test_stage_is_the_same_struct_in_python_and_c():
    """Check that each field has the same place in Python and C."""
    numbers = {name: 1 + i for i, name in enumerate(program.STAGE.names)}
    record = np.array(tuple(numbers.values()), program.STAGE)
    assert cpu_ops.stage_bytes(numbers) == record.tobytes()


def test_every_rule_has_a_reference():
    assert SOLVERS.keys() == OPTIMIZERS.keys()
    assert {solver().code for solver in SOLVERS.values()} == set(Rule)
    assert {type(solver()) for solver in SOLVERS.values()} == set(SPECS.values()) - {LBFGS}
    for name, solver in SOLVERS.items():
        assert solver().n_slots == OPTIMIZERS[name].n_slots


def test_every_name_of_a_registry_has_a_reference():
    assert set(activations.ELEMENTWISE) == set(ACTIVATIONS)
    assert losses.LOSSES.keys() == LOSSES.keys()
    for name, row in losses.LOSSES.items():
        assert row.output_activation == LOSSES[name].output_activation


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="baseline"):
        cpu_ops.matmul(np.eye(2), np.eye(2), isa="avx9000")
