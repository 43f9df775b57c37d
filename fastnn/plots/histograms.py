"""Base class of the histograms of layers."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from .._data.tables import take
from .axes import (
    COLORS,
    add_legend,
    axes_for,
    check_matplotlib,
    figure_of,
    format_percent,
    grid_layout,
)


class HistogramDisplay:
    """Base class of displays with a histogram for each layer.

    A subclass has `_histograms(show_zeros)`, which returns arrays, their titles and the label of
    the horizontal axis. With `_labels`, each array is a list of arrays with these labels, which are
    drawn as outlines in one panel.
    """

    _labels: ClassVar[list | None] = None
    _histograms: Callable[[bool], Any]

    def plot(
        self, ax: Any = None, *, bins: int = 50, show_zeros: bool = False, log_scale: bool = False
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw on; a single one is divided into panels. None creates a figure.
        bins : int, default=50
            Number of bins.
        show_zeros : bool, default=False
            Whether to draw numbers that are exactly 0, which may dwarf all others. The title has
            their fraction.
        log_scale : bool, default=False
            Whether the axis of the counts is logarithmic.

        Returns
        -------
        display : HistogramDisplay
            The display itself.
        """
        check_matplotlib(type(self).__name__)
        if not isinstance(bins, int | np.integer) or bins < 1:
            raise ValueError(f"bins must be a whole number of at least 1, got {bins!r}.")
        arrays, titles, xlabel = self._histograms(show_zeros)
        size = 3.4, 2.7
        n_columns, scale = grid_layout(ax, len(arrays), *size)
        self.axes_ = axes_for(ax, len(arrays), n_columns, size)
        for panel, array, title in zip(self.axes_, arrays, titles, strict=True):
            series = [array] if self._labels is None else array
            values = [one[np.isfinite(one) & ((one != 0) | show_zeros)] for one in series]
            edges = np.histogram_bin_edges(np.concatenate(values, axis=None), bins)
            for i, one in enumerate(values):
                style: dict[str, Any] = dict(color=COLORS[i % len(COLORS)])
                if self._labels is not None:
                    style |= dict(histtype="step", linewidth=1.5, label=self._labels[i])
                panel.hist(one, bins=edges, log=log_scale, **style)
            panel.xaxis.get_major_locator().set_params(nbins=4)
            panel.set_title(title, fontsize=10 * scale)
            panel.set(xlabel=xlabel, ylabel="count")
        add_legend(self.axes_[0])
        self.figure_ = figure_of(self.axes_[0])
        return self


def drawn_rows(X, max_rows, random_state):
    """Return at most `max_rows` rows, drawn without replacement, in their order."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows <= max_rows:
        return X
    drawn = np.random.RandomState(random_state).choice(n_rows, max_rows, replace=False)
    return take(X, np.sort(drawn))


def describe_zeros(array, show_zeros):
    """Describe the fraction of zeros for a title."""
    zeros = (array == 0).mean()
    return f"{format_percent(zeros)} zero{'' if show_zeros else ' (not drawn)'}" if zeros else ""


def layer_names(shapes):
    """Return titles of layers, such as "layer 0 (64-32)"."""
    return [f"layer {i} ({n_in}-{units})" for i, (n_in, units) in enumerate(shapes)]
