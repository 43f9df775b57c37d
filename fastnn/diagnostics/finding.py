"""What a diagnostic says."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(repr=False)
class Finding:
    """What a diagnostic found.

    Attributes
    ----------
    ok : bool
        Whether nothing is wrong.
    verdict : str
        What was found, and what to do about it.
    """

    ok: bool
    verdict: str

    title: ClassVar[str] = ""

    def __str__(self):
        return f"{self.title}: {self.verdict}"

    def __repr__(self):
        return f"<{type(self).__name__}, {'ok' if self.ok else 'fault'}: {self.verdict}>"


def number(value):
    """With three digits."""
    return f"{value:.3g}"


def listed(names, most=5):
    """Some of these, in words."""
    names = [str(name) for name in names]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
