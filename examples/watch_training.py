"""
A network learns two spirals
============================

A callback is called after each epoch with a copy of the network. Here one keeps the probabilities
of a grid of points after some epochs: first the boundary is a line, then it bends around the
spirals.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, EPOCHS = (800 if FAST else 1200), (1, 5, 15, 60)


# %%
# The classes are two spirals of points, with some noise.


def spirals(n_rows, rng):
    """Return points of the plane, and the number of the spiral that each is on."""
    y = np.arange(n_rows) % 2
    turn = 3.5 * np.pi * np.sqrt(rng.uniform(0.02, 1, n_rows))
    X = turn * np.array([np.cos(turn + np.pi * y), np.sin(turn + np.pi * y)])
    return (X.T + rng.normal(0, 0.35, (n_rows, 2))) / 5, y


class Watch(Callback):
    """Keep the probabilities of some points after some epochs."""

    def __init__(self, points, epochs):
        self.points, self.epochs = points, epochs

    def on_fit_begin(self, context):
        self.seen = {}

    def on_epoch_end(self, context):
        if context.epoch in self.epochs:
            self.seen[context.epoch] = context.model.predict_proba(self.points)[:, 1]


X, y = spirals(N_ROWS, np.random.default_rng(0))
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.5, random_state=0)
side = np.linspace(-2.6, 2.6, 150)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
model = MLPClassifier(
    (64, 64),
    learning_rate="cosine",
    learning_rate_init=0.01,
    batch_size=50,
    max_iter=max(EPOCHS),
    n_iter_no_change=max(EPOCHS),
    random_state=0,
    callbacks=[Watch(grid, EPOCHS)],
)
with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # all epochs are shown
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
print(f"validation accuracy {model.score(X_val, y_val):.3f}")

# %%
# Red and blue are the two classes; the stronger the color, the surer the network is.

[watch] = model.callbacks
figure = plt.figure(figsize=(11, 5.2), layout="constrained")
axes = figure.subplot_mosaic([[*EPOCHS], ["loss"] * 4], height_ratios=[1.6, 1])
for epoch, probabilities in watch.seen.items():
    ax = axes[epoch]
    shades = probabilities.reshape(len(side), -1)
    ax.contourf(side, side, shades, levels=np.linspace(0, 1, 11), cmap="RdYlBu", alpha=0.6)
    for label, color in ((0, "#7a1220"), (1, "#14284f")):
        ax.plot(*X_train[y_train == label].T, ".", color=color, markersize=3)
    ax.set(aspect="equal", xticks=[], yticks=[], title=f"epoch {epoch}")
    ax.set(xlabel="feature 1", ylabel="feature 2")
loss = axes["loss"]
epochs = np.arange(1, len(model.loss_curve_) + 1)
loss.plot(epochs, model.history_["loss"], color="tab:blue", label="training")
loss.plot(epochs, model.history_["val_loss"], color="tab:orange", label="validation")
loss.set(xlabel="epoch", ylabel="loss", xlim=(1, max(EPOCHS)), title="Losses")
loss.legend()
plt.show()
