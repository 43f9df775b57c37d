"""Error messages for columns that a network cannot read, with advice."""

from contextlib import suppress

import numpy as np
from scipy import sparse
from sklearn.base import RegressorMixin

from .tables import Table, as_array_or_frame, is_null, library_of
from .targets import CATEGORIES, kind_of

_MISSING, _INFINITY = "missing values", "infinity"
_KINDS = {"M": "dates", "m": "durations", "U": "strings"}
# Advice about columns, by the kind of their values.
_ENCODE = (
    "encode {them} as numbers, as in make_pipeline(make_column_transformer((OneHotEncoder("
    "handle_unknown='ignore'), {columns}), remainder=StandardScaler()), {model}())"
)
_COUNT = (
    "make numbers of {them}, such as days since a date, or leave {them} out, as in make_pipeline("
    "make_column_transformer(('drop', {columns}), remainder=StandardScaler()), {model}())"
)
_DIVIDE = "make numbers of {them}: divide {them} by a unit, such as np.timedelta64(1, 'h')"
_FILL = (
    "fill {them} in, as in make_pipeline(SimpleImputer(), {model}()), or remove such rows, as with "
    "fastnn.preprocessing.NullRemover"
)
_MAKE = "make numbers of {them}, or leave {them} out"
_ADVICE = {
    "strings": _ENCODE,
    "categories": _ENCODE,
    "dates": _COUNT,
    "durations": _DIVIDE,
    _MISSING: _FILL,
    _INFINITY: "replace {them}, or remove such rows",
}
# Kinds of values that the estimators for tables read.
_OF_TABLES = frozenset(("strings", "categories", "dates", "durations", _MISSING))
#: Number of elements examined at a time.
_BLOCK = 1 << 20


def refuse_dates(model, X, name):
    """Raise a ValueError for columns of dates and durations, which NumPy would convert silently.

    Parameters
    ----------
    model : estimator
        Named in the advice.
    X : array-like or DataFrame
    name : str
        Name of X in the message.
    """
    is_array = isinstance(X, np.ndarray) and X.ndim > 0
    if not is_array and library_of(X) not in ("pandas", "polars"):
        return
    rows = as_array_or_frame(X, name)
    dtypes = rows.dtypes if hasattr(rows, "columns") else [rows.dtype]
    if any(map(_is_temporal, dtypes)):
        raise ValueError(_describe(model, Table(X, name), name, _dates))


def describe_unreadable(model, X, name) -> str:
    """Describe columns that are not numeric, with advice; empty if all are numeric."""
    if sparse.issparse(X):
        return ""
    with suppress(TypeError, ValueError):  # scikit-learn reports wrong shapes
        table = Table(X if hasattr(X, "columns") else np.asarray(X, object), name)
        return _describe(model, table, name, _unreadable)
    return ""


def describe_non_finite(model, X, name) -> str:
    """Describe the columns of an array or sparse matrix with NaN or infinity, with advice."""
    width, dtype = X.shape[1], X.dtype
    has = np.zeros((2, width), bool)
    if sparse.issparse(X):
        for row, test in zip(has, (np.isnan, np.isinf), strict=True):
            row[X.indices[test(X.data)]] = True
    else:
        step = max(1, _BLOCK // width)
        for start in range(0, len(X), step):
            block = X[start : start + step]
            has[0] |= np.isnan(block).any(axis=0)
            has[1] |= np.isinf(block).any(axis=0)
    kind, description, mask = _MISSING, "NaN", has[0]
    if not mask.any():
        kind, mask = _INFINITY, has[1]
        description = f"infinity or a value too large for {dtype!r}"
    names = vars(model).get("feature_names_in_", range(width))
    columns = [names[i] for i in np.flatnonzero(mask)]
    advice = _advice(kind, columns, model, is_table=not sparse.issparse(X))
    return f"Input {name} contains {description} in {_join_columns(columns)}: {advice}."


def _is_temporal(dtype):
    return getattr(dtype, "kind", None) in ("m", "M") or getattr(dtype, "is_temporal", bool)()


def _dates(column):
    """Return 'dates' or 'durations' and the first value of such a column, else None."""
    dtype = column.dtype
    if not _is_temporal(dtype):
        return None
    is_span = getattr(dtype, "kind", None) == "m" or type(dtype).__name__ == "Duration"
    return "durations" if is_span else "dates", next(iter(column))


def _unreadable(column):
    """Return the kind and an example of values in a column that are not numbers, else None."""
    if getattr(column.dtype, "kind", "O") in "biuf":
        return None
    for value in column:
        try:
            float(value)
        except (TypeError, ValueError):
            if value is not None:  # scikit-learn reads None as NaN
                return _kind(column, value), value
    return None


def _kind(column, value):
    if type(column.dtype).__name__ in CATEGORIES:
        return "categories"
    if type(value).__name__ == "NAType":
        return _MISSING
    kind = "M" if type(value).__name__ == "Period" else kind_of(value)
    return _KINDS.get(kind, f"{type(value).__name__} objects")


def _describe(model, table, name, look):
    """Return a sentence for each kind of values that `look` finds in columns."""
    found: dict[str, dict] = {}
    for i in range(table.n_columns):
        if seen := look(table.column(i)):
            kind, example = seen
            found.setdefault(kind, {})[table.name(i)] = example
    sentences = []
    for kind, examples in found.items():
        columns, example = list(examples), next(iter(examples.values()))
        holds = f"{_join_columns(columns)} of {name} hold{'s' * (len(columns) == 1)} {kind}"
        if kind in _ADVICE and not is_null(np.array([example], object))[0]:
            shown = str if kind in ("dates", "durations") else repr
            holds += f", such as {shown(example)}"
        sentences.append(f"{holds[0].upper()}{holds[1:]}: {_advice(kind, columns, model)}.")
    return " ".join(sentences)


def _join_columns(columns):
    """Join the names of columns, or the first of many."""
    shown = [*map(repr, columns[:5]), *(["others"] if len(columns) > 5 else [])]
    names = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"column{'s' * (len(columns) > 1)} {names}"


def _advice(kind, columns, model, is_table=True):
    them = "it" if len(columns) == 1 else "them"
    listed = columns if len(columns) <= 5 else "columns"
    own_way = _ADVICE.get(kind, _MAKE).format(them=them, columns=listed, model=type(model).__name__)
    if not is_table or kind not in _OF_TABLES:
        return own_way
    table_model = f"TabularMLP{'Regressor' if isinstance(model, RegressorMixin) else 'Classifier'}"
    return f"use fastnn.{table_model}, which reads such columns, or {own_way}"
