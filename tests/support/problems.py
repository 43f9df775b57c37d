"""Small random networks and data for the tests: what to train, on what, from where."""

import itertools

import numpy as np
import scipy.sparse

from fastnn.activations import Maxout, PReLU
from fastnn.heads import MixedLoss
from fastnn.layers import BatchNorm, Dense, Heads
from fastnn.losses import Huber, Minkowski, Quantile
from fastnn.normalization import InstanceNorm, Normalization, WeightNorm
from support.reference import LOSSES, Network, leaves, loss_of

# Names, and specs that differ from what the names stand for.
EACH_LOSS = [*LOSSES, Huber(0.3), Minkowski(1.0), Minkowski(1.5), Minkowski(4), Quantile(0.2)]


def make_layers(
    units, activation="relu", position=None, dropout=0.0, loss="squared_error", normalization=None
):
    """Hidden layers alike, and an output layer: `units` ends with the number of outputs."""
    normalization = BatchNorm(position=position) if position else normalization
    hidden = [Dense(n, activation, normalization, dropout) for n in units[:-1]]
    return [*hidden, Dense(units[-1], loss_of(loss).output_activation)]


def make_data(rng, n_rows, n_features, n_outputs, loss):
    """Normally distributed rows in float64, and targets that the loss takes."""
    X = rng.standard_normal((n_rows, n_features))
    if loss in ("log_loss", "weston_watkins", "crammer_singer"):
        return X, rng.integers(n_outputs, size=n_rows).astype(np.int32)
    signal = X @ rng.standard_normal((n_features, n_outputs)) / np.sqrt(n_features)
    if loss in ("binary_log_loss", "hinge", "squared_hinge", "perceptron"):
        return X, (signal > 0).astype(float)
    if loss == "soft_log_loss":
        return X, rng.dirichlet(np.ones(n_outputs), size=n_rows)
    if loss == "poisson":
        return X, rng.poisson(np.exp(signal)).astype(float)
    return X, signal + 0.1 * rng.standard_normal(signal.shape)


def make_parameters(rng, n_features, layers):
    """Random parameters and moving averages of the leaves, none at its initial value."""
    parameters, statistics = [], []
    width = n_features
    n_trunk = len(leaves(layers[:-1])) if isinstance(layers[-1], Heads) else np.inf
    for i, layer in enumerate(leaves(layers)):
        p, s = {}, {}
        if i <= n_trunk:
            trunk = width
        width = trunk if i > n_trunk else width  # what all heads read
        norm, act = layer, layer
        if isinstance(layer, Dense):
            norm, act = layer.normalization, layer.activation
        act = {"prelu": PReLU(), "maxout": Maxout()}.get(act, act) if isinstance(act, str) else act
        k = act.k if isinstance(act, Maxout) else 1
        if isinstance(layer, Dense):
            n = layer.units * k
            p = {
                "coef": rng.standard_normal((width, n)) / np.sqrt(width),
                "intercept": 0.1 * rng.standard_normal(n),
            }
            width = n
        if isinstance(norm, WeightNorm):
            p["g"] = rng.uniform(0.5, 1.5, width)
        elif isinstance(norm, Normalization):
            n = width // k if norm.position == "after" else width
            n_scales = n
            if isinstance(norm, InstanceNorm):
                n_scales = norm.n_channels * norm.affine
            if n_scales:
                p["scale"] = rng.uniform(0.5, 1.5, n_scales)
                p["shift"] = 0.1 * rng.standard_normal(n_scales)
            if isinstance(norm, BatchNorm):
                s = {"mean": 0.1 * rng.standard_normal(n), "variance": rng.uniform(0.5, 1.5, n)}
                if norm.mean_only:
                    s["variance"] = np.ones(n)
        width //= k
        if isinstance(act, PReLU):
            p["slope"] = rng.uniform(0.1, 0.5, 1 if act.shared else width)
        parameters.append(p)
        statistics.append(s)
    return parameters, statistics


def make_network(rng, n_features, layers, loss, input_dropout=0.0, seed=0, input_noise=0.0):
    """A reference network with random parameters."""
    parameters, statistics = make_parameters(rng, n_features, layers)
    if isinstance(loss, MixedLoss) and loss.uncertainty:
        for p in parameters[-len(loss.heads) :]:
            p["log_variance"] = 0.5 * rng.standard_normal(1)
    return Network(
        layers,
        loss,
        parameters,
        statistics,
        input_dropout,
        seed,
        input_noise,
        n_features=n_features,
    )


def rate_factors(network, factors):
    """Return the factor of each parameter's learning rate, under the reference's names."""
    factors, number, found = factors or {}, -1, []
    n = sum(isinstance(layer, Dense) for layer in leaves(network.layers))
    groups = {"coef": "weights", "intercept": "biases", "slope": None}
    groups["log_variance"] = "log_variances"
    for layer, p in zip(leaves(network.layers), network.parameters, strict=True):
        number += isinstance(layer, Dense)
        own = factors.get(max(number, 0), 1) * factors.get(max(number, 0) - n, 1)
        found.append({name: own * factors.get(groups.get(name, "normalization"), 1) for name in p})
    return found


def numerical_gradient(function, arrays, step=1e-5):
    """Central differences of `function()` with respect to every element of `arrays`."""
    gradient = []
    for array in arrays:
        g = np.empty_like(array)
        for index in np.ndindex(array.shape):
            saved = array[index]
            array[index] = saved + step
            above = function()
            array[index] = saved - step
            below = function()
            array[index] = saved
            g[index] = (above - below) / (2 * step)
        gradient.append(g)
    return gradient


def relative_error(actual, expected):
    """Distance of two lists of arrays, as a part of the length of the expected one."""
    distance = np.sqrt(sum(np.sum((a - e) ** 2) for a, e in zip(actual, expected, strict=True)))
    return distance / max(np.sqrt(sum(np.sum(e**2) for e in expected)), 1e-12)


# What a user may pass as X. Each makes another layout of the same numbers, which fit into uint8.
LAYOUTS = {
    "float64": lambda X: X.astype(np.float64),
    "float32": lambda X: X.astype(np.float32),
    "uint8": lambda X: X.astype(np.uint8),
    "fortran": lambda X: np.asfortranarray(X, dtype=np.float32),
    "strided": lambda X: np.repeat(np.repeat(X, 3, axis=0), 2, axis=1)[::3, ::2],
    "slice": lambda X: np.pad(X, ((0, 0), (3, 5)), constant_values=np.nan)[:, 3:-5],
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda X: _read_only(X),
    "csr float64": lambda X: _unsorted_csr(X, np.float64),
    "csr float32": lambda X: _unsorted_csr(X, np.float32),
}


def make_counts(rng, n_rows, n_features):
    """Small whole numbers, mostly zero, with an empty row and an empty column."""
    X = rng.integers(1, 4, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < 0.4)
    X[n_rows // 2], X[:, n_features // 2] = 0, 0
    return X.astype(float)


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def _unsorted_csr(X, dtype):
    csr = scipy.sparse.csr_array(X.astype(dtype))
    for start, end in itertools.pairwise(csr.indptr):
        csr.indices[start:end] = csr.indices[start:end][::-1].copy()
        csr.data[start:end] = csr.data[start:end][::-1].copy()
    csr.has_sorted_indices = False
    csr.indices, csr.indptr = csr.indices.astype(np.int32), csr.indptr.astype(np.int32)
    return csr
