"""Fast feed-forward neural networks with scikit-learn's interface."""

from . import initializers
from .activations import ELU, GELU, LeakyReLU
from .custom import CustomActivation
from .estimators import MLPClassifier, MLPRegressor
from .layers import BatchNorm, Dense, Dropout, Residual
from .optimizers import (
    LAMB,
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
    "LAMB",
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
    "InvScaling",
    "LeakyReLU",
    "MLPClassifier",
    "MLPRegressor",
    "Momentum",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Residual",
    "Rprop",
    "initializers",
    "show_versions",
]


def show_versions():
    """Print the versions and the machine's capabilities, for a bug report."""
    from ._show_versions import show_versions

    show_versions()
