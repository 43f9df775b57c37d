"""Base class of sources that transform or select rows of another source."""

from .source import Source


class Derived(Source):
    """Base class of sources derived from another, with its blocks and sizes by default."""

    def __init__(self, source: Source):
        super().__init__(classes=source.classes, shuffle_buffer=source.shuffle_buffer)
        self._source = source

    def __repr__(self):
        return f"{type(self).__name__}({self._source!r})"

    @property
    def n_rows(self):
        return self._source.n_rows

    @property
    def n_features(self):
        return self._source.n_features

    @property
    def feature_names(self):
        return self._source.feature_names

    def blocks(self):
        return self._source.blocks()
