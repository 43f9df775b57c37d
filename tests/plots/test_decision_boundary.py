"""Decision boundaries: colours are what the model predicts."""

import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex, to_rgba
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn.plots import DecisionBoundaryDisplay
from support.displayed import (
    NAMES,
    WINE,
    X_moons,
    X_val,
    classifier,
    drawn,
    legend,
    moons,
    regressor,
    y_moons,
    y_val,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_boundary_of_two_classes():
    display = drawn(DecisionBoundaryDisplay, grid_resolution=20)
    surface = display.surface
    grid = np.column_stack([surface.xx0.ravel(), surface.xx1.ravel()])
    assert np.allclose(surface.response.ravel(), moons.predict_proba(grid)[:, 1])
    low, high = X_moons.min(axis=0), X_moons.max(axis=0)
    assert np.allclose(grid[0], low - 0.1 * (high - low))
    assert np.allclose(grid[-1], high + 0.1 * (high - low))
    assert legend(display.ax_) == ["0", "1"]
    ramp, norm = surface.surface_.get_cmap(), surface.surface_.norm
    for label, points in enumerate(display.points_):
        assert np.allclose(points.get_offsets(), X_moons[y_moons == label])
        assert np.allclose(points.get_facecolor(), ramp(norm(float(label))), atol=0.01)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("feature 0", "feature 1")
    contours = [one for one in display.ax_.collections if hasattr(one, "levels")]
    [line] = [one for one in contours if len(one.levels) == 1]
    ends = np.concatenate([path.vertices for path in line.get_paths()])
    step = np.array([0.1, 0])
    sides = moons.predict_proba(ends + step) - moons.predict_proba(ends - step)
    assert np.abs(sides[:, 1]).mean() > 0.5  # the prediction changes there


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_boundary_of_three_named_classes(loss, kind):
    columns = ["alcohol", "proline"]
    frame = WINE.data[columns]
    if kind == "polars":
        frame = pl.DataFrame(frame.to_dict("list"))
    model = make_pipeline(
        StandardScaler(), MLPClassifier((8,), loss=loss, max_iter=50, random_state=0)
    )
    model.fit(frame, NAMES)
    display = DecisionBoundaryDisplay.from_estimator(model, frame, NAMES, grid_resolution=15)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alcohol", "proline")
    assert legend(display.ax_) == ["class_0", "class_1", "class_2"]
    response = display.surface.response
    assert response.shape == (15, 15, 3)
    assert display.probabilities == (loss == "log_loss")
    for points, color in zip(display.points_, display.surface.multiclass_colors_, strict=True):
        assert to_hex(points.get_facecolor()[0]) == to_hex(color)
    markers = {points.get_paths()[0].vertices.tobytes() for points in display.points_}
    assert len(markers) == 3  # told apart without colours too
    grid = type(frame)(
        {"alcohol": display.surface.xx0.ravel(), "proline": display.surface.xx1.ravel()}
    )
    assert np.array_equal(
        model.classes_[response.argmax(axis=2)].ravel(), np.asarray(model.predict(grid))
    )


def test_boundary_without_rows_and_with_own_colours():
    display = drawn(DecisionBoundaryDisplay, show_rows=False, colors=["#ff0000", (0, 0, 1)])
    assert not display.points_
    handles = display.ax_.get_legend().get_patches()
    assert [one.get_facecolor() for one in handles] == [to_rgba("red"), to_rgba("blue")]


def test_many_classes():
    labels = np.arange(120) % 13
    model = MLPClassifier((8,), max_iter=2, random_state=0).fit(X_moons, labels)
    display = DecisionBoundaryDisplay.from_estimator(model, X_moons, labels, grid_resolution=10)
    colors = {to_hex(points.get_facecolor()[0]) for points in display.points_}
    assert len(colors) == 13 == len(legend(display.ax_))


def test_surface_of_a_regressor():
    targets = X_moons[:, 0] ** 2
    display = DecisionBoundaryDisplay.from_estimator(
        regressor, X_moons.tolist(), targets, grid_resolution=20, cmap="plasma"
    )
    surface = display.surface
    grid = np.column_stack([surface.xx0.ravel(), surface.xx1.ravel()])
    assert np.allclose(surface.response.ravel(), regressor.predict(grid))
    [points] = display.points_
    assert np.allclose(points.get_array(), targets)
    assert points.get_clim() == surface.surface_.get_clim()
    assert points.get_cmap().name == surface.surface_.get_cmap().name == "plasma"
    low, high = points.get_clim()
    assert low <= targets.min() and targets.max() <= high
    assert display.colorbar_.ax.get_ylabel() == "prediction (surface), target (rows)"
    assert display.plot(show_legend=False).colorbar_ is None
    assert display.plot(show_rows=False).points_ == []
    assert display.colorbar_.ax.get_ylabel() == "prediction"


def test_rows_that_are_all_the_same_and_sparse():
    rows = np.column_stack([X_moons[:, 0], np.ones(120)])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(rows, y_moons)
    display = DecisionBoundaryDisplay.from_estimator(model, sparse.csr_matrix(rows), y_moons)
    assert np.allclose(display.ax_.get_ylim(), (0.9, 1.1))


def test_wrong_boundaries():
    def draw(model, X, y, **parameters):
        return DecisionBoundaryDisplay.from_estimator(model, X, y, **parameters)

    with pytest.raises(
        ValueError, match=r"^DecisionBoundaryDisplay draws a network of two features"
    ):
        draw(classifier, X_val, y_val)
    with pytest.raises(ValueError, match="has classes not in"):
        draw(moons, X_moons, np.full(120, 5))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        draw(moons, X_moons, y_moons[1:])
    with pytest.raises(ValueError, match="margin must be 0 or more, got -1"):
        draw(moons, X_moons, y_moons, margin=-1)
    with pytest.raises(ValueError, match="grid_resolution must be greater than 1"):
        draw(moons, X_moons, y_moons, grid_resolution=1)
    for colors in "red", ["red"]:
        with pytest.raises(ValueError, match="colors must be a list of 2 colours"):
            draw(moons, X_moons, y_moons, colors=colors)
    for Y in np.column_stack([y_moons, 1 - y_moons]), np.column_stack([y_moons, y_moons + 1]):
        model = MLPClassifier((4,), max_iter=1, random_state=0).fit(X_moons, Y)
        with pytest.raises(ValueError, match="draws one target"):
            draw(model, X_moons, Y)
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(X_moons, X_moons)
    with pytest.raises(ValueError, match="draws one target"):
        draw(model, X_moons, X_moons)
