"""Files that callbacks write during training."""

import os
from pathlib import Path

from .._warnings import warn


def append(path: Path, text: str) -> None:
    """Append text to a file, all of it or nothing."""
    with open(path, "r+b", buffering=0) as file:
        size, content = file.seek(0, os.SEEK_END), text.encode()
        try:
            while content:
                content = content[file.write(content) :]
        except OSError:
            file.truncate(size)
            raise


def warn_of_failure(what: str, path, error: OSError) -> None:
    """Warn that a file could not be written, and that training continues."""
    warn(
        f"{what} could not write {str(path)!r} ({error.strerror or error}): training continues, "
        "and the file is unchanged.",
    )
