"""Libraries that only some sources need."""

from importlib import import_module
from types import ModuleType

# The extra of this package that installs a library.
_EXTRAS = {"pyarrow": "parquet", "h5py": "hdf5", "PIL": "images"}


def need(module: str, owner: str) -> ModuleType:
    """Import a module; an error says what `owner` needs, and how to install it."""
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError:
        how = f'"fastnn[{_EXTRAS[library]}]"' if library in _EXTRAS else library
        shown = "pillow" if library == "PIL" else library
        raise ImportError(f"{owner} needs {shown}: pip install {how}.") from None
