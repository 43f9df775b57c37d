"""Cells of a column as NumPy arrays of numbers, dates, booleans or levels."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Complex, Real
from typing import NamedTuple

import numpy as np

from .._data.tables import is_null_value

#: Larger numbers, among them the infinite, are clipped: their squares must be finite.
LARGEST = 1e100
# What stands for a gap among strings that are numbers or dates, in lower case.
_GAP_WORDS = frozenset(("", "-", ".", "?", "n/a", "na", "nan", "nat", "none", "null", "<na>"))
_PLAIN = frozenset((str, type(None)))


class Cells(NamedTuple):
    """Values of a column.

    Parameters
    ----------
    kind : str
        "numbers", "times" and "durations" (of seconds) are float64, NaN for gaps; "dates" are
        datetime64[us], NaT for gaps; "booleans", "categories" (declared as such), "strings" and
        "mixed" are indices of `levels`, -1 for gaps. "gaps" has no values.
    values : ndarray of shape (n_rows,)
    levels : list of float, bool or str, or None
        Distinct values, in order of appearance.
    zone : str or None
        Time zone of dates, whose values are the local time.
    """

    kind: str
    values: np.ndarray
    levels: list | None = None
    zone: str | None = None


def of_numbers(values):
    """Return cells of an array of numbers or booleans."""
    if values.dtype.kind == "b":
        return Cells("booleans", values.astype(np.int32), [False, True])
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, np.float64)
    return _or_gaps(Cells("numbers", values), np.isnan(values))


def of_dates(values, zone=None):
    """Return cells of an array of datetime64."""
    return _or_gaps(Cells("dates", values.astype("datetime64[us]"), None, zone), np.isnat(values))


def of_durations(values):
    """Return cells of an array of timedelta64."""
    seconds = values.astype("timedelta64[us]") / np.timedelta64(1, "s")
    return _or_gaps(Cells("durations", seconds), np.isnat(values))


def _or_gaps(cells, gaps):
    """Return cells, or those of no kind if all are gaps."""
    return Cells("gaps", np.full(len(gaps), -1, np.int32)) if gaps.all() else cells


def of_objects(values, where, declared=False):
    """Return cells of a list of any values.

    Parameters
    ----------
    values : list
    where : str
        Name of the column in error messages.
    declared : bool, default=False
        Whether the values are categories by their type.
    """
    try:
        distinct = dict.fromkeys(values)
    except TypeError:
        _refuse(next(value for value in values if not _is_hashable(value)), where)
    keys = list(distinct)
    if not set(map(type, keys)) <= _PLAIN:
        keys = [_plain(value, where) for value in keys]
    index: dict = {}
    codes = [-1 if key is None else index.setdefault(key, len(index)) for key in keys]
    position = dict(zip(distinct, codes, strict=True))
    codes = np.fromiter(map(position.__getitem__, values), np.int32, len(values))
    return _typed(list(index), codes, declared)


def _typed(levels, codes, declared):
    """Return cells of levels in plain types, and the index of each value."""
    types = set(map(type, levels))
    if not types:
        return Cells("gaps", codes)
    if declared:
        return Cells("categories", codes, levels)
    if types == {bool}:
        return Cells("booleans", codes, levels)
    if types == {str}:
        return Cells("strings", codes, levels)
    if types <= {bool, float}:
        return Cells("numbers", np.array([*levels, np.nan], np.float64)[codes])
    if len(types) > 1:
        return Cells("mixed", codes, levels)
    if types == {np.datetime64}:
        return Cells("dates", np.array([*levels, "NaT"], "datetime64[us]")[codes])
    if types == {timedelta}:
        return Cells("durations", np.array([*map(timedelta.total_seconds, levels), np.nan])[codes])
    return Cells("times", np.array([*map(_seconds, levels), np.nan])[codes])


def _plain(value, where):
    """Return a float, bool, str, datetime64, timedelta or time for a value; None for a gap."""
    if isinstance(value, str):
        return str.__str__(value)
    if is_null_value(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.timedelta64):
        value = value.astype("timedelta64[us]").item()
    if isinstance(value, timedelta):
        return timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, Real | Decimal):
        return _number(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if type(value).__name__ == "Period":  # of pandas
        value = value.to_timestamp()
    if isinstance(value, date | np.datetime64):
        return _date(value)
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, Iterable | Complex | dict):
        _refuse(value, where)
    return str(value)


def _number(value):
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _date(value):
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    return np.datetime64(value, "us")


def _seconds(value):
    return ((value.hour * 60 + value.minute) * 60 + value.second) + value.microsecond * 1e-6


def as_numbers(cells):
    """Return cells as float64, NaN for gaps, and the levels that are no numbers, read as gaps.

    Dates, times and durations are no numbers: None is returned for their values.
    """
    if cells.kind == "numbers":
        return cells.values, []
    if cells.kind == "gaps":
        return np.full(len(cells.values), np.nan), []
    if cells.levels is None:
        return None, []
    numbers = [_as_number(level) for level in cells.levels]
    others = [
        level
        for level, number in zip(cells.levels, numbers, strict=True)
        if number is None and not is_gap_word(level)
    ]
    return np.array([*numbers, np.nan], np.float64)[cells.values], others


def as_dates(cells):
    """Return cells as datetime64, NaT for gaps, or None if they are no dates of ISO 8601."""
    if cells.kind == "dates":
        return cells.values
    if cells.kind == "gaps":
        return np.full(len(cells.values), "NaT", "datetime64[us]")
    if cells.kind != "strings":
        return None
    try:
        dates = [
            np.datetime64("NaT") if is_gap_word(level) else _parsed_date(level)
            for level in cells.levels
        ]
    except ValueError:
        return None
    return np.array([*dates, "NaT"], "datetime64[us]")[cells.values]


def as_levels(cells, words_are_gaps=False):
    """Return the distinct values of cells, numbers or strings, and their indices, -1 for gaps.

    A string that shows a number is the same level as the number. If `words_are_gaps`, strings
    that stand for a gap among numbers are gaps.
    """
    if cells.kind == "gaps":
        return [], cells.values
    if cells.levels is None:
        gaps = np.isnat(cells.values) if cells.kind == "dates" else np.isnan(cells.values)
        codes = np.full(len(gaps), -1, np.int32)
        distinct, codes[~gaps] = np.unique(cells.values[~gaps], return_inverse=True)
        return (distinct.astype(str) if cells.kind == "dates" else distinct).tolist(), codes
    index: dict = {}
    codes = []
    for level in cells.levels:
        number = _as_number(level)
        if number is None and words_are_gaps and is_gap_word(level):
            codes.append(-1)
        else:
            key = str(level) if number is None else number
            codes.append(index.setdefault(key, len(index)))
    return list(index), np.array([*codes, -1], np.int32)[cells.values]


def types_of(levels):
    """Return the types of levels: float, for truth values too, and str."""
    return frozenset(str if isinstance(level, str) else float for level in levels)


def _as_number(level):
    """Return a level as a number, or None."""
    if isinstance(level, str):
        return _parsed(level)
    return level if isinstance(level, bool | float) else None


def is_gap_word(level):
    """Return whether a level is a string that stands for a gap among numbers or dates."""
    return isinstance(level, str) and level.strip().lower() in _GAP_WORDS


def _parsed_date(text):
    if text[4:5] != "-":  # "20240131" is a number
        raise ValueError(text)
    return _date(datetime.fromisoformat(text))


def _parsed(text):
    """Return the number that a string shows, or None; leading zeros are those of a code."""
    stripped = text.strip()
    if "_" in stripped or (stripped[:1] == "0" and stripped[1:2].isdigit()):
        return None
    try:
        number = float(stripped)
    except ValueError:
        return None
    return None if number != number else number


def _is_hashable(value):
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _refuse(value, where):
    kind = type(value).__name__
    if isinstance(value, Complex):
        raise ValueError(f"Complex data not supported: {where} holds complex numbers.")
    raise TypeError(
        f"{where} holds values of type {kind}, and a cell must be a number, a string, a truth "
        "value, a date or a gap: make such columns of it, or leave it out."
    )
