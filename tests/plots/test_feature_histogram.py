"""Histograms of the data: bars are counts of the values of a feature."""

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from fastnn.plots import FeatureHistogramDisplay
from support.displayed import WINE, X_moons, counts

DRAWN = FeatureHistogramDisplay.from_data


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames(kind):
    frame = WINE.data.assign(cellar="x")[["hue", "cellar", "ash"]]
    frame = pl.DataFrame(frame.to_dict("list")) if kind == "polars" else frame
    display = DRAWN(frame, bins=10)
    assert display.names == ["hue", "ash"]
    for name, ax in zip(display.names, display.axes_, strict=True):
        column = WINE.data[name].to_numpy()
        assert counts(ax) == 178 and len(ax.patches) == 10
        mean, std = column.mean(), column.std()
        assert ax.get_title() == f"{name}\nmean {mean:.3g}, std {std:.3g}"
    assert DRAWN(frame, features=["ash"]).names == ["ash"]
    with pytest.raises(ValueError, match="X has no numeric feature 'cellar': it has 'hue', 'ash'"):
        DRAWN(frame, features=["cellar"])


def test_zeros_and_missing_values():
    X = np.array([[0.0, 1, np.nan], [0, 2, 5], [4, 3, 6]])
    display = DRAWN(X)
    assert display.names == ["feature 0", "feature 1", "feature 2"]
    assert [counts(ax) for ax in display.axes_] == [3, 3, 2]
    assert display.axes_[2].get_title().endswith("mean 5.5, std 0.5, 33.3 % missing")
    X_infinite = np.where(X == 4, np.inf, X)
    assert DRAWN(X_infinite).axes_[0].get_title().endswith("33.3 % infinite or missing")
    display.plot(show_zeros=False)
    assert counts(display.axes_[0]) == 1
    assert "66.7 % zero (not drawn)" in display.axes_[0].get_title()
    again = DRAWN(sparse.csr_matrix(X), features=[0])
    np.testing.assert_array_equal(again.values, [X[:, 0]])


def test_some_rows():
    display = DRAWN(X_moons, max_rows=30)
    rows = np.sort(np.random.RandomState(0).choice(120, 30, replace=False))
    np.testing.assert_array_equal(np.transpose(display.values), X_moons[rows])


def test_too_many_features():
    with pytest.raises(ValueError, match=r"^64 features are to be drawn: choose 1 to 40"):
        DRAWN(np.zeros((2, 64)))
    with pytest.raises(ValueError, match="X has no numeric feature 2: it has 0, 1"):
        DRAWN(X_moons, features=[2])
