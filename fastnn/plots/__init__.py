"""Plots of networks and their training, with matplotlib (``pip install "fastnn-mlp[plots]"``).

Each class follows scikit-learn's displays: `from_estimator` computes the data and draws it; the
display keeps the data, and `plot` draws it again, elsewhere or with other options; `ax_` or
`axes_`, and `figure_`, are the matplotlib objects. Estimators are `MLPClassifier`, `MLPRegressor`
and pipelines that end with one.

Examples
--------
>>> from fastnn import MLPClassifier
>>> from fastnn.plots import TrainingCurveDisplay
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)
>>> model = MLPClassifier(solver="lbfgs", max_iter=20, alpha=1.0, random_state=0).fit(X, y)
>>> display = TrainingCurveDisplay.from_estimator(model, log_scale=True)
>>> display.figure_.savefig("training.png")  # doctest: +SKIP
"""

from .activation_functions import ActivationFunctionDisplay
from .activation_histogram import ActivationHistogramDisplay
from .bias_variance import BiasVarianceDisplay
from .decision_boundary import DecisionBoundaryDisplay
from .failure_cases import FailureCasesDisplay
from .feature_histogram import FeatureHistogramDisplay
from .gradient_histogram import GradientHistogramDisplay
from .learning_rate_range import LearningRateRangeDisplay
from .loss_landscape import GradientStepDisplay, LossLandscapeDisplay
from .training_curve import TrainingCurveDisplay
from .validation_curve import ValidationCurveDisplay
from .weight_histogram import WeightHistogramDisplay

__all__ = [
    "ActivationFunctionDisplay",
    "ActivationHistogramDisplay",
    "BiasVarianceDisplay",
    "DecisionBoundaryDisplay",
    "FailureCasesDisplay",
    "FeatureHistogramDisplay",
    "GradientHistogramDisplay",
    "GradientStepDisplay",
    "LearningRateRangeDisplay",
    "LossLandscapeDisplay",
    "TrainingCurveDisplay",
    "ValidationCurveDisplay",
    "WeightHistogramDisplay",
]
