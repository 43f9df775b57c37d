"""Memory of a process that reads files larger than it may take."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

pytest.importorskip("resource")

# 64 MB in one row group, one record batch, and one array.
N_ROWS, N_COLUMNS, FILE_BYTES = 2_000_000, 4, 64_000_000
READ = """
import sys, resource
import pyarrow.parquet
from sklearn.preprocessing import StandardScaler
from fastnn.data import Arrays, Arrow, Parquet, partial_fit

unit = 1 if sys.platform == "darwin" else 1024

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

before, n_rows = peak(), 0
source = {cls}({path!r})
source = source.map(partial_fit(StandardScaler(), source))
for rows in source:
    n_rows += len(rows.X)
print(n_rows, peak() - before)
"""


@pytest.mark.parametrize("cls", ["Parquet", "Arrow", "Arrays"])
def test_a_large_block_is_read_in_pieces(cls, tmp_path):
    columns = np.random.default_rng(0).random((N_COLUMNS, N_ROWS))
    path = str(tmp_path / "t.npy")
    if cls == "Arrays":
        np.save(path, columns.T.copy())
    elif cls == "Arrow":
        table = pa.table(list(columns), list("abcd"))
        feather.write_feather(table, path, "uncompressed", chunksize=N_ROWS)
    else:
        table = pa.table(list(columns), list("abcd"))
        given = dict(use_dictionary=False, compression="none")
        parquet.write_table(table, path, row_group_size=N_ROWS, **given)
    run = subprocess.run(
        [sys.executable, "-c", READ.format(cls=cls, path=path)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    n_rows, growth = map(int, run.stdout.split())
    assert n_rows == N_ROWS
    assert growth < FILE_BYTES / 2
