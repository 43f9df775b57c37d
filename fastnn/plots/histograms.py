"""One histogram for each layer."""

import numpy as np

from .axes import COLORS, arranged, axes_for, percent


def check_bins(bins):
    """Refuse what is no number of bins."""
    if not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, got {bins!r}.")


def draw_histograms(ax, arrays, titles, xlabel, bins, show_zeros, log_scale):
    """A panel for each array; returns the axes."""
    size = 3.4, 2.7
    n_columns, scale = arranged(ax, len(arrays), *size)
    axes = axes_for(ax, len(arrays), n_columns, size)
    for panel, array, title in zip(axes, arrays, titles, strict=True):
        values = array[np.isfinite(array) & ((array != 0) | show_zeros)]
        panel.hist(values, bins=bins, color=COLORS[0], log=log_scale)
        panel.set_title(title, fontsize=10 * scale)
        panel.set(xlabel=xlabel, ylabel="count")
    return axes


def zeros_in(array, show_zeros):
    """What a title tells of them."""
    zeros = (array == 0).mean()
    return f"{percent(zeros)} zero{'' if show_zeros else ' (not drawn)'}" if zeros else ""


def names_of(shapes):
    """Titles of layers, such as "layer 0 (64-32)"."""
    return [f"layer {i} ({n_in}-{units})" for i, (n_in, units) in enumerate(shapes)]
