"""Random stacks of every kind of layer, and small problems for them."""

import numpy as np
from hypothesis import strategies as st

from fastnn.activations import ELU, LeakyReLU, Maxout, PReLU, RReLU
from fastnn.layers import Dense, Dropout, Residual
from fastnn.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support.problems import EACH_LOSS, make_data, make_network

# Where the derivative jumps, a difference across the jump tells nothing.
SMOOTH = ["identity", "logistic", "tanh", "gelu", "silu", "mish", "softplus", "softsign"]

positions = st.sampled_from(["before", "after"])
batch_norms = st.builds(BatchNorm, momentum=st.just(0.3), position=positions)
rates = st.sampled_from([0.0, 0.25])
dropouts = st.sampled_from([0.0, 0.25, Dropout(0.25, inverted=False)])
# Dropout of the input, and the deviation of its noise.
inputs = st.sampled_from([(0.0, 0.0), (0.25, 0.0), (Dropout(0.25, inverted=False), 0.3)])
losses = st.sampled_from(EACH_LOSS)


def norms(width):
    """Draw any normalization of so many units."""
    divisors = st.sampled_from([n for n in range(1, width + 1) if width % n == 0])
    epsilon = st.just(0.1)  # pairs of units are rarely apart
    return st.one_of(
        batch_norms,
        st.builds(LayerNorm, epsilon, positions),
        st.builds(GroupNorm, divisors, epsilon, positions),
        st.builds(InstanceNorm, divisors, epsilon, st.booleans(), positions),
    )


@st.composite
def stacks(draw, activations, widths=(1, 3, 16, 17, 33)):
    """Layers of a network with random sizes, blocks within blocks among them."""
    activation = st.sampled_from(activations)
    units = st.sampled_from(widths)

    def dense(n):
        return draw(
            st.builds(
                Dense,
                st.just(n),
                activation,
                normalization=st.none() | norms(n) | st.just(WeightNorm()),
                dropout=dropouts,
            )
        )

    def layer(width, depth):
        """Draw a layer or block, and return it with the number of its outputs."""
        kind = draw(st.sampled_from(["dense", "norm", "activation", "dropout", "residual"]))
        if kind == "norm":
            return draw(norms(width)), width
        if kind == "activation":
            one = draw(activation)
            k = one.k if isinstance(one, Maxout) else 2 if one == "maxout" else 1
            return (one, width // k) if width % k == 0 else (LeakyReLU(), width)
        if kind == "dropout":
            return Dropout(draw(rates), inverted=draw(st.booleans())), width
        if kind == "residual" and depth < 2:
            inside, n = run(width, depth + 1)
            return Residual([*inside, *([dense(width)] if n != width else [])], draw(rates)), width
        n = draw(units)
        return dense(n), n

    def run(width, depth):
        layers = []
        for _ in range(draw(st.integers(1, 3))):
            one, width = layer(width, depth)
            layers.append(one)
        return layers, width

    layers, _ = run(N_FEATURES, 0)
    return [*layers, Dense(2, "identity")]


N_FEATURES = 5
SPECS = [
    LeakyReLU(0.2),
    ELU(0.7),
    RReLU(0.1, 0.6),
    PReLU(),
    PReLU(shared=False),
    Maxout(3),
    "prelu",
    "maxout",
]


def problem(layers, loss="squared_error", n_rows=19, of_input=(0.0, 0.0)):
    rng = np.random.default_rng(0)
    dropout, noise = of_input
    network = make_network(rng, N_FEATURES, layers, loss, dropout, 5, noise)
    X, y = make_data(rng, n_rows, N_FEATURES, 2, loss)
    return network, X, y, rng.uniform(0.5, 2, n_rows)
