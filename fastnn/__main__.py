"""The command ``fastnn``, also available as ``python -m fastnn``."""

import argparse
import sys

from . import __version__, show_versions


def demo():
    """Train fastnn and scikit-learn side by side on handwritten digits, and draw the results."""
    from ._demo import run  # slow to import

    run()


def versions():
    """Print the versions and the machine's capabilities, for a bug report."""
    show_versions()


def main(arguments=None):
    """Run the command given on the command line; without a command, print the help."""
    parser = argparse.ArgumentParser(
        "fastnn", description="Fast feed-forward neural networks with scikit-learn's interface."
    )
    parser.add_argument("--version", action="version", version=f"fastnn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (demo, versions):
        one = commands.add_parser(
            command.__name__, help=command.__doc__, description=command.__doc__
        )
        one.set_defaults(command=command)
    asked = parser.parse_args(arguments)
    getattr(asked, "command", parser.print_help)()


if __name__ == "__main__":
    main(sys.argv[1:] or ["demo"])
