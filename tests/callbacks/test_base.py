"""Hooks: when they are called, what they are told, and what they may change."""

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import SGD, BatchNorm, Constant
from fastnn._train import steps
from fastnn._train.datasets import Dataset
from fastnn._train.epochs import RowsInMemory
from fastnn._train.history import History
from fastnn._train.settings import Settings
from fastnn._train.stochastic import StochasticTraining
from fastnn.callbacks import Callback, Context
from fastnn.callbacks.base import CallbackList
from support.callback_fits import (
    VALIDATION,
    Function,
    Remembers,
    RemembersBatches,
    X,
    Y,
    assert_same,
    classifier,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_order_of_hooks():
    calls = []
    classifier(RemembersBatches(calls), max_iter=2, batch_size=60).fit(X, Y)
    epochs = [
        [("epoch begin", i - 1, 0), *(("batch", i - 1, b) for b in (1, 2, 3)), ("epoch end", i, 0)]
        for i in (1, 2)
    ]
    assert calls == [("fit begin", 0, 0), *epochs[0], *epochs[1], ("fit end", 2, 0)]


def test_lbfgs_calls_epochs_for_iterations():
    calls = []
    model = classifier(RemembersBatches(calls), solver="lbfgs", max_iter=3).fit(X, Y)
    names = [name for name, *_ in calls]
    assert names == ["fit begin", *["epoch begin", "epoch end"] * 3, "fit end"]
    np.testing.assert_array_equal(model.coefs_[0], classifier(**vars_of(model)).fit(X, Y).coefs_[0])


def vars_of(model):
    return {"solver": model.solver, "max_iter": model.max_iter}


@pytest.mark.parametrize("interval, batches", [(1, [1, 2, 3, 4, 5, 6]), (4, [4, 6])])
def test_batch_hooks_change_no_bit(interval, batches):
    options = {"dropout": 0.2, "normalization": BatchNorm(), "averaging": "ema", "augment": "mixup"}
    calls = []
    watched = RemembersBatches(calls)
    watched.batch_interval = interval
    model = classifier(watched, **options).fit(X, Y)
    assert_same(model, classifier(**options).fit(X, Y))
    assert [batch for name, epoch, batch in calls if name == "batch" and epoch == 0] == batches


def test_batches_are_counted_over_calls(monkeypatch):
    monkeypatch.setattr(steps, "STEPS_PER_CALL", 5)
    calls = []
    watched = RemembersBatches(calls)
    watched.batch_interval = 2
    model = classifier(watched, max_iter=1, batch_size=20).fit(X, Y)
    assert [batch for name, _, batch in calls if name == "batch"] == [2, 4, 6, 8]
    assert_same(model, classifier(max_iter=1, batch_size=20).fit(X, Y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("hook, n_iter", [("on_epoch_end", 3), ("on_epoch_begin", 3)])
def test_true_stops(recwarn, solver, hook, n_iter):
    class Stops(Callback):
        def on_fit_end(self, context):
            self.epoch = context.epoch

    stops = Stops()
    setattr(stops, hook, lambda context: context.epoch == 3)
    model = classifier(stops, solver=solver, max_iter=20).fit(X, Y)
    assert model.n_iter_ == stops.epoch == len(model.history_["loss"]) == n_iter
    assert not recwarn.list
    alone = classifier(solver=solver, max_iter=n_iter).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_true_of_a_batch_ends_its_epoch_and_training():
    class Stops(Callback):
        def on_batch_end(self, context):
            return context.epoch == 1 and context.batch == 2

    model = classifier(Stops()).fit(X, Y)
    assert model.n_iter_ == 2
    assert model.t_ == 150 + 2 * 25
    assert model._network.state.step == 8


def test_the_learning_rate_of_each_batch():
    """Check that it is that of the last step, as in the history, also of a short epoch."""
    rates = []

    class Looks(Callback):
        def on_batch_end(self, context):
            rates.append(context.learning_rate)
            return len(rates) == 20

    model = classifier(Looks(), learning_rate="cosine").fit(X, Y)
    np.testing.assert_allclose(rates, 0.0005 * (1 + np.cos(np.pi * np.arange(20) / 30)))
    assert model.history_["learning_rate"] == [rates[5], rates[11], rates[17], rates[19]]


def test_context_tells_what_there_is():
    seen = []

    def look(context):
        seen.append(context)
        assert context.logs == {name: values[-1] for name, values in context.history.items()}
        assert context.learning_rate == context.logs["learning_rate"]
        assert (context.n_epochs, context.n_batches, context.n_rows) == (5, 6, 150)
        assert context.parameters["batch_size"] == 25
        assert "alpha" not in context.parameters

    model = classifier(Function(look), learning_rate="cosine").fit(X, Y, **VALIDATION)
    for name, values in model.history_.items():
        assert seen[0].history[name] is values


@pytest.mark.parametrize(
    "options", [{}, {"averaging": "ema", "normalization": "batch"}, {"solver": "lbfgs"}], ids=str
)
def test_the_model_of_a_context_is_as_if_training_had_ended(options):
    models = []
    keep = Function(lambda context: models.append(context.model))
    model = classifier(keep, **options).fit(X, Y)
    for n_iter, kept in enumerate(models, 1):
        shorter = classifier(max_iter=n_iter, **options).fit(X, Y)
        np.testing.assert_array_equal(kept.predict_proba(X), shorter.predict_proba(X))
        assert len(kept.history_["loss"]) == kept.n_iter_ == n_iter
    np.testing.assert_array_equal(models[-1].predict(X), model.predict(X))
    assert clone(models[0]).get_params()["callbacks"] is None


def test_the_trainer_tells_callbacks_whatever_the_engine_is():
    """An engine that only counts steps: nothing here depends on a device."""
    calls, n_steps = [], []

    class Engine:
        def train_steps(self, X, y, sample_weight, rows, batch_size, table, losses, grad_norms):
            n_steps.append(len(table))
            losses[:] = 1.0
            return len(table)

    class State:
        parameters, statistics, average = np.zeros(3), np.zeros(0), np.zeros(0)
        slots, step, n_averaged = np.zeros((2, 3)), 0, 0

    rows = np.arange(35)
    data = Dataset(np.zeros((35, 2)), np.zeros(35), None, rows)
    for callback, expected in ((Remembers(calls), [4, 4]), (RemembersBatches(calls), [1] * 8)):
        settings = Settings(0.0, 10, 0.1, 2, 10, True, 0.0, False)
        state, history = State(), History()
        context = Context(history, settings, state, 4, 35, 0.1, {}, None)
        n_steps.clear()
        with CallbackList([callback], context, {}) as callbacks:
            generator = np.random.RandomState(0)
            epochs = RowsInMemory(data, settings, generator)
            arguments = Engine(), state, epochs, SGD(), Constant(), settings, history
            StochasticTraining(*arguments, generator, None, callbacks).run()
        assert n_steps == expected
        assert history.columns["loss"] == [2.0, 2.0]
    assert [name for name, *_ in calls[:6]] == [
        "fit begin",
        *["epoch begin", "epoch end"] * 2,
        "fit end",
    ]
