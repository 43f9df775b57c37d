"""Estimators: classifier, regressor and multi-task network."""

from .classifier import MLPClassifier
from .multitask import MultiTaskMLP
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "MultiTaskMLP"]
