"""What all displays share: axes to draw in, estimators to draw, and colours."""

import math

import numpy as np

from ..diagnostics.probe import network_in

# Told apart by colour-blind readers too (Petroff, "Accessible color sequences for data
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
    """Raise an error that names what to install; `display` is what needs it."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError(f'{display} needs matplotlib: pip install "fastnn[plots]".') from None


def fitted(estimator, display):
    """The fitted network in an estimator or a pipeline that `display` is to draw."""
    check_matplotlib(display)
    model = network_in(estimator, f"{display} draws")
    model._fitted()
    model._adopt_parameters()
    return model


def axes_for(ax, n, n_columns=None, size=(5.0, 3.6), share=False):
    """Axes for several panels.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
        A new figure is made for None; the place of one is divided, if there are several panels.
    n : int
        Number of panels.
    n_columns : int, default=None
        Panels beside each other; None is all in one row.
    size : (float, float)
        Width and height of a panel of a new figure, in inches.
    share : bool, default=False
        Whether panels have one horizontal axis.

    Returns
    -------
    axes : ndarray of Axes of shape (n,)
    whole : Axes or Figure
        What has a title for all of them.
    """
    import matplotlib.pyplot as plt

    n_columns = min(n, n_columns or n)
    n_rows = math.ceil(n / n_columns)
    if ax is None:
        figsize = size[0] * n_columns, size[1] * n_rows
        figure = whole = plt.figure(figsize=figsize, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns)
    elif not hasattr(ax, "get_subplotspec"):
        axes = np.asarray(ax, dtype=object).ravel()
        if len(axes) != n:
            raise ValueError(
                f"ax has {len(axes)} axes, and {n} are needed: give as many, or one whose place is "
                "divided."
            )
        return axes, axes[0].figure
    elif n == 1:
        return np.array([ax], dtype=object), ax
    else:
        figure, whole, place = ax.figure, ax, ax.get_subplotspec()
        if place is None or not ax.axison:
            raise ValueError(
                "ax cannot be divided, as it is "
                + ("no subplot" if place is None else "already: pass axes_ of the display on it")
                + f". Or give {n} axes."
            )
        ax.set_axis_off()
        grid = place.subgridspec(n_rows, n_columns)
    axes = np.empty(n, dtype=object)
    for i in range(n):
        first = axes[0] if share else None
        axes[i] = figure.add_subplot(grid[divmod(i, n_columns)], sharex=first)
    return axes, whole


def entitle(whole, text):
    """Give several panels a title."""
    set_title = getattr(whole, "suptitle", None) or whole.set_title
    set_title(text)


def shortened(text, width):
    """Text with its middle left out where it is too long."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def percent(part):
    """As it is said in titles."""
    return f"{100 * part:.3g} %"
