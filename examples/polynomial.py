"""
Polynomials: underfitting and overfitting
=========================================

A network without hidden layers, whose features are the powers of x up to an order, is fitted to a
few rows of ``100 sin(pi x)`` with noise of standard deviation 30. A line underfits. Order 9 has a
coefficient for each of 10 rows and can interpolate them: the training error decreases with the
order, from 45 to 5, while the distance from the sine is smallest for order 3, 21, and 1373 for
order 9 (medians of 40 draws of rows). More rows reduce overfitting, not underfitting: with 200 rows
order 9 is the best, 7.3 from the sine compared with 8.0 for order 3, and the line stays at 45.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPRegressor
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
DRAWS, ORDERS = (5, [1, 2, 3, 5, 7, 9]) if FAST else (40, range(1, 10))
SIZES = [10, 30, 100] if FAST else [10, 12, 15, 20, 30, 50, 100, 200]
STYLES, N_ROWS, NOISE = {1: "C0--", 3: "k-", 9: "C1-"}, 10, 30
GRID = np.linspace(-1, 1, 201)
TRUTH = 100 * np.sin(np.pi * GRID)
# Some draws of rows need more than the given iterations.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def draw(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    return x, 100 * np.sin(np.pi * x) + rng.normal(scale=NOISE, size=n)


def powers(x, order):
    return x[:, np.newaxis] ** np.arange(1, order + 1)


def fit(x, y, order, callbacks=None):
    """Fit a network without hidden layers, whose features are the powers of x."""
    return MLPRegressor(
        hidden_layer_sizes=(),
        solver="lbfgs",
        alpha=0,
        tol=1e-6,
        max_iter=2000,
        weight_init="zeros",
        bias_init="zeros",
        callbacks=callbacks,
    ).fit(powers(x, order), y)


def rms(values):
    return np.sqrt(np.mean(values**2))


def distance(model, order):
    """Return the distance from the sine."""
    return rms(model.predict(powers(GRID, order)) - TRUTH)


def errors(order, n):
    """Return training error and distance from the sine: medians of several draws of rows."""
    found = []
    for seed in range(DRAWS):
        x, y = draw(n, seed)
        model = fit(x, y, order)
        found.append((rms(model.predict(powers(x, order)) - y), distance(model, order)))
    return np.median(found, axis=0)


class Trace(Callback):
    """Keeps the coefficients after each iteration, and how far from the sine they are."""

    def on_fit_begin(self, context):
        self.coefficients, self.distances = [], []

    def on_epoch_end(self, context):
        model = context.model
        self.coefficients.append(model.coefs_[0].ravel())
        self.distances.append(distance(model, model.n_features_in_))


figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
(fits, by_order), (by_size, by_iteration) = axes
x, y = draw(N_ROWS, 0)
fits.plot(GRID, TRUTH, color="0.75", linewidth=5, label="the sine")
fits.plot(x, y, "ko", label="rows")
for order, style in STYLES.items():
    trace = Trace()
    model = fit(x, y, order, [trace])
    fits.plot(GRID, model.predict(powers(GRID, order)), style, label=f"order {order}")
    found = [errors(order, n)[1] for n in SIZES]
    by_size.plot(SIZES, found, style, marker="o", markersize=4, label=f"order {order}")
    print(f"order {order}: {found[0]:.0f} to {found[-1]:.1f} from the sine")
found = np.array([errors(order, N_ROWS) for order in ORDERS])
by_order.plot(ORDERS, found[:, 0], "C0o--", label="in training")
by_order.plot(ORDERS, found[:, 1], "C1o-", label="to the sine")

# %%
# The last panel shows the overfitting: the coefficients of order 9 grow from 0 during L-BFGS, with
# opposite signs (blue: positive in the end) that balance each other. After 5 iterations none is
# larger than 186, and the polynomial is closest to the sine, 27. After 210 iterations they range
# from -6475 to 6041; at x = -0.8, between two rows, terms whose magnitudes sum to 8645 cancel to a
# prediction of -259. Early stopping, or a penalty on large weights, keeps them small.

closest, last = int(np.argmin(trace.distances)), trace.coefficients[-1]
for path in np.transpose(trace.coefficients):
    by_iteration.plot(range(1, len(path) + 1), path, "C0-" if path[-1] > 0 else "C1--")
by_iteration.axvline(closest + 1, color="k", linestyle=":", label="closest to the sine")
largest = abs(trace.coefficients[closest]).max()
print(f"closest after {closest + 1} iterations, with coefficients up to {largest:.0f}", end=";")
terms = powers(np.array([-0.8]), 9)[0] * last
print(f" after {len(trace.distances)} they go from {last.min():.0f} to {last.max():.0f},", end=" ")
print(f"and terms of {abs(terms).sum():.0f} sum to {terms.sum() + model.intercepts_[0][0]:.0f}")

fits.set(xlabel="x", ylabel="y", ylim=(-250, 250), title=f"{N_ROWS} rows, three orders")
by_order.set(xlabel="order", ylabel="root mean square error", yscale="log")
by_order.set(ylim=(1, 3000), title=f"Medians of {DRAWS} draws of {N_ROWS} rows")
by_size.set(xlabel="rows", ylabel="error to the sine", xscale="log", yscale="log")
by_size.set_title(f"Medians of {DRAWS} draws of rows")
by_iteration.set(xlabel="iterations of L-BFGS", ylabel="coefficient", xscale="log")
by_iteration.set_yscale("symlog", linthresh=10)
by_iteration.set_title(f"The coefficients of order 9 at {N_ROWS} rows")
for axes in (fits, by_order, by_size, by_iteration):
    axes.legend()
plt.show()
