"""Lines of CSV files, found without parsing their values."""

from collections.abc import Iterator

import numpy as np


def first_line(path) -> tuple[bytes, int]:
    """Return the first line that is not blank, and where the next begins."""
    with open(path, "rb") as file:
        for line in file:
            if line.startswith(b"\x1f\x8b"):
                raise ValueError(f"{path} is compressed: decompress it, or convert it to Parquet.")
            if line.strip():
                return line.removeprefix(b"\xef\xbb\xbf"), file.tell()
    raise ValueError(f"{path} is empty.")


def first_lines(path, start: int, n_bytes: int) -> bytes:
    """Return whole lines from a place in a file, about this many bytes."""
    return next(_texts(path, start, n_bytes), b"")


def ranges(path, start: int, n_bytes: int) -> Iterator[tuple[int, int, int]]:
    """Yield parts of a file that end at line ends: first byte, number of bytes and of rows."""
    for text in _texts(path, start, n_bytes):
        if text.count(b'"') % 2:
            raise ValueError(
                f"{path} has a line break within quotes, between the bytes {start} and "
                f"{start + len(text)}: replace it, or convert the file to Parquet."
            )
        yield start, len(text), count_rows(text)
        start += len(text)


def _texts(path, start, n_bytes):
    with open(path, "rb") as file:
        file.seek(start)
        while text := file.read(n_bytes):
            yield text if text.endswith(b"\n") else text + file.readline()


def count_rows(text: bytes) -> int:
    """Return the number of lines that are not empty."""
    characters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    lengths = np.diff(ends, prepend=-1) - 1
    short = ends[lengths == 1] - 1
    n_blank = np.count_nonzero(lengths == 0) + np.count_nonzero(characters[short] == ord("\r"))
    return len(lengths) - int(n_blank)
