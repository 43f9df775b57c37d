"""Blocks of files, and their sizes for files that can be divided anywhere."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .source import PIECE_BYTES, Source

#: Bytes of a block or a piece where a reader can choose: so few that they stay in a processor's
#: cache on their way from a file to a batch. Reading is up to three times as fast as with 16 MiB.
BLOCK_BYTES = 1 << 20
# Number of blocks that a shuffle buffer holds at least, so that it mixes rows of many places.
_PER_BUFFER = 64
# Rows of a block that are not worth cutting further.
_FEW_ROWS = 16
# Rows for which reading many columns is worth more than a piece that fits into a cache.
_ENOUGH_ROWS = 1024


class Block(NamedTuple):
    """Consecutive rows in one of the files of a source.

    Attributes
    ----------
    file : int
        Index of the file.
    first_row : int
        Index of its first row in the file.
    n_rows : int or None
        Number of rows; None if it is only known after reading.
    place : object
        Location of the rows, if it does not follow from their indices.
    """

    file: int
    first_row: int
    n_rows: int | None
    place: Any = None


class BlockSource(Source):
    """Base class of sources whose blocks are `Block` objects, of files listed in `names`."""

    #: Names of the files, for messages.
    names: list[str]

    def __repr__(self):
        return f"{type(self).__name__}({listed(self.names)})"

    @property
    def n_rows(self):
        return sum(block.n_rows for block in self.blocks())


def listed(names) -> str:
    """Return names of files for a message, or the first of many."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} other file(s)"


def rows_of_block(row_bytes: int, shuffle_buffer: int | None) -> int:
    """Return the number of rows of a block, where files can be cut anywhere."""
    n_rows = max(1, BLOCK_BYTES // max(1, row_bytes))
    if shuffle_buffer is None:
        return n_rows
    return min(n_rows, max(_FEW_ROWS, shuffle_buffer // _PER_BUFFER))


def rows_of_piece(row_bytes: int) -> int:
    """Return the number of rows of a piece of columns, each of which is read in turn."""
    row_bytes = max(1, row_bytes)
    return max(1, BLOCK_BYTES // row_bytes, min(_ENOUGH_ROWS, PIECE_BYTES // row_bytes))


def cut(lengths, n_rows: int) -> Iterator[Block]:
    """Yield blocks of files of these numbers of rows."""
    for file, length in enumerate(lengths):
        for start in range(0, length, n_rows):
            yield Block(file, start, min(n_rows, length - start))
