"""Names that pickles know from here."""

from fastnn._train.trainer import History  # noqa: F401
