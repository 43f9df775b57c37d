"""Training of an engine beside the reference, and how far apart they may be."""

import numpy as np

from support.engines import Engine, large_epsilon, rounded, small_rate
from support.problems import relative_error

# Distance to the reference, as a part of the size of what is compared. A rounding error of the
# type, times what ten steps and a dozen operations deep in a small network amplify it by.
TOLERANCE = {"float64": 1e-11, "float32": 2e-5}
# Where a sum in float32 lies near the middle between two bfloat16, the reference's may lie on the
# other side of it, and differ by 2^-8 in one of the inputs of the next product.
BFLOAT16_TOLERANCE = 1e-3


def named(values):
    """Return all arrays of a list of dicts in one order, as float64."""
    return [np.asarray(v[name], float) for v in values for name in sorted(v)]


def assert_same_state(engine, network, tolerance):
    assert relative_error(named(engine.parameters), named(network.parameters)) < tolerance
    if any(network.statistics):
        assert relative_error(named(engine.statistics), named(network.statistics)) < tolerance


def check_trajectory(
    network, loss, optimizer, dtype, X, y, weight, batch_size=8, n_threads=1, epochs=3, device="cpu"
):
    """Ten steps over three epochs, each ending with a short batch, rows in random order."""
    n_rows = X.shape[0]
    dense = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
    rng = np.random.default_rng(9)
    rates = small_rate(optimizer) * np.linspace(1, 0.5, -(-n_rows // batch_size))
    epsilon = large_epsilon(optimizer)
    engine = Engine(
        rounded(network, dtype),
        loss,
        optimizer,
        dtype,
        batch_size,
        n_threads,
        device=device,
        **epsilon,
    )
    for _ in range(epochs):
        order = rng.permutation(n_rows)
        settings_ = (batch_size, rates, 0.3, weight, order)
        actual = engine.train(X, y, *settings_, tells_norm=True)
        expected = network.train(
            dense, y, optimizer, batch_size, rates, 0.3, weight, order, **epsilon
        )
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    norms = network.grad_norms[-len(engine.grad_norms) :]
    # A gradient is off by more than what it changes: where a normalisation's groups are of nearly
    # equal numbers, it is divided by little.
    np.testing.assert_allclose(engine.grad_norms, norms, 10 * TOLERANCE[dtype])
    assert_same_state(engine, network, TOLERANCE[dtype])
    return engine
