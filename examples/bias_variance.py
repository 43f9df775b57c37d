"""
Bias and variance by capacity
=============================

The expected squared error of a fit is the squared bias of the mean of many fits, and the variance
of the fits about it (Geman, Bienenstock and Doursat, "Neural networks and the bias/variance
dilemma", 1992). A simple model has a large bias, whatever the rows; a flexible one follows the
noise of its rows, and has a large variance.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from fastnn import MLPRegressor
from fastnn.plots import BiasVarianceDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROUNDS = 4 if FAST else 100
ORDERS = [1, 3] if FAST else [1, 2, 3, 4, 5, 6, 7, 8, 9]
PENALTIES = [0.1, 10.0] if FAST else [1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0]

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is given

# %%
# 60 rows of a sine with noise. The rows to predict have targets without noise, so that the bias is
# without it.

rng = np.random.default_rng(0)


def sine(X):
    return np.sin(np.pi * X[:, 0])


X = rng.uniform(-1, 1, (60, 1))
y = sine(X) + rng.normal(scale=0.5, size=60)
X_val = np.linspace(-1, 1, 201)[:, np.newaxis]
given = {"X_val": X_val, "y_val": sine(X_val), "n_rounds": N_ROUNDS}

# %%
# Each model is fitted to bootstrap samples of the rows: a polynomial, whose coefficients are the
# weights of a network without hidden layers, by its order; and a network with 32 hidden units, by
# the penalty of its weights.

polynomial = make_pipeline(
    PolynomialFeatures(include_bias=False),
    MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0),
)
network = MLPRegressor(hidden_layer_sizes=(32,), solver="lbfgs", max_iter=150, random_state=0)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
orders = BiasVarianceDisplay.from_estimator(
    polynomial, X, y, param_name="polynomialfeatures__degree", param_range=ORDERS, ax=left, **given
)
penalties = BiasVarianceDisplay.from_estimator(
    network, X, y, param_name="alpha", param_range=PENALTIES, log_scale=True, ax=right, **given
)
for what, display in ("order", orders), ("alpha", penalties):
    for value, result in zip(display.param_range, display.results, strict=True):
        print(f"{what} {value:g}: squared bias {result.bias:.4f}, variance {result.variance:.4f}")

# %%
# Order 3 is best, with a squared bias of .023 and a variance of .019; order 1 has .212 and .018,
# order 9 .079 and .072. The penalty 0.1 is best. Without much of it the network bends for the
# noise, and with too much it is nearly constant: a bias of .514, and a variance of .010.

left.set(title="polynomial", xlabel="order", ylim=(0, None))
right.set(title="network with 32 hidden units", ylim=(0, None))
plt.show()
