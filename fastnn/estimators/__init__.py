"""Estimators: the classifier, the regressor, and the one of several tasks."""

from .classifier import MLPClassifier
from .multitask import MultiTaskMLP
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "MultiTaskMLP"]
