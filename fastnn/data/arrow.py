"""Source of rows in Arrow IPC files; blocks are record batches."""

import mmap
from typing import Any

from .. import _typing as t
from . import docstrings
from .blocks import Block, rows_of_piece
from .maps import release
from .tables import TableSource


class Arrow(TableSource):
    __doc__ = docstrings.ARROW

    suffixes = (".arrow", ".feather", ".ipc")

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
        readers = [_open(name) for name in self.names]
        self._is_plain = [_is_plain(*each) for each in readers]
        return [reader.schema for reader, _ in readers]

    def _find_blocks(self):
        for file, name in enumerate(self.names):
            # One column is enough to count rows; of plain batches nothing is read.
            reader, _ = _open(name, None if self._is_plain[file] else [0])
            start = 0
            for i in range(reader.num_record_batches):
                n_rows = reader.get_batch(i).num_rows
                yield Block(file, start, n_rows, i)
                start += n_rows

    def _batches(self, block, columns):
        name, fields = self.names[block.file], None
        if not self._is_plain[block.file]:
            schema = _open(name)[0].schema
            fields = [schema.get_field_index(each) for each in columns]
        reader, memory = _open(name, fields)
        batch, step = reader.get_batch(block.place), rows_of_piece(self._columns.row_bytes)
        for start in range(0, len(batch), step):
            yield batch.slice(start, step)
            release(memory)


def _open(name, fields=None):
    """Return a reader of some fields, or all, and the map that it reads."""
    import pyarrow as pa

    try:
        with open(name, "rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        return pa.ipc.open_file(pa.py_buffer(memory), options=options), memory
    except (pa.ArrowInvalid, ValueError) as error:  # ValueError of a map of an empty file
        raise ValueError(
            f"{name} is no Arrow IPC file, or is damaged ({error}): write files with "
            "pyarrow.ipc.new_file or pyarrow.feather, not new_stream."
        ) from None


def _is_plain(reader, memory):
    """Return whether batches are parts of the map: not compressed, and of all fields.

    pyarrow copies the data of some fields, so fields are selected only for compressed batches.
    """
    import pyarrow as pa

    if not reader.num_record_batches:
        return True
    whole = pa.py_buffer(memory)
    within = range(whole.address, whole.address + whole.size)
    columns = reader.get_batch(0).columns
    return all(not each or each.address in within for one in columns for each in one.buffers())
