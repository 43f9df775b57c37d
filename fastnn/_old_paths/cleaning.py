"""Names that pickles know from here."""

from fastnn.preprocessing.cleaning import (  # noqa: F401
    DuplicateRemover,
    NullColumnRemover,
    NullRemover,
    OutlierRemover,
)
