"""
Why L1 sets weights to zero: contours of the penalties
======================================================

A penalised solution is where a contour of the loss touches one of the penalty. The loss of a linear
model with two weights has ellipses around its minimum. Contours of the L2 penalty are circles, and
may be touched anywhere. Contours of the L1 penalty have corners on the axes, and ellipses of many
shapes touch them there: a weight is zero. The elastic net, a mixture of both, has corners and
curved sides (Hastie, T., Tibshirani, R. and Friedman, J. "The elements of statistical learning"
(2009), figures 3.11 and 18.5). The solutions are those of `MLPRegressor` without hidden layers.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import SGD, LinearDecay, MLPRegressor

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
STEPS, N_STRENGTHS = (500, 5) if FAST else (2000, 25)
STRENGTH, BEST = 0.6, np.array([0.1, 1.4])
RATIOS = {"L2": 0.0, "L1": 1.0, "elastic net, l1_ratio=0.5": 0.5}
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the number of steps is given

# Rows whose features have a variance of 1 and a correlation of 0.3.
rows = np.linalg.qr(np.random.default_rng(0).normal(size=(100, 2)))[0] * 10
COVARIANCE = np.array([[1.0, 0.3], [0.3, 1.0]])
X = rows @ np.linalg.cholesky(COVARIANCE).T
y = X @ BEST


def solve(strength, l1_ratio):
    """Return the weights that minimise loss and penalty."""
    model = MLPRegressor(
        hidden_layer_sizes=(),
        solver=SGD(momentum=0.9),
        learning_rate_init=0.1,
        learning_rate=LinearDecay(floor=0.0),
        learning_rate_factors={"biases": 0},
        weight_init="zeros",
        bias_init="zeros",
        alpha=len(X) * strength,  # which is divided by the number of rows
        l1_ratio=l1_ratio,
        l1_update="proximal",  # zeros are exact
        batch_size=len(X),
        max_iter=STEPS,
        n_iter_no_change=np.inf,
        precision="float64",
    )
    return model.fit(X, y).coefs_[0].ravel()


def penalty(w, l1_ratio):
    return (1 - l1_ratio) / 2 * (w**2).sum(axis=-1) + l1_ratio * abs(w).sum(axis=-1)


# %%
# With a strength of 0.6, L2 shrinks the second weight from 1.40 to 0.86, and the first even grows
# from 0.10 to 0.16, as it takes over a part of the second's work. L1 sets it to zero, with a second
# of 0.83, and so does the elastic net, with 0.87. Dotted are the solutions of other strengths.

grid = np.stack(np.meshgrid(np.linspace(-1, 2, 151), np.linspace(-1, 2, 151)), axis=-1)
away = grid - BEST
loss = np.einsum("...i,ij,...j", away, COVARIANCE, away) / 2
figure, panels = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
for panel, (name, l1_ratio) in zip(panels, RATIOS.items(), strict=True):
    solution = solve(STRENGTH, l1_ratio)
    at = (solution - BEST) @ COVARIANCE @ (solution - BEST) / 2
    print(f"{name}: weights {solution.round(3)}, penalty {penalty(solution, l1_ratio):.3f}")
    panel.contour(*grid.T, loss.T, at * np.array([0.1, 0.4, 2, 4]), colors="0.8")
    panel.contour(*grid.T, loss.T, [at], colors="C0")
    panel.contour(*grid.T, penalty(grid, l1_ratio).T, [penalty(solution, l1_ratio)], colors="C1")
    path = np.array([solve(strength, l1_ratio) for strength in np.geomspace(0.01, 3, N_STRENGTHS)])
    panel.plot(*path.T, "k:", label="weaker and stronger penalties")
    panel.plot(*BEST, "*", color="C0", markersize=12, label="least loss")
    panel.plot(*solution, "ko", label="solution")
    panel.axhline(0, color="0.6", linewidth=0.8)
    panel.axvline(0, color="0.6", linewidth=0.8)
    panel.set(xlabel="weight 1", ylabel="weight 2", title=name, aspect="equal")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()
