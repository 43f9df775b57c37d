"""Export of fitted networks to C: their names, quantization and files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from .._files.atomic import check_folder, replace_file
from .._network.architecture import describe
from .c_files import CFiles
from .c_source import int8_weights
from .prediction import prediction_of


@dataclass(frozen=True)
class ExportedC:
    """Files that `to_c` has written, and what they need.

    Attributes
    ----------
    source, header : Path
    n_constant : int
        Bytes of the constants.
    n_stack : int
        Bytes of the stack that a prediction takes for its numbers.
    largest_change : float or None
        Largest change of an output by quantized weights, on the rows that were given.
    changed_labels : float or None
        Fraction of these rows whose label differs; None for regressors.
    scores : tuple of float or None
        The estimator's `score` of these rows before and after, if their targets were given.
    """

    source: Path
    header: Path
    n_constant: int
    n_stack: int
    largest_change: float | None = None
    changed_labels: float | None = None
    scores: tuple[float, float] | None = None


def quantized_network(network):
    """Return a copy of a network with weights that int8 and a scale for each unit can hold."""
    rounded = network.copied()
    for coef in rounded.coefs:
        integers, scales = int8_weights(coef.astype(float))
        coef[...] = integers * scales
    return rounded


def loss_of_quantization(model, quantized, X, y) -> dict:
    """Return what quantized weights change on some rows, as attributes of `ExportedC`."""
    before, after = (each._outputs(X)[1] for each in (model, quantized))
    changes: dict[str, Any] = {"largest_change": float(np.abs(after - before).max())}
    if is_classifier(model):
        differs = model.predict(X) != quantized.predict(X)
        changes["changed_labels"] = float(differs.reshape(len(differs), -1).any(axis=1).mean())
    if y is not None:
        changes["scores"] = model.score(X, y), quantized.score(X, y)
    return changes


def check_path(path) -> Path:
    """Return the path of a source file; raise a ValueError or an OSError if it cannot be one."""
    path = check_folder(path, "to_c")
    if path.suffix != ".c":
        raise ValueError(
            f"to_c writes a source file and, beside it, a header of the same name with the suffix "
            f"'.h': give a path that ends with '.c', not {str(path)!r}."
        )
    return path


def write_c(network, path, title, changes=None) -> ExportedC:
    """Write the files of a network.

    Parameters
    ----------
    network : Network
        A quantized one if there are `changes`.
    path : Path
        The source file; functions are named after it.
    title : str
        Estimator and version, for a comment.
    changes : dict, default=None
        Result of `loss_of_quantization`.
    """
    name = re.sub(r"\W", "_", path.stem, flags=re.ASCII)
    name = f"model_{name}" if name[:1].isdigit() else name
    about = f"{title}, with the layers {describe(network.program)}."
    if changes is not None:
        about += f" {_told(**changes)}"
    files = CFiles(prediction_of(network), name, path.stem, about, changes is not None)
    header = path.with_suffix(".h")
    replace_file(header, files.header.encode())
    replace_file(path, files.source.encode())
    return ExportedC(path, header, files.n_constant, files.n_stack, **(changes or {}))


def _told(largest_change, changed_labels=None, scores=None):
    """Return a sentence about what quantization changes."""
    text = "Weights are int8 with a scale for each unit, which changes an output by up to "
    text += f"{largest_change:.2g}"
    if changed_labels is not None:
        text += f", {100 * changed_labels:.2g} % of the labels"
    if scores is not None:
        text += f", and the score from {scores[0]:.4f} to {scores[1]:.4f}"
    return f"{text}, on the rows that were given."
