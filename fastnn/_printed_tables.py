"""Tables that print themselves, as text and as HTML for notebooks."""

from collections.abc import Collection, Iterable, Sequence
from html import escape

# Notebooks align all cells to the right, and have colours of their own, light or dark.
_TABLE = "border-collapse: collapse; font-variant-numeric: tabular-nums"
_CELL = "text-align: {}; vertical-align: top; max-width: 60em; white-space: pre-line"
_RULE = "border-top: 1px solid currentColor; "
#: What is drawn in red.
FAULT = "FAULT"


def html_table(
    rows: Iterable[Sequence[str]],
    right: Collection[str] = (),
    has_foot: bool = False,
    caption: str = "",
) -> str:
    """Return a table as HTML.

    Parameters
    ----------
    rows : iterable of sequence of str
        The names of the columns, then the cells of each row.
    right : collection of str
        Names of columns that are aligned to the right.
    has_foot : bool, default=False
        Whether the last row is apart, such as one of sums.
    caption : str, default=""
        Text above the table.
    """
    head, *body = rows
    styles = [_CELL.format("right" if name in right else "left") for name in head]

    def line(tag, cells, rule=""):
        each = zip(styles, cells, strict=True)
        return "".join(
            f'<{tag} style="{rule}{style}">{_drawn(cell)}</{tag}>' for style, cell in each
        )

    rules = [""] * (len(body) - has_foot) + [_RULE] * has_foot
    lines = (f"<tr>{line('td', *each)}</tr>" for each in zip(body, rules, strict=True))
    above = f'<caption style="text-align: left">{escape(caption)}</caption>' if caption else ""
    return (
        f'<table style="{_TABLE}">{above}<thead><tr>{line("th", head)}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _drawn(cell):
    return f'<b style="color: #d32f2f">{cell}</b>' if cell == FAULT else escape(cell)


class PrintedTable:
    """Base class of tables; `_rows` yields their cells, the names of the columns first."""

    #: Whether the last row is apart, such as one of sums.
    _has_foot = False
    #: Names of columns of numbers, aligned to the right.
    _right = frozenset[str]()

    def _rows(self):
        raise NotImplementedError

    def __repr__(self):
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        sides = [">" if name in self._right else "<" for name in rows[0]]
        form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
        lines = [form.format(*row).rstrip() for row in rows]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        body = [*lines[1:-1], rule, lines[-1]] if self._has_foot else lines[1:]
        return "\n".join([lines[0], rule, *body])

    def _repr_html_(self):
        return html_table(self._rows(), self._right, self._has_foot)


class PrintedColumns(dict):
    """Columns of one length by name: a dict of lists, and in notebooks a table.

    If there are many rows, the table shows the first and the last.
    """

    _MOST, _AT_ENDS = 20, 8

    def _repr_html_(self):
        rows = list(zip(*self.values(), strict=True))
        cells = [[_shown(value) for value in row] for row in rows]
        if len(cells) > self._MOST:
            cells[self._AT_ENDS : -self._AT_ENDS] = [[".."] * len(self)]
        return html_table([list(self), *cells], right=self, caption=f"{len(rows)} rows")


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
