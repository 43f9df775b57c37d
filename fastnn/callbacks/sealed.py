"""Pickles that are known to be whole: a line with a checksum comes before them."""

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

from .files import replace_file

#: Raised when what is in a file could not be read by older versions.
FORMAT = 2

_SEAL = re.compile(rb"fastnn checkpoint (\d+) ([0-9a-f]{32})\n")
_LENGTH = 64  # of a seal, at most


def write(path: Path, content) -> bytes:
    """Put a file with this content in the place of this one; returns its seal."""
    pickled = pickle.dumps(content, protocol=5)
    seal = f"fastnn checkpoint {FORMAT} {_checksum(pickled)}\n".encode()
    replace_file(path, seal, pickled)
    return seal


def seal_of(path) -> bytes | None:
    """By what a file is known from others, or None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.readline(_LENGTH)
    except FileNotFoundError:
        return None


def read(path) -> Any:
    """The content of a file. What is damaged is not unpickled."""
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
