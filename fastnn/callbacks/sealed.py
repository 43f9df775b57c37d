"""Pickles with a header that contains a checksum, so that damage is detected."""

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

from .files import replace_file

#: Incremented when older versions cannot read the content of a file.
FORMAT = 2

_SEAL = re.compile(rb"fastnn checkpoint (\d+) ([0-9a-f]{32})\n")
_LENGTH = 64  # largest length of a header


def write(path: Path, content) -> bytes:
    """Replace a file by one with this content; return its header."""
    pickled = pickle.dumps(content, protocol=5)
    seal = f"fastnn checkpoint {FORMAT} {_checksum(pickled)}\n".encode()
    replace_file(path, seal, pickled)
    return seal


def seal_of(path) -> bytes | None:
    """Return the header of a file, which identifies its content; None if there is no file."""
    try:
        with open(path, "rb") as file:
            return file.readline(_LENGTH)
    except FileNotFoundError:
        return None


def read(path) -> Any:
    """Return the content of a file; a damaged one is not unpickled."""
    content = Path(path).read_bytes()
    seal = _SEAL.match(content[:_LENGTH])
    if seal is None:
        raise ValueError(
            f"{str(path)!r} is no checkpoint of fastnn, or its beginning is damaged. (If a fastnn "
            "before its first release wrote it, the estimator is "
            "pickle.load(open(path, 'rb'))['model'].)"
        )
    if int(seal[1]) > FORMAT:
        raise ValueError(f"{str(path)!r} was written by a later fastnn: load it with that.")
    pickled = memoryview(content)[seal.end() :]
    if _checksum(pickled) != seal[2].decode():
        raise ValueError(
            f"{str(path)!r} is damaged: its content does not have the checksum that it was "
            "written with. Remove it, or put a copy in its place."
        )
    return pickle.loads(pickled)


def _checksum(content) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
