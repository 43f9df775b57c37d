"""Zip archives of a JSON document and arrays, with a checksum of every bit.

The members are `DOCUMENT` and a file of NumPy's npy format for each array; none is compressed, so
that nothing is larger in memory than in the file. The archive's comment, which is the end of the
file, has a checksum of all bytes before it.
"""

import hashlib
import io
import json
import math
import zipfile

import numpy as np
from numpy.lib import format as npy

#: Name of the first member. The files of all formats have it, and the checksum.
DOCUMENT = "fastnn.json"

_BEGIN = b"PK\x03\x04"  # of any zip archive
_SEAL, _DIGITS = b"fastnn blake2b ", 32
_END = len(_SEAL) + _DIGITS
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same content has the same bytes
_KINDS = "biufcSUmM"  # of types whose elements are plain memory


def pack(document, arrays) -> bytes:
    """Return the bytes of an archive.

    Parameters
    ----------
    document : dict
        Anything that JSON can express.
    arrays : list of ndarray
        Member ``i`` is called as `member` names it.
    """
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = _SEAL + b"0" * _DIGITS
        archive.writestr(zipfile.ZipInfo(DOCUMENT, _WHEN), text)
        for i, array in enumerate(arrays):
            info = zipfile.ZipInfo(member(i), _WHEN)
            with archive.open(info, "w", force_zip64=array.nbytes >> 31 > 0) as entry:
                npy.write_array(entry, array, allow_pickle=False)
    content = file.getbuffer()
    content[-_DIGITS:] = _checksum(content)
    return bytes(content)


def member(number: int) -> str:
    """Return the name of the member of an array."""
    return f"arrays/{number}.npy"


def seal_of(content) -> bytes:
    """Return the end of an archive, or of a file, which identifies the content."""
    return bytes(content[-_END:])


def seal_at(path) -> bytes | None:
    """Return the seal of a file; None if there is no file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _END))
            return file.read()
    except FileNotFoundError:
        return None


def check(content: bytes, name: str) -> None:
    """Raise a ValueError, with the name of the file, unless its bytes are as they were written."""
    if not (content.startswith(_BEGIN) and DOCUMENT.encode() in content[:64]):
        raise ValueError(f"{name} is no file of fastnn, or its beginning is damaged.")
    if seal_of(content) != _SEAL + _checksum(content):
        raise ValueError(
            f"{name} is damaged: its content does not have the checksum that it was written with. "
            "Remove it, or put a copy in its place."
        )


class Archive:
    """An archive that `check` has found to be whole; errors are of those changed by hand.

    Parameters
    ----------
    content : bytes

    Attributes
    ----------
    document : dict
    """

    def __init__(self, content: bytes):
        self._zip = zipfile.ZipFile(io.BytesIO(content))
        self._unread = {info.filename: info for info in self._zip.infolist()}
        if sum(info.file_size for info in self._unread.values()) > len(content):
            raise ValueError("its members are larger than the file.")
        self.document = json.loads(self._read(DOCUMENT), parse_constant=_refuse_constant)

    def array(self, number: int) -> np.ndarray:
        """Return an array: a copy, in the byte order of this machine."""
        content = self._read(member(number))
        file = io.BytesIO(content)
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"an array of version {version} of the npy format.")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read_header(file)
        start = file.tell()
        if dtype.kind not in _KINDS or dtype.itemsize == 0:
            raise ValueError(f"an array has the type {dtype}.")
        if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != len(content) - start:
            raise ValueError(f"an array of shape {shape} has {len(content) - start} bytes.")
        flat = np.frombuffer(content, dtype, offset=start)
        array = flat.reshape(shape, order="F" if fortran_order else "C")
        return array.astype(dtype.newbyteorder("="))

    def _read(self, name: str) -> bytes:
        """Return a member; each is read once, so that all are no larger than the file."""
        info = self._unread.pop(name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"the member {name!r} is compressed.")
        return self._zip.read(info)


def _checksum(content) -> bytes:
    """Return the checksum of an archive: that of all before the checksum."""
    digest = hashlib.blake2b(memoryview(content)[:-_DIGITS], digest_size=_DIGITS // 2)
    return digest.hexdigest().encode()


def _refuse_constant(name):
    raise ValueError(f"{name} is no number of JSON.")
