"""
Outliers and the loss of a regression
=====================================

The loss determines which statistic of the targets a network predicts. The squared error is
minimised by the mean, which an outlier can move arbitrarily far; the absolute error by the median,
which is robust. Huber's loss is quadratic up to `delta` and linear beyond. The quantile loss is
minimised by a quantile, so that two of them predict an interval that contains a given fraction of
the rows.

Here a network is trained with each loss on rows some of which have targets that are far too high.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import Huber, MLPRegressor, Quantile

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, EPOCHS, SEEDS = (300, 150, 1) if FAST else (600, 600, 5)
PARTS = [0.0, 0.1, 0.2] if FAST else [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
SHOWN = 0.2

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

# %%
# A smooth curve with noise of standard deviation 0.2; a fraction of the targets is 2 to 6 too high.


def curve(x):
    return np.sin(2 * x) + 0.5 * x


def rows(part, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, N_ROWS)
    outlier = rng.random(N_ROWS) < part
    y = curve(x) + rng.normal(0, 0.2, N_ROWS) + outlier * rng.uniform(2, 6, N_ROWS)
    return x[:, np.newaxis], y, outlier


def predicted(loss, part, seed):
    """Return predictions on a grid by a network trained on the rows."""
    X, y, _ = rows(part, seed)
    model = MLPRegressor(
        loss=loss,
        hidden_layer_sizes=(32, 32),
        activation="tanh",
        learning_rate_init=0.01,
        learning_rate="cosine",
        batch_size=50,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
        random_state=seed,
    )
    return model.fit(X, y).predict(grid[:, np.newaxis])


# %%
# The error of predictions is measured against the curve without noise and outliers.

LOSSES = {
    "squared": ("squared_error", "tab:red", "-"),
    "Huber, 0.3": (Huber(delta=0.3), "tab:orange", "--"),
    "absolute": ("absolute_error", "tab:blue", "-."),
}
grid = np.linspace(-3, 3, 200)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
X, y, outlier = rows(SHOWN, 0)
left.plot(X[~outlier], y[~outlier], ".", color="lightgray", label="rows")
left.plot(X[outlier], y[outlier], "x", color="gray", label="outliers", alpha=0.6)
left.plot(grid, curve(grid), color="black", linewidth=2, label="the truth")
for name, (loss, color, line) in LOSSES.items():
    errors = np.empty((len(PARTS), SEEDS))
    for number, part in enumerate(PARTS):
        for seed in range(SEEDS):
            found = predicted(loss, part, seed)
            errors[number, seed] = np.sqrt(np.mean((found - curve(grid)) ** 2))
            if part == SHOWN and seed == 0:
                left.plot(grid, found, color=color, linestyle=line, label=name)
    means = ", ".join(f"{part:.0%}: {e:.3f}" for part, e in zip(PARTS, errors.mean(1), strict=True))
    print(f"{name:10} error by the part of outliers: {means}")
    right.plot(100 * np.array(PARTS), errors.mean(axis=1), color=color, linestyle=line, label=name)
    right.plot(100 * np.array(PARTS), errors, ".", color=color, alpha=0.4)

# %%
# The quantiles 0.1 and 0.6 of the same rows: about half of the rows lie between, without outliers.

low, high = (predicted(Quantile(quantile), SHOWN, 0) for quantile in (0.1, 0.6))
left.fill_between(grid, low, high, color="tab:green", alpha=0.25, label="quantiles 0.1 to 0.6")
inside = np.mean((y > np.interp(X[:, 0], grid, low)) & (y < np.interp(X[:, 0], grid, high)))
print(f"{inside:.1%} of the rows lie between the quantiles 0.1 and 0.6")

# %%
# Without outliers the error with the squared error, 0.040 (mean of five seeds), is slightly lower
# than with Huber's loss, 0.043, and the absolute error, 0.051. With 5 % of outliers these have
# 0.049 and 0.052, and the squared error 0.240; with 20 % they have 0.115 and 0.099, and the squared
# error 0.827. All increase because the outliers are on one side: they move the median too. 49.5 %
# of the rows lie between the two quantiles.

left.set(xlabel="x", ylabel="y", ylim=(-2.5, 10), title=f"{SHOWN:.0%} outliers")
right.set(xlabel="outliers, %", ylabel="root mean square error, against the truth")
left.legend(fontsize="small", ncols=2)
right.legend()
plt.show()
