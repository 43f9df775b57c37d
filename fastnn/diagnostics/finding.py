"""Base class of the results of diagnostics, and formatting of their sentences."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(repr=False)
class Finding:
    """Result of a diagnostic.

    Attributes
    ----------
    ok : bool
        Whether there is no fault.
    verdict : str
        The result in words, and what to do about a fault.
    """

    ok: bool
    verdict: str

    title: ClassVar[str] = ""

    def __str__(self):
        return f"{self.title}: {self.verdict}"

    def __repr__(self):
        return f"<{type(self).__name__}, {'ok' if self.ok else 'fault'}: {self.verdict}>"


def fmt(value):
    """Format a number with three significant digits."""
    return f"{value:.3g}"


def join_names(names, max_names=5):
    """Join names with commas, at most `max_names` of them."""
    names = [str(name) for name in names]
    rest = len(names) - max_names
    return ", ".join(names[:max_names]) + (f" and {rest} more" if rest > 0 else "")
