"""Fast feed-forward neural networks with scikit-learn's interface."""

from . import initializers
from .activations import ELU, GELU, LeakyReLU, Maxout, PReLU
from .custom import CustomActivation
from .estimators import MLPClassifier, MLPRegressor
from .layers import Dense, Dropout, Residual
from .normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from .optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from .schedules import Adaptive, Constant, InvScaling

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adaptive",
    "BatchNorm",
    "Constant",
    "CustomActivation",
    "Dense",
    "Dropout",
    "GroupNorm",
    "InstanceNorm",
    "InvScaling",
    "LayerNorm",
    "LeakyReLU",
    "MLPClassifier",
    "MLPRegressor",
    "Maxout",
    "Momentum",
    "NAdam",
    "PReLU",
    "RAdam",
    "RMSprop",
    "Residual",
    "Rprop",
    "WeightNorm",
    "initializers",
    "show_versions",
]


def show_versions():
    """Print the versions and the machine's capabilities, for a bug report."""
    from ._show_versions import show_versions

    show_versions()
