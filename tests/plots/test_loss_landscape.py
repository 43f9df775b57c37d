"""Plots of the loss near the parameters: contours and curves are the computed losses."""

import numpy as np
import pytest

from fastnn.diagnostics import LossLandscape, loss_along_gradient, loss_landscape
from fastnn.plots import GradientStepDisplay, LossLandscapeDisplay
from support.displayed import X_moons, drawn, legend, moons, y_moons


def test_contours():
    display = drawn(LossLandscapeDisplay, distance=0.5, n_points=5, levels=4)
    expected = loss_landscape(moons, X_moons, y_moons, distance=0.5, n_points=5)
    np.testing.assert_array_equal(display.landscape.losses, expected.losses)
    levels = display.contours_.levels
    np.testing.assert_allclose(levels[[0, -1]], [expected.losses.min(), expected.losses.max()])
    np.testing.assert_allclose(np.diff(np.log(levels)), np.log(levels[1] / levels[0]))
    (center,) = display.ax_.lines
    np.testing.assert_array_equal(center.get_data(), [[0], [0]])
    again = display.plot(levels=[0.1, 1])
    np.testing.assert_array_equal(again.contours_.levels, [0.1, 1])


def test_the_first_direction_is_horizontal():
    """Losses that grow along the first direction only."""
    places = np.array([-1.0, 0, 1])
    losses = np.repeat(np.array([[1.0], [2], [4]]), 3, axis=1)
    display = LossLandscapeDisplay(landscape=LossLandscape(places, losses)).plot(levels=[1, 2, 4])
    line = display.contours_.get_paths()[1].vertices
    np.testing.assert_allclose(line[:, 0], 0, atol=1e-12)
    with pytest.raises(ValueError, match="nothing to draw: no loss is finite"):
        LossLandscapeDisplay(landscape=LossLandscape(places, np.inf * losses)).plot()


@pytest.mark.parametrize("least", [-3.0, 0.0])
def test_losses_that_have_no_logarithm(least):
    losses = least + np.arange(9.0).reshape(3, 3)
    landscape = LossLandscape(np.array([-1.0, 0, 1]), losses)
    display = LossLandscapeDisplay(landscape=landscape).plot(levels=5)
    np.testing.assert_allclose(display.contours_.levels, least + np.array([0, 2, 4, 6, 8.0]))
    LossLandscapeDisplay(landscape=LossLandscape(landscape.distances, 0 * losses)).plot()


def test_curve_along_the_gradient():
    display = drawn(GradientStepDisplay, max_rate=2.0, n_points=5)
    losses, slope = loss_along_gradient(moons, X_moons, y_moons, [0, 0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(display.losses, losses)
    assert display.slope == slope < 0
    curve, tangent = display.ax_.lines
    np.testing.assert_array_equal(curve.get_ydata(), losses)
    x, y = tangent.get_data()
    np.testing.assert_allclose(y, losses[0] + slope * x)
    assert legend(display.ax_) == ["loss after the step", "tangent"]


def test_the_curve_ends_where_the_loss_is_back():
    display = drawn(GradientStepDisplay)
    assert display.losses[-1] >= display.losses[0] > display.losses.min()
    assert np.log2(display.rates[-1]) % 1 == 0
