"""
Several quantiles at once
=========================

The spread of targets often depends on the rows: it is heteroscedastic. A network with an output for
each of several quantiles learns it. The quantiles share the hidden layers, their pinball losses are
added, and predictions are in ascending order, so that they never cross.

Here the quantiles 5 %, 25 %, 50 %, 75 % and 95 % are learned of a curve whose noise grows and
shrinks, and the rows between the outer ones are counted on held-out rows.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPRegressor, Quantile

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, EPOCHS = (2000, 60) if FAST else (10_000, 200)
LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

# %%
# The standard deviation of the noise is known, so that the true quantiles are too.


def curve(x):
    return np.sin(2 * x)


def spread(x):
    return 0.1 + 0.4 * np.sin(x) ** 2


def rows(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n)
    return x[:, np.newaxis], curve(x) + spread(x) * rng.standard_normal(n)


model = MLPRegressor(
    loss=Quantile(LEVELS),
    hidden_layer_sizes=(32, 32),
    activation="tanh",
    learning_rate_init=0.01,
    learning_rate="cosine",
    max_iter=EPOCHS,
    n_iter_no_change=np.inf,
    random_state=0,
)
model.fit(*rows(N_ROWS, 0))

# %%
# The part of the held-out rows below each quantile should be its level.

X, y = rows(10_000, 1)
quantiles = model.predict(X)
below = (y[:, np.newaxis] < quantiles).mean(axis=0)
for level, part in zip(LEVELS, below, strict=True):
    print(f"{part:.1%} of the held-out rows are below the quantile {level:.0%}")
covered = np.mean((quantiles[:, 0] < y) & (y < quantiles[:, -1]))
score = model.score(X, y)
print(f"{covered:.1%} are between the outer quantiles; D2 of the pinball losses: {score:.3f}")

# %%
# 89.5 % of the held-out rows are between the outer quantiles, and 5.5, 25.6, 50.5, 76.1 and 95.0 %
# below each. The truth is dotted.

grid = np.linspace(-3, 3, 300)
low, lower, median, upper, high = model.predict(grid[:, np.newaxis]).T
figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
axes.plot(X[:1000, 0], y[:1000], ".", color="gray", markersize=3, alpha=0.5, label="held-out rows")
axes.fill_between(grid, low, high, color="tab:blue", alpha=0.2, label="5 % to 95 %")
axes.fill_between(grid, lower, upper, color="tab:blue", alpha=0.35, label="25 % to 75 %")
axes.plot(grid, median, color="tab:blue", linewidth=2, label="50 %")
for level in (0.05, 0.95):
    truth = curve(grid) + norm.ppf(level) * spread(grid)
    axes.plot(grid, truth, ":", color="black", label="truth" if level < 0.5 else None)
axes.set(xlabel="x", ylabel="y", title=f"{covered:.1%} of held-out rows between 5 % and 95 %")
axes.legend(fontsize="small", loc="lower left")
plt.show()
