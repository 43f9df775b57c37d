"""Source of rows in CSV files; blocks are consecutive lines."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _typing as t
from . import docstrings
from .blocks import Block, listed, rows_of_block
from .csv_lines import count_rows, first_line, first_lines, ranges
from .tables import TableSource

# Errors of pyarrow, which counts columns from 0 and rows from 1.
_BAD_VALUE = re.compile(
    r"In CSV column #(\d+): Row #(\d+): .* to (\S+): invalid value '(.*)'", re.S
)
_BAD_WIDTH = re.compile(r"CSV parse error: Row #(\d+): Expected (\d+) columns, got (\d+)")
# Bytes that tell the types of the columns.
_FIRST_BYTES = 1 << 20


class CSV(TableSource):
    __doc__ = docstrings.CSV

    suffixes = (".csv",)

    def __init__(
        self,
        paths: t.Paths,
        *,
        target: Any = None,
        columns: Any = None,
        sample_weight: str | None = None,
        output: str = "auto",
        delimiter: str = ",",
        names: Sequence[str] | None = None,
        dtype: Mapping[str, str] | None = None,
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        self._delimiter, self._header, self._dtype = delimiter, names, dtype or {}
        super().__init__(paths, target, columns, sample_weight, output, classes, shuffle_buffer)
        self._settings = *self._settings, delimiter, names, dtype
        for name in self.feature_names:
            kind = self._columns.types[name]
            if isinstance(kind, np.dtype) and kind.kind in "iu" and name not in self._dtype:
                self._types[name] = "float64"

    def _schemas(self):
        import pyarrow as pa

        self._lines = [self._names_and_start(name) for name in self.names]
        self._types = self._find_types()
        return [
            pa.schema([(name, _arrow_type(self._types.get(name, "string"))) for name in names])
            for names, _ in self._lines
        ]

    def _names_and_start(self, path):
        """Return the names of the columns of a file, and the byte where its rows begin."""
        if self._header is not None:
            return list(self._header), 0
        line, start = first_line(path)
        return self._parse(line, path, None, {}).column_names, start

    def _find_types(self):
        """Return the types of the columns, by the first lines of the first file with rows."""
        each = zip(self.names, self._lines, strict=True)
        texts = (
            (first_lines(path, start, _FIRST_BYTES), path, names) for path, (names, start) in each
        )
        text, path, names = next((found for found in texts if count_rows(found[0])), (b"", "", []))
        if not text:
            raise ValueError(f"{listed(self.names)} has no rows.")
        if unknown := sorted(self._dtype.keys() - set(names)):
            raise ValueError(f"dtype names a column {unknown[0]!r}, which {path} does not have.")
        self._line_bytes = len(text) // count_rows(text)
        schema = self._parse(text, path, names, self._dtype).schema
        found = {field.name: str(field.type) for field in schema}
        return {name: "float64" if kind == "null" else kind for name, kind in found.items()}

    def _find_blocks(self):
        n_bytes = self._line_bytes * rows_of_block(self._line_bytes, self.shuffle_buffer)
        for file, (name, (_, begin)) in enumerate(zip(self.names, self._lines, strict=True)):
            first_row = 0
            for start, size, n_rows in ranges(name, begin, n_bytes):
                yield Block(file, first_row, n_rows, (start, size))
                first_row += n_rows

    def _batches(self, block, columns):
        path, (start, size) = self.names[block.file], block.place
        with open(path, "rb") as file:
            file.seek(start)
            text = file.read(size)
        names = self._lines[block.file][0]
        table = self._parse(text, path, names, self._types, columns, block.first_row)
        if table.num_rows != block.n_rows:
            raise ValueError(
                f"{path} has a line break within quotes between the rows {block.first_row} and "
                f"{block.first_row + block.n_rows - 1}: replace it, or convert the file to Parquet."
            )
        yield from table.to_batches()

    def _parse(self, text, path, names, types, columns=None, first_row=0):
        """Return lines as a table; `names` is None for a line of names."""
        import pyarrow as pa
        from pyarrow import csv

        read = csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names)
        convert = csv.ConvertOptions(
            column_types={name: _arrow_type(kind) for name, kind in types.items()},
            include_columns=columns,
            strings_can_be_null=True,
        )
        parse = csv.ParseOptions(delimiter=self._delimiter)
        try:
            return csv.read_csv(pa.BufferReader(text), read, parse, convert)
        except pa.ArrowInvalid as error:
            raise ValueError(_describe(str(error), path, names, first_row)) from None


def _arrow_type(name):
    import pyarrow as pa

    return pa.type_for_alias(name)


def _describe(error, path, names, first_row):
    """Return pyarrow's error in words of the file."""
    if found := _BAD_VALUE.search(error):
        column, row, kind, value = found.groups()
        needed = {"double": "numbers are", "int64": "whole numbers are"}.get(kind, f"{kind} is")
        return (
            f"{path}, row {first_row + int(row) - 1}: column {names[int(column)]!r} has {value!r}, "
            f"and {needed} needed: correct it, or give the type of the column by dtype."
        )
    if found := _BAD_WIDTH.search(error):
        row, expected, n_values = found.groups()
        row = first_row + int(row) - 1
        return f"{path}, row {row}: there are {n_values} values, and {expected} are needed."
    return f"{path} cannot be read, from row {first_row} on: {error}"
