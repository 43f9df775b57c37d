"""Fast feed-forward neural networks with scikit-learn's interface."""

from typing import TYPE_CHECKING

from . import _built  # noqa: F401
from ._lazy import lazy_names

# Old import paths, for pickles.
__path__.append(f"{__path__[0]}/_old_paths")

if TYPE_CHECKING:
    from . import augment, callbacks, initializers, plots, preprocessing
    from ._files.models import load
    from ._show_versions import show_versions
    from .activations import ELU, GELU, LeakyReLU, Maxout, PReLU, RReLU
    from .augment import CutMix, Mixup
    from .averaging import EMA, SWA
    from .custom import CustomActivation, CustomLoss
    from .estimators import MLPClassifier, MLPRegressor, MultiTaskMLP
    from .feature_extraction import FeatureExtractor
    from .heads import Head
    from .layers import Dense, Dropout, Residual
    from .losses import Huber, Minkowski, Quantile
    from .many import fit_many
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
    "FeatureExtractor",
    "GroupNorm",
    "Head",
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
    "MultiTaskMLP",
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


# A name is loaded with its module when it is first used, so that little is loaded to predict.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_files.models": ("load",),
        "_show_versions": ("show_versions",),
        "activations": ("ELU", "GELU", "LeakyReLU", "Maxout", "PReLU", "RReLU"),
        "augment": ("CutMix", "Mixup"),
        "averaging": ("EMA", "SWA"),
        "custom": ("CustomActivation", "CustomLoss"),
        "estimators": ("MLPClassifier", "MLPRegressor", "MultiTaskMLP"),
        "heads": ("Head",),
        "layers": ("Dense", "Dropout", "Residual"),
        "losses": ("Huber", "Minkowski", "Quantile"),
        "feature_extraction": ("FeatureExtractor",),
        "many": ("fit_many",),
        "normalization": ("BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "WeightNorm"),
        "optimizers": (
            "LAMB",
            "LBFGS",
            "SGD",
            "Adadelta",
            "Adagrad",
            "Adam",
            "AdamW",
            "AMSGrad",
            "Momentum",
            "NAdam",
            "RAdam",
            "RMSprop",
            "Rprop",
        ),
        "schedules": (
            "Adaptive",
            "Constant",
            "CosineDecay",
            "CustomSchedule",
            "ExponentialDecay",
            "InverseDecay",
            "InvScaling",
            "LinearDecay",
            "OneCycle",
            "PolynomialDecay",
            "ReduceOnPlateau",
            "Scheduled",
            "StepDecay",
            "Warmup",
        ),
        "tabular": ("TabularMLPClassifier", "TabularMLPRegressor"),
        "tuning": ("suggest_params",),
    },
    submodules=(
        "activations",
        "augment",
        "averaging",
        "callbacks",
        "custom",
        "data",
        "datasets",
        "diagnostics",
        "estimators",
        "heads",
        "initializers",
        "layers",
        "losses",
        "normalization",
        "optimizers",
        "plots",
        "preprocessing",
        "runtime",
        "schedules",
        "tabular",
        "uncertainty",
    ),
)
