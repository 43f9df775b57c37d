"""Logs in files, experiment trackers, terminals and notebooks."""

import errno
import io
import os
import pickle
import sys
import types

import pandas as pd
import pytest

from fastnn.callbacks import CSVLogger, MLflow, ProgressBar, TensorBoard, files
from support.callback_fits import VALIDATION, Function, X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_csv_file_is_of_one_model(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    models = [classifier(logger, random_state=seed) for seed in range(2)]
    for _ in range(3):
        for model in models:
            model.partial_fit(X, Y, classes=[0, 1, 2])
            found = pd.read_csv(logger.path)
            pd.testing.assert_frame_equal(found, pd.DataFrame(model.history_))


def test_csv_is_the_history(tmp_path):
    path = tmp_path / "log.csv"
    logger, late = CSVLogger(path), Function(lambda context: context.log("late", context.epoch))

    def check(model):
        pd.testing.assert_frame_equal(pd.read_csv(path), pd.DataFrame(model.history_))

    model = classifier(logger, late, warm_start=True).fit(X, Y)
    check(model)
    check(model.fit(X, Y, **VALIDATION))
    check(model.set_params(warm_start=False).fit(X, Y))
    for _ in range(3):
        check(model.partial_fit(X, Y))


class Events:
    def __init__(self, directory):
        self.scalars, self.directory, self.closed = [], directory, False
        Events.last = self

    def add_scalar(self, *scalar):
        self.scalars.append(scalar)

    def flush(self):
        pass

    def close(self):
        self.closed = True


@pytest.mark.parametrize("module", ["tensorboardX", "torch.utils.tensorboard"])
def test_tensorboard(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "torch.utils", types.ModuleType("torch.utils"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="TensorBoard needs tensorboardX, or PyTorch"):
        classifier(TensorBoard()).fit(X, Y)
    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(SummaryWriter=Events))
    model = classifier(TensorBoard("here")).fit(X, Y)
    pickle.dumps(model)
    assert Events.last.closed
    assert Events.last.directory == "here"
    losses = [(value, step) for name, value, step in Events.last.scalars if name == "loss"]
    assert losses == list(zip(model.loss_curve_, range(1, 6), strict=True))


def test_tensorboard_writes_events(tmp_path):
    pytest.importorskip("tensorboardX")
    classifier(TensorBoard(tmp_path)).fit(X, Y)
    assert next(tmp_path.iterdir()).stat().st_size > 100


@pytest.mark.parametrize("active", [None, "a run"])
def test_mlflow(monkeypatch, active):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match="MLflow needs mlflow"):
        classifier(MLflow()).fit(X, Y)
    calls = []

    def function(name):
        return lambda *args, **options: calls.append((name, args, options))

    names = ("start_run", "log_params", "log_metrics", "end_run")
    fake = types.SimpleNamespace(
        active_run=lambda: active, **{name: function(name) for name in names}
    )
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    model = classifier(MLflow("mine"), max_iter=2).fit(X, Y)
    own = active is None
    expected = ["start_run"] * own + ["log_params"] + ["log_metrics"] * 2 + ["end_run"] * own
    assert [name for name, *_ in calls] == expected
    metrics = [call for call in calls if call[0] == "log_metrics"]
    assert metrics[1][1][0]["loss"] == model.loss_
    assert metrics[1][2] == {"step": 2}
    if own:
        assert calls[-1] == ("end_run", ("FINISHED",), {})
        with pytest.raises(ZeroDivisionError):
            classifier(MLflow(), Function(lambda context: 1 / 0)).fit(X, Y)
        assert calls[-1] == ("end_run", ("FAILED",), {})


def test_progress_in_lines(capsys):
    classifier(ProgressBar(every=2), max_iter=3).fit(X, Y, **VALIDATION)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 2/3", "epoch 3/3"]
    assert "grad_norm" not in lines[0]
    for part in ("loss ", "val_loss ", "val_accuracy ", "rows/s", "left"):
        assert part in lines[0]


@pytest.mark.parametrize("verbose, bar", [(True, True), (2, False), (False, False)])
def test_verbose_shows_a_bar_in_a_terminal(monkeypatch, verbose, bar):
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    classifier(verbose=verbose).fit(X, Y)
    text = sys.stdout.getvalue()
    assert ("5/5" in text) == bar
    assert ("Iteration 1, loss" in text) == (verbose == 2)


@pytest.mark.parametrize("verbose", [True, 2])
def test_verbose_shows_a_bar_in_a_notebook(monkeypatch, capsys, verbose):
    pytest.importorskip("tqdm")
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    classifier(verbose=verbose, max_iter=40).fit(X, Y, **VALIDATION)
    out = capsys.readouterr().out
    assert ("| 40/40 [" in out and "val_accuracy " in out) == (verbose is True)
    assert out.count("40/40") <= 2


def test_lines_where_tqdm_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "tqdm", None)
    classifier(ProgressBar(5)).fit(X, Y)
    assert capsys.readouterr().out.startswith("epoch 5/5  0.0 s left  loss ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_line_that_does_not_fit_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_text("one\n")

    class Half(io.FileIO):
        def write(self, content):
            if len(content) < 4:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content[:2])

    monkeypatch.setattr(files, "open", lambda *a, **k: Half(path, "r+"), raising=False)
    with pytest.raises(OSError, match="No space left"):
        files.append(path, "four\n")
    assert path.read_text() == "one\n"
