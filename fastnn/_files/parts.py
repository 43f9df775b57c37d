"""Files of named parts, such as the network and the history of an estimator."""

import zipfile
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .archive import Archive, check, pack
from .trees import Reader, Unsupported, Untrusted, Writer

#: Incremented when older versions cannot read the content of a file.
FORMAT = 1
#: What loads the files of each kind.
LOADERS = {"model": "fastnn.load", "checkpoint": "fastnn.callbacks.load_checkpoint"}


def packed(kind: str, parts: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file with these parts.

    Parameters
    ----------
    kind : str
        One of `LOADERS`.
    parts : mapping of str
        Trees of plain values, arrays and objects of fastnn, see ``trees.py``.
    """
    from .. import __version__

    writer, encoded = Writer(), {}
    for name, part in parts.items():
        try:
            encoded[name] = writer.encode(part)
        except Unsupported as error:
            raise ValueError(f"No file can hold the {name} of this {kind}: {error}.") from error
    document = {"fastnn": __version__, "format": FORMAT, "kind": kind, "parts": encoded}
    return pack(document, writer.arrays)


def check_parameters_fit(parameters: Mapping[str, Any], what: str) -> None:
    """Raise a ValueError if a file cannot hold one of the parameters."""
    for name, value in parameters.items():
        try:
            Writer().encode(value)
        except Unsupported as error:
            raise ValueError(
                f"{what} cannot write {name}={value!r}, which is or holds {error}: define "
                "functions and classes at the top of a module, or set another value."
            ) from error


def names_in(parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the functions and classes of users that a file of these would have."""
    writer = Writer()
    for value in parameters.values():
        with suppress(Unsupported):
            writer.encode(value)
    return frozenset(writer.names)


class Parts(Mapping):
    """Parts of a file, each of which is decoded when it is first used.

    Parameters
    ----------
    path : str or path-like
    kind : str, default=None
        The kind that is expected; None is any.
    trusted : collection of str
        Names of functions and classes, which may be imported: "module:name".

    Attributes
    ----------
    version : str
        The version of fastnn that wrote it.

    Raises
    ------
    ValueError
        If it is no such file, is damaged, or was written by a later fastnn.
    """

    def __init__(self, path, kind=None, trusted=()):
        from .. import __version__

        path = Path(path)
        if path.is_dir():
            raise IsADirectoryError(f"{str(path)!r} is a folder: give the name of a file.")
        self._name, content = repr(str(path)), path.read_bytes()
        check(content, self._name)
        with self.checked():
            archive = Archive(content)
            number, self.version, own = (archive.document[k] for k in ("format", "fastnn", "kind"))
            is_known = number <= FORMAT
        if not is_known:
            raise ValueError(
                f"{self._name} was written by fastnn {self.version}, in format {number}, and "
                f"fastnn {__version__} reads formats up to {FORMAT}: load it with fastnn "
                f"{self.version} or later."
            )
        if kind not in (None, own):
            raise ValueError(f"{self._name} is a {own}: {LOADERS.get(own)} loads it.")
        with self.checked():
            self._parts = dict(archive.document["parts"])
        self._reader, self._decoded = Reader(archive.array, trusted), {}

    def __getitem__(self, name):
        if name not in self._decoded:
            if name not in self._parts:
                raise KeyError(name)
            self._decoded[name] = self._reader.decode(self._parts[name])
        return self._decoded[name]

    def __contains__(self, name):
        return name in self._parts

    def __iter__(self):
        return iter(self._parts)

    def __len__(self):
        return len(self._parts)

    @contextmanager
    def checked(self):
        """Context in which an error says that the file is damaged, or needs trust."""
        try:
            yield
        except Untrusted as error:
            raise ValueError(f"{self._name} {error}") from None
        except (
            ArithmeticError,
            AttributeError,
            EOFError,
            LookupError,
            MemoryError,
            RuntimeError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else error.__cause__ or error
            raise ValueError(f"{self._name} is damaged, or was changed by hand: {why}") from error
