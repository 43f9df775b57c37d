"""Short trainings of small networks on a device, each compared with the reference."""

import numpy as np

from fastnn.layers import Dense
from support.problems import make_data, make_network
from support.reference import loss_of
from support.trajectories import TOLERANCE, check_trajectory

N_FEATURES, N_ROWS, BATCH = 5, 7, 4


def hidden(activation="tanh", normalization=None, dropout=0.0, widths=(6, 3)):
    return [*(Dense(n, activation, normalization, dropout) for n in widths), Dense(2, "identity")]


def follow(
    layers,
    loss="squared_error",
    optimizer="adam",
    dtype="float64",
    weighted=True,
    epochs=1,
    **given,
):
    """Train for two batches an epoch, the second one short, and compare with the reference."""
    rng = np.random.default_rng(0)
    layers[-1].activation = loss_of(loss).output_activation
    network = make_network(rng, N_FEATURES, layers, loss, seed=2**40 + 7, **given)
    X, y = make_data(rng, N_ROWS, N_FEATURES, 2, loss)
    weight = rng.uniform(0.5, 2, N_ROWS) if weighted else None
    arguments = X.astype(dtype), y, weight, BATCH
    run = loss, optimizer, dtype, *arguments
    engine = check_trajectory(network, *run, epochs=epochs, device="cuda")
    predicted = network.predict(X.astype(dtype).astype(float))
    np.testing.assert_allclose(engine.predict(X.astype(dtype)), predicted, atol=TOLERANCE[dtype])
    return engine
