"""Rows that repeat an earlier one, exactly or nearly, are removed."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from .._data.tables import Table, codes_of
from .._specs.constraints import Interval, OneOf
from .base import BaseCleaner, scaled
from .removals import Removals

# Rows whose neighbours are looked for at once.
_BLOCK = 1024


class DuplicateRemover(BaseCleaner):
    """Removes rows that repeat an earlier one, exactly or nearly.

    A duplicate has the same target too, where targets are given. Nulls are equal to each other.

    Parameters
    ----------
    tolerance : float, default=0.0
        How far two rows may lie apart, after each column of numbers was divided by its standard
        deviation; 0 takes exact duplicates only. Columns that hold no numbers must be equal. Rows
        are gone through in order: one that is near to an earlier row that was kept is removed, so
        those that stay are all further apart.
    metric : {'chebyshev', 'euclidean', 'manhattan'}, default='chebyshev'
        The distance for `tolerance`: the largest difference of a column, the root of the sum of
        squares, or the sum. With hundreds of columns 'euclidean' is much the fastest.
    conflicts : {'keep', 'remove'}, default='keep'
        Whether rows that are alike, but have different targets, are kept, or all removed.
    columns : list of str or int, or mask of bool, default=None
        The columns that are compared, by name, number, or True or False for each. None is all.
    n_jobs : int, default=None
        Threads of the search for neighbours, `sklearn.neighbors.NearestNeighbors`.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows that are kept.
    report_ : Removals
        What was removed and why, with the distance as the score.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they are all strings.

    Examples
    --------
    >>> from fastnn.preprocessing import DuplicateRemover
    >>> remover = DuplicateRemover()
    >>> X, y = remover.fit_resample([[1, 2], [3, 4], [1, 2]], [0, 1, 0])
    >>> print(remover.report_)
    1 of 3 rows removed
    row  reason
      2  same as row 0
    """

    _parameter_constraints: ClassVar[dict] = {
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "metric": [OneOf({"chebyshev", "euclidean", "manhattan"})],
        "conflicts": [OneOf({"keep", "remove"})],
        "columns": [None, str, "array-like"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self, tolerance=0.0, *, metric="chebyshev", conflicts="keep", columns=None, n_jobs=None
    ):
        self.tolerance = tolerance
        self.metric = metric
        self.conflicts = conflicts
        self.columns = columns
        self.n_jobs = n_jobs

    def _find(self, table, y):
        columns = table.positions(self.columns)
        targets = np.zeros(table.n_rows, int) if y is None else _same(_as_table(y))
        alike = _same(table, columns)
        keep = np.ones(table.n_rows, bool)
        # Of each removed row the earlier one, the distance, and whether only targets differ.
        found: dict[int, tuple[int, float, bool]] = {}
        first: dict[tuple[int, int], int] = {}
        of_group: dict[int, list[int]] = {}
        for row, pair in enumerate(zip(alike.tolist(), targets.tolist(), strict=True)):
            earlier = first.setdefault(pair, row)
            if earlier < row:
                keep[row], found[row] = False, (earlier, 0.0, False)
            else:
                of_group.setdefault(pair[0], []).append(row)
        if self.tolerance > 0:
            self._find_near(table, columns, targets, keep, found)
        elif self.conflicts == "remove":
            for group in of_group.values():
                for row in group if len(group) > 1 else ():
                    other = group[1] if row == group[0] else group[0]
                    keep[row], found[row] = False, (other, 0.0, True)
        report = Removals(table.n_rows)
        for row, (other, distance, conflict) in sorted(found.items()):
            reason = f"{'near' if distance else 'same as'} row {other}"
            reason += f" (distance {distance:.3g})" if distance else ""
            reason += ", but another target" if conflict else ""
            report.add(row, reason, None, distance)
        return keep, report, {}

    def _find_near(self, table, columns, targets, keep, found):
        """Go through the rows that are left, with the neighbours of each."""
        from sklearn.neighbors import NearestNeighbors  # slow to import

        numeric = [number for number in columns if table.is_numeric(number)]
        if not numeric:
            raise ValueError(
                f"tolerance={self.tolerance!r} needs columns of numbers, and there are none: use "
                "tolerance=0."
            )
        others = [number for number in columns if number not in numeric]
        kinds = _same(table, others) if others else np.zeros(table.n_rows, int)
        values = scaled(table.numbers(numeric), f"tolerance={self.tolerance!r}")
        rows = np.flatnonzero(keep)
        values = values[rows]
        search = NearestNeighbors(radius=self.tolerance, metric=self.metric, n_jobs=self.n_jobs)
        search.fit(values)
        conflicting = {}
        for begin in range(0, len(rows), _BLOCK):
            block = values[begin : begin + _BLOCK]
            distances, neighbours = search.radius_neighbors(block, sort_results=True)
            for row, far, near in zip(rows[begin:], distances, neighbours, strict=False):
                near = rows[near]
                like = (kinds[near] == kinds[row]) & (near != row)
                far, near = far[like], near[like]
                same = targets[near] == targets[row]
                if self.conflicts == "remove" and not same.all():
                    nearest = np.argmin(same)
                    conflicting[row] = (int(near[nearest]), float(far[nearest]), True)
                earlier = same & (near < row) & keep[near]
                if earlier.any():
                    nearest = np.argmax(earlier)
                    keep[row] = False
                    found[int(row)] = (int(near[nearest]), float(far[nearest]), False)
        for row, what in conflicting.items():
            keep[row], found[int(row)] = False, what


def _as_table(y):
    if np.ndim(y) == 1:
        y = codes_of(y, "y")
    return Table(y if hasattr(y, "columns") else np.reshape(y, (len(y), -1)), "y")


def _same(table, columns=None):
    """Numbers of the rows, the same where rows are equal."""
    columns = table.positions(None) if columns is None else columns
    known: dict[bytes, int] = {}
    return np.array(
        [known.setdefault(row.tobytes(), len(known)) for row in table.keys(columns)], dtype=int
    )
