"""Plot of the predictions of a network with two features."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length

from .._core.device_arrays import to_host
from .._data.rows import validated_targets
from .._data.tables import Table
from .axes import COLORS, axes_for, check_matplotlib, figure_of, fitted_network, shortened

_MARKERS = "os^DvPX<>*"


class DecisionBoundaryDisplay:
    """Decision surface of a network with two features, and the rows with their targets.

    The surface is scikit-learn's `DecisionBoundaryDisplay` of the probabilities of a classifier (or
    the decision function, for a loss without probabilities), or of the predictions of a regressor.
    A class has the same colour in the surface and in the rows. Lines separate the predicted
    classes.

    Parameters
    ----------
    surface : sklearn.inspection.DecisionBoundaryDisplay
    X : ndarray of shape (n_samples, 2)
        The rows.
    y : ndarray of shape (n_samples,)
        Their targets.
    classes : ndarray or None
        The labels of a classifier.
    probabilities : bool
        Whether the surface shows probabilities.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    points_ : list of PathCollection
        The rows; for a classifier, those of each class.
    colorbar_ : Colorbar or None
        The colour bar of a regressor.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import DecisionBoundaryDisplay
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> model = MLPClassifier((32,), solver="lbfgs", max_iter=100, random_state=0).fit(X, y)
    >>> display = DecisionBoundaryDisplay.from_estimator(model, X, y)
    >>> [len(points.get_offsets()) for points in display.points_]
    [100, 100]
    """

    points_: list[Any]

    def __init__(self, *, surface: Any, X: Any, y: Any, classes: Any, probabilities: Any) -> None:
        self.surface = surface
        self.X = X
        self.y = y
        self.classes = classes
        self.probabilities = probabilities

    def plot(
        self,
        ax: Any = None,
        *,
        colors: Any = None,
        cmap: str = "viridis",
        alpha: float = 0.7,
        show_rows: bool = True,
        size: float = 20,
        show_legend: bool = True,
    ) -> Self:
        """Draw the surface and the rows.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        colors : list of colours, default=None
            Colours of the classes.
        cmap : str or Colormap, default="viridis"
            Colormap of a regressor.
        alpha : float, default=0.7
            Opacity of the surface.
        show_rows : bool, default=True
            Whether to draw the rows.
        size : float, default=20
            Size of their markers, as in matplotlib's `scatter`.
        show_legend : bool, default=True
            Whether to add a legend, or the colour bar of a regressor.

        Returns
        -------
        display : DecisionBoundaryDisplay
        """
        check_matplotlib("DecisionBoundaryDisplay")
        [self.ax_] = axes_for(ax, 1, size=(6.0, 4.8))
        self.figure_, self.points_, self.colorbar_ = figure_of(self.ax_), [], None
        if self.classes is None:
            self._plot_values(cmap, alpha, show_rows, size)
            if show_legend:
                label = "prediction (surface), target (rows)" if show_rows else "prediction"
                drawn = self.surface.surface_
                self.colorbar_ = self.figure_.colorbar(drawn, ax=self.ax_, label=label)
            return self
        colors = _checked_colors(colors, len(self.classes))
        self._plot_classes(colors, alpha)
        if show_rows:
            self._plot_rows(colors, size)
        if show_legend:
            self._add_legend(colors)
        return self

    def _plot_classes(self, colors, alpha):
        """Draw the surface of each class, and the lines between them."""
        from matplotlib.colors import LinearSegmentedColormap

        surface = self.surface
        response, (low, high) = surface.response, self._limits()
        style = dict(levels=np.linspace(low, high, 13), vmin=low, vmax=high, extend="both")
        style |= dict(ax=self.ax_, alpha=alpha, zorder=-1)
        if response.ndim == 2:
            ramp = LinearSegmentedColormap.from_list("classes", [colors[0], "white", colors[1]])
            surface.plot(cmap=ramp, **style)
            boundaries = [response - (0.5 if self.probabilities else 0.0)]
        else:
            surface.multiclass_colors = list(colors)
            surface.plot(**style)
            numbers = range(len(self.classes))
            others = [np.delete(response, number, axis=2).max(axis=2) for number in numbers]
            boundaries = [response[:, :, number] - others[number] for number in numbers]
        for values in boundaries:
            if values.min() < 0 < values.max():
                style = dict(colors="0.2", linewidths=1, zorder=-1)
                self.ax_.contour(surface.xx0, surface.xx1, values, [0.0], **style)

    def _limits(self):
        """Return the range of the colour scale, which begins where classes are tied."""
        if self.probabilities:
            return 0.0, 1.0
        response = self.surface.response
        if response.ndim == 2:
            high = np.abs(response).max() or 1.0
            return -high, high
        best = response.max(axis=2)
        return best.min(), max(best.max(), best.min() + 1e-6)

    def _plot_rows(self, colors, size):
        """Draw the rows of each class in its colour, with a marker of its own."""
        for number, (label, color) in enumerate(zip(self.classes, colors, strict=True)):
            rows = self.X[self.y == label]
            own = dict(color=color, marker=_MARKERS[number % len(_MARKERS)], s=size)
            self.points_.append(self.ax_.scatter(*rows.T, edgecolors="0.1", linewidths=0.5, **own))

    def _add_legend(self, colors):
        """Add a legend, next to the surface if the figure has a layout engine."""
        from matplotlib.patches import Patch

        place = {}
        if self.figure_.get_layout_engine() is not None:
            place = dict(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        handles = self.points_ or [Patch(color=color) for color in colors]
        names = [shortened(str(label), 24) for label in self.classes]
        self.ax_.legend(handles, names, title="class", **place)

    def _plot_values(self, cmap, alpha, show_rows, size):
        """Draw the surface of a regressor, and the rows with the same colormap."""
        from matplotlib.ticker import MaxNLocator

        response = self.surface.response
        seen = [response.min(), response.max()]
        if show_rows:
            seen += [self.y.min(), self.y.max()]
        low, high = min(seen), max(seen)
        levels = MaxNLocator(20).tick_values(low, high + (high == low))
        style = dict(cmap=cmap, vmin=levels[0], vmax=levels[-1])
        self.surface.plot(ax=self.ax_, levels=levels, alpha=alpha, zorder=-1, **style)
        if show_rows:
            own = dict(c=self.y, edgecolors="0.1", linewidths=0.5, s=size)
            self.points_ = [self.ax_.scatter(*self.X.T, **own, **style)]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        grid_resolution: int = 200,
        margin: float = 0.1,
        ax: Any = None,
        **parameters: Any,
    ) -> Self:
        """Draw the predictions of a fitted estimator with two features.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted estimator.
        X : {array-like, sparse matrix} of shape (n_samples, 2)
            The rows, as passed to `predict`.
        y : array-like of shape (n_samples,)
            Their targets.
        grid_resolution : int, default=200
            Number of points predicted along each axis.
        margin : float, default=0.1
            Margin around the rows, relative to their range.
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        **parameters
            Other parameters of `plot`.

        Returns
        -------
        display : DecisionBoundaryDisplay
        """
        model = fitted_network(estimator, cls.__name__)
        from matplotlib.figure import Figure
        from sklearn.inspection import DecisionBoundaryDisplay as Surface

        X = to_host(X)
        table = Table(X.toarray() if sparse.issparse(X) else X)
        if table.n_columns != 2:
            raise ValueError(
                f"{cls.__name__} draws a network of two features, and X has {table.n_columns}: fit "
                "one to two columns, or to two components of sklearn.decomposition.PCA."
            )
        if not margin >= 0:
            raise ValueError(f"margin must be 0 or more, got {margin!r}.")
        rows = table.numbers([0, 1])
        classes, method, style = None, "predict", {}
        if is_classifier(model):
            classes = model.classes_
            probabilities = hasattr(estimator, "predict_proba")
            method = "predict_proba" if probabilities else "decision_function"
        y = _checked_targets(model, rows, y, classes)
        if classes is not None and len(classes) > 2:  # scikit-learn 1.7 has 10 only
            style["multiclass_colors"] = _checked_colors(None, len(classes))
        # Only the surface of the box around the rows is used; the figure is discarded.
        surface = Surface.from_estimator(
            estimator,
            _corners(table, rows, margin),
            grid_resolution=grid_resolution,
            eps=0,
            response_method=method,
            xlabel="feature 0" if table.names is None else None,
            ylabel="feature 1" if table.names is None else None,
            ax=Figure().subplots(),
            **style,
        )
        display = cls(
            surface=surface,
            X=rows,
            y=y,
            classes=classes,
            probabilities=method == "predict_proba",
        )
        return display.plot(ax, **parameters)


def _corners(table, rows, margin):
    """Return opposite corners of the plot as two rows, in the type of container of X."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    more = margin * np.where(high > low, high - low, 1.0)
    corners = np.stack([low - more, high + more])
    if not table.is_frame:
        return corners
    return type(table.data)(dict(zip(table.names, corners.T, strict=True)))


def _checked_targets(model, rows, y, classes):
    """Return the targets, one for each row, after checking them."""
    y = validated_targets(model, y)
    several = np.ndim(classes[0]) if classes is not None else model.n_outputs_ > 1
    if several or (classes is not None and model._network.encoder.kind == "multilabel-indicator"):
        raise ValueError(
            "DecisionBoundaryDisplay draws one target: fit a network for each column of y."
        )
    y = y if classes is None else model._network.encoder.true_labels(y)
    check_consistent_length(rows, y)
    if classes is None:
        return y.astype(float)
    if len(classes) < 2:
        raise ValueError("The estimator knows one class only: there is no boundary to draw.")
    model._network.encoder.codes(y)  # raises for unknown labels
    return y


def _checked_colors(colors, n):
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if colors is None and n <= len(COLORS):
        return list(COLORS[:n])
    if colors is None:
        return [to_hex(color) for color in colormaps["turbo"](np.linspace(0.03, 0.97, n))]
    if isinstance(colors, str) or len(colors) != n:
        raise ValueError(f"colors must be a list of {n} colours, one a class, got {colors!r}.")
    return [to_hex(color) for color in colors]
