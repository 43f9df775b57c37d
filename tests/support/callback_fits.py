"""Small fits with callbacks, and callbacks that remember or interfere."""

import numpy as np
from sklearn.datasets import load_iris

from fastnn import MLPClassifier
from fastnn.callbacks import Callback

X, Y = load_iris(return_X_y=True)
X_VAL, Y_VAL = X[::3], Y[::3]
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}


def classifier(*given, **options):
    options = {"max_iter": 5, "n_iter_no_change": 99, "random_state": 0, "batch_size": 25} | options
    return MLPClassifier((8,), callbacks=list(given), **options)


def numbers(model):
    """Return all numbers that predict, and that training continues from."""
    state = model._network.state
    return np.concatenate(
        [state.parameters, state.statistics, state.slots.ravel(), state.average, model.loss_curve_]
    )


def assert_same(one, other):
    np.testing.assert_array_equal(numbers(one), numbers(other))
    assert (one.n_iter_, one.t_) == (other.n_iter_, other.t_)
    history, others = one.history_, other.history_
    assert list(history) == list(others)
    for name in set(history) - {"seconds"}:
        np.testing.assert_array_equal(history[name], others[name], err_msg=name)


class Remembers(Callback):
    """Callback that remembers every call."""

    def __init__(self, calls=None):
        self.calls = calls

    def _add(self, name, context):
        self.calls.append((name, context.epoch, context.batch))

    def on_fit_begin(self, context):
        self._add("fit begin", context)

    def on_epoch_begin(self, context):
        self._add("epoch begin", context)

    def on_epoch_end(self, context):
        self._add("epoch end", context)

    def on_fit_end(self, context):
        self._add("fit end", context)
        self.error = context.error


class RemembersBatches(Remembers):
    def on_batch_end(self, context):
        self._add("batch", context)
        assert np.isfinite(context.logs["loss"])


class Function(Callback):
    """Callback that calls a function at the end of each epoch, or in another hook."""

    def __init__(self, function, hook="on_epoch_end"):
        self.function, self.hook = function, hook
        setattr(self, hook, function)


class Dies(Callback):
    """Callback that exits as if the process had been killed."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, context):
        if context.epoch == self.epoch:
            raise SystemExit
