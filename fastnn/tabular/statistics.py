"""Statistics of the training rows, which encodings share."""

import numpy as np

#: Quantiles kept of each column, instead of its values if these are more.
_MOST_KEPT = 10_001
#: Quantiles for the encoding by normal scores: one for so many rows, at most so many.
_ROWS_PER_QUANTILE, _MOST_QUANTILES = 30, 1000


class Statistics:
    """Locations, scales and quantiles of columns of numbers, and counts of levels.

    Parameters
    ----------
    values : Values
        The training rows.
    n_levels : sequence of int
        Number of levels of each category.

    Attributes
    ----------
    mean, std, median, spread : ndarray of shape (n_numbers,)
        `spread` is the interquartile range, divided by that of a standard normal distribution.
    quantiles : list of ndarray
        Quantiles of each column, evenly spaced from 0 to 1.
    counts : list of ndarray
        Number of rows of each level, for each category.
    """

    def __init__(self, values, n_levels):
        numbers, codes = values
        self.n_rows = len(numbers)
        n_quantiles = max(10, min(self.n_rows // _ROWS_PER_QUANTILE, _MOST_QUANTILES))
        levels = np.linspace(0, 1, n_quantiles)
        moments, self._kept, self.quantiles = np.empty((4, numbers.shape[1])), [], []
        for j, column in enumerate(numbers.T):
            x = np.sort(column[~np.isnan(column)])
            moments[:, j] = x.mean(), _std(x), np.median(x), _spread(x)
            self.quantiles.append(np.quantile(x, levels))
            self._kept.append(
                x if len(x) <= _MOST_KEPT else np.quantile(x, np.linspace(0, 1, _MOST_KEPT))
            )
        self.mean, self.std, self.median, self.spread = moments
        self.counts = [
            np.bincount(code[code >= 0], minlength=n)
            for code, n in zip(codes.T, n_levels, strict=True)
        ]

    def edges(self, n_bins, rows_per_bin=25):
        """Return the edges of at most so many bins with as many rows each, for each column."""
        n_bins = int(np.clip(self.n_rows // rows_per_bin, 4, n_bins))
        edges = []
        for x in self._kept:
            distinct = np.unique(x)
            if len(distinct) > n_bins + 1:
                distinct = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1)))
            edges.append(distinct)
        return edges


def _std(x):
    return x.std() or (x[-1] - x[0]) / 2 or 1.0  # squares of tiny numbers are 0


def _spread(x):
    low, high = np.quantile(x, (0.25, 0.75))
    return (high - low) / 1.349 or (x[-1] - x[0]) / 2 or 1.0
