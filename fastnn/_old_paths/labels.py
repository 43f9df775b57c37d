"""Names that pickles know from here."""

from fastnn._data.labels import Labels, MultioutputLabels, _ColumnLabels  # noqa: F401

LabelsOfHeads, _LabelsOfHead = MultioutputLabels, _ColumnLabels
