"""Columns of Arrow tables: selection, types and conversion to rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._data.targets import stack_columns
from .libraries import need
from .source import Rows

#: Values of `output`.
OUTPUTS = ("auto", "array", "pandas", "polars")


class Columns:
    """Columns of files that are read as features, targets and weights.

    Parameters
    ----------
    schemas : sequence of pyarrow.Schema
        Schemas of all files, including partitions.
    names : sequence of str
        Names of the files, for messages.
    columns : str, list of str, or None
        Columns of `X`. None is all columns except targets and weights.
    target : str, list of str, or None
    sample_weight : str or None
    output : {"auto", "array", "pandas", "polars"}

    Attributes
    ----------
    features : list of str
        Names of the columns of `X`.
    dtype : dtype or None
        Type of `X` if it is an array; None if it is a frame.
    row_bytes : int
        Estimated size of a row.
    """

    def __init__(self, schemas, names, columns, target, sample_weight, output):
        self._target, self._weight = target, sample_weight
        targets = [target] if isinstance(target, str) else list(target or ())
        others = {*targets, sample_weight}
        rest = [name for name in schemas[0].names if name not in others]
        columns = [columns] if isinstance(columns, str) else columns
        self.features = rest if columns is None else list(columns)
        if not self.features:
            raise ValueError(f"columns is empty: name at least one column of {names[0]}.")
        if both := sorted(others.intersection(self.features)):
            raise ValueError(f"Column {both[0]!r} is a target or a weight, and in columns too.")
        self._targets = targets
        self.types = {
            name: _common_type(name, schemas, names)
            for name in dict.fromkeys([*self.features, *targets, *filter(None, [sample_weight])])
        }
        if sample_weight is not None:
            self._check_number(sample_weight, names, "and weights are numbers")
        self.dtype = self._dtype(output, names)
        self._library = "polars" if output == "polars" else "pandas"
        if self.dtype is None:
            need(self._library, f"A table with columns of several types, as in {names[0]},")
        self.row_bytes = sum(_bytes(kind) for kind in self.types.values())

    def _check_number(self, name, names, advice):
        if not isinstance(self.types[name], np.dtype):
            raise ValueError(f"Column {name!r} of {names[0]} holds {self.types[name]}, {advice}.")

    def _dtype(self, output, names):
        kinds = [self.types[name] for name in self.features]
        plain = all(isinstance(kind, np.dtype) for kind in kinds)
        if output == "array":
            for name in self.features:
                self._check_number(
                    name,
                    names,
                    "which is no number: leave it out of columns, or encode it with "
                    "output='pandas' and source.map(transformer)",
                )
        if output in ("pandas", "polars") or not plain:
            return None
        if all(kind == np.uint8 for kind in kinds):
            return np.dtype(np.uint8)
        return np.result_type(np.float32, *kinds)

    def needed(self, targets_only: bool) -> list[str]:
        """Return the names of the columns to read, in the order of `types`."""
        features = set(self.features) if targets_only else set()
        return [name for name in self.types if name not in features]

    def rows(self, batch, origin: str, numbers: range, targets_only: bool) -> Rows:
        """Convert a record batch to rows."""
        X = None
        if not targets_only:
            X = self._features(batch.select(self.features), origin, numbers)
        weight = None
        if self._weight is not None:
            weight = _plain(batch.column(self._weight)).to_numpy(zero_copy_only=False)
            weight = weight.astype(np.float64, copy=False)
        return Rows(X, self._targets_of(batch), weight, origin, numbers)

    def _features(self, batch, origin, numbers):
        if self.dtype is not None:
            if self.dtype == np.uint8:
                _refuse_nulls(batch, origin, numbers)
            return _to_array(batch, self.dtype)
        if self._library == "polars":
            return need("polars", "output='polars'").from_arrow(batch)
        return batch.to_pandas(use_threads=False)

    def _targets_of(self, batch):
        if self._target is None:
            return None
        columns = [self._one_target(batch, name) for name in self._targets]
        return columns[0] if isinstance(self._target, str) else stack_columns(columns)

    def _one_target(self, batch, name):
        values = _decoded(batch.column(name)).to_numpy(zero_copy_only=False)
        kind = self.types[name]
        has_nulls = values.dtype.kind in "fO"  # integers with nulls became decimals
        if isinstance(kind, np.dtype) and not has_nulls:
            return values.astype(kind, copy=False)
        return values


def _common_type(name, schemas, names) -> Any:
    """Return the common dtype of a column of numbers in all files, or the type of another."""
    found: Any = None
    for schema, file in zip(schemas, names, strict=True):
        kind = _kind(_field(name, schema, file, names[0]).type)
        if found is None or kind == found:
            found = kind
        elif isinstance(kind, np.dtype) and isinstance(found, np.dtype):
            found = np.result_type(kind, found)
        else:
            raise ValueError(
                f"Column {name!r} of {file} holds {_shown(kind)}, and {_shown(found)} in "
                f"{names[0]}: write both with the same type."
            )
    return found


def _field(name, schema, file, first):
    numbers = schema.get_all_field_indices(name)
    if len(numbers) == 1:
        return schema.field(numbers[0])
    if numbers:
        raise ValueError(f"{file} has {len(numbers)} columns with the name {name!r}: rename them.")
    if file != first:
        raise ValueError(f"{file} has no column {name!r}, which {first} has.")
    shown = [repr(each) for each in schema.names[:10]]
    more = f" and {len(schema) - 10} more" if len(schema) > 10 else ""
    raise ValueError(f"{file} has no column {name!r}: its columns are {', '.join(shown)}{more}.")


def _shown(kind):
    return "numbers" if isinstance(kind, np.dtype) else str(kind)


def _kind(arrow_type):
    """Return the dtype of a type of numbers, or the type as it is."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    if pa.types.is_boolean(arrow_type):
        return np.dtype(np.bool_)
    if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type):
        return np.dtype(arrow_type.to_pandas_dtype())
    if pa.types.is_decimal(arrow_type) or pa.types.is_null(arrow_type):
        return np.dtype(np.float64)
    if pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type):
        return pa.string()
    return arrow_type


def _bytes(kind):
    """Return the estimated size of a value."""
    return kind.itemsize if isinstance(kind, np.dtype) else 32


def _decoded(column):
    """Return a column without dictionary."""
    return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column


def _plain(column):
    """Return a column of numbers as integers or decimals that pyarrow puts into a tensor."""
    import pyarrow as pa

    column = _decoded(column)
    if pa.types.is_boolean(column.type):
        return column.cast(pa.uint8())
    if pa.types.is_float16(column.type):
        return pa.array(column.to_numpy(zero_copy_only=False).astype(np.float32), from_pandas=True)
    if pa.types.is_decimal(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.float64())
    return column


def _refuse_nulls(batch, origin, numbers):
    """Raise a ValueError for nulls among bytes, which have no NaN."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            row = numbers[column.is_null().to_numpy(zero_copy_only=False).argmax()]
            raise ValueError(
                f"Column {name!r} has no value in row {row} of {origin}, and uint8 has no NaN: "
                "fill it in, or write the column with a wider type."
            )


def _to_array(batch, dtype):
    """Return columns of numbers as an array of this type, with NaN for nulls, copied once."""
    import pyarrow as pa

    columns: Sequence[Any] = [_plain(column) for column in batch.columns]
    plain = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    tensor = plain.to_tensor(null_to_nan=dtype != np.uint8, row_major=True)
    return tensor.to_numpy().astype(dtype, copy=False)
