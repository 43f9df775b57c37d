"""Files of a source, found by names, folders and patterns, and checked for changes."""

import glob
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

# What Hive calls a partition whose value is missing.
_NULL = "__HIVE_DEFAULT_PARTITION__"


class Files:
    """Files of a source, with their state at its creation.

    Parameters
    ----------
    paths : str, path-like, or list of such
        Files, folders, and patterns such as ``"data/*.parquet"``.
    suffixes : tuple of str
        Suffixes of the files to read in folders. Names that begin with ``.`` or ``_`` are ignored.

    Attributes
    ----------
    names : list of str
        Names of all files; folders and patterns are replaced by their files, sorted by name.
    partitions : list of dict
        For each file, the values in names of folders, such as ``year=2024``, below the folder or
        the pattern.
    """

    def __init__(self, paths, suffixes: tuple[str, ...]):
        self.names: list[str] = []
        self.partitions: list[dict[str, str | None]] = []
        several = isinstance(paths, Iterable) and not isinstance(paths, str | bytes)
        for path in paths if several else [paths]:
            root, names = _find(os.fspath(path), suffixes)
            self.names += names
            self.partitions += [_partitions(root, name) for name in names]
        if not self.names:
            raise ValueError("There are no files to read: the list of paths is empty.")
        self.stats = [_stat(name) for name in self.names]

    def check(self, number: int) -> str:
        """Return the name of a file, after checking that it has not changed."""
        name = self.names[number]
        if _stat(name) != self.stats[number]:
            raise ValueError(
                f"{name} has changed since this source was made: make the source again, and fit "
                "from the beginning."
            )
        return name

    def identity(self) -> str:
        """Return the number of files, and a digest of their names, sizes and times."""
        each = zip(self.names, self.stats, strict=True)
        full = [(os.path.abspath(name), *stat) for name, stat in each]
        return f"{len(full)} file(s) {hashlib.sha256(repr(full).encode()).hexdigest()[:32]}"


def _stat(name):
    try:
        found = os.stat(name)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {name}.") from None
    return found.st_size, found.st_mtime_ns


def _find(path, suffixes):
    """Return the folder below which files are looked for, and their names."""
    if os.path.isdir(path):
        root = path
        found = (str(each) for each in Path(path).rglob("*") if each.name.endswith(suffixes))
    elif glob.has_magic(path) and not os.path.exists(path):
        parts = Path(path).parts
        fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
        root, found = str(Path(*parts[:fixed])), iter(glob.glob(path, recursive=True))
    else:
        return os.path.dirname(path), [path]
    names = sorted(name for name in found if os.path.isfile(name) and not _is_hidden(root, name))
    if not names:
        where = f"folder {path} has no file" if root == path else f"pattern {path} matches no file"
        raise FileNotFoundError(f"The {where}{f' {suffixes[0]}' * (root == path)}.")
    return root, names


def _below(root, name):
    return Path(name).relative_to(root).parts


def _is_hidden(root, name):
    return any(part.startswith((".", "_")) for part in _below(root, name))


def _partitions(root, name):
    pairs = [part.split("=", 1) for part in _below(root, name)[:-1] if "=" in part]
    return {key: None if value == _NULL else unquote(value) for key, value in pairs}
