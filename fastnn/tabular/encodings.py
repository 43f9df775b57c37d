"""Encodings of the numbers and categories of a table as rows of a network."""

import numpy as np
from scipy.special import ndtri

from .target_means import TargetMeans

#: Largest absolute value of numbers scaled by "quantile", and by "standard".
_FAR, _FARTHEST = 3.5, 1e4
#: A category of more levels has columns for so many, the most frequent, and its target means.
MOST_ONE_HOT = 64
#: Rows that are encoded at a time, which stay in the caches.
_BLOCK = 2048


class Encoding:
    """Rows of a network: scaled numbers, their expansions, gaps, and one-hot categories.

    Numbers are standardised ("standard"), robustly scaled and smoothly clipped [1]_ ("robust") or
    replaced by normal scores ("quantile"). They are kept beside their expansion: cosines of fixed
    random frequencies ("cosines") or the piecewise-linear encoding ("piecewise") [2]_. Gaps are 0,
    with a column that tells them. Categories are one-hot; those of many levels also have
    `TargetMeans`.

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

    Attributes
    ----------
    width : int
        Number of columns of the encoded rows.
    sources : ndarray of int, of shape (width,)
        Source of each column: the index of a number, or, after all numbers, of a category.

    References
    ----------
    .. [1] Holzmüller, D., Grinsztajn, L. & Steinwart, I. "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS 2024, section 3.
    .. [2] Gorishniy, Y., Rubachev, I. & Babenko, A. "On embeddings for numerical features in
       tabular deep learning", NeurIPS 2022, section 3.
    """

    def __init__(self, scaling, expansion, n_bins, n_frequencies, frequency):
        self.scaling, self.expansion = scaling, expansion
        self.n_bins, self.n_frequencies, self.frequency = n_bins, n_frequencies, frequency

    def fit(self, columns, statistics, random_state):
        """Learn from the statistics of the training rows.

        Parameters
        ----------
        columns : Columns
        statistics : Statistics
        random_state : RandomState
            Draws the frequencies and phases of cosines.
        """
        n_numbers = len(columns.number_names)
        self._gaps = np.flatnonzero(columns.has_gaps)
        self._standard = statistics.mean, statistics.std
        self._robust = statistics.median, statistics.spread
        self._quantiles = statistics.quantiles if self.scaling == "quantile" else None
        sources = [np.arange(n_numbers)]
        if self.expansion == "cosines":
            shape = n_numbers, self.n_frequencies
            drawn = np.clip(random_state.normal(0, 1, shape), -3, 3)
            self._frequencies = (2 * np.pi * self.frequency * drawn).astype(np.float32)
            self._phases = (2 * np.pi * random_state.uniform(0, 1, shape)).astype(np.float32)
            sources.append(np.repeat(sources[0], self.n_frequencies))
        if self.expansion == "piecewise":
            edges = enumerate(statistics.edges(self.n_bins))
            self._bins = {j: _Bins(each) for j, each in edges if len(each) > 2}  # or it is linear
            sources += [np.repeat(j, bins.width) for j, bins in self._bins.items()]
        sources.append(self._gaps)
        self._one_hot = [_one_hot(counts) for counts in statistics.counts]
        sources += [np.repeat(n_numbers + j, len(hot.T)) for j, hot in enumerate(self._one_hot)]
        self._means: dict[int, TargetMeans] = {}
        self.sources = np.concatenate(sources)
        self._is_kept = None
        return self

    def fit_means(self, values, targets, weights, folds):
        """Learn target means of categories of many levels.

        Parameters
        ----------
        values : Values
            The training rows.
        targets : ndarray of shape (n_rows, n_targets), or (n_rows,) of classes
        weights : ndarray of shape (n_rows,), or None
        folds : ndarray of int, of shape (n_rows,)
            Fold of each row: training rows have means of the other folds.
        """
        sources = [self.sources]
        for j, hot in enumerate(self._one_hot):
            n_levels = len(hot) - 1
            if n_levels > MOST_ONE_HOT:
                means = TargetMeans(values.codes[:, j], n_levels, targets, weights, folds)
                self._means[j] = means
                sources.append(np.repeat(values.numbers.shape[1] + j, means.n_targets))
        self.sources = np.concatenate(sources)
        return self

    def keep(self, is_kept):
        """Leave out numbers and categories that a mask of them all tells not to keep."""
        self._is_kept = is_kept[self.sources]
        self.sources = self.sources[self._is_kept]

    @property
    def width(self):
        """Number of columns of the rows; a table without any has one of zeros."""
        return max(1, len(self.sources))

    def transform(self, values, folds=None):
        """Return the rows, float32 of shape (n_rows, width).

        Parameters
        ----------
        values : Values
        folds : ndarray of int, of shape (n_rows,), default=None
            Fold of each training row. None is for rows that are new.
        """
        n = len(values.numbers)
        rows = np.zeros((n, self.width), np.float32)
        for start in range(0, n, _BLOCK):
            part = slice(start, start + _BLOCK)
            own = -1 if folds is None else folds[part]
            begin = first = 0
            for columns in self._parts(values.numbers[part], values.codes[part], own):
                if self._is_kept is not None:
                    last = first + columns.shape[1]
                    columns = columns[:, self._is_kept[first:last]]
                    first = last
                end = begin + columns.shape[1]
                rows[part, begin:end] = columns
                begin = end
        return rows

    def _parts(self, numbers, codes, folds):
        """Yield the columns of some rows, part by part."""
        gaps = np.isnan(numbers)
        scaled = self._scaled(numbers, gaps)
        yield scaled
        if self.expansion == "cosines":
            base = self._robust_scaled(numbers, gaps) if self.scaling == "standard" else scaled
            angles = base[:, :, None] * self._frequencies + self._phases
            yield np.cos(angles, out=angles).reshape(len(numbers), -1)
        if self.expansion == "piecewise":
            for j, bins in self._bins.items():
                yield bins.positions(numbers[:, j])
        yield gaps[:, self._gaps]
        for hot, code in zip(self._one_hot, codes.T, strict=True):
            yield hot[code + 1]
        for j, means in self._means.items():
            yield means.transform(codes[:, j], folds)

    def _scaled(self, numbers, gaps):
        """Return scaled numbers, float32, with 0 for gaps."""
        if self.scaling == "robust":
            return self._robust_scaled(numbers, gaps)
        if self.scaling == "standard":
            mean, std = self._standard
            return _filled(np.clip((numbers - mean) / std, -_FARTHEST, _FARTHEST), gaps)
        scores = [_normal_scores(x, q) for x, q in zip(numbers.T, self._quantiles, strict=True)]
        return _filled(np.array(scores).reshape(numbers.shape[::-1]).T, gaps)

    def _robust_scaled(self, numbers, gaps):
        median, spread = self._robust
        scaled = (numbers - median) / spread
        return _filled(scaled / np.sqrt(1 + (scaled / 3) ** 2), gaps)


class _Bins:
    """Piecewise-linear encoding of a number.

    Parameters
    ----------
    edges : ndarray
        Edges of the bins, ascending.
    """

    def __init__(self, edges):
        self.width = len(edges) - 1
        self._starts, self._widths = edges[:-1], np.diff(edges)
        # Numbers out of range are as far beyond as the first and the last bin are wide.
        self._low, self._high = np.zeros(self.width), np.ones(self.width)
        self._low[0], self._high[-1] = -1, 2

    def positions(self, numbers):
        """Return the position of numbers in each bin, mostly from 0 to 1; of gaps it is 0."""
        positions = (numbers[:, None] - self._starts) / self._widths
        np.clip(positions, self._low, self._high, out=positions)
        return np.nan_to_num(positions, copy=False, nan=0.0)


def _filled(scaled, gaps):
    scaled = scaled.astype(np.float32)
    scaled[gaps] = 0
    return scaled


def _normal_scores(x, quantiles):
    """Return the quantiles of a normal distribution at the levels of numbers."""
    levels = np.linspace(0, 1, len(quantiles))
    # The middle of the levels of equal values.
    up = np.interp(x, quantiles, levels)
    down = 1 - np.interp(-x, -quantiles[::-1], levels)
    return np.clip(ndtri(np.clip((up + down) / 2, 1e-7, 1 - 1e-7)), -_FAR, _FAR)


def _one_hot(counts):
    """Return the columns for each level, unknown ones first, of shape (n_levels + 1, n_columns).

    Two levels share one column. If there are many, the most frequent have one.
    """
    n_levels = len(counts)
    if n_levels == 2:
        return np.array([[0.5], [1], [0]], np.float32)
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_ONE_HOT])
    hot = np.zeros((n_levels + 1, len(shown)), np.float32)
    hot[shown + 1, np.arange(len(shown))] = 1
    return hot
