"""Base class of sources of tables: files with named columns, read by pyarrow."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from .blocks import Block, BlockSource, listed
from .columns import OUTPUTS, Columns
from .files import Files
from .libraries import need


class TableSource(BlockSource):
    """Base class of sources of files with named columns."""

    #: Ends of the names of files that are read in a folder.
    suffixes: tuple[str, ...]

    def __init__(self, paths, target, columns, sample_weight, output, classes, shuffle_buffer):
        super().__init__(classes=classes, shuffle_buffer=shuffle_buffer)
        if output not in OUTPUTS:
            raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {output!r}.")
        need("pyarrow", type(self).__name__)
        self._files = Files(paths, self.suffixes)
        self.names = self._files.names
        self._partitions = _typed(self._files.partitions)
        each = zip(self._schemas(), self._partitions, strict=True)
        schemas = [_with_partitions(schema, own) for schema, own in each]
        self._columns = Columns(schemas, self.names, columns, target, sample_weight, output)
        self._settings = target, self._columns.features, sample_weight, output
        self._blocks: list[Block] | None = None

    @abstractmethod
    def _schemas(self) -> list[Any]:
        """Return the schema of each file."""

    @abstractmethod
    def _find_blocks(self) -> Iterator[Block]:
        """Yield the blocks of all files; those without rows are left out later."""

    @abstractmethod
    def _batches(self, block: Block, columns: list[str]) -> Iterator[Any]:
        """Yield record batches of these columns of a block."""

    @property
    def feature_names(self):
        return self._columns.features

    @property
    def n_features(self):
        return len(self._columns.features)

    def blocks(self):
        if self._blocks is None:
            blocks = [block for block in self._find_blocks() if block.n_rows]
            if not blocks:
                raise ValueError(f"{listed(self.names)} has no rows.")
            self._blocks = blocks
        return self._blocks

    def read(self, block, *, targets_only=False):
        name = self._files.check(block.file)
        needed, own = self._columns.needed(targets_only), self._partitions[block.file]
        stored = [each for each in needed if each not in own]
        start = block.first_row
        for batch in self._batches(block, stored):
            numbers = range(start, start + len(batch))
            whole = _add_partitions(batch, own, needed)
            yield self._columns.rows(whole, name, numbers, targets_only)
            start = numbers.stop

    def identity(self):
        return f"{type(self).__name__} of {self._files.identity()}, {self._settings!r}"


def _typed(partitions):
    """Return values in names of folders as scalars of Arrow, as whole numbers if all are."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for key in {key for own in partitions for key in own}:
        texts = [own.get(key) for own in partitions]
        try:
            columns[key] = pa.array([text if text is None else int(text) for text in texts])
        except ValueError:
            columns[key] = pa.array(texts)
    return [{key: columns[key][i] for key in own} for i, own in enumerate(partitions)]


def _with_partitions(schema, own):
    import pyarrow as pa

    stored = [field for field in schema if field.name not in own]
    return pa.schema([*stored, *(pa.field(key, value.type) for key, value in own.items())])


def _add_partitions(batch, own, names):
    """Return columns in the order of these names, of which some are constant."""
    import pyarrow as pa

    columns = [
        pa.repeat(own[name], len(batch)) if name in own else batch.column(name) for name in names
    ]
    return pa.RecordBatch.from_arrays(columns, names)
