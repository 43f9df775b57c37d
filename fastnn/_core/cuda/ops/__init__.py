"""Python functions that call single kernels, for tests: twin of ``cpu/ops.pyx``.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every function
works in the type of its first array. `multiply` has no counterpart: it is a part of `optimize`.
"""

from .activations import (
    activation,
    activation_gradient,
    activation_with_derivative,
    maxout,
    maxout_gradient,
    prelu,
    prelu_gradient,
    rrelu,
)
from .losses import head_weight, log_variance_gradient, loss, loss_of_user, output
from .noise import dropout, normal_noise, residual, scaled
from .normalization import (
    batchnorm,
    batchnorm_gradient,
    batchnorm_moving,
    batchnorm_statistics,
    rownorm,
    rownorm_gradient,
    weightnorm,
    weightnorm_gradient,
)
from .products import matmul, matmul_transposed, tf32_matmul
from .rows import gather, mix_rows, weighted_sum
from .tables import rows_of
from .updates import (
    average,
    clip_factor,
    finish_gradient,
    gradient_squares,
    limit_columns,
    look_ahead,
    optimize,
    soft_threshold,
    sum_squares,
)

__all__ = [
    "activation",
    "activation_gradient",
    "activation_with_derivative",
    "average",
    "batchnorm",
    "batchnorm_gradient",
    "batchnorm_moving",
    "batchnorm_statistics",
    "clip_factor",
    "dropout",
    "finish_gradient",
    "gather",
    "gradient_squares",
    "head_weight",
    "limit_columns",
    "log_variance_gradient",
    "look_ahead",
    "loss",
    "loss_of_user",
    "matmul",
    "matmul_transposed",
    "maxout",
    "maxout_gradient",
    "mix_rows",
    "normal_noise",
    "optimize",
    "output",
    "prelu",
    "prelu_gradient",
    "residual",
    "rownorm",
    "rownorm_gradient",
    "rows_of",
    "rrelu",
    "scaled",
    "soft_threshold",
    "sum_squares",
    "tf32_matmul",
    "weighted_sum",
    "weightnorm",
    "weightnorm_gradient",
]
