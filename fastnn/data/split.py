"""Sources of some rows or files of another source."""

import numpy as np
from sklearn.utils import check_random_state

from .blocks import Block
from .derived import Derived
from .source import Source


def split(source, validation, by, random_state) -> tuple[Source, Source]:
    """Return two sources; see `Source.split`."""
    if not 0 < validation < 1:
        raise ValueError(f"validation must be between 0 and 1, got {validation}.")
    if by not in ("rows", "files"):
        raise ValueError(f"by must be 'rows' or 'files', got {by!r}.")
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    train: Source
    held_out: Source
    if by == "rows":
        train, held_out = (SomeRows(source, validation, seed, own) for own in (False, True))
    else:
        train, held_out = (SomeFiles(source, own) for own in _draw_files(source, validation, seed))
    if 0 in (train.n_rows, held_out.n_rows):
        raise ValueError(
            f"{type(source).__name__} of {source.n_rows} row(s) cannot be split with "
            f"validation={validation}: one part has no rows."
        )
    return train, held_out


class SomeRows(Derived):
    """Rows of a source, drawn independently by a random number for each.

    Each block has its own generator of random numbers, so that nothing is stored.
    """

    def __init__(self, source, fraction, seed, is_held_out):
        super().__init__(source)
        self._fraction, self._seed, self._is_held_out = fraction, seed, is_held_out
        self._blocks = None

    @property
    def n_rows(self):
        counts = [block.n_rows for block in self.blocks()]
        return None if None in counts else sum(counts)

    def blocks(self):
        if self._blocks is None:
            counted = (self._count(i, each) for i, each in enumerate(self._source.blocks()))
            self._blocks = [block for block in counted if block.n_rows != 0]
        return self._blocks

    def _count(self, number, block):
        """Return a block with the number of its rows that are drawn, if it is known."""
        n_rows = getattr(block, "n_rows", None)
        if n_rows is not None:
            n_rows = int(np.count_nonzero(self._draw(self._generator(number), n_rows)))
        first_row = getattr(block, "first_row", 0)
        return Block(getattr(block, "file", 0), first_row, n_rows, (number, block))

    def _generator(self, number):
        return np.random.default_rng((self._seed, number))

    def _draw(self, generator, n_rows):
        return (generator.random(n_rows) < self._fraction) == self._is_held_out

    def read(self, block, *, targets_only=False):
        number, own = block.place
        generator = self._generator(number)
        for rows in self._source.read(own, targets_only=targets_only):
            if (drawn := np.flatnonzero(self._draw(generator, len(rows.numbers)))).size:
                yield rows.take(drawn)

    def identity(self):
        part = self._fraction, self._seed, self._is_held_out
        return f"{self._source.identity()}, rows by {part}"


class SomeFiles(Derived):
    """Rows of some files of a source."""

    def __init__(self, source, files):
        super().__init__(source)
        self._files = files

    @property
    def n_rows(self):
        return sum(block.n_rows for block in self.blocks())

    def blocks(self):
        return [block for block in self._source.blocks() if block.file in self._files]

    def read(self, block, *, targets_only=False):
        return self._source.read(block, targets_only=targets_only)

    def identity(self):
        return f"{self._source.identity()}, files {sorted(self._files)}"


def _draw_files(source, fraction, seed) -> tuple[set[int], set[int]]:
    """Return the numbers of the files to train on, and of the others."""
    files = sorted({getattr(block, "file", 0) for block in source.blocks()})
    if len(files) < 2:
        raise ValueError(
            f"split by files needs two files with rows, and this {type(source).__name__} has one: "
            "choose by='rows'."
        )
    n_held_out = min(max(1, round(fraction * len(files))), len(files) - 1)
    shuffled = np.random.default_rng(seed).permutation(files).tolist()
    return set(shuffled[n_held_out:]), set(shuffled[:n_held_out])
