"""Names that pickles know from here."""

from fastnn._network.network import Network  # noqa: F401
