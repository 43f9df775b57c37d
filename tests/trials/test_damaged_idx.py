"""Damaged IDX files: each is refused in a sentence that names it, or read as what it says."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest

from fastnn.datasets import load_idx

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def sound(rng):
    """The bytes of an IDX file."""
    code = rng.choice(list(TYPES))
    shape = rng.integers(0, 7, rng.integers(1, 5)).tolist()
    n_bytes = np.prod(shape, dtype=int) * np.dtype(TYPES[code]).itemsize
    header = struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)
    # Few different bytes, which gzip makes short.
    return header + rng.integers(0, 4, n_bytes, dtype=np.uint8).tobytes()


def flipped(data, rng):
    changed = np.frombuffer(data, np.uint8).copy()
    for place in rng.integers(0, len(changed), rng.integers(1, 4)):
        changed[place] ^= 1 << rng.integers(8)
    return changed.tobytes()


def overwritten(data, rng):
    at, n = rng.integers(len(data)), rng.integers(1, 9)
    return data[:at] + rng.bytes(n) + data[at + n :]


def damaged(data, rng):
    """Return the bytes with some removed or changed."""
    at = int(rng.integers(len(data)))
    return [
        flipped,
        overwritten,
        lambda data, rng: data[:at],
        lambda data, rng: data[:at] + data[at + int(rng.integers(1, 9)) :],
        lambda data, rng: data[:at] + rng.bytes(rng.integers(1, 9)) + data[at:],
        lambda data, rng: data + rng.bytes(rng.integers(1, 40)),
        lambda data, rng: rng.bytes(len(data)),
        lambda data, rng: data + data,
    ][rng.integers(8)](data, rng)


def read_plainly(data):
    """Read bytes by a minimal reader, or raise any error."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    assert data[:2] == b"\0\0" and data[3] > 0
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    array = np.frombuffer(data, TYPES[data[2]], offset=4 + 4 * data[3])
    return array.reshape(shape)


def try_files(tmp_path, n, seed):
    """Counts of files that were read and that were refused."""
    rng = np.random.default_rng(seed)
    path, n_read = tmp_path / "damaged", 0
    for _ in range(n):
        data = sound(rng)
        which = rng.integers(3)  # what is damaged: a plain file, what was packed, or the package
        if which < 2:
            data = damaged(data, rng)
        if which > 0:
            data = gzip.compress(data, mtime=0)
        if which == 2:
            data = damaged(data, rng)
        path.write_bytes(data)
        try:
            expected = read_plainly(data)
        except Exception:
            with pytest.raises(ValueError, match="damaged"):
                load_idx(path)
            continue
        found = load_idx(path)
        assert found.dtype == expected.dtype.newbyteorder("=") and found.dtype.isnative
        np.testing.assert_array_equal(found, expected)
        n_read += 1
    return n_read, n - n_read


def test_some_damaged_files(tmp_path):
    assert min(try_files(tmp_path, 700, 0)) > 30


@pytest.mark.whole
def test_many_damaged_files(tmp_path):
    assert min(try_files(tmp_path, 23_000, 1)) > 1000


def measured(path, message):
    """Measure the peak memory of an error."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            load_idx(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("start", "message"),
    [(b"", "is not an IDX file"), (b"\0\0\x08\1\0\0\0\1", r"holds 4294967296 bytes, but .* 9;")],
)
def test_a_large_file_is_not_read_whole(tmp_path, start, message):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(start or b"GGUF")
        os.truncate(file.fileno(), 1 << 32)  # takes no room
    assert measured(path, message) < 1 << 20


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "is not an IDX file: it starts with '00 00 00 00'"),
        (b"\0\0\x08\1\0\0\0\5", r"holds more bytes, but its IDX header \(5,\) asks for 13"),
        (b"\0\0\x08\1\xff\xff\xff\xff", r"compressed, but its IDX header \(4294967295,\)"),
    ],
)
def test_what_gzip_gives_is_bounded_by_the_header(tmp_path, header, message):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(header + bytes(100 << 20)))
    assert measured(path, message) < 4 << 20


@pytest.mark.parametrize("shape", [(1,) * 65, (0, *[2**32 - 1] * 3)])
def test_shapes_that_no_array_can_have(tmp_path, shape):
    path = tmp_path / "shape"
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    path.write_bytes(header + bytes(all(shape)))
    with pytest.raises(ValueError, match="shape asks for an array of the shape"):
        load_idx(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="/dev/null is not a regular file"):
        load_idx(os.devnull)
    with pytest.raises(OSError):
        load_idx(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_idx(tmp_path / "absent")
