"""Jumps of the loss: the batches at which they are, and their rows."""

import doctest
from types import SimpleNamespace

import numpy as np
import pytest

from fastnn import MLPRegressor
from fastnn.callbacks import Callback, Checkpoint, LossJumps, jumps
from fastnn.data import Arrays
from support.callback_fits import Dies, X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = np.linspace(-1, 1, 400)[:, np.newaxis]
TARGETS = ROWS[:, 0].copy()
TARGETS[[37, 255]] = 300, 100


def regressor(*callbacks, **options):
    options = {"batch_size": 8, "max_iter": 3, "random_state": 0, "alpha": 0.0} | options
    return MLPRegressor(hidden_layer_sizes=(8,), callbacks=list(callbacks), **options)


class KeepsRows(Callback):
    def on_fit_begin(self, context):
        self.rows = []

    def on_batch_end(self, context):
        self.rows.append(context.rows)

    def on_epoch_end(self, context):
        assert context.rows is None


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"shuffle": False}], ids=str)
def test_rows_of_batches(options):
    keeps = KeepsRows()
    classifier(keeps, max_iter=2, **options).fit(X, Y)
    n_rows = 135 if "early_stopping" in options else 150
    assert [len(rows) for rows in keeps.rows[:5]] == [25] * 5
    first, second = np.array_split(np.concatenate(keeps.rows), 2)
    assert len(np.unique(first)) == n_rows
    assert np.array_equal(np.sort(first), np.sort(second))
    assert np.array_equal(first, second) == ("shuffle" in options)


def test_rows_of_several_batches():
    keeps = KeepsRows()
    keeps.batch_interval = 4
    classifier(keeps, max_iter=1).fit(X, Y)
    assert [len(rows) for rows in keeps.rows] == [100, 50]


def test_rows_that_are_not_known():
    keeps = KeepsRows()
    for options in {"shuffle": "blocks"}, {"augment": lambda X, y, rng: (X, y)}:
        classifier(keeps, max_iter=1, **options).fit(X, Y)
        assert keeps.rows == [None] * 6
    classifier(keeps, max_iter=1).fit(Arrays(X, Y))
    assert keeps.rows == [None] * 6


def test_jumps_are_at_the_rows_with_wrong_targets():
    found = LossJumps(window=10)
    model = regressor(found).fit(ROWS, TARGETS)
    alone = regressor().fit(ROWS, TARGETS)
    assert model.loss_curve_ == alone.loss_curve_
    assert len(found.jumps_) >= 4
    for jump in found.jumps_:
        assert jump.loss > 5 * jump.usual
        assert {37, 255} & set(jump.rows)
        assert len(jump.rows) == 8 and 1 <= jump.epoch <= 3 and 1 <= jump.batch <= 50
    places = [(jump.epoch, jump.batch) for jump in found.jumps_]
    assert places == sorted(places)


def test_parameters_change_the_jumps():
    all_jumps = LossJumps(window=10, factor=1.5, n_jumps=1000)
    regressor(all_jumps).fit(ROWS, TARGETS)
    for name, value in {"window": 3, "factor": 1000.0, "n_jumps": 2}.items():
        changed = LossJumps(**all_jumps.get_params() | {name: value})
        regressor(changed).fit(ROWS, TARGETS)
        if name == "n_jumps":
            largest = sorted((jump.loss for jump in all_jumps.jumps_), reverse=True)[:2]
            assert sorted((jump.loss for jump in changed.jumps_), reverse=True) == largest
        assert len(changed.jumps_) != len(all_jumps.jumps_)


def test_a_resumed_training_finds_the_same(tmp_path):
    whole, found = LossJumps(window=10), LossJumps(window=10)
    regressor(whole).fit(ROWS, TARGETS)
    saved = Checkpoint(tmp_path / "file", resume=True)
    with pytest.raises(SystemExit):
        regressor(LossJumps(window=10), saved, Dies(2)).fit(ROWS, TARGETS)
    regressor(found, saved).fit(ROWS, TARGETS)
    assert len(found.jumps_) == len(whole.jumps_)
    for one, other in zip(found.jumps_, whole.jumps_, strict=True):
        assert one[:4] == other[:4]
        np.testing.assert_array_equal(one.rows, other.rows)


def test_partial_fit_goes_on():
    found = LossJumps(window=10)
    model = regressor(found)
    for _ in range(2):
        model.partial_fit(ROWS, TARGETS)
    assert {jump.epoch for jump in found.jumps_} == {1, 2}


@pytest.mark.parametrize("bad", [{"factor": 1.0}, {"window": 0}, {"n_jumps": 0}], ids=str)
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of LossJumps"):
        regressor(LossJumps(**bad)).fit(ROWS, TARGETS)


def test_example():
    result = doctest.testmod(jumps)
    assert result.attempted and not result.failed


def test_losses_below_0():
    """Check that small changes of a negative loss are none, and that a rise is one."""
    found = LossJumps(factor=5.0, window=4)
    context = SimpleNamespace(is_partial=False, epoch=0, batch=0, logs={}, rows=None)
    found.on_fit_begin(context)
    for context.batch, loss in enumerate([-10, -9, -11, -10, -8, 28, 31, -0.1, 0.2, -0.1, 0.3]):
        context.logs["loss"] = loss
        found.on_batch_end(context)
    assert [(jump.batch, jump.loss, jump.usual) for jump in found.jumps_] == [(6, 31, -9.0)]
