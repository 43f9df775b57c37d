"""Memory of a process that reads files with a single, large block."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

pytest.importorskip("resource")

N_ROWS, NAMES = 1_500_000, ["a", "b", "c", "d"]
READ = """
import sys, resource
import pyarrow.parquet
from sklearn.preprocessing import StandardScaler
from fastnn.data import Arrays, Arrow, Parquet

unit = 1 if sys.platform == "darwin" else 1024

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

for source in (Parquet("t.parquet"), Arrow("t.arrow"), Arrays("t.npy")):
    source = source.map(StandardScaler().fit(next(iter(source)).X))
    before = peak()
    print(sum(len(rows.X) for rows in source), peak() - before)
"""


def test_a_large_block_is_read_in_pieces(tmp_path):
    columns = np.tile(np.random.default_rng(0).random((len(NAMES), 1000)), N_ROWS // 1000)
    table = pa.table(list(columns), NAMES)
    given = dict(row_group_size=N_ROWS, use_dictionary=False, compression="none")
    parquet.write_table(table, tmp_path / "t.parquet", **given)
    feather.write_feather(table, tmp_path / "t.arrow", "uncompressed", chunksize=N_ROWS)
    np.save(tmp_path / "t.npy", columns.T.copy())
    run = subprocess.run([sys.executable, "-c", READ], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for line in run.stdout.splitlines():
        n_rows, growth = map(int, line.split())
        assert n_rows == N_ROWS
        assert growth < columns.nbytes / 2
