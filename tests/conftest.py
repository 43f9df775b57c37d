"""What all tests share: no window, one stream of examples."""

import os

os.environ.setdefault("MPLBACKEND", "agg")

from hypothesis import settings

# The same examples every time: a failure of one run is a failure of the next.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
