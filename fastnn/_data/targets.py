"""Targets and weights of rows: brought from any kind to plain arrays, or refused.

Numbers become numbers of NumPy, and labels what they are: numbers, truth values or strings. What
would be trained on as a number that depends on its unit or its order, such as a date, is refused.
"""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from .sparse_matrices import sound
from .tables import Table, array_of, nulls_of, rows_of

# What is refused where numbers are needed, by NumPy's letters of kinds, and what to do.
_NO_NUMBERS = {
    "M": "dates: subtract one from all and divide by a unit, such as np.timedelta64(1, 'D')",
    "m": "durations, whose numbers depend on the unit: divide by one, such as "
    "np.timedelta64(1, 's')",
    "S": "strings: convert those that stand for numbers with astype(float)",
    "V": "records: take one of their fields",
    "category": "categories: convert those that stand for numbers with astype(float)",
}
_NO_NUMBERS["U"] = _NO_NUMBERS["S"]
# Types of pandas' and polars' columns of categories.
CATEGORIES = "CategoricalDtype", "Categorical", "Enum"


def numbers_of(values, name):
    """Numbers that a user gave for the rows, as an array of numbers or a sparse matrix.

    Parameters
    ----------
    values : array-like, frame, sparse matrix or None
        None comes back.
    name : str
        What they are called in errors.

    Raises
    ------
    TypeError
        If they are nothing with rows.
    ValueError
        If they hold dates, strings and the like, or no value somewhere.
    """
    return _plain(values, name, _numbers)


def labels_given(values, name):
    """Labels that a user gave for the rows, as an array or a sparse matrix; see `numbers_of`.

    Objects of one kind become an array of that kind, and columns of several kinds one of objects.
    """
    return _plain(values, name, _labels)


def _plain(values, name, convert):
    if values is None:
        return None
    if type(values) is np.ndarray and values.dtype.kind in "biuf":
        return values
    if sparse.issparse(values):
        return _sparse(values, name)
    values = rows_of(values, name)
    if hasattr(values, "columns"):
        return _of_frame(Table(values, name), name, convert)
    if type(values) is np.matrix:
        return values  # scikit-learn says what to do
    return convert(values, name)


def _sparse(values, name):
    if values.ndim != 2:
        raise ValueError(f"{name} is a sparse array of one dimension: pass {name}.toarray().")
    values = sound(values, name)
    return values.toarray()[:, 0] if values.shape[1] == 1 else values


def _of_frame(table, name, convert):
    """All columns, each converted by itself, so that what is wrong has a name."""
    return side_by_side(
        [
            convert(table.column(i), f"column {table.name(i)!r} of {name}")
            for i in range(table.n_columns)
        ]
    )


def side_by_side(columns):
    """An array of columns, which becomes one of objects where they have nothing in common."""
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) == 1 or kinds <= set("biuf"):
        stacked = np.column_stack(columns)
        each = zip(stacked.T, columns, strict=True)
        if all(np.array_equal(part.astype(column.dtype), column) for part, column in each):
            return stacked
    if kinds & set("mM"):
        raise ValueError("y has columns of dates beside others: convert them with astype(str).")
    return np.column_stack([column.astype(object) for column in columns])


def _refuse(what, name):
    raise ValueError(f"{name} must hold numbers, and holds {what}.")


def _complete(column, name):
    """An array of a column, in which no value is missing."""
    array = array_of(column, name)
    # Of NaN in plain arrays of numbers scikit-learn tells.
    if (array.dtype.kind not in "fc" or array is not column) and (nulls := nulls_of(column)).any():
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
    if kind in _NO_NUMBERS:
        _refuse(_NO_NUMBERS[kind], name)
    if kind != "O":
        return array
    for one in array.flat:
        if not isinstance(one, Real | Decimal | np.bool_):
            _refuse(
                _NO_NUMBERS.get(kind_of(one), f"{type(one).__name__} objects: convert them"), name
            )
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"{name} has a number that is too large for float64.") from error


def kind_of(value):
    """NumPy's letter for the kind of an object."""
    if isinstance(value, date | np.datetime64):
        return "M"
    if isinstance(value, timedelta | np.timedelta64):
        return "m"
    return "U" if isinstance(value, str | bytes) else None


def _labels(column, name):
    array = _complete(column, name)
    if array.dtype.kind == "V":
        raise ValueError(f"{name} must hold labels, and holds {_NO_NUMBERS['V']}.")
    if array.dtype.kind != "O":
        return array
    if array.ndim == 2:
        return side_by_side(
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
