"""Estimators: classifier, regressor and multi-task network."""

from typing import TYPE_CHECKING

from .._lazy import lazy_names
from .classifier import MLPClassifier
from .regressor import MLPRegressor

if TYPE_CHECKING:
    from .multitask import MultiTaskMLP

__all__ = ["MLPClassifier", "MLPRegressor", "MultiTaskMLP"]

# It reads frames and has scores of each head, whose libraries the others do not load.
__getattr__, __dir__ = lazy_names(__name__, {"multitask": ("MultiTaskMLP",)})
