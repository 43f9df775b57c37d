"""Names that pickles know from here."""

from fastnn._train.history import History  # noqa: F401
