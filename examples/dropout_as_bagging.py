"""
Dropout as bagging
==================

Bagging trains many networks and averages their predictions. Dropout trains all thinned networks, in
which some units are dropped, one at each step; they share their weights, and are far too many to
evaluate. Instead, prediction uses the whole network with scaled weights as an approximation of the
average (Srivastava, N. et al. "Dropout: a simple way to prevent neural networks from overfitting",
2014, section 4; Goodfellow, I., Bengio, Y. and Courville, A. "Deep learning", 2016, section 7.12).
This example tests the approximation.

Writing zeros into `coefs_` turns a trained network into a thinned one: a unit is dropped if its
outgoing weights are zero.
"""

import copy
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, SEEDS, N_THINNED, N_BAGGED = (40, 1, 60, 4) if FAST else (100, 3, 300, 10)
RATE = 0.5
# The number of epochs is fixed.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X, X_test, y, y_test = train_test_split(X, y, train_size=300, stratify=y, random_state=0)


def network(hidden, seed=None, dropout=0.0):
    return MLPClassifier(
        hidden,
        dropout=dropout,
        batch_size=32,
        learning_rate_init=0.003,
        learning_rate="linear",
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )


def thinned_predictions(model, rng):
    """Probabilities of the test rows, of one random thinned network after the other."""
    thinned = copy.deepcopy(model)
    for _ in range(N_THINNED):
        # Training scaled what was left by 1 / (1 - rate), so that all weights predict as they are.
        for whole, weights in zip(model.coefs_[1:], thinned.coefs_[1:], strict=True):
            kept = rng.random((len(whole), 1)) >= RATE
            weights[:] = whole * kept / (1 - RATE)
        yield thinned.predict_proba(X_test)


def running_mean(values):
    values = np.array(list(values), np.float64)
    return np.cumsum(values, axis=0) / np.arange(1, len(values) + 1)[:, None, None]


def test_error(probabilities):
    return 100 * np.mean(probabilities.argmax(axis=-1) != y_test, axis=-1)


def distance(some, others):
    """The part of the probability that is elsewhere, in %: the mean of the test rows."""
    return 50 * np.abs(some - others).sum(axis=-1).mean(axis=-1)


def compare(hidden, seed):
    """Errors and distances of all kinds of predictions, some against the number of networks."""
    model = network(hidden, seed, RATE).fit(X, y)
    scaled = model.predict_proba(X_test)
    thinned = list(thinned_predictions(model, np.random.default_rng(seed)))
    mean, geometric = running_mean(thinned), np.exp(running_mean(np.log(thinned)))
    geometric /= geometric.sum(axis=-1, keepdims=True)
    bag = BaggingClassifier(network(hidden), N_BAGGED, random_state=seed).fit(X, y)
    bagged = running_mean(each.predict_proba(X_test) for each in bag.estimators_)
    other = network(hidden, seed + SEEDS, RATE).fit(X, y).predict_proba(X_test)
    errors = [test_error(each) for each in (scaled, mean, bagged)]
    return *errors, *(distance(each, scaled) for each in (mean, geometric, other))


# %%
# One thinned network is wrong for 8.0 % of the test digits, the mean of 300 for 6.0 % (5.8 % with
# two hidden layers), and the whole network with scaled weights, one prediction in place of 300, for
# 6.0 % (5.9 %). That is no worse than a bag of 10 networks trained apart: 6.4 % (6.0 %). It
# approximates the geometric mean of the thinned networks: the more are sampled, the nearer they
# come, within 0.26 % and 0.47 %, where another seed is 2.1 % and 2.6 % away. For one hidden layer
# before a softmax the two are the same; for two it is an approximation, and the distance levels
# off. The usual mean is 4.3 % and 6.0 % away, and as often right.

figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained", sharex=True, sharey="row")
networks = np.arange(1, N_THINNED + 1)
for (errors, distances), hidden in zip(axes.T, [(128,), (128, 128)], strict=True):
    found = zip(*(compare(hidden, seed) for seed in range(SEEDS)), strict=True)
    scaled, mean, bagged, to_mean, to_geometric, to_other = (
        np.mean(each, axis=0) for each in found
    )
    errors.axhline(scaled, color="k", label="the whole network, scaled weights")
    errors.plot(networks, mean, "C0--", label="mean of thinned networks")
    errors.plot(networks[:N_BAGGED], bagged, "C1o-", label="bag of networks trained apart")
    distances.plot(networks, to_mean, "C0--", label="mean of thinned networks")
    distances.plot(networks, to_geometric, "C2-", label="geometric mean of thinned networks")
    distances.axhline(to_other, color="0.5", linestyle=":", label="dropout from another seed")
    print(f"{hidden}: test error {scaled:.1f} % by scaled weights;", end=" ")
    print(f"thinned networks {mean[0]:.1f} %, mean of {N_THINNED} {mean[-1]:.1f} %;", end=" ")
    print(f"bagged networks {bagged[0]:.1f} %, {N_BAGGED} of them {bagged[-1]:.1f} %")
    print(f"  distance to the mean {to_mean[-1]:.2f} %, to the geometric mean", end=" ")
    print(f"{to_geometric[0]:.2f} % of 1, {to_geometric[-1]:.2f} % of {N_THINNED};", end=" ")
    print(f"to another seed {to_other:.2f} %")
    errors.set(title=f"hidden layers {hidden}", ylabel="test error, %")
    distances.set(xlabel="networks", ylabel="distance from scaled weights, %")
    distances.set(xscale="log", yscale="log")
    distances.set_yticks([0.3, 1, 3, 10], [0.3, 1, 3, 10])
    distances.minorticks_off()
axes[0, 0].legend()
axes[1, 0].legend()
plt.show()
