"""The demo of the command ``fastnn``, and what a source folder says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.neural_network

import fastnn
from fastnn import MLPClassifier, _demo
from support import ROOT


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)


def test_demo(tmp_path):
    # OpenBLAS, not held to slow kernels, trains scikit-learn's half in seconds; with threads it
    # waits for those of tests beside this one.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    command = sys.executable, "-m", "fastnn"
    result = run(*command, cwd=tmp_path, env=environment | {"COLUMNS": "100"})
    assert result.returncode == 0, result.stderr
    for library in ("fastnn", "scikit-learn"):
        [accuracy] = re.findall(rf"^{library} +([\d.]+)%", result.stdout, re.M)
        assert float(accuracy) > 95
    assert (tmp_path / "fastnn-demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_demo_draws_both_curves_and_what_is_wrong():
    X_train, X_test, y_train, y_test = _demo.digits()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
    models = {"fastnn": MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    models = {name: kind(**settings).fit(X_train, y_train) for name, kind in models.items()}
    figure = _demo.draw(models, X_test, y_test)
    curves = {line.get_label(): line for line in figure.axes[0].lines}
    for name, model in models.items():
        assert list(curves[f"{name}: training loss"].get_ydata()) == model.loss_curve_
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) > 5 and shown[0].get_title().startswith("target ")


def test_demo_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'needs matplotlib: pip install "fastnn-mlp\[demo\]"'):
        _demo.run()


def test_commands_of_the_readme_do_not_start_python_in_the_clone():
    """`python -m` and `python -c` put the current folder first, which hides what was installed."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^    pip install .*&& (.*)$", readme, re.M) == ["fastnn demo", "pytest"]
    assert not re.search(r"python -[cm]", readme)


@pytest.mark.parametrize("statement", ["import fastnn", "from fastnn import MLPClassifier"])
def test_an_unbuilt_tree_says_what_to_do(tmp_path, statement):
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.dylib", "__pycache__")
    shutil.copytree(Path(fastnn.__file__).parent, tmp_path / "fastnn", ignore=ignored)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    result = run(sys.executable, "-c", statement, cwd=tmp_path, env=environment)
    [error] = result.stderr.splitlines()[-1:]
    assert error.startswith(f"ImportError: {tmp_path / 'fastnn'} is the source folder of fastnn")
    assert f"run `pip install .` in {tmp_path}, and start Python in another folder" in error
