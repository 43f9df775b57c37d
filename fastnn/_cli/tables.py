"""Tables in files: read by pyarrow, so that columns have the same types on every machine."""

import csv
import io
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from .._files.atomic import replace_file
from ..data.csv_lines import first_line
from ..data.libraries import need

_PARQUET = (".parquet", ".pq")
#: The most frequent in the first line separates values; in a tie, the first of these.
_DELIMITERS = ",;\t"


def read_table(path: str, text: Collection[str] = ()):
    """Return the table of a CSV or Parquet file.

    Parameters
    ----------
    path : str
    text : collection of str
        Columns of a CSV file that are strings whatever their values.
    """
    pyarrow = need("pyarrow", "A table in a file")
    read = _read_parquet if path.lower().endswith(_PARQUET) else _read_csv
    try:
        table = read(path, text)
    except pyarrow.ArrowException as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not table.num_rows:
        raise ValueError(f"{path} has no rows.")
    return table


def _read_parquet(path, text):
    from pyarrow import parquet

    return parquet.read_table(path, partitioning=None)


def _read_csv(path, text):
    """Return the table of a CSV file; all of its rows decide about the types of columns."""
    import pyarrow
    from pyarrow import csv

    header = first_line(path)[0].decode("utf-8", "replace")
    if "\0" in header:
        raise ValueError(f"{path} is in UTF-16, or no text: save the file in UTF-8.")
    table = csv.read_csv(
        path,
        csv.ReadOptions(use_threads=False, block_size=os.path.getsize(path) + 1),
        csv.ParseOptions(delimiter=max(_DELIMITERS, key=header.count), newlines_in_values=True),
        csv.ConvertOptions(
            strings_can_be_null=True, column_types=dict.fromkeys(text, pyarrow.string())
        ),
    )
    for field in table.schema:
        if field.type == pyarrow.binary():
            raise ValueError(
                f"{path}: column {field.name!r} has other characters than those of UTF-8: save the "
                "file in that encoding."
            )
    return table


def column_of(table, name: str, path: str):
    """Return a column of a table; raise a ValueError if there is not one of that name."""
    names = table.column_names
    if names.count(name) != 1:
        n_columns = "several columns" if name in names else "no column"
        shown = ", ".join(map(repr, names[:20])) + ", .." * (len(names) > 20)
        raise ValueError(f"{path} has {n_columns} {name!r}: its columns are {shown}.")
    return table[name]


def has_value(column):
    """Return which rows of a column have a value, neither null nor NaN."""
    from pyarrow import compute

    return compute.invert(compute.is_null(column, nan_is_null=True))


def select(table, names: Sequence[str], path: str):
    """Return a table of some columns, in their order."""
    for name in names:
        column_of(table, name, path)
    return table.select(list(names))


def without(table, names: Sequence[str], path: str):
    """Return a table without some columns."""
    for name in names:
        column_of(table, name, path)
    return table.drop_columns(list(names))


def write_csv(path: Path | None, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write rows as CSV, to a file that is complete or unchanged, or to standard output."""
    if path is None:
        _write(sys.stdout, header, rows)
        sys.stdout.flush()  # a pipe that is closed is an error here, and not at exit
    else:
        text = io.StringIO()
        _write(text, header, rows)
        replace_file(path, text.getvalue().encode())


def _write(file, header, rows):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
