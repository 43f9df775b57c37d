"""Columns of a table and their types, learned from the training rows."""

from typing import NamedTuple

import numpy as np

from .._data.tables import positions
from .._printed_tables import PrintedTable
from .._warnings import warn
from .inference import learn_column
from .reading import open_table


class Values(NamedTuple):
    """Values of the columns that are used.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_numbers)
        float64, NaN for gaps.
    codes : ndarray of shape (n_rows, n_categories)
        int32, indices of levels, -1 for those unknown in training.
    """

    numbers: np.ndarray
    codes: np.ndarray

    def take(self, rows):
        """Return the values of some rows: their numbers, or a slice."""
        return Values(self.numbers[rows], self.codes[rows])


class Columns:
    """Types of the columns of a table, which read any later table.

    Attributes
    ----------
    n_features_in : int
    feature_names_in : ndarray of str, or None
        Names of the columns of a frame, if all are strings.
    number_names, category_names : list of str
    number_sources, category_sources : list of int
        Index of the column of the table that each number and category is read from.
    has_gaps : ndarray of bool, of shape (n_numbers,)
        Whether a number has gaps; of several that are read from one column, the first tells.
    n_levels : ndarray of int, of shape (n_categories,)
    """

    @classmethod
    def learn(cls, X, categorical_features="auto", estimator="TabularMLP"):
        """Return the columns of the training rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        categorical_features : "auto" or array-like, default="auto"
            Columns that are categories whatever their values: a mask, indices or names. Others
            have the type of their values.
        estimator : str
            Name of the estimator in messages.
        """
        return cls(open_table(X, estimator), categorical_features, estimator)

    def __init__(self, table, categorical_features, estimator):
        self._estimator, self._labels = estimator, table.labels
        self.n_features_in, self.feature_names_in = table.n_columns, table.feature_names()
        named = set()
        if not (isinstance(categorical_features, str) and categorical_features == "auto"):
            named = set(
                positions(
                    categorical_features, table.labels, table.n_columns, "categorical_features"
                )
            )
        self._columns = [
            learn_column(table.cells(i), i in named) for i in range(self.n_features_in)
        ]
        self._list_features()
        if not self.number_names and not self.category_names:
            warn(
                f"No column of X tells rows apart, so that this {estimator} predicts the same for "
                f"all. {table.where(0)}: {self._columns[0].why}."
            )

    def _list_features(self):
        """List the numbers and categories that the columns are read to."""
        self.number_names, self.number_sources, has_gaps = [], [], []
        self.category_names, self.category_sources, n_levels = [], [], []
        for i, column in enumerate(self._columns):
            label = i if self._labels is None else self._labels[i]
            if column.numbers is not None:
                names = column.numbers.names(label)
                self.number_names += names
                self.number_sources += [i] * len(names)
                has_gaps += [column.n_gaps > 0] + [False] * (len(names) - 1)
            if column.levels is not None:
                self.category_names.append(str(label))
                self.category_sources.append(i)
                n_levels.append(column.levels.n_levels)
        self.has_gaps, self.n_levels = np.array(has_gaps, bool), np.array(n_levels, int)

    def read(self, X, name="X"):
        """Return the `Values` of a table with these columns.

        Columns of a frame are matched by name. Others than those of the training rows are ignored
        with a warning.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        name : str, default="X"
            Name of the table in error messages.
        """
        table = open_table(X, self._estimator, name)
        order = self._match(table)
        numbers = np.empty((table.n_rows, len(self.number_names)), order="F")
        codes = np.empty((table.n_rows, len(self.category_names)), np.int32, order="F")
        free_numbers, free_codes = iter(numbers.T), iter(codes.T)
        for i, column in zip(order, self._columns, strict=True):
            if column.numbers is None and column.levels is None:
                continue
            cells, where = table.cells(i, getattr(column.numbers, "zone", None)), table.where(i)
            if column.numbers is not None:
                for part in column.numbers.read(cells, where):
                    next(free_numbers)[:] = part
            if column.levels is not None:
                next(free_codes)[:] = column.levels.read(cells, where)
        return Values(numbers, codes)

    def _match(self, table):
        """Return the index in a table of each column, after comparing names or numbers."""
        names = table.feature_names()
        if names is not None and self.feature_names_in is not None:
            return self._match_names(table)
        if names is not None:
            warn(f"X has feature names, but {self._estimator} was fitted without feature names")
        elif self.feature_names_in is not None:
            warn(
                f"X does not have valid feature names, but {self._estimator} was fitted with "
                "feature names"
            )
        elif table.labels is not None and self._labels is not None:
            return self._match_names(table)
        if table.n_columns != self.n_features_in:
            raise ValueError(
                f"X has {table.n_columns} features, but {self._estimator} is expecting "
                f"{self.n_features_in} features as input."
            )
        return range(self.n_features_in)

    def _match_names(self, table):
        """Return the index in a table of each column, by name."""
        index = {label: i for i, label in enumerate(table.labels)}
        if missing := [label for label in self._labels if label not in index]:
            raise ValueError(
                f"{table.name} has no {_join(missing)}, which fit has seen: add such columns, with "
                "gaps if the values are unknown."
            )
        known = set(self._labels)
        if new := [label for label in table.labels if label not in known]:
            warn(f"{table.name} has {_join(new)}, which fit has not seen: ignored.")
        return [index[label] for label in self._labels]

    def labels_of_text(self):
        """Return the names of the columns that have strings among their levels."""
        each = zip(self._labels or (), self._columns, strict=False)
        return [label for label, one in each if one.levels is not None and str in one.levels.types]

    def table(self):
        """Return the `ColumnTable` of what is done with each column."""
        labels = range(self.n_features_in) if self._labels is None else self._labels
        return ColumnTable(
            [ColumnLine.of(*each) for each in zip(labels, self._columns, strict=True)]
        )


def _join(labels):
    """Join the names of columns, or the first of many."""
    shown = ", ".join(map(repr, labels[:5])) + ", .." * (len(labels) > 5)
    return f"column{'s' * (len(labels) > 1)} {shown}"


class ColumnLine(NamedTuple):
    """Name, type and use of a column, the reason, and the numbers of its levels and gaps."""

    column: object
    type: str
    use: str
    why: str
    n_levels: int | None
    n_gaps: int

    @classmethod
    def of(cls, label, column):
        """Return the line of a `Column`."""
        uses = []
        if column.numbers is not None:
            names = column.numbers.names(label)
            parts = ", ".join(getattr(column.numbers, "parts", ()))
            uses.append("number" if len(names) == 1 else f"numbers: {parts}")
        n_levels = None
        if column.levels is not None:
            n_levels = column.levels.n_levels
            uses.append("category")
        use = " and ".join(uses) or "left out"
        return cls(label, column.kind, use, column.why, n_levels, column.n_gaps)


class ColumnTable(PrintedTable):
    """Table of the columns of X, which prints as text and HTML.

    Parameters
    ----------
    lines : list of ColumnLine
    """

    _right = frozenset(("levels", "gaps"))

    def __init__(self, lines):
        self.lines = lines

    def _rows(self):
        yield ("column", "type", "use", "levels", "gaps", "why")
        for line in self.lines:
            n_levels = "" if line.n_levels is None else f"{line.n_levels:,}"
            gaps = f"{line.n_gaps:,}" if line.n_gaps else ""
            yield (str(line.column), line.type, line.use, n_levels, gaps, line.why)

    def to_dicts(self):
        """Return a list with a dict for each column, as for ``pandas.DataFrame``."""
        return [line._asdict() for line in self.lines]
