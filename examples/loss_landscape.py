"""
Loss landscapes, and how batch norm smooths them
================================================

Batch norm makes the loss a smoother function of the parameters, so that a gradient holds for a
longer step (Santurkar, S., Tsipras, D., Ilyas, A. and Madry, A. "How does batch normalization help
optimization?" (2018), figure 4). In the course of the training of two networks of 12 hidden layers,
one with batch norm, the loss is computed along the gradient, for steps with half to 4 times the
learning rate. In the end it is drawn in a plane of two random directions, scaled by the weights of
each unit (Li, H. et al. "Visualizing the loss landscape of neural nets" (2018)).
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, MLPClassifier
from fastnn.callbacks import Callback
from fastnn.diagnostics import loss_along_gradient
from fastnn.plots import GradientStepDisplay, LossLandscapeDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, POINTS, ROWS = (3, 7, 100) if FAST else (30, 31, 500)
RATE, DEPTH = 0.02, 12
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the number of epochs is given

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)
if FAST:
    X, y = X[::4], y[::4]


class Along(Callback):
    """Keep the lowest and the highest loss along the gradient after each epoch."""

    def on_fit_begin(self, context):
        self.ranges = []

    def on_epoch_end(self, context):
        rates = RATE * np.linspace(0.5, 4, 8)
        losses, _ = loss_along_gradient(context.model, X, y, rates, max_rows=ROWS)
        self.ranges.append((losses.min(), losses.max()))


figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
(bands, steps), planes = axes
NETWORKS = {"without": (None, "C1"), "batch norm": ("batch", "C0")}
for (name, (normalization, color)), plane in zip(NETWORKS.items(), planes, strict=True):
    along = Along()
    model = MLPClassifier(
        (50,) * DEPTH,
        normalization=normalization,
        weight_init="he_normal",
        solver=SGD(momentum=0.0),
        learning_rate_init=RATE,
        batch_size=64,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
        random_state=0,
        callbacks=[along],
    )
    step = GradientStepDisplay.from_estimator(
        model, X, y, max_rate=0.5, ax=steps, line_kw={"color": color, "label": name}
    )
    model.fit(X, y)
    low, high = np.transpose(along.ranges)
    bands.fill_between(range(1, EPOCHS + 1), low, high, color=color, alpha=0.5, label=name)
    display = LossLandscapeDisplay.from_estimator(
        model, X, y, n_points=POINTS, max_rows=ROWS, ax=plane
    )
    highest, best = display.landscape.losses.max(), step.rates[step.losses.argmin()]
    print(
        f"{name}: along the gradient up to {np.median(high / low):.2f} times the least loss,",
        end="",
    )
    print(f" first step best at a rate of {best:.2g}, loss in the plane up to {highest:.3g}")
    plane.set_title(f"{name}: the loss around the end of training")

# %%
# In the median of 30 epochs the highest loss along the gradient is 3.15 times the lowest without
# batch norm, and 1.13 times with it. At the first step, the loss without it is least at a rate of
# 0.03, and at 0.2 it is above that of the start; with batch norm it falls all the way to 0.5. In
# the plane it rises to 3720 without batch norm, and to 3.8 with it. At the rate of 0.02 the smooth
# network learns more slowly: its advantage is that it allows higher rates.

bands.set(
    xlabel="epoch", ylabel="loss", yscale="log", title="After steps at 0.5 to 4 times the rate"
)
bands.legend()
steps.set(title="The first step", yscale="log")
plt.show()
