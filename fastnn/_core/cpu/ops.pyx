"""Each kernel as a Python call, for tests and benches; the engine calls the same tables.

The calls are in `ops_parts`, a file for each subject; records and codes of `program.h` are here.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every
function takes ``isa``, the name of an instruction set, and works in the type of its first array.
``repeat`` calls the kernel that many times on the same data, to time it without Python.
"""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t

from fastnn._core.cpu.engine cimport Data, choose_bfloat16_kernels, choose_kernels, data
from fastnn._core.cpu.kernels cimport *

from fastnn._core.program import aligned_zeros, padded

cnp.import_array()


def rows_of(a):
    """A copy of a 2-D array (or a row) in rows of padded width."""
    a = np.atleast_2d(a)
    out = aligned_zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


include "ops_parts/products.pxi"
include "ops_parts/activations.pxi"
include "ops_parts/noise.pxi"
include "ops_parts/normalization.pxi"
include "ops_parts/losses.pxi"
include "ops_parts/updates.pxi"
include "ops_parts/rows.pxi"


def struct_sizes():
    """Sizes of the C records that Python mirrors."""
    return {"Stage": sizeof(Stage)}


def constants():
    """The codes of program.h by name, which the registries of Python repeat."""
    return {
        "DENSE": STAGE_DENSE,
        "BN_STATISTICS": STAGE_BN_STATISTICS,
        "BN_APPLY": STAGE_BN_APPLY,
        "ACTIVATION": STAGE_ACTIVATION,
        "DROPOUT": STAGE_DROPOUT,
        "OUTPUT": STAGE_OUTPUT,
        "FORK": STAGE_FORK,
        "JOIN": STAGE_JOIN,
        "ROW_NORM": STAGE_ROW_NORM,
        "PRELU": STAGE_PRELU,
        "MAXOUT": STAGE_MAXOUT,
        "WEIGHT_NORM": STAGE_WEIGHT_NORM,
        "TASK_ROWS": TASK_ROWS,
        "NOISE": STAGE_NOISE,
        "identity": ACT_IDENTITY,
        "logistic": ACT_LOGISTIC,
        "tanh": ACT_TANH,
        "relu": ACT_RELU,
        "softmax": ACT_SOFTMAX,
        "exp": ACT_EXP,
        "hardtanh": ACT_HARDTANH,
        "leaky_relu": ACT_LEAKY_RELU,
        "elu": ACT_ELU,
        "selu": ACT_SELU,
        "gelu": ACT_GELU,
        "gelu_tanh": ACT_GELU_TANH,
        "silu": ACT_SILU,
        "mish": ACT_MISH,
        "softplus": ACT_SOFTPLUS,
        "softsign": ACT_SOFTSIGN,
        "rrelu": ACT_RRELU,
        "threshold": ACT_THRESHOLD,
        "squared_error": LOSS_SQUARED_ERROR,
        "log_loss": LOSS_LOG,
        "binary_log_loss": LOSS_BINARY_LOG,
        "poisson": LOSS_POISSON,
        "absolute_error": LOSS_ABSOLUTE_ERROR,
        "huber": LOSS_HUBER,
        "minkowski": LOSS_MINKOWSKI,
        "quantile": LOSS_QUANTILE,
        "hinge": LOSS_HINGE,
        "squared_hinge": LOSS_SQUARED_HINGE,
        "perceptron": LOSS_PERCEPTRON,
        "weston_watkins": LOSS_WESTON_WATKINS,
        "crammer_singer": LOSS_CRAMMER_SINGER,
        "soft_log_loss": LOSS_SOFT_LOG,
        "sgd": OPT_SGD,
        "momentum": OPT_MOMENTUM,
        "nesterov": OPT_NESTEROV,
        "adam": OPT_ADAM,
        "averaged": OPT_AVERAGED,
        "adagrad": OPT_ADAGRAD,
        "adadelta": OPT_ADADELTA,
        "rmsprop": OPT_RMSPROP,
        "rmsprop_momentum": OPT_RMSPROP_MOMENTUM,
        "rmsprop_centered": OPT_RMSPROP_CENTERED,
        "rprop": OPT_RPROP,
        "moments": OPT_MOMENTS,
        "amsgrad": OPT_AMSGRAD,
        "look_ahead": OPT_LOOK_AHEAD,
        "lamb": OPT_LAMB,
    }
