"""Names that pickles know from here."""

from fastnn._data.labels import Labels, LabelsOfHeads, _LabelsOfHead  # noqa: F401
