"""One histogram for each layer."""

import numpy as np

from .axes import COLORS, arranged, axes_for, check_matplotlib, figure_of, percent


class HistogramDisplay:
    """Histograms of numbers of each layer, a panel each.

    A display has `_histograms(show_zeros)`: arrays, their titles, and what the numbers are called.
    """

    def plot(self, ax=None, *, bins=50, show_zeros=False, log_scale=False):
        """Draw the histograms.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw; the place of one is divided. None makes a figure.
        bins : int, default=50
            Number of bins.
        show_zeros : bool, default=False
            Whether numbers that are exactly 0 are in the bars, above which they can be so high that
            nothing else is seen. The title tells how many there are.
        log_scale : bool, default=False
            Whether the counts have a logarithmic axis.

        Returns
        -------
        display : HistogramDisplay
            This one.
        """
        check_matplotlib(type(self).__name__)
        if not isinstance(bins, int | np.integer) or bins < 1:
            raise ValueError(f"bins must be a whole number of at least 1, got {bins!r}.")
        arrays, titles, xlabel = self._histograms(show_zeros)
        size = 3.4, 2.7
        n_columns, scale = arranged(ax, len(arrays), *size)
        self.axes_ = axes_for(ax, len(arrays), n_columns, size)
        for panel, array, title in zip(self.axes_, arrays, titles, strict=True):
            values = array[np.isfinite(array) & ((array != 0) | show_zeros)]
            panel.hist(values, bins=bins, color=COLORS[0], log=log_scale)
            panel.set_title(title, fontsize=10 * scale)
            panel.set(xlabel=xlabel, ylabel="count")
        self.figure_ = figure_of(self.axes_[0])
        return self


def zeros_in(array, show_zeros):
    """What a title tells of them."""
    zeros = (array == 0).mean()
    return f"{percent(zeros)} zero{'' if show_zeros else ' (not drawn)'}" if zeros else ""


def names_of(shapes):
    """Titles of layers, such as "layer 0 (64-32)"."""
    return [f"layer {i} ({n_in}-{units})" for i, (n_in, units) in enumerate(shapes)]
