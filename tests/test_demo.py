"""``python -m fastnn``."""

import os
import re
import runpy
import subprocess
import sys

import pytest
import sklearn.neural_network

from fastnn import MLPClassifier


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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_demo_draws_both_curves_and_what_is_wrong():
    demo = runpy.run_module("fastnn", run_name="demo")
    X_train, X_test, y_train, y_test = demo["digits"]()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
    models = {"fastnn": MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    models = {name: kind(**settings).fit(X_train, y_train) for name, kind in models.items()}
    figure = demo["draw"](models, X_test, y_test)
    curves = {line.get_label(): line for line in figure.axes[0].lines}
    for name, model in models.items():
        assert list(curves[f"{name}: training loss"].get_ydata()) == model.loss_curve_
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) > 5 and shown[0].get_title().startswith("target ")


@pytest.mark.parametrize("missing", ["matplotlib", "rich"])
def test_demo_says_what_is_missing(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit, match=rf'needs {missing}.*: pip install "fastnn\[demo\]"'):
        runpy.run_module("fastnn", run_name="__main__")
