"""Files of rows that `sources.py` reads, written a part at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

N_FEATURES = 100
N_CLASSES = 2
# Rows that are drawn and written together: a row group of a Parquet file.
N_TOGETHER = 10_000
NAMES = [f"x{i}" for i in range(N_FEATURES)]
SUFFIXES = {"Parquet": ".parquet", "CSV": ".csv", "map": ".npy"}


def draw(number, n_rows=N_TOGETHER):
    """Return rows of float32 with four decimals, and their classes."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((n_rows, N_FEATURES), np.float32).round(4)
    direction = np.random.default_rng(0).standard_normal(N_FEATURES)
    noise = rng.standard_normal(n_rows) * 5
    return X, (X @ direction + noise > 0).astype(np.int64)


def table(number):
    X, y = draw(number)
    return pa.table([*X.T, y], [*NAMES, "y"])


def write(kind, path, n_bytes):
    """Write a file of about this size, and return its number of rows."""
    return {"Parquet": write_parquet, "CSV": write_csv, "map": write_map}[kind](path, n_bytes)


def write_parquet(path, n_bytes):
    with parquet.ParquetWriter(path, table(0).schema) as writer:
        return write_tables(writer, path, n_bytes)


def write_csv(path, n_bytes):
    with csv.CSVWriter(path, table(0).schema) as writer:
        return write_tables(writer, path, n_bytes)


def write_tables(writer, path, n_bytes):
    number = 0
    while Path(path).stat().st_size < n_bytes:
        writer.write_table(table(number))
        number += 1
    return number * N_TOGETHER


def write_map(path, n_bytes):
    """Write rows of float16, and their classes to a second file beside it."""
    n_rows = max(1, n_bytes // (2 * N_FEATURES * N_TOGETHER)) * N_TOGETHER
    X = np.lib.format.open_memmap(path, "w+", np.float16, (n_rows, N_FEATURES))
    y = np.empty(n_rows, np.int64)
    for start in range(0, n_rows, N_TOGETHER):
        part = slice(start, start + N_TOGETHER)
        X[part], y[part] = draw(start)
    np.save(classes_of(path), y)
    return n_rows


def classes_of(path):
    """Return the path of the classes of a map."""
    return Path(path).with_suffix(".y.npy")
