"""Preprocessing: cleaning and splitting of tables, and resizing of images."""

from .duplicates import DuplicateRemover
from .nulls import NullColumnRemover, NullRemover
from .outliers import OutlierRemover
from .removals import Removals
from .resize import Resize
from .splitting import train_val_test_split

__all__ = [
    "DuplicateRemover",
    "NullColumnRemover",
    "NullRemover",
    "OutlierRemover",
    "Removals",
    "Resize",
    "train_val_test_split",
]
