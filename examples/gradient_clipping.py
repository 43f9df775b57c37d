"""
Clipping gradients at a cliff
=============================

The output of a deep network is a product of many weights, and so is its gradient. Where weights are
small the loss is flat, and where they are large it is a wall: a cliff lies between (Pascanu, R.,
Mikolov, T. and Bengio, Y. "On the difficulty of training recurrent neural networks" (2013), figure
6; Goodfellow, I., Bengio, Y. and Courville, A. "Deep learning" (2016), section 8.2.4). One step
from the wall, with its huge gradient, ends far away from everything learned before. `clip_norm`
keeps the direction of the step, but limits its length.

Here the network is a chain of 20 layers of one unit without activation. The first 10 weights are
equal, and stay so, because their gradients are equal; the other 10 likewise. So the loss for an
input and a target of 1, ``(a**10 * b**10 - 1)**2 / 2``, is a surface over a plane.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import SGD, MLPRegressor
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
STEPS, RATE, HALF, START = 40 if FAST else 80, 0.1, 10, (0.65, 1.2)
STYLES = {None: ("no clipping", "C1--"), 0.1: ("clip_norm=0.1", "C0-")}
# The number of steps is given.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


class Trace(Callback):
    """Keep a weight of each half after each step."""

    def on_fit_begin(self, context):
        self.weights = [START]

    def on_epoch_end(self, context):
        coefs = context.model.coefs_
        self.weights.append((coefs[0].item(), coefs[-1].item()))


def descend(clip_norm):
    trace = Trace()
    model = MLPRegressor(
        hidden_layer_sizes=(1,) * (2 * HALF - 1),
        activation="identity",
        solver=SGD(momentum=0.8, nesterov=False),
        learning_rate_init=RATE,
        learning_rate_factors={"biases": 0},
        clip_norm=clip_norm,
        weight_init=[np.full((1, 1), START[i >= HALF]) for i in range(2 * HALF)],
        bias_init="zeros",
        alpha=0,
        batch_size=1,
        max_iter=STEPS,
        n_iter_no_change=np.inf,
        precision="float64",
        callbacks=[trace],
    ).fit([[1.0]], [1.0])
    return np.array(trace.weights), model.history_


# %%
# Both trainings begin on the plain and reach the valley, ``a * b = 1``, with momentum. Without
# clipping, the step after a gradient of norm 12 throws the weights over to another plain, where the
# gradient vanishes, and the loss stays at 0.5. With `clip_norm=0.1` the gradient is 2.2 at most,
# and the loss is 2e-8 after 80 steps.

figure, (surface, losses, norms) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
a, b = np.meshgrid(np.linspace(-0.8, 1.5, 231), np.linspace(0.2, 1.6, 141))
levels = np.geomspace(1e-3, 1e6, 19)
loss = ((a * b) ** HALF - 1) ** 2 / 2
surface.contourf(a, b, loss, levels, cmap="Greys", norm="log", extend="both", alpha=0.6)
surface.plot(*START, "k*", markersize=10, label="start")
for clip_norm, (name, style) in STYLES.items():
    path, history = descend(clip_norm)
    loss = np.array(history["loss"])
    surface.plot(*path.T, style, marker="o", markersize=3, label=name)
    losses.plot(range(1, len(loss) + 1), loss, style, label=name)
    norms.plot(range(1, len(loss) + 1), history["grad_norm"], style, label=name)
    largest = np.max(history["grad_norm"])
    print(
        f"{name}: loss {loss[-1]:.1g} after {STEPS} steps, gradient of norm {largest:.2g} at most"
    )
surface.set(xlabel="weights 1 to 10", ylabel="weights 11 to 20", title="Loss and trajectories")
losses.set(xlabel="step", ylabel="loss", yscale="log", title="Loss")
norms.set(xlabel="step", ylabel="norm before clipping", yscale="log", title="Gradient")
for axes in (surface, losses, norms):
    axes.legend(loc="lower right" if axes is surface else "best")
plt.show()
