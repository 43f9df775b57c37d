"""The command ``fastnn``, also available as ``python -m fastnn``."""

import sys

from ._cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["demo"]))
