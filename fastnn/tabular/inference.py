"""Inference of the types of columns from the training rows, with reasons."""

from typing import NamedTuple

import numpy as np

from .cells import LARGEST, Cells, as_dates, as_levels, as_numbers, types_of
from .dates import informative
from .features import Levels, Numbers, Parts, clip_large, parts_of

#: Levels of fewer rows are lumped with unknown ones.
MIN_COUNT = 2
#: Most levels of a category; the rarest are lumped with unknown ones.
MAX_LEVELS = 1000
#: Numbers of at most so many different values are categories.
FEW_VALUES = 2
#: Whole numbers of at most so many different values are categories too.
BOTH_VALUES = 0
#: A column of numbers and words has words for gaps if it has this share of numbers,
MOSTLY = 0.9
#: and more different numbers than this. Otherwise it is a category.
MANY_NUMBERS = 20

_SINGULAR = {"dates": "date", "times": "time", "durations": "duration"}


class Column(NamedTuple):
    """Type of a column, and what is read from it.

    Parameters
    ----------
    kind, why : str
        Its type, and the reason in words.
    n_gaps : int
    numbers : Numbers, Parts or None
        Reader of the numbers of the column.
    levels : Levels or None
        Reader of the levels of a category.
    """

    kind: str
    why: str
    n_gaps: int = 0
    numbers: Numbers | Parts | None = None
    levels: Levels | None = None


def learn_column(cells, is_category=False):
    """Return the `Column` of the cells of the training rows.

    Parameters
    ----------
    cells : Cells
    is_category : bool, default=False
        Whether the user has named it as a category.
    """
    if cells.kind == "gaps":
        return Column("empty", "no row has a value", len(cells.values))
    if is_category:
        return _of_levels(cells, "category", "named in categorical_features")
    if cells.kind == "numbers":
        return _of_numbers(cells.values, "numbers")
    if cells.kind == "booleans":
        return _of_levels(cells, "boolean", "truth values")
    if cells.kind == "categories":
        return _of_levels(cells, "category", "categorical in the frame")
    if cells.kind in ("strings", "mixed"):
        return _of_words(cells)
    return _of_parts(cells, cells.kind, cells.kind)


def _of_words(cells):
    """Return the `Column` of strings, or of values of several types."""
    values, others = as_numbers(cells)
    known = ~np.isnan(values)
    source = "strings" if cells.kind == "strings" else "numbers and strings"
    if known.any() and not others:
        return _of_numbers(values, f"{source} that are all numbers")
    dates = as_dates(cells)
    if dates is not None and not np.isnat(dates).all():
        return _of_parts(cells, "dates", "strings that are all dates of ISO 8601")
    if known.any() and _are_words_for_gaps(cells, values[known], others):
        return _of_numbers(
            values, f"nearly all are numbers; others, such as {others[0]!r}, are gaps", True
        )
    return _of_levels(cells, "category", source)


def _are_words_for_gaps(cells, numbers, others):
    """Return whether words among numbers say that there is no number."""
    words = set(others)
    is_word = np.array([*(level in words for level in cells.levels), False])
    n_words = np.count_nonzero(is_word[cells.values])
    has_codes = any(isinstance(word, str) and word.isdigit() for word in words)  # such as 007
    return (
        len(numbers) >= MOSTLY * (len(numbers) + n_words)
        and not has_codes
        and _n_values(numbers, MANY_NUMBERS) > MANY_NUMBERS
    )


def _of_numbers(values, why, has_words=False):
    """Return the `Column` of numbers, NaN for gaps."""
    known = values[~np.isnan(values)]
    n_gaps = len(values) - len(known)
    bounded = known[np.abs(known) <= LARGEST]
    low, high = (bounded.min(), bounded.max()) if len(bounded) else (-LARGEST, LARGEST)
    kind = "integer" if (bounded == np.rint(bounded)).all() else "number"
    n_values = _n_values(known, max(FEW_VALUES, BOTH_VALUES))
    levels = None
    if n_values <= FEW_VALUES or (kind == "integer" and n_values <= BOTH_VALUES):
        cells = Cells("numbers", clip_large(values, low, high))
        column = _of_levels(cells, kind, f"{why} of {n_values} different values")
        if n_values <= FEW_VALUES:
            return column
        levels = column.levels
    why = f"{why} from {low:g} to {high:g}"
    if n_large := len(known) - len(bounded):
        why = f"{why}; {n_large} infinite ones are clipped to them"
    return Column(kind, why, n_gaps, Numbers(float(low), float(high), has_words), levels)


def _n_values(numbers, most):
    """Return the number of different numbers, or more than `most` if there are more."""
    start = np.unique(numbers[: 4 * most + 100])
    return len(start) if len(start) > most else len(np.unique(numbers))


def _of_parts(cells, kind, why):
    """Return the `Column` of dates, times or durations."""
    parts = parts_of(kind, cells)
    first, values = next(iter(parts.items()))
    n_gaps = np.count_nonzero(np.isnan(values))
    names = informative(parts)
    if not names and not n_gaps:
        return Column(_SINGULAR[kind], "constant: all rows have the same value")
    if cells.zone:
        why = f"{why}, as local time of {cells.zone}"
    numbers = Parts(kind, names or (first,), cells.zone)
    return Column(_SINGULAR[kind], why, n_gaps, numbers)


def _of_levels(cells, kind, why):
    """Return the `Column` of a category."""
    levels, codes = as_levels(cells)
    n_gaps, *counts = np.bincount(codes + 1, minlength=len(levels) + 1).tolist()
    count = dict(zip(levels, counts, strict=True)) | ({None: n_gaps} if n_gaps else {})
    if len(count) == 1:
        return Column(kind, f"constant: all rows have {_shown(levels[0])}")
    kept = list(count) if len(count) == 2 else [key for key in count if count[key] >= MIN_COUNT]
    kept = sorted(kept, key=lambda level: (-count[level], *_order(level)))[:MAX_LEVELS]
    if not kept:
        return Column(kind, f"{why}; no value occurs twice: an identifier, or text", n_gaps)
    if n_lumped := len(count) - len(kept):
        why = f"{why}; {n_lumped} rare level{'s' * (n_lumped > 1)} lumped"
    codes = {level: code for code, level in enumerate(sorted(kept, key=_order))}
    gap = codes.pop(None, -1)
    return Column(kind, why, n_gaps, None, Levels(codes, gap, types_of(levels)))


def _shown(level):
    """Return a level as it was written."""
    return f"{level:g}" if isinstance(level, float) else repr(level)


def _order(level):
    """Return a key that sorts levels: numbers, strings, gaps."""
    return (level is None, isinstance(level, str), 0 if level is None else level)
