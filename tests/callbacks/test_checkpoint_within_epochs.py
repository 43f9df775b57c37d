"""Checkpoints within an epoch: a training resumes in the middle of it to the same bits."""

import numpy as np
import pytest

from fastnn import EMA, BatchNorm
from fastnn._train import datasets, shuffling, steps
from fastnn.augment import Append, Noise
from fastnn.callbacks import Callback, Checkpoint, load_checkpoint
from support.callback_fits import VALIDATION, X, Y, assert_same, classifier
from support.sources import RowsInBlocks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class DiesWithinEpoch(Callback):
    """Callback that exits after n pairs of batches, as if the process had been killed."""

    batch_interval = 2

    def __init__(self, n):
        self.n = n

    def on_fit_begin(self, context):
        self._left = self.n

    def on_batch_end(self, context):
        self._left -= 1
        if not self._left:
            raise SystemExit


class CountsBatches(Callback):
    """Callback with a state that changes within an epoch, and that changes the learning rate."""

    batch_interval = 2

    def on_fit_begin(self, context):
        self.n = 0

    def on_epoch_begin(self, context):
        context.scale_learning_rate(0.99)

    def on_batch_end(self, context):
        self.n += context.logs["loss"]
        context.scale_learning_rate(1.001)

    def on_epoch_end(self, context):
        context.log("n", self.n)
        context.scale_learning_rate(1 - self.n / 10000)

    def get_state(self):
        return self.n

    def set_state(self, state, context):
        self.n = state


def noisy(X, y, rng):
    return X + rng.normal(size=X.shape), y


CASES = {
    "plain": {},
    "mixup": {"augment": "mixup", "dropout": 0.2},
    "schedule": {"learning_rate": "cosine", "averaging": EMA(0.9), "normalization": BatchNorm()},
    "function": {"augment": [noisy]},
    "early stopping": {"early_stopping": True, "augment": [Append(Noise()), "mixup"]},
    "blocks": {"shuffle": "blocks", "augment": Noise()},
    "source": {"augment": "mixup", "normalization": BatchNorm(statistics="exact")},
}


def fit(path, name, *callbacks, batches=3, dies=0, max_iter=4, **of_source):
    options = {"batch_size": 7, "max_iter": max_iter, "tol": 0.0} | CASES[name]
    saved = [Checkpoint(path, resume=True, batches=batches)] if path else []
    model = classifier(CountsBatches(), DiesWithinEpoch(dies), *saved, *callbacks, **options)
    if name == "source":
        return model.fit(RowsInBlocks(X, Y, **of_source), X_val=RowsInBlocks(X, Y))
    return model.fit(X, Y, **VALIDATION)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(datasets, "_BLOCK_BYTES", 20 * X[0].nbytes)
    monkeypatch.setattr(shuffling, "_BUFFER_BYTES", 60 * X[0].nbytes)
    monkeypatch.setattr(shuffling, "_PART_BYTES", 30 * X[0].nbytes)


@pytest.mark.parametrize(
    ("name", "n_per_table"), [*((name, 99) for name in CASES), ("mixup", 5), ("schedule", 5)]
)
def test_a_training_killed_anywhere_resumes_to_the_same_bits(
    name, n_per_table, tmp_path, monkeypatch
):
    monkeypatch.setattr(steps, "STEPS_PER_CALL", n_per_table)
    whole = fit(None, name)
    path, rng, n_killed = tmp_path / "file", np.random.default_rng(0), 0
    while True:
        try:
            model = fit(path, name, dies=int(rng.integers(2, 15)))
            break
        except SystemExit:
            n_killed += 1
    assert n_killed > 2
    assert_same(model, whole)
    if name != "early stopping":  # which ends with the best parameters, and not the last
        assert_same(load_checkpoint(path, trusted=[f"{__name__}:noisy"]), whole)


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_changes_no_bit(name, tmp_path):
    assert_same(fit(tmp_path / "file", name), fit(None, name))


def test_a_file_within_an_epoch_is_a_fitted_estimator(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(SystemExit):
        fit(path, "schedule", dies=11 + 6)
    model = load_checkpoint(path)
    assert (model.n_iter_, model._network.state.step) == (1, 22 + 9)
    assert 0 < model.score(X, Y) <= 1
    assert_same(fit(path, "schedule"), fit(None, "schedule"))


@pytest.mark.parametrize("batches", [None, 4])
def test_another_number_of_batches_resumes(batches, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(SystemExit):
        fit(path, "schedule", dies=4)
    assert_same(fit(path, "schedule", batches=batches), fit(None, "schedule"))


def test_the_latest_of_two_files_goes_on(tmp_path):
    paths = tmp_path / "epochs", tmp_path / "batches"
    with pytest.raises(SystemExit):
        fit(paths[1], "plain", Checkpoint(paths[0]), dies=11 + 6)
    resumed = fit(paths[1], "plain", Checkpoint(paths[0], resume=True))
    assert_same(resumed, fit(None, "plain"))


def test_other_parts_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    monkeypatch.setattr(shuffling, "_PART_BYTES", 1)
    with pytest.raises(SystemExit):
        fit(path, "source", dies=6)
    with pytest.raises(ValueError, match=r"is of another training: .* and is .*shuffle_buffer=21"):
        fit(path, "source", shuffle_buffer=21)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="rows came in other parts, as by another version"):
        fit(path, "source")


def test_a_larger_number_of_epochs_goes_on_unless_a_schedule_follows_it(tmp_path):
    for name in "plain", "schedule":
        with pytest.raises(SystemExit):
            fit(tmp_path / name, name, dies=4)
    assert_same(fit(tmp_path / "plain", "plain", max_iter=5), fit(None, "plain", max_iter=5))
    with pytest.raises(ValueError, match="a training with max_iter=4, which its schedule follows"):
        fit(tmp_path / "schedule", "schedule", max_iter=5)


def test_an_epoch_beyond_the_last_is_refused(tmp_path):
    with pytest.raises(SystemExit):
        fit(tmp_path / "file", "plain", dies=11 + 6)
    with pytest.raises(ValueError, match="is of epoch 2, beyond max_iter=1"):
        fit(tmp_path / "file", "plain", max_iter=1)


def test_where_nothing_could_resume_it_is_refused(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(ValueError, match="is not one of the last batches: use a Checkpoint with"):
        classifier(Checkpoint(path, monitor="loss", batches=2)).fit(X, Y)
    with pytest.raises(ValueError, match=r"Checkpoint\(batches=2\) is not for solver='lbfgs'"):
        classifier(Checkpoint(path, batches=2), solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="is not for partial_fit, which does not resume"):
        classifier(Checkpoint(path, batches=2)).partial_fit(X, Y, classes=[0, 1, 2])
    assert not path.exists()
