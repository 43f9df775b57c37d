"""Versions and capabilities of the machine, for bug reports."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def show_versions() -> None:
    """Print the versions and the machine's capabilities that fastnn works with."""
    from . import __version__, _core
    from ._core.cpu import isa_info

    isa = isa_info()
    threads = _core.n_threads(None, float("inf"))
    rows = {
        "fastnn": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "numpy": _version("numpy"),
        "scipy": _version("scipy"),
        "scikit-learn": _version("scikit-learn"),
        "instruction set": f"{isa['active']} (available: {', '.join(isa['available'])})",
        "bfloat16": isa["bfloat16"],
        "OpenMP": "yes" if isa["openmp"] else "no: one thread only",
        "threads": threads,
        "CUDA": _core.describe_cuda(),
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:>{width}}: {value}")
