"""Arrow IPC files, whose blocks are their record batches."""

import mmap

from . import docstrings
from .blocks import Block, rows_of_piece
from .maps import release
from .tables import TableSource


class Arrow(TableSource):
    __doc__ = docstrings.ARROW

    suffixes = (".arrow", ".feather", ".ipc")

    def __init__(
        self,
        paths,
        *,
        target=None,
        columns=None,
        sample_weight=None,
        output="auto",
        classes=None,
        shuffle_buffer=None,
    ):
        super().__init__(paths, target, columns, sample_weight, output, classes, shuffle_buffer)
        self.blocks()

    def _schemas(self):
        return [_open(name)[0].schema for name in self.names]

    def _find_blocks(self):
        for file, name in enumerate(self.names):
            reader, _ = _open(name, [0])  # one column is enough to count rows
            start = 0
            for i in range(reader.num_record_batches):
                n_rows = reader.get_batch(i).num_rows
                yield Block(file, start, n_rows, i)
                start += n_rows

    def _batches(self, block, columns):
        name = self.names[block.file]
        schema = _open(name)[0].schema
        reader, memory = _open(name, [schema.get_field_index(each) for each in columns])
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
