"""Names that pickles know from here."""

from fastnn._data.labels import Labels  # noqa: F401
from fastnn._data.multioutput import MultioutputLabels, _ColumnLabels

LabelsOfHeads, _LabelsOfHead = MultioutputLabels, _ColumnLabels
