"""Footprint of a library: the time of its import and its size on disk."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def import_times(lines, runs):
    """Seconds that a new Python needs for each line, in turns."""
    program = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"

    def seconds(line):
        command = [sys.executable, "-c", program.format(line)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    for line in lines.values():
        seconds(line)  # reads the files
    times = {name: [] for name in lines}
    for _ in range(runs):
        for name, line in lines.items():
            times[name].append(seconds(line))
    return times


def installed_size(distributions):
    """MiB on disk of these and of all that they depend on, without compiled Python."""
    waiting, seen, size = list(distributions), set(), 0
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        files, requirements = contents(name)
        files = {file for file in map(Path, files) if file.suffix != ".pyc" and file.is_file()}
        size += sum(file.stat().st_size for file in files)
        for requirement in map(Requirement, requirements):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return size / 2**20


def contents(name):
    """Files and requirements of a distribution; fastnn may also run from its source tree."""
    if name == "fastnn":
        folder = Path(importlib.util.find_spec("fastnn").origin).parent
        files = [*folder.rglob("*.py"), *folder.rglob("*.pyi"), *folder.rglob("*.so")]
        return files, tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    distribution = importlib.metadata.distribution(name)
    files = map(distribution.locate_file, distribution.files or ())
    return files, distribution.requires or ()


def missing(distributions):
    """Names of what is not installed."""
    return [name for name in distributions if name != "fastnn" and not is_installed(name)]


def is_installed(distribution):
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
