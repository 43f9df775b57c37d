"""The command ``fastnn``: its commands on small tables, its errors and its documentation."""

import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from decimal import Decimal
from functools import partial

import numpy as np
import pandas
import pytest

import fastnn
from fastnn import __main__, _demo, tabular
from fastnn._cli import main as command_line
from fastnn._train.training import INTERRUPTED
from support import ROOT
from support.mixed_table import mixed_table

PAGE = ROOT / "docs" / "guide" / "command_line.md"


def written(file="out.csv"):
    """Return the written predictions with all their digits, which old pandas would round."""
    return pandas.read_csv(file, float_precision="round_trip")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, with ensembles of four networks."""
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    for name in ("TabularMLPClassifier", "TabularMLPRegressor"):
        small = partial(getattr(fastnn, name), n_networks=4, n_folds=2)
        monkeypatch.setattr(tabular, name, small)
    return tmp_path


@pytest.fixture
def frame():
    """A table in table.csv: numbers with gaps, counts, words, truth values, y and label."""
    X, y = mixed_table()
    frame = X.assign(even=X["count"] % 2 == 0, y=y, label=np.where(y > 4, "high", "low"))
    frame.to_csv("table.csv", index=False)
    return frame


def run(line, status=0):
    assert __main__.main(shlex.split(line)) == status


def train(target, other, more=""):
    run(f"train table.csv --target {target} --ignore {other} --output model.fastnn {more}")
    return fastnn.load("model.fastnn")


def features(frame):
    return frame[["size", "count", "kind", "even"]]


# --- train and predict ----------------------------------------------------------------------------


def test_numbers(frame, capsys):
    model = train("y", "label")
    out = capsys.readouterr().out
    assert "120 rows, 4 features\nregression of 'y': numbers from " in out
    assert re.search(r"rows held out: R2 0\.[5-9]\d*, root mean squared error 0\.\d+\n", out)
    assert "network 4/4" in out and "saved model.fastnn: " in out
    run("predict model.fastnn table.csv --output out.csv")
    found = written()["prediction"]
    np.testing.assert_array_equal(found, model.predict(features(frame)))
    run("predict model.fastnn table.csv --proba", 2)
    assert "a TabularMLPRegressor, which has no probabilities" in capsys.readouterr().err


def test_classes(frame, capsys):
    frame.to_parquet("other.parquet")
    model = train("label", "y", "--test other.parquet --preset fast --seed 3 --time-limit 1000")
    out = capsys.readouterr().out
    assert "classification of 'label': 2 classes, of which" in out
    assert model.get_params()["random_state"] == 3 and model.preset == "fast"
    accuracy = model.score(features(frame), frame["label"])
    assert f"rows of other.parquet: accuracy {accuracy:.4f}" in out
    run("predict model.fastnn other.parquet --proba")
    table = written(io.StringIO(capsys.readouterr().out))
    assert list(table.columns) == ["high", "low"]
    np.testing.assert_array_equal(table, model.predict_proba(features(frame)))


@pytest.mark.parametrize(
    "values, task, kind",
    [
        ([1, 2, 3], "auto", "Classifier"),
        ([1, 2, 3], "regression", "Regressor"),
        ([1.0, 2.0, None], "auto", "Classifier"),
        ([1.5, 2.0, 3.0], "auto", "Regressor"),
        (range(21), "auto", "Regressor"),
        ([True, False], "auto", "Classifier"),
        (range(21), "classification", "Classifier"),
    ],
)
def test_what_is_predicted(values, task, kind, capsys):
    values = [*values] * 21
    pandas.DataFrame({"x": range(len(values)), "y": values}).to_csv("table.csv", index=False)
    run(f"train table.csv --target y --output model.fastnn --task {task}")
    assert type(fastnn.load("model.fastnn")).__name__ == f"TabularMLP{kind}"
    n_gaps = sum(value is None for value in values)
    assert (f"({n_gaps} more have no target)" in capsys.readouterr().out) == bool(n_gaps)


def test_a_column_of_words_may_look_like_numbers_later(frame):
    frame["kind"] = frame["kind"].replace({"a": "01", "b": "02"})  # and "c"
    frame.to_csv("table.csv", index=False)
    model = train("y", "label")
    frame[frame["kind"] != "c"].to_csv("few.csv", index=False)
    run("predict model.fastnn few.csv --output out.csv")
    found = written()["prediction"]
    expected = model.predict(features(frame))[frame["kind"] != "c"]
    np.testing.assert_array_equal(found, expected)


def test_other_separators_and_line_breaks(frame):
    model = train("y", "label")
    frame.to_csv("other.csv", index=False, sep=";", lineterminator="\r\n")
    run("predict model.fastnn other.csv --output out.csv")
    found = written()["prediction"]
    np.testing.assert_array_equal(found, model.predict(features(frame)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_predicts_too(frame, capsys):
    X, Y = frame[["count", "y"]], np.column_stack([frame["label"], frame["kind"]])
    model = fastnn.MLPClassifier(max_iter=2, random_state=0).fit(X, Y)
    model.save("network.fastnn")
    run("predict network.fastnn table.csv --output out.csv")
    found = written()
    assert list(found.columns) == ["prediction 0", "prediction 1"]
    assert (found.to_numpy() == model.predict(X)).all()
    run("predict network.fastnn table.csv --proba --output out.csv")
    found = written()
    assert list(found.columns)[1:3] == ["low of target 0", "a of target 1"]
    np.testing.assert_array_equal(found, np.hstack(model.predict_proba(X)))
    run("info network.fastnn")
    assert re.search(r"dense +\(None, 100\) +300\n", capsys.readouterr().out)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("container", [dict, pandas.DataFrame])
def test_heads_are_columns(frame, container, capsys):
    X = frame[["count", "y"]]
    Y = container({"label": frame["label"], "size": frame["y"]})
    model = fastnn.MultiTaskMLP(max_iter=2, random_state=0).fit(X, Y)
    model.save("network.fastnn")
    run("predict network.fastnn table.csv --output out.csv")
    found = written()
    assert list(found.columns) == ["prediction of label", "prediction of size"]
    expected = model.predict(X)
    assert (found["prediction of label"] == expected["label"]).all()
    np.testing.assert_allclose(found["prediction of size"], expected["size"])
    run("predict network.fastnn table.csv --proba --output out.csv")
    found = written()
    assert list(found.columns) == ["high of label", "low of label"]
    np.testing.assert_allclose(found, model.predict_proba(X)["label"])
    fastnn.MultiTaskMLP(max_iter=2).fit(X, {"size": frame["y"]}).save("network.fastnn")
    run("predict network.fastnn table.csv --proba", 2)
    assert "No head of this MultiTaskMLP has probabilities." in capsys.readouterr().err


def test_rows_to_score_are_read_as_the_training_rows(frame, capsys):
    frame["kind"] = frame["kind"].replace({"a": "01", "b": "02"})  # and "c"
    frame["label"] = frame["label"].replace({"high": "1"})  # and "low"
    frame.to_csv("table.csv", index=False)
    own = (frame["kind"] != "c") & (frame["label"] == "1")
    few = frame[own].drop(columns="y")  # which is ignored
    few.to_csv("few.csv", index=False)
    model = train("label", "y", "--test few.csv")
    accuracy = model.score(features(few), few["label"])
    assert f"rows of few.csv: accuracy {accuracy:.4f}" in capsys.readouterr().out


def test_targets_of_parquet(capsys):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    y = np.linspace(0, 1, 40)
    decimals = pyarrow.array([Decimal(f"{one:.3f}") for one in y])
    for name, column in {"nan": np.where(y < 0.1, np.nan, y), "decimal": decimals}.items():
        parquet.write_table(pyarrow.table({"x": y, "y": column}), "table.parquet")
        run("train table.parquet --target y --output model.fastnn")
        out = capsys.readouterr().out
        assert ("(4 more have no target)" in out) == (name == "nan")
        assert "regression of 'y': numbers from 0" in out


# --- check and info -------------------------------------------------------------------------------


def test_check(frame, capsys):
    frame["size"] *= 1e4
    frame.to_csv("table.csv", index=False)
    run("check table.csv --target label", 1)
    assert "FAULT  scale of the inputs" in capsys.readouterr().out
    run("check table.csv --target y --ignore label --scale")
    out = capsys.readouterr().out
    assert re.search(r"\nkind +category +category +3 ", out) and "no fault in 10 checks" in out


def test_info(frame, capsys):
    train("label", "y")
    capsys.readouterr()
    run("info model.fastnn")
    out = capsys.readouterr().out
    assert f"of fastnn {fastnn.__version__}" in out and "TabularMLPClassifier(" in out
    assert re.search(r"\nkind +category +category +3 ", out) and "2 networks of " in out


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, said",
    [
        ("train none.csv --target y --output m", "none.csv: No such file or directory"),
        ("train table.csv --target z --output m", "table.csv has no column 'z': its columns are"),
        ("train table.csv --target y --output a/m", "--output: there is no folder"),
        ("train table.csv --target y --output m --time-limit -1", "The 'time_limit' parameter"),
        ("train table.csv --target label --output m --task regression", "which are no numbers"),
        ("train ragged.csv --target y --output m", "ragged.csv cannot be read: CSV parse error"),
        ("train twice.csv --target y --output m", "twice.csv has several columns 'y'"),
        ("train only.csv --target y --output m", "no column but 'y'"),
        ("train header.csv --target y --output m", "header.csv has no rows"),
        ("train gaps.csv --target y --output m", "no row has a value of 'y'"),
        ("train table.csv --target y --output m --test bare.csv", "bare.csv has no column 'count'"),
        ("train table.csv --target y --output m --task classification", "'y' occurs twice"),
        ("train latin.csv --target y --output m", "column 'x' has other characters than those of"),
        ("train wide.csv --target y --output m", "wide.csv is in UTF-16, or no text"),
        ("train bad.parquet --target y --output m", "bad.parquet cannot be read: "),
        ("predict table.csv table.csv", "'table.csv' is no file of fastnn"),
        ("info none", "none: No such file or directory"),
    ],
)
def test_errors_are_one_line(line, said, frame, folder, capsys):
    (folder / "ragged.csv").write_text("x,y\n1,2\n1,2,3\n")
    (folder / "twice.csv").write_text("y,y\n1,2\n")
    (folder / "only.csv").write_text("y\n1\n")
    (folder / "header.csv").write_text("x,y\n")
    (folder / "gaps.csv").write_text("x,y\n1,\n")
    frame.drop(columns="count").to_csv("bare.csv", index=False)
    frame.to_csv("wide.csv", encoding="utf-16")
    (folder / "latin.csv").write_bytes(b"x,y\n\xe4,2\n")
    (folder / "bad.parquet").write_text("x,y\n1,2\n")
    before = sorted(folder.iterdir())
    run(line, 2)
    captured = capsys.readouterr()
    assert captured.err.startswith(f"fastnn {line.split()[0]}: error: ") and said in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_warnings_are_one_line(frame, capsys):
    train("y", "label", "--time-limit 0")
    assert re.fullmatch("fastnn train: warning: The fit reached .*\n", capsys.readouterr().err)


def test_usage_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        __main__.main(["train", "table.csv"])
    assert end.value.code == 2 and "required: --target, --output" in capsys.readouterr().err


def test_an_interrupt_leaves_no_file(frame, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fastnn.TabularMLPRegressor, "fit", interrupt)
    run("train table.csv --target y --output model.fastnn", 130)
    assert capsys.readouterr().err == "fastnn train: interrupted\n"
    assert not os.path.exists("model.fastnn")


def test_an_interrupt_may_leave_networks(frame, monkeypatch, capsys):
    class Interrupted(tabular.TabularMLPRegressor.func):
        def fit(self, X, y):
            warnings.warn(f"{INTERRUPTED} 4 of 8 networks were trained.", stacklevel=1)
            return super().fit(X, y)

    monkeypatch.setattr(tabular, "TabularMLPRegressor", partial(Interrupted, n_networks=4))
    monkeypatch.setattr(Interrupted, "save", lambda self, path: path.write_text("saved"))
    run("train table.csv --target y --output model.fastnn", 130)
    assert "warning: Training interrupted by user. 4 of 8" in capsys.readouterr().err
    assert os.path.exists("model.fastnn")


def test_a_reader_may_have_seen_enough(frame, monkeypatch, capsys):
    train("y", "label")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        run("predict model.fastnn table.csv", 2)
    assert capsys.readouterr().err == ""


# --- help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "usage: fastnn "),
        (["--help"], "usage: fastnn "),
        (["--version"], f"fastnn {fastnn.__version__}"),
        (["info"], "instruction set: "),
        (["versions"], "instruction set: "),
        *(([name, "--help"], f"usage: fastnn {name} ") for name in command_line.COMMANDS),
    ],
)
def test_what_the_command_says(arguments, said, monkeypatch, capsys):
    monkeypatch.setattr(_demo, "run", lambda: pytest.fail("the demo ran"))
    try:
        status = __main__.main(arguments)
    except SystemExit as end:
        status = end.code
    assert status == 0 and said in capsys.readouterr().out


def test_help_imports_little_and_does_nothing(folder):
    command = [sys.executable, "-X", "importtime", "-m", "fastnn", "--help"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0 and "usage: fastnn " in result.stdout
    assert "numpy" not in result.stderr and not [*folder.iterdir()]


def test_there_is_a_script():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["fastnn"].partition(":")
    assert getattr(importlib.import_module(module), function) is __main__.main


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_commands_of_the_page_run():
    blocks = re.findall(r"^```(python|bash)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    for language, block in blocks:
        if language == "python":
            exec(block, {})
            continue
        for line in block.splitlines():
            assert line.startswith("fastnn ")
            run(line.removeprefix("fastnn "), 1 if " check " in line else 0)
