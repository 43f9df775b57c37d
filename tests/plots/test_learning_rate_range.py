"""Learning rate ranges: lines are the finding."""

import numpy as np
import pytest

from fastnn.diagnostics import learning_rate_range
from fastnn.plots import LearningRateRangeDisplay
from support.displayed import X_moons, X_train, classifier, drawn, legend, moons, y_moons, y_train

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_learning_rates():
    finding = learning_rate_range(classifier, X_train, y_train)
    ax = drawn(LearningRateRangeDisplay).ax_
    lines = {line.get_label().split(":")[0]: line for line in ax.get_lines()}
    assert lines["loss of a step"].get_xdata().tolist() == finding.rates.tolist()
    assert lines["loss of a step"].get_ydata().tolist() == finding.losses.tolist()
    assert lines["smoothed"].get_ydata().tolist() == finding.smoothed.tolist()
    for name, rate in (
        ("suggestion", finding.suggestion),
        ("half of the fall is lost", finding.limit),
        ("learning_rate_init", 0.001),
    ):
        assert set(lines[name].get_xdata()) == {rate}
        assert f"{name}: {rate:.3g}" in legend(ax)
    [band] = ax.patches
    assert np.allclose(
        band.get_extents().intervalx,
        ax.transData.transform([(finding.lowest, 1), (finding.highest, 1)])[:, 0],
    )
    assert ax.get_xscale() == "log"
    # What has exploded does not hide the rest.
    low, high = ax.get_ylim()
    assert low < finding.smoothed.min() and finding.losses[0] < high < finding.losses.max()


def test_finding_without_a_rate():
    finding = learning_rate_range(classifier, X_train, y_train, max_rate=1e-6)
    display = LearningRateRangeDisplay.from_finding(finding)
    assert legend(display.ax_) == ["loss of a step", "smoothed"]
    assert display.ax_.get_title() == "no rate lowers the loss"
    assert not display.ax_.patches
    display = LearningRateRangeDisplay.from_finding(finding, learning_rate_init=0.5)
    assert legend(display.ax_)[-1] == "learning_rate_init: 0.5"
    finding.rates = finding.rates[:0]
    with pytest.raises(ValueError, match=r"^There is nothing to draw: no rate up to 1e-06 "):
        LearningRateRangeDisplay.from_finding(finding)
    with pytest.raises(ValueError, match="chooses the lengths of its steps by itself"):
        LearningRateRangeDisplay.from_estimator(moons, X_moons, y_moons)
