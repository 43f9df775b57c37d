"""
Gradient descent in a narrow valley
===================================

The squared error of a linear model is a quadratic function of its weights, whose curvatures are the
eigenvalues of ``X.T @ X / n``. Here one is 100 times the other: a condition number of 100. On the
first surface one feature is in another unit, ten times as small, and the valley is parallel to an
axis. On the second the features have the same scale but are correlated, and the valley is rotated.
A star marks the minimum.

The steep walls limit the steps of gradient descent. It oscillates between them, and moves slowly
along the valley: 140 steps until the loss stays below a thousandth of the first. Momentum averages
out the oscillation, and needs 63 steps, Nesterov's momentum 49, on both surfaces, because they do
not depend on a rotation. Adagrad, RMSprop and Adam divide the step of each weight by its gradients.
This corrects the scale of features, with 5, 5 and 58 steps, but not a correlation: there Adagrad
needs more than 150, RMSprop 139, and Adam, which also has momentum, 70. Each optimizer uses the
best of 49 learning rates on each surface, by its last ten losses of 150.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import SGD, Adagrad, Adam, MLPRegressor, RMSprop
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_RATES = 13 if FAST else 49
STEPS, CURVATURES = 150, np.array([1.0, 0.01])
TARGET, START = np.array([1.0, 1.0]), np.array([1.0, 5.0])  # the start as seen from the target
OPTIMIZERS = {
    "SGD": SGD(momentum=0.0),
    "momentum": SGD(momentum=0.9, nesterov=False),
    "Nesterov": SGD(momentum=0.9, nesterov="look_ahead"),
    "Adagrad": Adagrad(),
    "RMSprop": RMSprop(),
    "Adam": Adam(),
}
# Some of the rates are too high.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


class Trace(Callback):
    """Callback that records both weights after each step, which is an epoch of one batch."""

    def on_fit_begin(self, context):
        self.weights = [context.model.coefs_[0].ravel()]

    def on_epoch_end(self, context):
        self.weights.append(context.model.coefs_[0].ravel())


def descend(X, start, solver, rate, callbacks=None):
    return MLPRegressor(
        hidden_layer_sizes=(),
        solver=solver,
        learning_rate_init=rate,
        learning_rate_factors={"biases": 0},
        weight_init=start[:, np.newaxis],
        bias_init="zeros",
        alpha=0,
        batch_size=len(X),
        max_iter=STEPS,
        n_iter_no_change=STEPS,
        callbacks=callbacks,
    ).fit(X, X @ TARGET)


# Uncorrelated rows, scaled to the curvatures, and rotated by an angle.
rows = np.linalg.qr(np.random.default_rng(0).normal(size=(100, 2)))[0] * 10
surfaces = {}
for name, angle in {"features of two scales": 0.0, "correlated features": np.pi / 4}.items():
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    surfaces[name] = rows * np.sqrt(CURVATURES) @ turn, START @ turn + TARGET

figure, axes = plt.subplots(2, 3, figsize=(13, 8), layout="constrained")
styles = dict(zip(OPTIMIZERS, ["C0-", "C1-", "k-", "C0--", "C1--", "k--"], strict=True))
for (title, (X, start)), (*maps, curves) in zip(surfaces.items(), axes, strict=True):
    grid = np.stack(np.meshgrid(np.linspace(-4, 7, 120), np.linspace(-4, 7, 120)), axis=-1)
    away = (grid - TARGET) @ (X.T / np.sqrt(len(X)))
    for map_ in maps:
        levels = np.geomspace(1e-3, 10, 12)
        map_.contour(*grid.T, (away**2).sum(axis=-1).T / 2, levels, colors="0.8", linewidths=0.8)
        map_.plot(*TARGET, "*", color="tab:red", markersize=10, zorder=3)
        map_.set(xlabel="weight of feature 0", ylabel="weight of feature 1", title=title)
    for number, (name, solver) in enumerate(OPTIMIZERS.items()):
        # The best rate of many, by the mean loss of the last ten steps.
        rates = np.geomspace(0.1, 5, N_RATES)
        ends = [np.mean(descend(X, start, solver, rate).loss_curve_[-10:]) for rate in rates]
        rate, trace = rates[np.nanargmin(ends)], Trace()
        loss = np.array(descend(X, start, solver, rate, [trace]).loss_curve_)
        label, width = f"{name}, rate {rate:.2g}", 2.5 if number % 3 == 0 else 1.2
        maps[number // 3].plot(*np.transpose(trace.weights), styles[name], label=label, lw=width)
        curves.plot(loss / loss[0], styles[name], label=name, lw=width)
        n_steps = 1 + np.flatnonzero(loss > 1e-3 * loss[0])[-1]
        reached = f"after {n_steps} steps" if n_steps < STEPS else "later"
        print(f"{title}: {label}: less than a thousandth of the first loss {reached}")
    for map_ in maps:
        map_.legend(loc="lower left")
    curves.set(xlabel="steps", ylabel="loss, parts of the first", yscale="log", title=title)
    curves.set_ylim(1e-9, 1e3)
    curves.legend(loc="upper right", ncols=2)
plt.show()
