"""
Polynomials by gradient descent: when to stop
=============================================

Polynomials of order 1, 2 and 5 are fitted to 8 rows of ``x**2 + 3 * x + 3`` with noise between -0.4
and 0.4, by gradient descent on all rows that starts from zeros. The risk is the mean squared
distance to the curve without noise. After 20,000 steps it is 0.165 for order 1, which underfits,
0.0069 for order 2, and 0.0224 for order 5, which overfits. But order 5 had been better than order 2
before: after 7,650 steps its risk was 0.0065. Its first steps find the directions in which the
rows say most, and its last ones fit the noise, so that stopping early is a regularization.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import SGD, MLPRegressor

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
# Steps ten times as long take nearly the same path.
RATE, STEPS, INTERVAL = (0.1, 2000, 100) if FAST else (0.01, 20000, 50)
N_ROWS, NOISE, SEED = 8, 0.4, 72
DRAWS, DRAW_STEPS = (3, 400) if FAST else (50, 2000)
STYLES = {1: "C0--", 2: "k-", 5: "C1-"}
GRID = np.linspace(-1, 1, 201)
NAMES = ["1", "x", "x^2", "x^3", "x^4", "x^5"]
TRUE = np.array([3.0, 3, 1, 0, 0, 0])
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the number of steps is given


def powers(x, order):
    return x[:, np.newaxis] ** np.arange(order + 1)


def draw(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, N_ROWS)
    return x, powers(x, 5) @ TRUE + rng.uniform(-NOISE, NOISE, N_ROWS)


def descend(x, y, order, rate=RATE, steps=STEPS, interval=INTERVAL):
    """Return coefficients after each interval, the constant first, and their risks."""
    model = MLPRegressor(
        hidden_layer_sizes=(),
        solver=SGD(momentum=0.0),
        learning_rate_init=rate,
        batch_size=N_ROWS,
        alpha=0,
        max_iter=interval,
        n_iter_no_change=np.inf,
        weight_init="zeros",
        bias_init="zeros",
        precision="float64",
        warm_start=True,  # each fit goes on where the last one ended
    )
    path = []
    for _ in range(steps // interval):
        model.fit(powers(x, order)[:, 1:], y)
        path.append([*model.intercepts_[0], *model.coefs_[0][:, 0]])
    path = np.array(path)
    risks = np.mean((path @ powers(GRID, order).T - powers(GRID, 5) @ TRUE) ** 2, axis=1)
    return path, risks


figure, axes = plt.subplots(2, 2, figsize=(11, 8.5), layout="constrained")
(fits, by_step), (coefficients, correlations) = axes
steps = np.arange(INTERVAL, STEPS + 1, INTERVAL)
x, y = draw(SEED)
fits.plot(GRID, powers(GRID, 5) @ TRUE, color="0.75", linewidth=5, label="without noise")
fits.plot(x, y, "ko", label="rows")
for order, style in STYLES.items():
    path, risks = descend(x, y, order)
    best = int(np.argmin(risks))
    print(f"order {order}: risk {risks[-1]:.4f}, least {risks[best]:.4f} at step {steps[best]}")
    fits.plot(GRID, powers(GRID, order) @ path[-1], style, label=f"order {order}")
    by_step.plot(steps, risks, style, label=f"order {order}")
by_step.axvline(steps[best], color="0.5", linestyle=":", label="least of order 5")

# %%
# The coefficients of order 5 adapt to each other: powers that are alike on the rows share the work
# of one. At step 7,650 the square's is 0.59, not 1, and the fourth power has 0.49; from there on,
# the fifth power falls to -0.61 while x makes up for it. In 50 draws of rows, a larger coefficient
# of x goes with smaller ones of the third and the fifth power: correlations of -0.64 and -0.77.
#
# This draw was chosen to show the minimum of the risk. Order 2 ends with less risk than order 5 in
# 44 of 50 draws, but the risk of order 5 ends at more than twice its least in 12 of them only.

for name, values in zip(NAMES, path.T, strict=True):
    coefficients.plot(steps, values, label=name)
coefficients.axvline(steps[best], color="0.5", linestyle=":")
print(f"coefficients at the least risk: {path[best].round(2)}, at the end: {path[-1].round(2)}")
ends, simpler, rises = [], 0, 0
for seed in range(DRAWS):
    x, y = draw(seed)
    (path, risks), (_, others) = (descend(x, y, order, 0.1, DRAW_STEPS, 100) for order in (5, 2))
    ends.append(path[-1])
    simpler += others[-1] < risks[-1]
    rises += risks[-1] > 2 * risks.min()
print(f"of {DRAWS} draws, order 2 ends better in {simpler}, the risk of order 5 doubles in {rises}")
matrix = np.corrcoef(np.transpose(ends))
print(f"correlations {matrix[1, 3]:.2f} of x and x^3, {matrix[1, 5]:.2f} of x and x^5")

fits.set(xlabel="x", ylabel="y", title=f"After {STEPS} steps")
fits.legend()
by_step.set(xlabel="step", ylabel="risk", xscale="log", yscale="log", title="Risk")
by_step.legend()
coefficients.set(xlabel="step", ylabel="coefficient", xscale="log", title="Coefficients of order 5")
coefficients.legend(ncols=2)
image = correlations.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1)
correlations.set_xticks(range(6), NAMES)
correlations.set_yticks(range(6), NAMES)
correlations.set_title(f"Their correlations in {DRAWS} draws of rows")
figure.colorbar(image, ax=correlations, label="correlation")
plt.show()
