"""Fitted networks and rows that displays show, and what can be read off a picture."""

import warnings

import numpy as np
from sklearn.datasets import load_diabetes, load_digits, load_wine, make_moons
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn.plots import (
    ActivationFunctionDisplay,
    ActivationHistogramDisplay,
    BiasVarianceDisplay,
    DecisionBoundaryDisplay,
    FailureCasesDisplay,
    FeatureHistogramDisplay,
    GradientHistogramDisplay,
    GradientStepDisplay,
    LearningRateRangeDisplay,
    LossLandscapeDisplay,
    TrainingCurveDisplay,
    ValidationCurveDisplay,
    WeightHistogramDisplay,
)

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, random_state=0, stratify=y)
X_moons, y_moons = make_moons(120, noise=0.2, random_state=0)
WINE = load_wine(as_frame=True)
NAMES = WINE.target_names[WINE.target]
DIABETES = load_diabetes(as_frame=True)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nothing here is trained to the end
    classifier = MLPClassifier((16, 12), max_iter=6, random_state=0).fit(X_train, y_train)
    moons = MLPClassifier((16,), solver="lbfgs", max_iter=40, random_state=0)
    moons.fit(X_moons, y_moons)
    regressor = MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    regressor.fit(X_moons, X_moons[:, 0] ** 2)
    wine = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3, random_state=0))
    wine.fit(WINE.data, NAMES)


def pixels(display):
    """The picture, as numbers."""
    display.figure_.canvas.draw()
    return np.array(display.figure_.canvas.buffer_rgba())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def counts(ax):
    return sum(bar.get_height() for bar in ax.patches)


ONES = {
    ActivationFunctionDisplay: (["elu", "tanh"],),
    ActivationHistogramDisplay: (classifier, X_val),
    BiasVarianceDisplay: (moons, X_moons, y_moons),
    DecisionBoundaryDisplay: (moons, X_moons, y_moons),
    FailureCasesDisplay: (classifier, X_val, y_val),
    FeatureHistogramDisplay: (X_moons,),
    GradientHistogramDisplay: (moons, X_moons, y_moons),
    GradientStepDisplay: (moons, X_moons, y_moons),
    LearningRateRangeDisplay: (classifier, X_train, y_train),
    LossLandscapeDisplay: (moons, X_moons, y_moons),
    TrainingCurveDisplay: (classifier,),
    ValidationCurveDisplay: (moons, X_moons, y_moons),
    WeightHistogramDisplay: (classifier,),
}
NEEDED = {
    BiasVarianceDisplay: {"param_name": "alpha", "param_range": [1e-3, 100], "n_rounds": 2},
    FailureCasesDisplay: {"n_cases": 4},
    LossLandscapeDisplay: {"n_points": 9},
    ValidationCurveDisplay: {"param_name": "alpha", "param_range": [1e-3, 100], "cv": 3},
}


def constructor(display):
    """The class method by which a display computes what it draws."""
    names = ("from_estimator", "from_data", "from_activations")
    return next(getattr(display, name) for name in names if hasattr(display, name))


def drawn(display, **parameters):
    return constructor(display)(*ONES[display], **NEEDED.get(display, {}) | parameters)
