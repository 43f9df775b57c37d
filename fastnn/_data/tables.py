"""Tables that users pass, of NumPy, pandas or polars: what is asked of all of them."""

from collections.abc import Hashable, Sequence
from decimal import Decimal

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing


def library_of(data):
    """Name of the package that a table or a column is of."""
    return type(data).__module__.partition(".")[0]


def rows_of(values, name):
    """Targets, labels or weights as their library has them, or else as an array.

    Parameters
    ----------
    values : array-like, Series, Index, extension array or DataFrame
    name : str
        What they are called in the error where they are nothing with rows.
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
        values = _array_of(values, name)
    if not np.ndim(values):
        raise TypeError(
            f"{name} must be an array, a list or a column of a frame, got {type(values).__name__}."
        )
    return values


def _array_of(values, name):
    """An array of a list and its like; numbers among strings stay what they are."""
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


def array_of(column, name):
    """An array of the values of a column, which are no tables themselves."""
    if library_of(column) == "polars" and column.dtype.is_nested():
        raise ValueError(
            f"{name} holds {column.dtype} values, and one value a row is needed: take one of them."
        )
    return np.asarray(column)


def _is_null(value):
    # pandas.NA is neither equal to itself nor not, and a signalling NaN has no opinion.
    if value is None or type(value).__name__ == "NAType":
        return True
    unequal = value.is_nan() if isinstance(value, Decimal) else value != value
    return isinstance(unequal, bool | np.bool_) and bool(unequal)


def nulls_of(column):
    """Where an array, or a column of a frame, has no value: None, NaN, NaT or NA."""
    if library_of(column) == "polars":
        nulls = column.is_null()
        if column.dtype.is_float():
            nulls |= column.is_nan().fill_null(True)
        return nulls.to_numpy()
    if library_of(column) == "pandas":
        return np.asarray(column.isna())  # of a Series another, of the rest an array
    values = np.asarray(column)
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.array([_is_null(value) for value in values.flat], bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def codes_of(column, name="X"):
    """Numbers that are equal where the values of a column are; nulls are equal to each other."""
    nulls, values = nulls_of(column), array_of(column, name)
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
        Of pandas or polars, or whatever NumPy makes an array of.
    what : str, default="X"
        What it is called in errors.

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
        self.data = rows_of(X, what)
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
        """What a column is called in a report."""
        return number if self.names is None else self.names[number]

    def column(self, number):
        """One column, as its library has it."""
        if library_of(self.data) == "pandas":
            return self.data.iloc[:, number]
        return self.data[:, number]

    def nulls(self):
        """Where values are missing, of shape (n_rows, n_columns)."""
        if not self.is_frame:
            return nulls_of(self.data)
        return np.column_stack([nulls_of(self.column(i)) for i in range(self.n_columns)])

    def positions(self, columns):
        """Numbers of columns that are given by names, by numbers or by a mask; of all for None."""
        if columns is None:
            return list(range(self.n_columns))
        if isinstance(columns, str):
            columns = [columns]
        if not isinstance(columns, list | tuple) and np.ndim(columns) != 1:
            raise ValueError(
                "columns must be a list of names or numbers, or a mask of True and False, got "
                f"{type(columns).__name__}."
            )
        found = dict.fromkeys(self._places(list(columns)))
        if not found:
            raise ValueError("columns is empty: name at least one, or None for all.")
        return list(found)

    def _places(self, columns):
        """The number of each column of a list, or of those that a mask has."""
        are_truths = [isinstance(column, bool | np.bool_) for column in columns]
        if any(are_truths):
            if not all(are_truths):
                raise ValueError(
                    "columns mixes truth values with others: give names, numbers, or True or False "
                    "for each column."
                )
            if len(columns) != self.n_columns:
                raise ValueError(
                    f"columns is a mask of {len(columns)} truth values, and X has "
                    f"{self.n_columns} columns: it needs one for each."
                )
            yield from (number for number, is_chosen in enumerate(columns) if is_chosen)
            return
        numbers = range(-self.n_columns, self.n_columns)
        names = self.names or []
        for column in columns:
            named = isinstance(column, Hashable) and column in names
            if named:  # pandas lets several have one name
                yield from (number for number, name in enumerate(names) if name == column)
            elif isinstance(column, int | np.integer) and column in numbers:
                yield int(column) % self.n_columns
            else:
                known = self.names or f"{self.n_columns}, without names"
                raise ValueError(f"X has no column {column!r}: its columns are {known}.")

    def is_numeric(self, number):
        """Whether a column holds numbers; truth values are none."""
        if not self.is_frame:
            return self.data.dtype.kind in "iufO"
        dtype = self.column(number).dtype
        if library_of(self.data) == "polars":
            return dtype.is_numeric()
        # Categories have no kind worth reading, and pandas' own numbers have NumPy's.
        return getattr(dtype, "kind", "O") in "iuf"

    def numbers(self, columns):
        """Values of columns as float64, of shape (n_rows, n_columns), NaN where they are null."""
        if not self.is_frame:
            chosen = self.data[:, columns]
            if chosen.dtype.kind == "O":
                chosen = np.where(nulls_of(chosen), np.nan, chosen)
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
        """An array whose rows are the same bytes where the rows of the table are equal."""
        if not self.is_frame and self.data.dtype.kind in "iub":
            return np.ascontiguousarray(self.data[:, columns])
        if not self.is_frame and self.data.dtype.kind == "f":
            values = self.data[:, columns] + 0  # -0 becomes 0
            values[np.isnan(values)] = np.nan  # of one sign
            return np.ascontiguousarray(values)
        return np.column_stack([codes_of(self.column(number)) for number in columns])


def take(data, rows, axis=0):
    """Rows (or columns) of a table or of targets, in the kind that came; None stays None."""
    return None if data is None else _safe_indexing(data, rows, axis=axis)
