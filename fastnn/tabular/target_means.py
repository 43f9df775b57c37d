"""Target means of the levels of categories."""

import numpy as np

_TINY = 1e-9


class TargetMeans:
    """Mean targets of the levels of a category, shrunk to the mean of all rows.

    A level of few rows tells little, so its mean is shrunk [1]_. The amount is that of a linear
    model with a random effect of the level, whose variances are estimated by the method of moments
    [2]_. A training row has means of the rows in other folds, so that its own target is not in
    them.

    Parameters
    ----------
    codes : ndarray of int, of shape (n_rows,)
        Level of each training row, -1 for unknown.
    n_levels : int
    targets : ndarray of shape (n_rows, n_targets), or (n_rows,) of classes
    weights : ndarray of shape (n_rows,), or None
    folds : ndarray of int, of shape (n_rows,)
        Fold of each row, from 0.

    References
    ----------
    .. [1] Micci-Barreca, D. "A preprocessing scheme for high-cardinality categorical attributes in
       classification and prediction problems", SIGKDD Explorations 3 (2001), section 3.
    .. [2] Searle, S. R., Casella, G. & McCulloch, C. E. "Variance components" (1992), section 3.6.
    """

    def __init__(self, codes, n_levels, targets, weights, folds):
        weights = np.ones(len(codes)) if weights is None else weights
        n_folds = folds.max() + 1
        cells, shape = folds * (n_levels + 1) + codes + 1, (n_folds, n_levels + 1)
        counts = _sums(cells, weights, shape)
        means = []
        for target in _columns(targets):
            target = target - np.average(target, weights=weights)
            variance = np.average(target**2, weights=weights)
            sums = _sums(cells, weights * target, shape)
            strength = _strength(counts[:, 1:].sum(0), sums[:, 1:].sum(0), variance)
            # Of the rows outside of each fold, and of all rows last.
            n, total = (np.vstack([each.sum(0) - each, each.sum(0)]) for each in (counts, sums))
            shrunk = total / np.maximum(n + strength, _TINY)
            shrunk[:, 0] = 0  # levels that are unknown
            means.append(shrunk / (np.sqrt(variance) or 1.0))
        self._means = np.stack(means, axis=-1).astype(np.float32)
        self.n_targets = len(means)

    def transform(self, codes, folds=-1):
        """Return the means of each row, of shape (n_rows, n_targets).

        Parameters
        ----------
        codes : ndarray of int, of shape (n_rows,)
        folds : ndarray of int, of shape (n_rows,)
            Folds of training rows. Other rows have none.
        """
        return self._means[folds, codes + 1]


def _sums(cells, values, shape):
    return np.bincount(cells, values, np.prod(shape)).reshape(shape)


def _columns(targets):
    """Yield each target, that of a class as 0 and 1."""
    if targets.ndim == 2:
        yield from targets.T.astype(np.float64)
    else:
        yield from (np.float64(targets == number) for number in range(targets.max() + 1))


def _strength(counts, sums, variance):
    """Return the number of rows that the mean of all rows counts as, in that of a level.

    Parameters
    ----------
    counts, sums : ndarray of shape (n_levels,)
        Number of rows, and sum of their targets, whose mean is 0.
    variance : float
        Variance of the targets.
    """
    counts, sums = counts[counts > 0], sums[counts > 0]
    n, n_free = counts.sum(), max(len(counts) - 1, 1)
    between = (sums**2 / counts).sum()
    within = max(variance * n - between, 0.0) / max(n - len(counts), _TINY)
    rows_of_level = (n - (counts**2).sum() / n) / n_free
    of_levels = (between / n_free - within) / max(rows_of_level, _TINY)
    return within / of_levels if of_levels > 0 else np.inf
