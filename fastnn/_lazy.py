"""Lazy imports: modules of a package that are loaded when a name of theirs is first used."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]], submodules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package, see PEP 562.

    Parameters
    ----------
    package : str
        Its `__name__`.
    modules : mapping of str to sequence of str
        Public names by the module of the package that defines them.
    submodules : sequence of str
        Modules of the package that are public names themselves.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def find(name: str) -> Any:
        if name in submodules:
            return import_module(f".{name}", package)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f".{homes[name]}", package), name)
        vars(sys.modules[package])[name] = found  # which is not asked for again
        return found

    return find, lambda: sorted({*vars(sys.modules[package]), *homes, *submodules})
