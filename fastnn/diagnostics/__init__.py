"""Diagnostics of a training: checks before a long fit, and after it.

Each function examines one aspect and returns a `Finding`: numbers, whether they are sound (`ok`),
and a `verdict` in words. `check_training` runs all of them. `bias_variance`, which trains many
times, is apart from these. `activations_of`, `input_gradients` and
`integrated_gradients` return arrays, for all rows.

They take an `MLPClassifier`, an `MLPRegressor`, or a pipeline that ends with one, fitted or not,
and do not modify it: they train clones. The initial loss, the effect of the penalty, the tiny
subset and the learning rate always concern the beginning of `fit`. Gradients, layers and curvature
concern the fitted parameters, or the initial ones if the network is not fitted. Everything is
computed on the CPU, in float64 except for the training of `generalization`. At most `max_rows`
rows are used, drawn with the seed `random_state`, so that the time depends on the network only.

The limits of a fault are wide, so that mostly gross errors are faults. They
are rules of thumb: a network may learn in spite of a fault.

Examples
--------
>>> from fastnn import MLPClassifier
>>> from fastnn.diagnostics import initial_loss
>>> from sklearn.datasets import load_digits
>>> X, y = load_digits(return_X_y=True)
>>> print(initial_loss(MLPClassifier(random_state=0), X / 16, y))
initial loss: 2.44, where guessing has 2.3.
"""

from .attributions import input_gradients, integrated_gradients
from .decomposition import BiasVariance, bias_variance
from .finding import Finding
from .gradients import GradientCheck, check_gradients
from .hessian import Curvature, curvature
from .inputs import InputScale, input_scale
from .landscape import LossLandscape, loss_along_gradient, loss_landscape
from .layers import LayerHealth, activations_of, layer_health
from .rates import LearningRateRange, learning_rate_range
from .report import TrainingReport, check_training
from .rows import RowGradients, row_gradients
from .scores import Generalization, generalization
from .start import (
    InitialLoss,
    RegularizationEffect,
    TinySubset,
    initial_loss,
    overfit_tiny_subset,
    regularization_effect,
)

__all__ = [
    "BiasVariance",
    "Curvature",
    "Finding",
    "Generalization",
    "GradientCheck",
    "InitialLoss",
    "InputScale",
    "LayerHealth",
    "LearningRateRange",
    "LossLandscape",
    "RegularizationEffect",
    "RowGradients",
    "TinySubset",
    "TrainingReport",
    "activations_of",
    "bias_variance",
    "check_gradients",
    "check_training",
    "curvature",
    "generalization",
    "initial_loss",
    "input_gradients",
    "input_scale",
    "integrated_gradients",
    "layer_health",
    "learning_rate_range",
    "loss_along_gradient",
    "loss_landscape",
    "overfit_tiny_subset",
    "regularization_effect",
    "row_gradients",
]
