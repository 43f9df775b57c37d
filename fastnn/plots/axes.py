"""Helpers of all displays: axes, colours, and the network of an estimator."""

import math

import numpy as np

from .._extras import pip_install
from ..diagnostics.probe import find_network

# Distinguishable by colour-blind readers (Petroff, "Accessible color sequences for data
# visualization", 2021).
COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)


def check_matplotlib(display):
    """Raise an ImportError that says how to install matplotlib, if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError(f"{display} needs matplotlib: {pip_install('plots')}.") from None


def network_for(estimator, display):
    """Return the network in an estimator or a pipeline, fitted or not, for `display` to draw."""
    check_matplotlib(display)
    return find_network(estimator, f"{display} draws")


def fitted_network(estimator, display):
    """Return the fitted network in an estimator or a pipeline, for `display` to draw."""
    model = network_for(estimator, display)
    model._fitted()
    return model


def axes_for(ax, n, n_columns=None, size=(5.0, 3.6), share=False, title=None):
    """Return axes for several panels.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
        None creates a figure. A single one is divided if there are several panels, and its figure
        gets a constrained layout if it has no layout.
    n : int
        Number of panels.
    n_columns : int, default=None
        Number of panels in a row; None is all of them.
    size : (float, float)
        Width and height of a panel of a new figure, in inches.
    share : bool, default=False
        Whether the panels share the horizontal axis.
    title : str, default=None
        Title of all panels together; not used if several axes are given.

    Returns
    -------
    axes : ndarray of Axes of shape (n,)
    """
    n_columns = min(n, n_columns or n)
    n_rows = math.ceil(n / n_columns)
    if ax is None:
        import matplotlib.pyplot as plt

        figsize = size[0] * n_columns, size[1] * n_rows
        figure = plt.figure(figsize=figsize, layout="constrained")
        figure.suptitle(title or "")
        grid = figure.add_gridspec(n_rows, n_columns)
    elif not is_single(ax):
        axes = np.asarray(ax, dtype=object).ravel()
        if len(axes) != n:
            raise ValueError(
                f"ax has {len(axes)} axes, and {n} are needed: give as many, or one whose place is "
                "divided."
            )
        return axes
    elif n == 1 and title is None:
        return np.array([ax], dtype=object)
    else:
        figure, place = ax.figure, ax.get_subplotspec()
        if place is None or not ax.axison:
            raise ValueError(
                "ax cannot be divided, as it is "
                + ("no subplot" if place is None else "already: pass axes_ of the display on it")
                + f". Or give {n} axes."
            )
        ax.set_axis_off()
        if figure.get_layout_engine() is None:  # panels would cover each other's titles
            figure_of(ax).set_layout_engine("constrained")
        if title is not None:
            head, place = place.subgridspec(2, 1, height_ratios=(1, 14))
            head = figure.add_subplot(head)
            head.set_axis_off()
            head.text(0.5, 0.5, title, ha="center", va="center", fontsize="large")
        grid = place.subgridspec(n_rows, n_columns)
    axes = np.empty(n, dtype=object)
    for i in range(n):
        first = axes[0] if share else None
        axes[i] = figure.add_subplot(grid[divmod(i, n_columns)], sharex=first)
    return axes


def is_single(ax):
    """Return whether this is a single Axes, rather than several or None."""
    return hasattr(ax, "get_subplotspec")


def size_in_inches(ax):
    """Return width and height of an Axes, in inches."""
    place, box = ax.get_subplotspec(), ax.figure.bbox
    if place is None:
        box, parts = ax.get_window_extent(), (1.0, 1.0)
    else:
        grid = place.get_gridspec()
        parts = len(place.colspan) / grid.ncols, len(place.rowspan) / grid.nrows
    return box.width / ax.figure.dpi * parts[0], box.height / ax.figure.dpi * parts[1]


def grid_layout(ax, n, width, height):
    """Return the number of columns for panels of this size, and the scale of their width.

    A new figure is a little wider than high, with at least three panels in a row.
    """
    if not is_single(ax):
        return min(n, max(3, math.ceil(math.sqrt(1.2 * n * height / width)))), 1.0
    whole = size_in_inches(ax)
    ratio = (whole[0] / width) / (whole[1] / height)
    n_columns = min(n, max(1, round(math.sqrt(n * ratio))))
    return n_columns, min(1.0, max(0.6, whole[0] / n_columns / width))


def add_legend(axes, **parameters):
    """Add a legend inside the axes, ignored by the layout."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small", **parameters).set_in_layout(False)


def figure_of(axes):
    """Return the figure of axes, also if they are in a subfigure."""
    figure = axes.figure
    while figure is not figure.figure:
        figure = figure.figure
    return figure


def shortened(text, width):
    """Return text with its middle left out if it is too long."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def format_percent(part):
    """Format a fraction as a percentage."""
    return f"{100 * part:.3g} %"
