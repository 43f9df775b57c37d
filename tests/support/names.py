"""What cases of tests are called."""

import re


def name_of(case):
    """No address of a function: the processes of `pytest -n` compare the names of their tests."""
    return re.sub(" at 0x[0-9a-f]+", "", getattr(case, "__name__", str(case)))
