"""Encodings: rows of a network, made of the numbers and categories of a table."""

import numpy as np
from scipy.special import ndtri

#: Largest absolute value that "quantile" gives.
_FAR = 3.5


class Statistics:
    """Locations, scales and quantiles of columns of numbers, which encodings share.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_numbers)
        The training rows, NaN for gaps.

    Attributes
    ----------
    mean, std, median, spread : ndarray of shape (n_numbers,)
        `spread` is the interquartile range, divided by that of a standard normal distribution.
    quantiles : list of ndarray
        Quantiles of each column, evenly spaced from 0 to 1.
    """

    def __init__(self, numbers):
        self.n_rows = len(numbers)
        self.ordered = [np.sort(x[~np.isnan(x)]) for x in numbers.T]
        self.mean = np.array([x.mean() for x in self.ordered])
        self.std = np.array([x.std() or 1.0 for x in self.ordered])
        self.median = np.array([np.median(x) for x in self.ordered])
        self.spread = np.array([_spread(x) for x in self.ordered])
        levels = np.linspace(0, 1, max(10, min(len(numbers) // 30, 1000)))
        self.quantiles = [np.quantile(x, levels) for x in self.ordered]

    def edges(self, n_bins, rows_per_bin=25):
        """Return the edges of at most so many bins with as many rows each, for each column."""
        n_bins = int(np.clip(self.n_rows // rows_per_bin, 4, n_bins))
        edges = []
        for x in self.ordered:
            distinct = np.unique(x)
            if len(distinct) > n_bins + 1:
                distinct = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1)))
            edges.append(distinct)
        return edges


def _spread(x):
    low, high = np.quantile(x, (0.25, 0.75))
    return (high - low) / 1.349 or (x[-1] - x[0]) / 2 or 1.0


class Encoding:
    """Rows of a network: scaled numbers, their expansions, gaps, and one-hot categories.

    Parameters
    ----------
    scaling : {"standard", "robust", "quantile"}
    expansion : {"", "cosines", "piecewise"}
    n_bins : int
        Most bins of a column, of the piecewise-linear encoding.
    n_frequencies : int
        Number of cosines of each column.
    frequency : float
        Standard deviation of their frequencies.
    random_state : RandomState
        Draws the frequencies and phases.
    """

    def __init__(self, scaling, expansion, n_bins, n_frequencies, frequency):
        self.scaling, self.expansion = scaling, expansion
        self.n_bins, self.n_frequencies, self.frequency = n_bins, n_frequencies, frequency

    def fit(self, columns, statistics, random_state):
        self._columns, self._statistics = columns, statistics
        if self.expansion == "piecewise":
            self._edges = statistics.edges(self.n_bins)
        if self.expansion == "cosines":
            shape = len(statistics.mean), self.n_frequencies
            drawn = np.clip(random_state.normal(0, 1, shape), -3, 3)
            self._frequencies = (2 * np.pi * self.frequency * drawn).astype(np.float32)
            self._phases = (2 * np.pi * random_state.uniform(0, 1, shape)).astype(np.float32)
        return self

    def transform(self, values):
        """Return the rows, float32 of shape (n_rows, width)."""
        numbers, codes = values
        gaps = np.isnan(numbers)
        scaled = getattr(self, f"_{self.scaling}")(numbers)
        scaled[gaps] = 0
        parts = [scaled]
        if self.expansion == "cosines":
            base = (
                scaled if self.scaling != "standard" else self._filled(self._robust(numbers), gaps)
            )
            angles = base[:, :, None] * self._frequencies + self._phases
            parts.append(np.cos(angles).reshape(len(numbers), -1))
        if self.expansion == "piecewise":
            parts += self._piecewise(numbers, gaps)
        parts.append(gaps[:, self._columns.has_gaps].astype(np.float32))
        parts += [
            _one_hot(code, n) for code, n in zip(codes.T, self._columns.n_levels, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    @property
    def sources(self):
        """Index of the number or category of each column of the rows; categories follow numbers."""
        numbers = np.arange(len(self._statistics.mean))
        parts = [numbers]
        if self.expansion == "cosines":
            parts.append(np.repeat(numbers, self.n_frequencies))
        if self.expansion == "piecewise":
            parts += [np.repeat(j, len(e) - 1) for j, e in enumerate(self._edges) if len(e) > 2]
        parts.append(numbers[self._columns.has_gaps])
        for j, n_levels in enumerate(self._columns.n_levels, len(numbers)):
            parts.append(np.repeat(j, n_levels if n_levels != 2 else 1))
        return np.concatenate(parts)

    def _filled(self, scaled, gaps):
        scaled[gaps] = 0
        return scaled

    def _standard(self, numbers):
        statistics = self._statistics
        return ((numbers - statistics.mean) / statistics.std).astype(np.float32)

    def _robust(self, numbers):
        statistics = self._statistics
        scaled = (numbers - statistics.median) / statistics.spread
        return (scaled / np.sqrt(1 + (scaled / 3) ** 2)).astype(np.float32)

    def _quantile(self, numbers):
        scaled = np.empty(numbers.shape, np.float32)
        for j, quantiles in enumerate(self._statistics.quantiles):
            x, levels = numbers[:, j], np.linspace(0, 1, len(quantiles))
            # The middle of the levels of equal values.
            up = np.interp(x, quantiles, levels)
            down = 1 - np.interp(-x, -quantiles[::-1], levels)
            level = np.clip((up + down) / 2, 1e-7, 1 - 1e-7)
            scaled[:, j] = np.clip(ndtri(level), -_FAR, _FAR)
        return scaled

    def _piecewise(self, numbers, gaps):
        parts = []
        for j, edges in enumerate(self._edges):
            if len(edges) < 3:
                continue  # linear is all there is
            position = (numbers[:, j, None] - edges[:-1]) / np.diff(edges)
            low, high = np.zeros(len(edges) - 1), np.ones(len(edges) - 1)
            low[0], high[-1] = -1, 2
            position = np.clip(position, low, high)
            position[gaps[:, j]] = 0
            parts.append(position.astype(np.float32))
        return parts


def _one_hot(codes, n_levels):
    n_columns = n_levels if n_levels != 2 else 1
    hot = np.zeros((len(codes), n_columns), np.float32)
    shown = (codes >= 0) & (codes < n_columns)
    hot[np.flatnonzero(shown), codes[shown]] = 1
    return hot
