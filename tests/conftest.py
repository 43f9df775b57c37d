"""What all tests share: no window, the installed package, one stream of examples."""

import os

os.environ.setdefault("MPLBACKEND", "agg")
# Child processes test the package that this one tests, not the source folder they start in.
os.environ["PYTHONSAFEPATH"] = "1"

from hypothesis import settings

# The same examples every time: a failure of one run is a failure of the next.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
