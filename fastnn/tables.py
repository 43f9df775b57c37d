"""Tables that users pass, of NumPy, pandas or polars: what is asked of all of them."""

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing


def library_of(data):
    """Name of the package that a table or a column is of."""
    return type(data).__module__.partition(".")[0]


def _is_null(value):
    # pandas.NA is neither equal to itself nor not.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def nulls_of(column):
    """Where an array, or a column of a frame, has no value: None, NaN, NaT or NA."""
    if library_of(column) == "polars":
        nulls = column.is_null()
        if column.dtype.is_float():
            nulls |= column.is_nan().fill_null(True)
        return nulls.to_numpy()
    if library_of(column) == "pandas":
        return column.isna().to_numpy()
    values = np.asarray(column)
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.array([_is_null(value) for value in values.flat], bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def codes_of(column):
    """Numbers that are equal where the values of a column are; nulls are equal to each other."""
    nulls, values = nulls_of(column), np.asarray(column)
    codes = np.full(len(values), -1)
    if values.dtype.kind == "O":
        known: dict = {}
        for i in np.flatnonzero(~nulls):
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

    Attributes
    ----------
    data : ndarray or DataFrame
    n_rows, n_columns : int
    names : list of str, or None
        Names of the columns of a frame.
    """

    def __init__(self, X):
        if sparse.issparse(X):
            raise ValueError(
                "X is sparse, and rows are compared value by value: pass X.toarray(), or clean the "
                "table that it was made of."
            )
        if hasattr(X, "collect") and library_of(X) == "polars":
            raise ValueError("X is a LazyFrame: pass X.collect().")
        self.is_frame = library_of(X) in ("pandas", "polars") and hasattr(X, "columns")
        self.data = X if self.is_frame else np.asarray(X)
        if len(self.data.shape) != 2:
            raise ValueError(
                f"X must be a table of rows and columns, got {len(self.data.shape)} dimension(s): "
                "reshape one column with X.reshape(-1, 1)."
            )
        self.n_rows, self.n_columns = self.data.shape
        if not self.n_rows or not self.n_columns:
            raise ValueError(
                "X must have at least one row and one column, but has shape "
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
        """Numbers of columns that are given by name or by number; of all if None is given."""
        if columns is None:
            return list(range(self.n_columns))
        if isinstance(columns, str):
            columns = [columns]
        found, numbers = [], range(-self.n_columns, self.n_columns)
        for column in columns:
            if self.names is not None and column in self.names:
                found.append(self.names.index(column))
            elif isinstance(column, int | np.integer) and column in numbers:
                found.append(int(column) % self.n_columns)
            else:
                known = self.names or f"{self.n_columns}, without names"
                raise ValueError(f"X has no column {column!r}: its columns are {known}.")
        if not found:
            raise ValueError("columns is empty: name at least one, or None for all.")
        return found

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
                return chosen.astype(np.float64)
            except (TypeError, ValueError) as error:
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
