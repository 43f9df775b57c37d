"""Exported C files, compiled and called."""

import ctypes
import shutil
import subprocess

import numpy as np

#: Compilers of C that are installed.
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


class Library:
    """Functions of C files, compiled without a warning; they take rows as arrays."""

    def __init__(self, compiler, folder, *options):
        path = folder / f"{compiler}{len(options)}.so"
        sources = map(str, sorted(folder.glob("*.c")))
        flags = [*STRICT, "-O1", "-shared", "-fPIC", *options]
        command = [compiler, *flags, "-o", str(path), *sources, "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
        self._library = ctypes.CDLL(str(path))

    def rows(self, name, rows, width, dtype=np.float32):
        """Return what a function of rows writes, `width` numbers for each."""
        rows = np.ascontiguousarray(rows, np.float32)
        out = np.empty((len(rows), width), dtype)
        self._library[name](ctypes.c_size_t(len(rows)), _address(rows), _address(out))
        return out

    def each(self, name, rows, width, dtype=np.float32):
        """Return the same of a function that is called with one row at a time."""
        out = np.empty((len(rows), width), dtype)
        for row, own in zip(np.ascontiguousarray(rows, np.float32), out, strict=True):
            self._library[name](_address(row), _address(own))
        return out

    def labels(self, name, rows):
        """Return the class that a function of one row returns."""
        rows = np.ascontiguousarray(rows, np.float32)
        return np.array([self._library[name](_address(row)) for row in rows])

    def strings(self, name, n):
        """Return an array of strings."""
        array = (ctypes.c_char_p * n).in_dll(self._library, name)
        return [text.decode() for text in array]


def _address(array):
    return array.ctypes.data_as(ctypes.c_void_p)
