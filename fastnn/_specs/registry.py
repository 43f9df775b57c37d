"""Names that stand for specs, by the parameters of estimators and specs that may hold them.

Each module that has such names registers them, so that `set_params` finds what they stand for.
"""

from collections.abc import Mapping

SPECS: dict[str, Mapping[str, type]] = {}


def register(names: Mapping[str, type], *parameters: str) -> None:
    """Let names stand for specs in these parameters."""
    SPECS.update(dict.fromkeys(parameters, names))
