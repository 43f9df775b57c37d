"""Tables that print themselves, as text and as HTML."""

from html import escape


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
        head, *body = self._rows()
        head = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        rows = (f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
