"""Names that pickles know from here."""

from fastnn.preprocessing import (  # noqa: F401
    DuplicateRemover,
    NullColumnRemover,
    NullRemover,
    OutlierRemover,
)
