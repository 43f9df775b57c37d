"""Names of the cases of a test."""

import re


def name_of(case):
    """Return a name without addresses: the processes of `pytest -n` compare their tests' names."""
    return re.sub(" at 0x[0-9a-f]+", "", getattr(case, "__name__", str(case)))
