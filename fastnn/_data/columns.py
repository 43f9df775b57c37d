"""Columns of rows that a network cannot read: which they are, and the way to what it can."""

from contextlib import suppress

import numpy as np
from scipy import sparse

from .tables import Table, library_of, nulls_of, rows_of
from .targets import CATEGORIES, kind_of

_MISSING, _INFINITY = "missing values", "infinity"
_KINDS = {"M": "dates", "m": "durations", "U": "strings"}
# What to do about columns, by what they hold: a network reads numbers.
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
_WAYS = {
    "strings": _ENCODE,
    "categories": _ENCODE,
    "dates": _COUNT,
    "durations": _DIVIDE,
    _MISSING: _FILL,
    _INFINITY: "replace {them}, or remove such rows",
}
#: Elements that are looked at at a time.
_BLOCK = 1 << 20


def refuse_dates(model, X, name):
    """Refuse columns of dates and durations, which NumPy converts to numbers of their unit.

    Parameters
    ----------
    model : estimator
        Named in the error, which tells the way out.
    X : array-like or DataFrame
    name : str
        What X is called there.
    """
    is_array = isinstance(X, np.ndarray) and X.ndim > 0
    if not is_array and library_of(X) not in ("pandas", "polars"):
        return
    rows = rows_of(X, name)
    dtypes = rows.dtypes if hasattr(rows, "columns") else [rows.dtype]
    if any(map(_is_temporal, dtypes)):
        raise ValueError(_told(model, Table(X, name), name, _dates))


def why_unreadable(model, X, name) -> str:
    """What columns hold that are no numbers, and the way out; nothing if all can be read."""
    if sparse.issparse(X):
        return ""
    with suppress(TypeError, ValueError):  # of another shape, of which scikit-learn tells
        table = Table(X if hasattr(X, "columns") else np.asarray(X, object), name)
        return _told(model, table, name, _unreadable)
    return ""


def why_not_finite(model, X, name) -> str:
    """Which columns of an array or a sparse matrix hold NaN or infinity, and the way out."""
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
    kind, said, of = _MISSING, "NaN", has[0]
    if not of.any():
        kind, said, of = _INFINITY, f"infinity or a value too large for {dtype!r}", has[1]
    names = vars(model).get("feature_names_in_", range(width))
    columns = [names[i] for i in np.flatnonzero(of)]
    return f"Input {name} contains {said} in {_listed(columns)}: {_way(kind, columns, model)}."


def _is_temporal(dtype):
    return getattr(dtype, "kind", None) in ("m", "M") or getattr(dtype, "is_temporal", bool)()


def _dates(column):
    """What a column holds that is of dates or durations, and its first value; else None."""
    dtype = column.dtype
    if not _is_temporal(dtype):
        return None
    is_span = getattr(dtype, "kind", None) == "m" or type(dtype).__name__ == "Duration"
    return "durations" if is_span else "dates", next(iter(column))


def _unreadable(column):
    """What a column holds that is not of numbers, and the first value that is none; else None."""
    if getattr(column.dtype, "kind", "O") in "biuf":
        return None
    for value in column:
        try:
            float(value)
        except (TypeError, ValueError):
            if value is not None:  # which scikit-learn reads as NaN
                return _kind(column, value), value
    return None


def _kind(column, value):
    if type(column.dtype).__name__ in CATEGORIES:
        return "categories"
    if type(value).__name__ == "NAType":
        return _MISSING
    kind = "M" if type(value).__name__ == "Period" else kind_of(value)
    return _KINDS.get(kind, f"{type(value).__name__} objects")


def _told(model, table, name, look):
    """A sentence for each kind of values that columns hold."""
    found: dict[str, dict] = {}
    for i in range(table.n_columns):
        if seen := look(table.column(i)):
            kind, example = seen
            found.setdefault(kind, {})[table.name(i)] = example
    sentences = []
    for kind, examples in found.items():
        columns, example = list(examples), next(iter(examples.values()))
        holds = f"{_listed(columns)} of {name} hold{'s' * (len(columns) == 1)} {kind}"
        if kind in _WAYS and not nulls_of(np.array([example], object))[0]:
            shown = str if kind in ("dates", "durations") else repr
            holds += f", such as {shown(example)}"
        sentences.append(f"{holds[0].upper()}{holds[1:]}: {_way(kind, columns, model)}.")
    return " ".join(sentences)


def _listed(columns):
    """The names of some columns, or the first of many."""
    shown = [*map(repr, columns[:5]), *(["others"] if len(columns) > 5 else [])]
    names = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"column{'s' * (len(columns) > 1)} {names}"


def _way(kind, columns, model):
    them = "it" if len(columns) == 1 else "them"
    listed = columns if len(columns) <= 5 else "columns"
    return _WAYS.get(kind, _MAKE).format(them=them, columns=listed, model=type(model).__name__)
