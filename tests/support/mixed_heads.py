"""Networks with heads of several kinds, and targets of all of them."""

import numpy as np

from fastnn import BatchNorm, Dense, PReLU
from fastnn._core.program import target_record
from fastnn.heads import Head, MixedLoss
from fastnn.layers import Heads
from fastnn.losses import Huber, Quantile
from support.problems import make_data, make_network

# No trunk, a plain one, and ones whose last values something else needs too.
TRUNKS = {
    "none": [],
    "dense": [Dense(7, "tanh")],
    "two": [Dense(19, "tanh", BatchNorm(), 0.3), Dense(5, "gelu")],
    "slopes": [Dense(6, "identity"), PReLU(), BatchNorm()],
}
#: Heads of each kind, some with an activation before their loss, and their outputs.
HEADS = [
    (Head("squared_error", 0.5, "tanh"), 2),
    (Head("log_loss"), 3),
    (Head("binary_log_loss", 2.0), 17),
    (Head(Huber(0.3), 0.7), 1),
    (Head("poisson"), 1),
    (Head("soft_log_loss", 0.3), 4),
    (Head("crammer_singer", 1.5), 3),
    (Head(Quantile(0.2), 0.0, "gelu"), 1),
]


def layers_of(heads, trunk="dense"):
    units, loss = tuple(n for _, n in heads), MixedLoss([head for head, _ in heads])
    return [*TRUNKS[trunk], Heads(units, loss.output_activations())]


def targets_of(rng, heads, n_rows):
    """Random targets in the record that an engine in float64 takes."""
    losses = [getattr(head.loss, "name", head.loss) for head, _ in heads]
    columns = [
        make_data(rng, n_rows, 3, n, loss)[1] for loss, (_, n) in zip(losses, heads, strict=True)
    ]
    shapes = [None if of.ndim == 1 else of.shape[1] for of in columns]
    y = np.zeros(n_rows, target_record(shapes, float))
    for head, of in enumerate(columns):
        y[str(head)] = of
    return y


def problem(trunk="dense", heads=HEADS, n_rows=27, uncertainty=True, n_features=6):
    """A network of the reference, its loss, rows, targets and weights."""
    rng = np.random.default_rng(0)
    loss = MixedLoss([head for head, _ in heads], uncertainty)
    network = make_network(rng, n_features, layers_of(heads, trunk), loss, seed=3)
    X = rng.standard_normal((n_rows, n_features))
    return network, loss, X, targets_of(rng, heads, n_rows), rng.uniform(0.5, 2, n_rows)
