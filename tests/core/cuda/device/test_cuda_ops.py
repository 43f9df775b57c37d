"""Cases of kernels on a GPU, all of them; in the simulator, at some small shapes."""

import numpy as np
import pytest

from fastnn import losses
from fastnn._core.cuda import ops
from support.devices import OPS_LEFT_OUT, SIMULATES
from support.kernel_cases import CASES, calls_of, check_against_the_reference
from support.kernel_cases.extremes import (
    check_limits_of_activations,
    check_losses_of_extreme_outputs,
    check_softmax_of_any_logits,
    check_that_nan_passes_through,
)
from support.problems import EACH_LOSS, make_data
from support.reference import Mixing, loss_of, partners

# A GPU says nothing of an overflow, and NumPy's numbers, with which the simulator computes, do.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: What the simulator tries of the shapes of a case: so many numbers, and so many shapes.
MOST_NUMBERS, MOST_SHAPES = 200, 8

each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def some(shapes):
    """Return all cases on a GPU; in the simulator small ones, in increasing order."""
    if not SIMULATES:
        return shapes
    small = [shape for shape in shapes if np.prod(shape) <= MOST_NUMBERS]
    small.sort(key=np.prod)
    at = np.linspace(0, len(small) - 1, min(MOST_SHAPES, len(small)))
    return [small[i] for i in at.astype(int)]


#: Cases with another bound than on the CPU, which sums them in float64.
OWN_BOUND = {"weighted_sum"}
SHARED = [name for name in CASES if name not in {*OPS_LEFT_OUT, *OWN_BOUND}]


@each_type
@pytest.mark.parametrize("name", SHARED)
def test_kernel_against_the_reference(name, dtype):
    check_against_the_reference(name, dtype, ops, some)


@each_type
def test_weighted_sum(dtype):
    """Summed in the type, by a tree: of 1000 numbers, in some dozen roundings of less than 1000."""
    for call, expected, _ in calls_of("weighted_sum", dtype, ops, some):
        np.testing.assert_allclose(call(), expected, rtol=0, atol=1e4 * np.finfo(dtype).eps)


@each_type
@pytest.mark.parametrize("of", EACH_LOSS, ids=str)
def test_losses_of_mixed_rows(of, dtype):
    """Check the weighted losses of a row's own target and its partner's."""
    rng = np.random.default_rng(0)
    row, parameter = losses.row_and_parameter(of)
    native, mixing = loss_of(of), Mixing(0.3, 2)
    for n, m in some([(1, 1), (5, 2), (9, 8), (7, 17)]):
        z = rng.standard_normal((n, m)).astype(dtype)
        _, y = make_data(rng, n, 3, m, of)
        y = y if row.class_codes else y.astype(dtype)
        weight, order = rng.uniform(0.5, 2, n).astype(dtype), rng.permutation(n)
        target = y[order] if row.class_codes else y[order].astype(float)
        value, delta = (
            mixing.weight * part(z.astype(float), target)
            + (1 - mixing.weight) * part(z.astype(float), partners(target, mixing))
            for part in (native.value, native.delta)
        )
        _, actual_delta, actual = ops.loss(
            z, y, row.code, order, weight, 0.25, parameter, mixing=(mixing.weight, mixing.shift)
        )
        delta *= 0.25 * weight[order][:, np.newaxis]
        tolerance = 200 * m * np.finfo(dtype).eps
        np.testing.assert_allclose(actual, value, tolerance, tolerance)
        np.testing.assert_allclose(actual_delta, delta, tolerance, tolerance)


@each_type
def test_nan_passes_through(dtype):
    check_that_nan_passes_through(dtype, ops)


@each_type
@pytest.mark.parametrize("of", [of for of in EACH_LOSS if of != "poisson"], ids=str)
def test_losses_of_extreme_outputs(of, dtype):
    check_losses_of_extreme_outputs(of, dtype, ops)


@each_type
def test_activations_go_to_their_limits(dtype):
    check_limits_of_activations(dtype, ops)


@each_type
def test_softmax_of_any_logits_is_a_distribution(dtype):
    check_softmax_of_any_logits(dtype, ops)
