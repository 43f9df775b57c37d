"""Parameters to start from."""

import numpy as np


def glorot_uniform(random_state, fan_in, fan_out, activation):
    """Weights and biases of a layer, drawn as scikit-learn draws them.

    Uniform between plus and minus ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", 2010). Two things
    are scikit-learn's own: a factor of 2 where the hidden layers are logistic, and biases that are
    drawn too.
    """
    factor = 2.0 if activation == "logistic" else 6.0
    bound = np.sqrt(factor / (fan_in + fan_out))
    weights = random_state.uniform(-bound, bound, (fan_in, fan_out))
    return weights, random_state.uniform(-bound, bound, fan_out)
