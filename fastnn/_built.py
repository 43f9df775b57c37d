"""Imported first: refuses a source folder in which nothing was compiled, and says what to do."""

from importlib.machinery import PathFinder
from pathlib import Path

_FOLDER = Path(__file__).parent

if PathFinder.find_spec("engine", [str(_FOLDER / "_core" / "cpu")]) is None:
    raise ImportError(
        f"{_FOLDER} is the source folder of fastnn, without a compiled engine for this Python: run "
        f"`pip install .` in {_FOLDER.parent}, and start Python in another folder, where the "
        "installed package is found."
    )
