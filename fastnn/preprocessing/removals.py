"""Report of the rows or columns removed from a table."""

from dataclasses import dataclass, field
from typing import Any

_SHOWN = 20


@dataclass
class Removals:
    """Report of the removed rows (or columns), which prints as a table.

    Attributes
    ----------
    n_before : int
        Number of rows (or columns) before the removal.
    what : {'row', 'column'}
        Whether rows or columns were removed.
    entries : list of tuple
        For each removed row or column: its index (or the name of the column), the decisive column
        and score, or None, and the reason in words.
    """

    n_before: int
    what: str = "row"
    entries: list = field(default_factory=list)

    def add(self, which, reason, column=None, score=None):
        """Add a row or column to the report."""
        self.entries.append((which, column, score, reason))

    def __len__(self):
        return len(self.entries)

    def __str__(self):
        plural = f"{self.what}s"
        lines = [f"{len(self)} of {self.n_before} {plural} removed"]
        shown = [(str(which), reason) for which, _, _, reason in self.entries[:_SHOWN]]
        if shown:
            width = max(len(self.what), *(len(which) for which, _ in shown))
            lines.append(f"{self.what:>{width}}  reason")
            lines += [f"{which:>{width}}  {reason}" for which, reason in shown]
        if len(self) > _SHOWN:
            lines.append(f"... and {len(self) - _SHOWN} more")
        return "\n".join(lines)

    __repr__ = __str__

    def to_pandas(self) -> Any:
        """Return the report as a `pandas.DataFrame`.

        Returns
        -------
        frame : DataFrame of shape (n_removed, 4) or (n_removed, 2)
            The columns are 'row', 'column', 'score' and 'reason' for rows, and 'column' and
            'reason' for columns.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_pandas needs pandas: pip install pandas, or read `entries`."
            ) from error
        if self.what == "column":
            pairs = [(which, reason) for which, _, _, reason in self.entries]
            return pd.DataFrame(pairs, columns=["column", "reason"])
        return pd.DataFrame(self.entries, columns=["row", "column", "score", "reason"])
