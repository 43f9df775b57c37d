"""``python -m fastnn``."""

import os
import re
import runpy
import subprocess
import sys

import pytest


def test_demo(tmp_path):
    # OpenBLAS, not held to slow kernels, trains scikit-learn's half in a second or two.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    result = subprocess.run(
        [sys.executable, "-m", "fastnn"],
        cwd=tmp_path,
        env=environment | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    for library in ("fastnn", "scikit-learn"):
        [accuracy] = re.findall(rf"{library} +│ +([\d.]+)%", result.stdout)
        assert float(accuracy) > 95
    assert (tmp_path / "fastnn-demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("missing", ["matplotlib", "rich"])
def test_demo_says_what_is_missing(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit, match=rf'needs {missing}.*: pip install "fastnn\[demo\]"'):
        runpy.run_module("fastnn", run_name="__main__")
