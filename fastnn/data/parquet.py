"""Source of rows in Parquet files; blocks are row groups."""

from functools import lru_cache
from typing import Any

from .. import _typing as t
from . import docstrings
from .blocks import Block, rows_of_piece
from .tables import TableSource

# Bytes of the pages of a column that are read at a time. With 0 a whole row group is in memory.
_BUFFER = 1 << 16


class Parquet(TableSource):
    __doc__ = docstrings.PARQUET

    suffixes = (".parquet", ".pq")

    def __init__(
        self,
        paths: t.Paths,
        *,
        target: Any = None,
        columns: Any = None,
        sample_weight: str | None = None,
        output: str = "auto",
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        super().__init__(paths, target, columns, sample_weight, output, classes, shuffle_buffer)
        self.blocks()

    def _schemas(self):
        return [self._metadata(file).schema.to_arrow_schema() for file in range(len(self.names))]

    def _find_blocks(self):
        for file in range(len(self.names)):
            start, metadata = 0, self._metadata(file)
            for group in range(metadata.num_row_groups):
                n_rows = metadata.row_group(group).num_rows
                yield Block(file, start, n_rows, group)
                start += n_rows

    def _batches(self, block, columns):
        from pyarrow import parquet

        # Neither read ahead nor other threads: a fit reads beside the threads that train.
        with parquet.ParquetFile(
            self.names[block.file],
            metadata=self._metadata(block.file),
            pre_buffer=False,
            buffer_size=_BUFFER,
        ) as file:
            n_rows = rows_of_piece(self._columns.row_bytes)
            yield from file.iter_batches(n_rows, [block.place], columns, use_threads=False)

    def _metadata(self, file):
        return _metadata(self.names[file], self._files.stats[file])


@lru_cache(maxsize=32)
def _metadata(name, stat):
    """Return the metadata of a file, as it was with this size and time."""
    from pyarrow import ArrowInvalid, parquet

    try:
        return parquet.read_metadata(name)
    except ArrowInvalid as error:
        raise ValueError(f"{name} is no Parquet file, or is damaged: {error}") from None
