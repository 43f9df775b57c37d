"""Stacking of columns of labels."""

import numpy as np


def stack_columns(columns):
    """Stack columns to an array; it has objects if the columns have no common type."""
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) == 1 or kinds <= set("biuf"):
        stacked = np.column_stack(columns)
        each = zip(stacked.T, columns, strict=True)
        if all(np.array_equal(part.astype(column.dtype), column) for part, column in each):
            return stacked
    if kinds & set("mM"):
        raise ValueError("y has columns of dates and others: convert them with astype(str).")
    return np.column_stack([column.astype(object) for column in columns])
