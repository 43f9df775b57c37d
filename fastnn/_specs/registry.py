"""Registry of the names of specs, by parameter of estimators and specs.

Each module registers the names of its specs, so that `set_params` finds the specs.
"""

from collections.abc import Mapping

SPECS: dict[str, Mapping[str, type]] = {}


def register(names: Mapping[str, type], *parameters: str) -> None:
    """Register the specs that names stand for in these parameters."""
    SPECS.update(dict.fromkeys(parameters, names))
