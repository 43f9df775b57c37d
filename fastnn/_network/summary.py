"""Summary of a network: a table of its stages, their widths and their parameters."""

from math import prod
from typing import NamedTuple

from .._core.codes import ACTIVATIONS, Kind
from .._printed_tables import PrintedTable
from ..activations import CUSTOM


class Line(NamedTuple):
    """A stage: its name, the shape of its output, the number of its parameters."""

    stage: str
    shape: tuple[int | None, int]
    n_parameters: int


class Summary(PrintedTable):
    """A table of the stages of a network; it prints itself, as text and as HTML.

    Parameters
    ----------
    program : Program
    output_names : list of str
        Name of the output of each head.

    Attributes
    ----------
    lines : list of Line
    n_parameters : int
        Trainable parameters of all stages.
    """

    _has_foot = True
    _right = frozenset(("parameters",))

    def __init__(self, program, output_names):
        sizes = {a.start: prod(a.shape) for a in program.arrays if not a.is_statistic}
        self.lines = [Line("input", (None, program.n_features), 0)]
        for stage in program.stages:
            if Kind(stage["kind"]).title:
                starts = {int(stage["weight"]), int(stage["bias"])}
                n_parameters = sum(sizes.get(start, 0) for start in starts)
                name = _name(stage, output_names)
                self.lines.append(Line(name, (None, int(stage["n_out"])), n_parameters))
        self.n_parameters = sum(sizes.values())

    def _rows(self):
        yield ("stage", "output shape", "parameters")
        for line in self.lines:
            yield (line.stage, str(line.shape), f"{line.n_parameters:,}")
        yield ("all", "", f"{self.n_parameters:,}")


def _name(stage, output_names):
    kind = Kind(stage["kind"])
    if kind == Kind.ACTIVATION:
        rows = [*ACTIVATIONS.values(), CUSTOM]
        return next(row.name for row in rows if row.code == stage["code"])
    if kind == Kind.OUTPUT:
        return output_names[stage["head"]]
    if kind == Kind.ROW_NORM and stage["groups"] == 1:
        return "layer norm"
    return kind.title.format(**dict(zip(stage.dtype.names, stage.item(), strict=True)))
