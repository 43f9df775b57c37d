"""Curves of activation functions are those of the reference."""

import numpy as np
import pytest

from fastnn import ELU, CustomActivation, LeakyReLU, Maxout, PReLU
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.plots import ActivationFunctionDisplay
from support.reference import ACTIVATIONS

DRAWN = ActivationFunctionDisplay.from_activations


def test_all_are_those_of_the_reference():
    display = DRAWN(n_points=80)
    assert set(display.names) == {*HIDDEN_ACTIVATIONS, "threshold"} - {"maxout"}
    assert len(display.axes_) == len(display.names)
    for name, values, slopes in zip(
        display.names, display.values, display.derivatives, strict=True
    ):
        if name in ACTIVATIONS:
            expected = ACTIVATIONS[name]
            np.testing.assert_allclose(values, expected.value(display.x), atol=1e-12)
            np.testing.assert_allclose(slopes, expected.derivative(display.x), atol=1e-12)
        # Between any two points, the mean slope is the difference, but at a step.
        rises = np.diff(values) / np.diff(display.x)
        assert np.median(np.abs(rises - (slopes[1:] + slopes[:-1]) / 2)) < 1e-3, name


def square(x):
    return x * x


def test_specs():
    specs = [LeakyReLU(0.2), PReLU(-0.5), ELU(2.0), CustomActivation(square, lambda x: 2 * x)]
    display = DRAWN(specs, limits=(-1, 1), n_points=3, show_derivatives=False)
    values = [one[0] for one in display.values]
    np.testing.assert_allclose(values, [-0.2, 0.5, 2 * np.expm1(-1), 1])
    slopes = [one[0] for one in display.derivatives]
    np.testing.assert_allclose(slopes, [0.2, -0.5, 2 * np.exp(-1), -2])
    assert display.names[0] == "LeakyReLU(negative_slope=0.2)" and display.names[3] == "square"
    assert [len(ax.lines) for ax in display.axes_] == [1] * 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activations": ["relu7"]}, "^activations must be among 'identity', .* got 'relu7'"),
        ({"activations": [Maxout(2)]}, r"^activations must be among .* got Maxout\(k=2\)"),
        ({"activations": [LeakyReLU(-1)]}, "negative_slope"),
        ({"activations": []}, "^activations must be among"),
        ({"n_points": 1}, "'n_points' parameter of ActivationFunctionDisplay"),
        ({"limits": (1,)}, r"^limits must be two numbers"),
        ({"limits": (1, -1)}, r"^limits must be two numbers in increasing order, got \(1, -1\)"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        DRAWN(**parameters)
