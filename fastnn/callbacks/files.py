"""Files that are whole at any time, whenever a process ends and whatever a disk has room for."""

import glob
import os
import tempfile
from pathlib import Path

from .._warnings import warn

_PARTIAL = ".partial"


def check_folder(path, what: str) -> Path:
    """The path; refuses one in a folder that does not exist or must not be written to.

    Takes away what a process that was killed has left beside it.
    """
    path = Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{what}: there is no folder {str(folder)!r}: make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{what}: {str(path)!r} is a folder: give the name of a file.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{what}: the folder {str(folder)!r} must not be written to.")
    for beside in folder.glob(f".{glob.escape(path.name)}.{'?' * 8}{_PARTIAL}"):
        beside.unlink(missing_ok=True)
    return path


def replace_file(path: Path, *parts: bytes) -> None:
    """Put a new file in the place of this one; one that was there stays until it is complete."""
    folder = path.absolute().parent
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PARTIAL, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, _permissions(path))  # for `mkstemp` allows the owner only
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    _sync_folder(folder)


def _permissions(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a loss of power, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def append(path: Path, text: str) -> None:
    """Add a line to a file, all of it or nothing."""
    with open(path, "r+b", buffering=0) as file:
        size, content = file.seek(0, os.SEEK_END), text.encode()
        try:
            while content:
                content = content[file.write(content) :]
        except OSError:
            file.truncate(size)
            raise


def warn_of_failure(what: str, path, error: OSError) -> None:
    """Training goes on where a file could not be written; the user hears of it."""
    warn(
        f"{what} could not write {str(path)!r} ({error.strerror or error}): training goes on, and "
        "the file is as it was.",
    )
