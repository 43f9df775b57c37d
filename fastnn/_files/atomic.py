"""Atomic writing of files: complete even if the process ends or the disk is full."""

import glob
import os
import tempfile
from pathlib import Path

_PARTIAL = ".partial"


def check_folder(path, what: str) -> Path:
    """Return the path; raise an OSError if its folder does not exist or is not writable.

    Temporary files left by a killed process are removed.
    """
    path = Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{what}: there is no folder {str(folder)!r}: create it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{what}: {str(path)!r} is a folder: give the name of a file.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{what}: the folder {str(folder)!r} is not writable.")
    for temporary in folder.glob(f".{glob.escape(path.name)}.{'?' * 8}{_PARTIAL}"):
        temporary.unlink(missing_ok=True)
    return path


def replace_file(path: Path, *parts: bytes) -> None:
    """Replace a file by a new one; the old one remains until the new one is complete."""
    folder = path.absolute().parent
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PARTIAL, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _permissions(path))  # `mkstemp` grants access to the owner only
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
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
    """Flush the folder to disk, where the system can, so that the new name survives a crash."""
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
