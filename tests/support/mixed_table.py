"""A small table with numbers, categories and gaps."""

import numpy as np
import pandas as pd


def mixed_table(n_rows=120, seed=0):
    """Return a frame, and positive numbers that it explains with some noise."""
    rng = np.random.default_rng(seed)
    size, kind = rng.normal(size=n_rows), rng.choice(["a", "b", "c"], n_rows)
    X = pd.DataFrame({"size": size, "count": rng.integers(9, size=n_rows), "kind": kind})
    X.loc[::7, "size"] = np.nan
    return X, 4 + size + (kind == "a") + 0.1 * rng.normal(size=n_rows)
