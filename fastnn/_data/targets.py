"""Conversion of targets and weights from any container to plain arrays.

Numbers become NumPy numbers, and labels remain numbers, booleans or strings. Values whose numbers
would depend on a unit or an order, such as dates, are rejected.
"""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from .sparse_matrices import checked_csr
from .stacking import stack_columns
from .tables import Table, as_array_or_frame, is_null, to_array

# Kinds of values rejected where numbers are needed, by NumPy's `dtype.kind`, with advice.
_NOT_NUMBERS = {
    "M": "dates: subtract one from all and divide by a unit, such as np.timedelta64(1, 'D')",
    "m": "durations, whose numbers depend on the unit: divide by one, such as "
    "np.timedelta64(1, 's')",
    "S": "strings: convert those that stand for numbers with astype(float)",
    "V": "records: take one of their fields",
    "category": "categories: convert those that stand for numbers with astype(float)",
}
_NOT_NUMBERS["U"] = _NOT_NUMBERS["S"]
# Names of the types of categorical columns in pandas and polars.
CATEGORIES = "CategoricalDtype", "Categorical", "Enum"


def read_numbers(values, name):
    """Return the user's numbers for the rows as an array of numbers or a sparse matrix.

    Parameters
    ----------
    values : array-like, frame, sparse matrix or None
        None is returned as None.
    name : str
        Their name in error messages.

    Raises
    ------
    TypeError
        If they have no rows.
    ValueError
        If they contain dates, strings or similar, or missing values.
    """
    return _plain(values, name, _numbers)


def read_labels(values, name):
    """Return the user's labels for the rows as an array or a sparse matrix; see `read_numbers`.

    Objects of one type become an array of that type, and columns of several types one of objects.
    """
    return _plain(values, name, _labels)


def _plain(values, name, convert):
    if values is None:
        return None
    if type(values) is np.ndarray and values.dtype.kind in "biuf":
        return values
    if sparse.issparse(values):
        return _sparse(values, name)
    values = as_array_or_frame(values, name)
    if hasattr(values, "columns"):
        return _of_frame(Table(values, name), name, convert)
    if type(values) is np.matrix:
        return values  # scikit-learn says what to do
    return convert(values, name)


def _sparse(values, name):
    if values.ndim != 2:
        raise ValueError(f"{name} is a sparse array of one dimension: pass {name}.toarray().")
    values = checked_csr(values, name)
    return values.toarray()[:, 0] if values.shape[1] == 1 else values


def _of_frame(table, name, convert):
    """Convert each column separately, so that errors name the column."""
    return stack_columns(
        [
            convert(table.column(i), f"column {table.name(i)!r} of {name}")
            for i in range(table.n_columns)
        ]
    )


def _refuse(what, name):
    raise ValueError(f"{name} must hold numbers, and holds {what}.")


def _complete(column, name):
    """Convert a column to an array, after checking that no value is missing."""
    array = to_array(column, name)
    # scikit-learn reports NaN in plain arrays of numbers.
    if (array.dtype.kind not in "fc" or array is not column) and (nulls := is_null(column)).any():
        rows = nulls.reshape(len(array), -1).any(axis=1)
        raise ValueError(
            f"Input {name} contains NaN, or no value, in {rows.sum()} row(s), such as row "
            f"{rows.argmax()}: remove them, as with fastnn.preprocessing.NullRemover."
        )
    if array.dtype.kind == "T":
        array = array.astype(object)
    return array


def _numbers(column, name):
    array = _complete(column, name)
    is_category = type(column.dtype).__name__ in CATEGORIES
    kind = "category" if is_category else array.dtype.kind
    if kind == "c":  # in scikit-learn's words
        raise ValueError(f"Complex data not supported: {name} must hold numbers that are real.")
    if kind in _NOT_NUMBERS:
        _refuse(_NOT_NUMBERS[kind], name)
    if kind != "O":
        return array
    for one in array.flat:
        if not isinstance(one, Real | Decimal | np.bool_):
            _refuse(
                _NOT_NUMBERS.get(kind_of(one), f"{type(one).__name__} objects: convert them"), name
            )
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"{name} has a number that is too large for float64.") from error


def kind_of(value):
    """Return NumPy's `dtype.kind` for an object, or None."""
    if isinstance(value, date | np.datetime64):
        return "M"
    if isinstance(value, timedelta | np.timedelta64):
        return "m"
    return "U" if isinstance(value, str | bytes) else None


def _labels(column, name):
    array = _complete(column, name)
    if array.dtype.kind == "V":
        raise ValueError(f"{name} must hold labels, and holds {_NOT_NUMBERS['V']}.")
    if array.dtype.kind != "O":
        return array
    if array.ndim == 2:
        return stack_columns(
            [_labels(part, f"column {i} of {name}") for i, part in enumerate(array.T)]
        )
    if all(isinstance(one, str) for one in array.flat):
        return array
    for kinds, dtype in (
        (bool | np.bool_, bool),
        (Integral, None),
        (Integral | float | np.floating, float),
    ):
        if all(isinstance(one, kinds) for one in array.flat):
            return _converted(array, dtype, name)
    found = sorted({type(one).__name__ for one in array.flat})
    raise ValueError(
        f"{name} holds labels of type {', '.join(found[:5])}: they must be all numbers, all "
        "strings or all truth values. Convert them with astype(str)."
    )


def _converted(array, dtype, name):
    values = array.tolist()
    converted = np.array(values, dtype)
    if converted.dtype.kind == "O" or converted.tolist() != values:
        raise ValueError(
            f"{name} has whole numbers beyond 64 bits, or beyond 2**53 among decimals, which would "
            "be rounded: convert them with astype(str)."
        )
    return converted
