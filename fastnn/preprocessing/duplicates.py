"""Removal of rows that repeat an earlier one, exactly or nearly."""

from collections import Counter
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._data.tables import Table, factorize, positions
from .._specs.constraints import Interval, OneOf
from .base import BaseCleaner, scale_columns
from .removals import Removals

# Number of rows whose neighbours are searched at once.
_BLOCK = 1024


class DuplicateRemover(BaseCleaner):
    """Remove rows that repeat an earlier one, exactly or nearly.

    If targets are given, duplicates must have the same target. Nulls are equal to each other.

    Not every duplicate is an error. If columns have few distinct values, different records can be
    equal by chance, and removing them would give rare rows too much weight. Two parameters prevent
    this: `keys` names the columns that identify a record, and `min_count` is for tables without
    such columns.

    Parameters
    ----------
    tolerance : float, default=0.0
        Maximum distance between duplicates, after each numeric column is divided by its standard
        deviation; 0 finds exact duplicates only. Columns that are not numeric must be equal. Rows
        are visited in order, and a row within the tolerance of an earlier remaining row is removed.
        The remaining rows are therefore all further apart.
    metric : {'chebyshev', 'euclidean', 'manhattan'}, default='chebyshev'
        The distance for `tolerance`: the maximum of the absolute differences of columns, the root
        of their sum of squares, or their sum. With hundreds of columns, 'euclidean' is by far the
        fastest.
    conflicts : {'keep', 'remove'}, default='keep'
        Whether to keep or remove all rows that are duplicates except for their targets.
    columns : list of str or int, or mask of bool, default=None
        The columns to compare, as names, indices, or a mask. None is all.
    keys : list of str or int, or mask of bool, default=None
        Columns that identify a record, such as a patient and a date. Duplicates must have equal
        keys, independently of the tolerance, in addition to the comparison of `columns`; equal rows
        of different records remain. ``columns=keys`` keeps only the first row of each record.
    min_count : int, default=2
        Minimum number of equal rows, including the first, for the repeated ones to be removed. If
        there are fewer, all of them remain.
    n_jobs : int, default=None
        Number of threads that search for neighbours; see `sklearn.neighbors.NearestNeighbors`.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        Indices of the remaining rows.
    report_ : Removals
        The removed rows and the reasons; the score is the distance.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns. Defined only if all are strings.

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
        "keys": [None, str, "array-like"],
        "min_count": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        tolerance: float = 0.0,
        *,
        metric: str = "chebyshev",
        conflicts: str = "keep",
        columns: Any = None,
        keys: Any = None,
        min_count: int = 2,
        n_jobs: int | None = None,
    ) -> None:
        self.tolerance = tolerance
        self.metric = metric
        self.conflicts = conflicts
        self.columns = columns
        self.keys = keys
        self.min_count = min_count
        self.n_jobs = n_jobs

    def _find(self, table, y):
        keys = []
        if self.keys is not None:
            keys = positions(self.keys, table.names, table.n_columns, "keys")
        columns = sorted({*table.positions(self.columns), *keys})
        targets = np.zeros(table.n_rows, int) if y is None else _group_numbers(_as_table(y))
        alike = _group_numbers(table, columns)
        keep = np.ones(table.n_rows, bool)
        # For each removed row: the earlier row, the distance, and whether only targets differ.
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
            self._find_near(table, columns, keys, targets, keep, found)
        elif self.conflicts == "remove":
            for group in of_group.values():
                for row in group if len(group) > 1 else ():
                    other = group[1] if row == group[0] else group[0]
                    keep[row], found[row] = False, (other, 0.0, True)
        self._leave_rare(keep, found)
        report = Removals(table.n_rows)
        for row, (other, distance, conflict) in sorted(found.items()):
            reason = f"{'near' if distance else 'same as'} row {other}"
            reason += f" (distance {distance:.3g})" if distance else ""
            reason += ", but another target" if conflict else ""
            report.add(row, reason, None, distance)
        return keep, report, {}

    def _leave_rare(self, keep, found):
        """Keep the repeats of rows that have fewer than `min_count`, the row itself included."""
        first: dict[int, int] = {}  # of a row's kind: what it repeats may repeat another
        for row, (earlier, _, conflict) in sorted(found.items()):
            if not conflict:
                first[row] = first.get(earlier, earlier)
        repeats = Counter(first.values())
        for row, kind in first.items():
            if keep[kind] and 1 + repeats[kind] < self.min_count:
                keep[row] = True
                del found[row]

    def _find_near(self, table, columns, keys, targets, keep, found):
        """Find the rows within the tolerance of an earlier row that is kept."""
        from sklearn.neighbors import NearestNeighbors  # slow to import

        numeric = [n for n in columns if n not in keys and table.is_numeric(n)]
        if not numeric:
            raise ValueError(
                f"tolerance={self.tolerance!r} needs columns of numbers beside the keys, and there "
                "are none: use tolerance=0."
            )
        others = [number for number in columns if number not in numeric]
        kinds = _group_numbers(table, others) if others else np.zeros(table.n_rows, int)
        values = scale_columns(table.numbers(numeric), f"tolerance={self.tolerance!r}")
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
        y = factorize(y, "y")
    return Table(y if hasattr(y, "columns") else np.reshape(y, (len(y), -1)), "y")


def _group_numbers(table, columns=None):
    """Return a number for each row, the same where rows are equal."""
    columns = table.positions(None) if columns is None else columns
    known: dict[bytes, int] = {}
    return np.array(
        [known.setdefault(row.tobytes(), len(known)) for row in table.keys(columns)], dtype=int
    )
