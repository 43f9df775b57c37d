"""Values that the parameters of the estimators may have."""

from numbers import Integral, Real

import numpy as np

from .._specs.constraints import Interval, OneOf, Options
from ..activations import ACTIVATIONS, HIDDEN_ACTIVATIONS, ActivationSpec
from ..augment import Mixing, RowTransform
from ..augment.mixing import MIXINGS
from ..averaging import AVERAGES, Averaging
from ..initializers import BIAS_INITIALIZERS, WEIGHT_INITIALIZERS, Initializer
from ..layers import Dropout
from ..losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, LossSpec
from ..normalization import NORMALIZATIONS, Normalization
from ..optimizers import OPTIMIZERS, Optimizer
from ..schedules import SCHEDULES, Schedule, Scheduled

# Of both estimators, as scikit-learn's `validate_parameter_constraints` reads them.
_COMMON = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), str],
    "activation": [OneOf(HIDDEN_ACTIVATIONS), ActivationSpec, list, tuple],
    "solver": [OneOf(OPTIMIZERS), Optimizer],
    "alpha": [Interval(Real, 0, None, closed="left"), Scheduled],
    "batch_size": [OneOf({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [OneOf(SCHEDULES), Schedule, callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean", OneOf({"blocks"})],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "normalization": [None, OneOf(NORMALIZATIONS), Normalization],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like", Dropout, Scheduled],
    "device": [OneOf({"cpu", "cuda", "auto"})],
    "precision": [OneOf({"auto", "float32", "float64", "bfloat16", "tf32"})],
    "n_jobs": [
        None,
        Interval(Integral, 1, None, closed="left"),
        Interval(Integral, None, -1, closed="right"),
    ],
    "weight_init": [
        None,
        OneOf(WEIGHT_INITIALIZERS),
        Initializer,
        "array-like",
        callable,
    ],
    "bias_init": [
        None,
        OneOf(BIAS_INITIALIZERS),
        Initializer,
        "array-like",
        callable,
    ],
    "layers": [None, list, tuple],
    "scoring": [None, str, callable, list, tuple, dict],
    "averaging": [None, OneOf(AVERAGES), Averaging],
    "augment": [None, OneOf(MIXINGS), Mixing, RowTransform, list, tuple, callable],
    "input_noise": [Interval(Real, 0, None, closed="left")],
    "output_activation": [
        None,
        OneOf({*ACTIVATIONS, *HIDDEN_ACTIVATIONS}),
        ActivationSpec,
    ],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "clip_value": [None, Interval(Real, 0, None, closed="neither")],
    "learning_rate_factors": [None, dict],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "l1_update": [OneOf({"gradient", "proximal"})],
    "penalize_intercepts": ["boolean"],
    "max_norm": [None, Interval(Real, 0, None, closed="neither")],
    "weight_noise": [Interval(Real, 0, None, closed="left")],
    "callbacks": [None, list, tuple],
    "train_score": ["boolean", str, list, tuple],
    "train_score_rows": [None, Interval(Integral, 1, None, closed="left")],
}
OF_CLASSIFIERS = {
    **_COMMON,
    "loss": [OneOf(CLASSIFICATION_LOSSES)],
    "label_smoothing": [Interval(Real, 0, 1, closed="left"), Scheduled],
    "class_weight": [None, OneOf({"balanced"}), dict, list],
}
OF_REGRESSORS = {**_COMMON, "loss": [OneOf(REGRESSION_LOSSES), LossSpec]}
OF_SEVERAL_TASKS = {
    **{name: rule for name, rule in _COMMON.items() if name != "output_activation"},
    "heads": [None, dict],
    "task_weighting": [None, OneOf({"uncertainty"})],
    "label_smoothing": OF_CLASSIFIERS["label_smoothing"],
}
