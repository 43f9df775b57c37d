"""Fast feed-forward neural networks with scikit-learn's interface."""

from typing import TYPE_CHECKING

from . import _built, augment, callbacks, initializers  # noqa: F401
from ._lazy import lazy_names
from .activations import ELU, GELU, LeakyReLU, Maxout, PReLU, RReLU
from .augment import CutMix, Mixup
from .averaging import EMA, SWA
from .custom import CustomActivation, CustomLoss
from .estimators import MLPClassifier, MLPRegressor
from .layers import Dense, Dropout, Residual
from .losses import Huber, Minkowski, Quantile
from .normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, WeightNorm
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
from .schedules import (
    Adaptive,
    Constant,
    CosineDecay,
    CustomSchedule,
    ExponentialDecay,
    InverseDecay,
    InvScaling,
    LinearDecay,
    OneCycle,
    PolynomialDecay,
    ReduceOnPlateau,
    Scheduled,
    StepDecay,
    Warmup,
)

# Old import paths, for pickles.
__path__.append(f"{__path__[0]}/_old_paths")

if TYPE_CHECKING:
    from . import plots, preprocessing
    from ._files.models import load
    from .many import fit_many
    from .tabular import TabularMLPClassifier, TabularMLPRegressor
    from .tuning import suggest_params

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "EMA",
    "GELU",
    "LAMB",
    "LBFGS",
    "SGD",
    "SWA",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adaptive",
    "BatchNorm",
    "Constant",
    "CosineDecay",
    "CustomActivation",
    "CustomLoss",
    "CustomSchedule",
    "CutMix",
    "Dense",
    "Dropout",
    "ExponentialDecay",
    "GroupNorm",
    "Huber",
    "InstanceNorm",
    "InvScaling",
    "InverseDecay",
    "LayerNorm",
    "LeakyReLU",
    "LinearDecay",
    "MLPClassifier",
    "MLPRegressor",
    "Maxout",
    "Minkowski",
    "Mixup",
    "Momentum",
    "NAdam",
    "OneCycle",
    "PReLU",
    "PolynomialDecay",
    "Quantile",
    "RAdam",
    "RMSprop",
    "RReLU",
    "ReduceOnPlateau",
    "Residual",
    "Rprop",
    "Scheduled",
    "StepDecay",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "Warmup",
    "WeightNorm",
    "augment",
    "callbacks",
    "fit_many",
    "initializers",
    "load",
    "plots",
    "preprocessing",
    "show_versions",
    "suggest_params",
]


# A fit needs none of these.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_files.models": ("load",),
        "many": ("fit_many",),
        "tabular": ("TabularMLPClassifier", "TabularMLPRegressor"),
        "tuning": ("suggest_params",),
    },
    submodules=("plots", "preprocessing"),
)


def show_versions():
    """Print the versions and the machine's capabilities, for a bug report."""
    from ._show_versions import show_versions

    show_versions()
