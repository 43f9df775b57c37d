"""Input tables: frames of pandas, polars, pyarrow and others, arrays and lists."""

from collections import Counter

import narwhals as nw
import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .._core.device_arrays import is_on_gpu, to_host
from .._data.tables import as_array_or_frame
from . import cells


def open_table(X, estimator, name="X"):
    """Return the table of a frame, an array or a list of rows, after checking its shape.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        A frame of any library that narwhals knows, such as pandas, polars and pyarrow.
    estimator : str
        Name of the estimator in error messages.
    name : str, default="X"
        Name of the table in error messages.
    """
    if sparse.issparse(X):
        raise TypeError(
            f"{name} is sparse, and {estimator} reads tables with a value in each cell: pass "
            f"{name}.toarray()."
        )
    try:
        frame = nw.from_native(X, pass_through=True)
        labels = frame.columns if isinstance(frame, nw.DataFrame) else None
    except nw.exceptions.DuplicateError as error:
        raise _repeated(X, name) from error
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"{name} is a LazyFrame: pass {name}.collect().")
    if isinstance(frame, nw.DataFrame):
        return FrameTable(frame, list(labels), name)
    return ArrayTable(X, estimator, name)


def _repeated(X, name):
    """Return a ValueError for columns of the same name."""
    labels = getattr(X, "column_names", getattr(X, "columns", ()))
    repeated = [label for label, n in Counter(labels).items() if n > 1]
    return ValueError(
        f"{name} has several columns named {', '.join(map(repr, repeated[:5]))}: give each a name "
        "of its own."
    )


class Table:
    """Base class of tables, which gives the cells of each column.

    Attributes
    ----------
    labels : list or None
        Names of the columns of a frame.
    n_rows, n_columns : int
    """

    labels: list | None = None

    def feature_names(self):
        """Return the names of the columns as an array if all are strings, otherwise None."""
        if self.labels is None or not all(isinstance(label, str) for label in self.labels):
            return None
        return np.array(self.labels, object)

    def where(self, number):
        """Return the name of a column for error messages."""
        label = number if self.labels is None else self.labels[number]
        return f"Column {label!r} of {self.name}"


class ArrayTable(Table):
    """Table of an array, or of a list of rows."""

    def __init__(self, X, estimator, name):
        self.name = name
        if is_on_gpu(X):
            X = to_host(X)
        if np.ma.isMaskedArray(X) and X.dtype.kind in "biuf":
            X = X.astype(np.float64).filled(np.nan)
        if not isinstance(X, np.ndarray):
            X = as_array_or_frame(X, name)
        dtype = getattr(X, "dtype", None)
        if getattr(dtype, "kind", "O") == "V":
            raise ValueError(f"{name} is a structured array: pass pandas.DataFrame({name}).")
        self._data = check_array(
            X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name=name
        )
        self.n_rows, self.n_columns = self._data.shape

    def cells(self, number, zone=None):
        """Return the cells of a column; dates of an array have no time zone."""
        column = self._data[:, number]
        if column.dtype.kind in "biuf":
            return cells.of_numbers(column)
        if column.dtype.kind == "M":
            return cells.of_dates(column)
        if column.dtype.kind == "m":
            return cells.of_durations(column)
        values = column.astype(object) if column.dtype.kind == "T" else column
        return cells.of_objects(values.tolist(), self.where(number))


class FrameTable(Table):
    """Table of a frame."""

    def __init__(self, frame, labels, name):
        self._frame, self.labels, self.name = frame, labels, name
        self.n_rows, self.n_columns = frame.shape
        if not self.n_rows or not self.n_columns:
            raise ValueError(
                f"{name} must have at least one row and one column, but has shape {frame.shape}."
            )

    def cells(self, number, zone=None):
        """Return the cells of a column.

        Parameters
        ----------
        number : int
            Index of the column.
        zone : str, default=None
            Time zone of the dates, if they have one. None is their own.
        """
        column, where = self._frame[:, number], self.where(number)
        dtype = column.dtype
        if dtype.is_nested():
            raise TypeError(
                f"{where} holds {dtype} values, and a cell must be one value: make such columns "
                "of it, or leave it out."
            )
        if dtype.is_numeric():
            column = column.cast(nw.Float64) if dtype.is_decimal() else column
            return cells.of_numbers(column.to_numpy())
        if dtype == nw.Datetime or dtype == nw.Date:
            return _dates(column, zone)
        if dtype == nw.Duration:
            return cells.of_durations(column.to_numpy())
        declared = dtype in (nw.Categorical, nw.Enum)
        return cells.of_objects(column.to_list(), where, declared)


def _dates(column, zone):
    """Return cells of dates, which are local times if they have a time zone."""
    own = getattr(column.dtype, "time_zone", None)
    if own is not None:
        if zone not in (None, own):
            column = column.dt.convert_time_zone(zone)
        column = column.dt.replace_time_zone(None)
    return cells.of_dates(column.to_numpy(), zone or own)
