"""Preparation of data before `fit`: cleaning a table, and splitting it into parts."""

from .duplicates import DuplicateRemover
from .nulls import NullColumnRemover, NullRemover
from .outliers import OutlierRemover
from .removals import Removals
from .splitting import train_val_test_split

__all__ = [
    "DuplicateRemover",
    "NullColumnRemover",
    "NullRemover",
    "OutlierRemover",
    "Removals",
    "train_val_test_split",
]
