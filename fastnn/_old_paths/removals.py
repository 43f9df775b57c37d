"""Names that pickles know from here."""

from fastnn.preprocessing.removals import Removals  # noqa: F401
