"""Parser of the command ``fastnn``, its error messages and exit statuses."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from .. import __version__
from . import check, demo, info, predict, train

COMMANDS = {"demo": demo, "train": train, "predict": predict, "check": check, "info": info}
#: Former names of commands.
ALIASES = {"info": ["versions"]}

#: Exit statuses. `argparse` exits with that of an error too.
ERROR, INTERRUPTED = 2, 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        "fastnn", description="Fast feed-forward neural networks with scikit-learn's interface."
    )
    whole.add_argument("--version", action="version", version=f"fastnn {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = str(module.__doc__)
        one = commands.add_parser(
            name,
            aliases=ALIASES.get(name, []),
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(one)
        one.set_defaults(run=module.run, prog=one.prog)
    return whole


def _was_interrupted(messages: list[str]) -> bool:
    """Return whether a warning says that Ctrl-C ended the training."""
    if not messages:
        return False
    from .._train.training import INTERRUPTED as message  # slow to import

    return any(one.startswith(message) for one in messages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command given on the command line, and return the exit status.

    Without a command, the help is printed. Errors and warnings are one line each.
    """
    whole = parser()
    asked = whole.parse_args(arguments)
    if not hasattr(asked, "run"):
        whole.print_help()
        return 0

    warned = []

    def tell(kind, message):
        print(f"{asked.prog}: {kind}: {' '.join(str(message).split())}", file=sys.stderr)

    def warn(message, *_, **__):
        warned.append(str(message))
        tell("warning", message)

    with warnings.catch_warnings():
        warnings.showwarning = warn
        try:
            status = asked.run(asked)
            return INTERRUPTED if _was_interrupted(warned) else status
        except KeyboardInterrupt:
            print(f"{asked.prog}: interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # what reads the output has seen enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ERROR
        except OSError as error:
            tell("error", f"{error.filename}: {error.strerror}" if error.filename else error)
            return ERROR
        except (ImportError, TypeError, ValueError) as error:
            tell("error", error)
            return ERROR
