"""
Gradients of each layer: Glorot's figure
========================================

The gradient of the loss is propagated from the last layer to the first. A tanh network with five
hidden layers of 100 units starts from two kinds of weights, after Glorot, X. and Bengio, Y.
"Understanding the difficulty of training deep feedforward neural networks" (2010), figure 7. In the
old heuristic they are uniform in plus or minus ``1 / sqrt(fan_in)``, so that each layer shrinks the
gradient. The normalized initialization, now named after Glorot, keeps its size.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, MLPClassifier
from fastnn.initializers import Uniform
from fastnn.plots import GradientHistogramDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, ROWS, DEPTH = ([0, 5], 50, 2) if FAST else ([0, 5, 30], 500, 5)
UNITS = 100
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the number of epochs is given

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)
if FAST:
    X, y = X[::4], y[::4]

old = [1 / np.sqrt(n) for n in (X.shape[1], *(UNITS,) * DEPTH)]
INITIAL = {
    "1 / sqrt(fan_in)": [Uniform(-limit, limit) for limit in old],
    "Glorot": "glorot_uniform",
}

# %%
# Before training, the standard deviation of the gradient falls from 0.055 in the last hidden layer
# to 0.0053 in the first with the old weights, a tenth, and from 0.12 to 0.066 with Glorot's. After
# 5 epochs the layers have adapted: with both it rises a little from the last to the first, and it
# is smaller with Glorot's weights.

figure = plt.figure(figsize=(15, 9), layout="constrained")
*places, below = figure.subfigures(3, 1, height_ratios=(3, 3, 3.5))
lines = below.subplots()
for (name, initial), place, style in zip(INITIAL.items(), places, ("--", "-"), strict=True):
    model = MLPClassifier(
        (UNITS,) * DEPTH,
        "tanh",
        weight_init=initial,
        bias_init="zeros",
        solver=SGD(momentum=0.9),
        learning_rate_init=0.01,
        batch_size=50,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    display = GradientHistogramDisplay.from_estimator(
        model,
        X,
        y,
        epochs=EPOCHS,
        of="units",
        max_rows=ROWS,
        ax=place.subplots(1, DEPTH + 1),
        bins=20 if FAST else 50,
        log_scale=True,
    )
    for number, (epoch, gradients) in enumerate(zip(EPOCHS, display.gradients, strict=True)):
        spreads = [values.std() for values in gradients]
        ends = f"{spreads[0]:.2g} in the first hidden layer, {spreads[-2]:.2g} in the last"
        print(f"{name}, epoch {epoch}: {ends}")
        lines.plot(spreads[:-1], f"C{number}{style}", marker="o", label=f"{name}, epoch {epoch}")
    place.suptitle(name)
lines.set(xlabel="hidden layer", ylabel="standard deviation of the gradient", yscale="log")
lines.set_xticks(range(DEPTH))
lines.legend(ncols=2)
plt.show()
