"""The whole network in plain NumPy float64: the specification of what fastnn computes.

Everything fast is tested against this package, and this package against finite differences. It
contains formulas and where they come from, and nothing that is there for speed. Read it from left
to right:

    randomness -> activations -> losses -> layers, normalization -> optimizers -> stages -> network

The registries (``ACTIVATIONS``, ``LOSSES``, ``OPTIMIZERS``) are dicts by name: tests run over them.

A residual block is y = x + f(x): He et al., "Deep residual learning for image recognition" (2016).
With stochastic depth (Huang et al., "Deep networks with stochastic depth", 2016) f(x) is dropped
for whole rows: it is `dropout` with a mask of one column, inverted as in torchvision.
"""

# ruff: noqa: F401 (all that tests take from here)

from support.reference.activations import (
    ACTIVATIONS,
    OUTPUT_ACTIVATIONS,
    SELU_ALPHA,
    SELU_SCALE,
    activation,
    gelu_tanh_argument,
    maxout_backward,
    maxout_forward,
    prelu_backward,
    prelu_forward,
    random_slopes,
)
from support.reference.layers import bfloat16, dropout, rounded_forward, tf32
from support.reference.losses import LOSSES, as_target, loss_of, smoothed
from support.reference.mixing import Mixing, mix_rows, partners
from support.reference.network import Network
from support.reference.normalization import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_statistics,
    moving_average,
    normalised_weights,
    normalised_weights_backward,
    row_norm_backward,
    row_norm_forward,
)
from support.reference.optimizers import OPTIMIZERS, proximal_step
from support.reference.randomness import keep_mask, normal_noise, philox4x32
from support.reference.regularization import clip_norm, elastic_net, limit_norms
from support.reference.stages import leaves, stage_table
