"""Common interface to tables of NumPy, pandas and polars."""

from collections.abc import Hashable, Sequence
from decimal import Decimal

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing


def library_of(data):
    """Return the name of the package of a table or a column."""
    return type(data).__module__.partition(".")[0]


def as_array_or_frame(values, name):
    """Return targets, labels or weights unchanged if of a known library, otherwise as an array.

    Parameters
    ----------
    values : array-like, Series, Index, extension array or DataFrame
    name : str
        Their name in error messages.
    """
    if sparse.issparse(values):
        raise ValueError(f"{name} is sparse: pass {name}.toarray().")
    if hasattr(values, "collect") and library_of(values) == "polars":
        raise ValueError(f"{name} is a LazyFrame: pass {name}.collect().")
    if type(values).__name__ == "MultiIndex":
        raise ValueError(f"{name} is a MultiIndex: pass {name}.to_frame(), or one of its levels.")
    if np.ma.isMaskedArray(values):
        if np.ma.getmaskarray(values).any():
            raise ValueError(
                f"{name} is a masked array, and some of it is masked: remove these rows first, or "
                "fill them in."
            )
    elif library_of(values) not in ("numpy", "pandas", "polars"):
        values = _list_to_array(values, name)
    if not np.ndim(values):
        raise TypeError(
            f"{name} must be an array, a list or a column of a frame, got {type(values).__name__}."
        )
    return values


def _list_to_array(values, name):
    """Convert a list or similar to an array; numbers among strings are not converted."""
    if isinstance(values, str | bytes) or not (
        isinstance(values, Sequence)
        or hasattr(values, "__array__")
        or hasattr(values, "__dlpack__")
    ):
        raise TypeError(
            f"{name} must be an array, a list or a column of a frame, got {type(values).__name__}."
        )
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "US":
            return array
        objects = np.asarray(values, object)
    except ValueError as error:
        raise ValueError(f"{name} is no array ({error}).") from error
    of_one_kind = any(all(isinstance(one, kind) for one in objects.flat) for kind in (str, bytes))
    return array if of_one_kind else objects


def to_array(column, name):
    """Convert a column to an array, after checking that its values are scalars."""
    if library_of(column) == "polars" and column.dtype.is_nested():
        raise ValueError(
            f"{name} holds {column.dtype} values, and one value a row is needed: take one of them."
        )
    return np.asarray(column)


def is_null_value(value):
    """Return whether an object is None, NaN, NaT or NA."""
    # pandas.NA and a signalling NaN cannot be compared with themselves.
    if value is None or type(value).__name__ == "NAType":
        return True
    unequal = value.is_nan() if isinstance(value, Decimal) else value != value
    return isinstance(unequal, bool | np.bool_) and bool(unequal)


def is_null(column):
    """Return a mask of missing values (None, NaN, NaT or NA) in an array or a column."""
    if library_of(column) == "polars":
        nulls = column.is_null()
        if column.dtype.is_float():
            nulls |= column.is_nan().fill_null(True)
        return nulls.to_numpy()
    if library_of(column) == "pandas":
        return np.asarray(column.isna())  # isna() of a Series is a Series
    values = np.asarray(column)
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.array([is_null_value(value) for value in values.flat], bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def factorize(column, name="X"):
    """Return an integer code for each value of a column, -1 for nulls."""
    nulls, values = is_null(column), to_array(column, name)
    codes = np.full(len(values), -1)
    if values.dtype.kind == "O":
        known: dict = {}
        for i in np.flatnonzero(~nulls):
            if not isinstance(values[i], Hashable):
                raise ValueError(
                    f"{name} holds {type(values[i]).__name__} objects, which are not compared: "
                    "give numbers or strings."
                )
            codes[i] = known.setdefault(values[i], len(known))
    else:
        codes[~nulls] = np.unique(values[~nulls], return_inverse=True)[1]
    return codes


class Table:
    """Rows and columns of an array or of a frame.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        A frame of pandas or polars, or an array-like.
    what : str, default="X"
        Its name in error messages.

    Attributes
    ----------
    data : ndarray or DataFrame
    n_rows, n_columns : int
    names : list of str, or None
        Names of the columns of a frame.
    """

    def __init__(self, X, what="X"):
        if sparse.issparse(X):
            raise ValueError(
                f"{what} is sparse, and rows are compared value by value: pass {what}.toarray(), "
                "or clean the table that it was made of."
            )
        self.data = as_array_or_frame(X, what)
        self.is_frame = hasattr(self.data, "columns")
        if not self.is_frame:
            self.data = np.asarray(self.data)
        if len(self.data.shape) != 2:
            raise ValueError(
                f"{what} must be a table of rows and columns, got {len(self.data.shape)} "
                f"dimension(s): reshape one column with {what}.reshape(-1, 1)."
            )
        self.n_rows, self.n_columns = self.data.shape
        if not self.n_rows or not self.n_columns:
            raise ValueError(
                f"{what} must have at least one row and one column, but has shape "
                f"({self.n_rows}, {self.n_columns})."
            )
        self.names = list(self.data.columns) if self.is_frame else None

    def name(self, number):
        """Return the name of a column, or its index if columns have no names."""
        return number if self.names is None else self.names[number]

    def column(self, number):
        """Return a column, as an object of the table's library."""
        if library_of(self.data) == "pandas":
            return self.data.iloc[:, number]
        return self.data[:, number]

    def nulls(self):
        """Return a mask of missing values, of shape (n_rows, n_columns)."""
        if not self.is_frame:
            return is_null(self.data)
        return np.column_stack([is_null(self.column(i)) for i in range(self.n_columns)])

    def positions(self, columns):
        """Return the indices of columns given by names, by indices or by a mask; None is all."""
        if columns is None:
            return list(range(self.n_columns))
        found = positions(columns, self.names, self.n_columns)
        if not found:
            raise ValueError("columns is empty: name at least one, or None for all.")
        return found

    def is_numeric(self, number):
        """Return whether a column is numeric; booleans are not."""
        if not self.is_frame:
            return self.data.dtype.kind in "iufO"
        dtype = self.column(number).dtype
        if library_of(self.data) == "polars":
            return dtype.is_numeric()
        # Categorical types have no `kind`; pandas' own numeric types have NumPy's.
        return getattr(dtype, "kind", "O") in "iuf"

    def numbers(self, columns):
        """Return columns as float64, of shape (n_rows, n_columns), with NaN for nulls."""
        if not self.is_frame:
            chosen = self.data[:, columns]
            if chosen.dtype.kind == "O":
                chosen = np.where(is_null(chosen), np.nan, chosen)
            try:
                if chosen.dtype.kind == "O" and any(
                    isinstance(one, str | bytes) for one in chosen.flat
                ):
                    raise TypeError("strings")
                return chosen.astype(np.float64)
            except (OverflowError, TypeError, ValueError) as error:
                raise ValueError(
                    f"X holds values that are no numbers ({error}): encode them, or name the "
                    "columns that are numbers in `columns`."
                ) from error
        wrong = [self.names[i] for i in columns if not self.is_numeric(i)]
        if wrong:
            raise ValueError(
                f"Columns {wrong} hold no numbers: encode them, or leave them out of `columns`."
            )
        values = np.empty((self.n_rows, len(columns)))
        for i, number in enumerate(columns):
            column = self.column(number)
            if library_of(self.data) == "polars":
                values[:, i] = column.to_numpy()
            else:
                values[:, i] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values

    def keys(self, columns):
        """Return an array whose rows have equal bytes if the rows of the table are equal."""
        if not self.is_frame and self.data.dtype.kind in "iub":
            return np.ascontiguousarray(self.data[:, columns])
        if not self.is_frame and self.data.dtype.kind == "f":
            values = self.data[:, columns] + 0  # -0 becomes 0
            values[np.isnan(values)] = np.nan  # of one sign
            return np.ascontiguousarray(values)
        return np.column_stack([factorize(self.column(number)) for number in columns])


def positions(columns, names, n_columns, parameter="columns"):
    """Return the indices of columns given by names, by indices or by a mask.

    Parameters
    ----------
    columns : str or array-like of str, int or bool
    names : list or None
        Names of all columns, which may repeat.
    n_columns : int
    parameter : str, default="columns"
        Name of `columns` in error messages.
    """
    if isinstance(columns, str):
        columns = [columns]
    if not isinstance(columns, list | tuple) and np.ndim(columns) != 1:
        raise ValueError(
            f"{parameter} must be a list of names or numbers, or a mask of True and False, got "
            f"{type(columns).__name__}."
        )
    return list(dict.fromkeys(_places(list(columns), names, n_columns, parameter)))


def _places(columns, names, n_columns, parameter):
    """Yield the index of each column of a list or a mask."""
    are_truths = [isinstance(column, bool | np.bool_) for column in columns]
    if any(are_truths):
        if not all(are_truths):
            raise ValueError(
                f"{parameter} mixes truth values with others: give names, numbers, or True or "
                "False for each column."
            )
        if len(columns) != n_columns:
            raise ValueError(
                f"{parameter} is a mask of {len(columns)} truth values, and X has {n_columns} "
                "columns: it needs one for each."
            )
        yield from (number for number, is_chosen in enumerate(columns) if is_chosen)
        return
    numbers = range(-n_columns, n_columns)
    for column in columns:
        named = isinstance(column, Hashable) and column in (names or [])
        if named:  # names in pandas may repeat
            yield from (number for number, name in enumerate(names) if name == column)
        elif isinstance(column, int | np.integer) and column in numbers:
            yield int(column) % n_columns
        else:
            known = names or f"{n_columns}, without names"
            raise ValueError(f"X has no column {column!r}: its columns are {known}.")


def take(data, rows, axis=0):
    """Take rows (or columns) of a table or of targets, in the same type of container."""
    if library_of(data) == "pandas" and not hasattr(data, "iloc"):  # an Index, or an array
        return data.take(rows)
    return None if data is None else _safe_indexing(data, rows, axis=axis)
