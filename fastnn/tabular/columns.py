"""Columns of a table: their types, found from the training rows."""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Values(NamedTuple):
    """Numbers of a table, NaN for gaps, and level numbers of its categories, -1 for unknown."""

    numbers: np.ndarray
    codes: np.ndarray


class Columns:
    """Types of columns, learned from training rows."""

    @classmethod
    def learn(
        cls, X, categorical_features="auto", estimator="TabularMLP", max_levels=64, min_count=2
    ):
        self = cls()
        X = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
        self.names, n = list(X.columns), len(X)
        self.number_names, self.levels, gaps = [], {}, []
        for name in self.names:
            values = _numeric(X[name])
            if values is not None:
                known = values[np.isfinite(values)]
                if len(known) == 0 or (known.min() == known.max() and len(known) == n):
                    continue
                self.number_names.append(name)
                gaps.append(len(known) < n)
            else:
                counts = _strings(X[name]).value_counts()
                levels = [level for level, k in counts.items() if k >= min_count][:max_levels]
                self.levels[name] = {level: i for i, level in enumerate(levels)}
                if len(counts) == 2:
                    self.levels[name] = {level: i for i, level in enumerate(counts.index)}
        self.has_gaps = np.array(gaps, bool)
        self.n_levels = [len(levels) for levels in self.levels.values()]
        return self

    def read(self, X):
        X = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X), columns=self.names)
        numbers = np.empty((len(X), len(self.number_names)))
        for j, name in enumerate(self.number_names):
            values = pd.to_numeric(X[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
            numbers[:, j] = np.where(np.isfinite(values), values, np.nan)
        codes = np.full((len(X), len(self.levels)), -1, np.int32)
        for j, (name, levels) in enumerate(self.levels.items()):
            codes[:, j] = _strings(X[name]).map(levels).to_numpy(np.float64, na_value=-1)
        return Values(numbers, codes)


def _strings(column):
    return column.astype(object).where(column.notna(), "\0gap").astype(str)


def _numeric(column):
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        return column.to_numpy(np.float64, na_value=np.nan)
    return None
