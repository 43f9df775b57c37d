"""The cases of ``test_ops.py`` on a GPU, all of them; in the simulator, at some small shapes."""

import numpy as np
import pytest

import test_ops
from devices import OPS_LEFT_OUT, SIMULATES
from fastnn._core.cuda import ops
from test_ops import CASES, EACH_LOSS

#: What the simulator tries of the shapes of a case: so many numbers, and so many shapes.
MOST_NUMBERS, MOST_SHAPES = 300, 8

each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def some(shapes):
    """All of them on a GPU; in the simulator small ones, from the smallest to the largest."""
    if not SIMULATES:
        return shapes
    small = [shape for shape in shapes if np.prod(shape) <= MOST_NUMBERS]
    small.sort(key=np.prod)
    at = np.linspace(0, len(small) - 1, min(MOST_SHAPES, len(small)))
    return [small[i] for i in at.astype(int)]


@each_type
@pytest.mark.parametrize("name", [name for name in CASES if name not in OPS_LEFT_OUT])
def test_kernel_against_the_reference(name, dtype):
    test_ops.check_against_the_reference(name, dtype, ops, some)


@each_type
def test_nan_passes_through(dtype):
    test_ops.test_nan_passes_through(dtype, ops)


@each_type
@pytest.mark.parametrize("of", [of for of in EACH_LOSS if of != "poisson"], ids=str)
def test_losses_of_extreme_outputs(of, dtype):
    test_ops.test_losses_of_extreme_outputs(of, dtype, ops)


@each_type
def test_activations_go_to_their_limits(dtype):
    test_ops.test_activations_go_to_their_limits(dtype, ops)


@each_type
def test_softmax_of_any_logits_is_a_distribution(dtype):
    test_ops.test_softmax_of_any_logits_is_a_distribution(dtype, ops)
