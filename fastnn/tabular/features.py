"""Features of a column, read from its cells for training rows and later ones."""

from typing import NamedTuple

import numpy as np

from .cells import LARGEST, as_dates, as_levels, as_numbers, types_of
from .dates import parts_of_dates, parts_of_times


class Numbers(NamedTuple):
    """A column of numbers.

    Parameters
    ----------
    low, high : float
        Range of the training rows. Infinite numbers and those beyond `LARGEST` are clipped to it.
    has_words : bool
        Whether strings that are no numbers are gaps, rather than an error.
    """

    low: float
    high: float
    has_words: bool = False

    def names(self, label):
        """Return the name of each number."""
        return [str(label)]

    def read(self, cells, where):
        """Return the numbers of a column, NaN for gaps."""
        values, others = as_numbers(cells)
        if values is None or (others and not self.has_words):
            raise ValueError(f"{where} held numbers in fit, and holds {shown(cells, others)}.")
        return [clip_large(values, self.low, self.high)]


class Parts(NamedTuple):
    """A column of dates, times of the day, or durations.

    Parameters
    ----------
    kind : {"dates", "times", "durations"}
    parts : tuple of str
        Names of the parts that vary in the training rows.
    zone : str or None
        Time zone of the training rows.
    """

    kind: str
    parts: tuple
    zone: str | None = None

    def names(self, label):
        """Return the name of each number."""
        return [f"{label}: {part}" for part in self.parts]

    def read(self, cells, where):
        """Return the parts of a column, NaN for gaps."""
        values = parts_of(self.kind, cells)
        if values is None:
            raise ValueError(f"{where} held {self.kind} in fit, and holds {shown(cells)}.")
        return [values[part] for part in self.parts]


class Levels(NamedTuple):
    """A column of categories.

    Parameters
    ----------
    codes : dict
        Code of each level, a number or a string. Others are unknown, -1.
    gap : int
        Code of gaps.
    types : frozenset of type
        Types of the levels of the training rows, the lumped ones among them: float and str.
    """

    codes: dict[float | str, int]
    gap: int
    types: frozenset[type]

    @property
    def n_levels(self):
        """Number of levels, that of gaps among them."""
        return len(self.codes) + (self.gap >= 0)

    def read(self, cells, where):
        """Return the code of the level of each row."""
        levels, index = as_levels(cells, words_are_gaps=str not in self.types)
        if levels and self.types.isdisjoint(types_of(levels)):
            expected = "strings" if str in self.types else "numbers"
            raise ValueError(f"{where} held {expected} in fit, and holds {shown(cells)}.")
        codes = [self.codes.get(level, -1) for level in levels]
        return np.array([*codes, self.gap], np.int32)[index]


def clip_large(values, low, high):
    """Return numbers of which those beyond `LARGEST` are clipped to a range."""
    too_large = np.abs(values) > LARGEST  # False for NaN
    if too_large.any():
        values = np.where(too_large, np.clip(values, low, high), values)
    return values


def parts_of(kind, cells):
    """Return the parts of dates, times or durations, or None if cells are of another kind."""
    if kind == "dates":
        dates = as_dates(cells)
        return None if dates is None else parts_of_dates(dates)
    if cells.kind not in (kind, "gaps"):
        return None
    seconds = np.full(len(cells.values), np.nan) if cells.kind == "gaps" else cells.values
    return parts_of_times(seconds) if kind == "times" else {"days": seconds / 86400}


def shown(cells, others=()):
    """Return the kind of the values of cells, and an example."""
    if others:
        return f"other values, such as {others[0]!r}"
    if cells.levels:
        return f"{cells.kind}, such as {cells.levels[0]!r}"
    return cells.kind
