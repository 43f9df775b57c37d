"""Optional libraries of sources."""

from importlib import import_module
from types import ModuleType

from .._extras import pip_install

# The extra that installs a library, and its name on the Python package index.
_EXTRAS = {"pyarrow": "parquet", "h5py": "hdf5", "PIL": "images"}
_NAMES = {"PIL": "pillow"}


def need(module: str, owner: str) -> ModuleType:
    """Import a module; an error tells which library `owner` needs, and how to install it."""
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError:
        how = pip_install(_EXTRAS[library]) if library in _EXTRAS else f"pip install {library}"
        raise ImportError(f"{owner} needs {_NAMES.get(library, library)}: {how}.") from None
