"""A process that holds one library and one table, and fits when asked.

python benches/table_worker.py MODEL FILE TARGET THREADS FOLDS      (started by tables.py)
"""

import gc
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from table_peers import MODELS
from worker import mebibytes, restrict_to, serve

MOST_CLASSES = 50  # a whole-number target of more different values is one of values


def read(path, target):
    """Return the frame, classes as numbers or values, and the number of classes, 0 for values.

    Texts and booleans become categories.
    """
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    if target not in frame:
        raise ValueError(f"{path} has no column {target!r}: name the target by --target.")
    frame = frame[frame[target].notna()].reset_index(drop=True)
    y = frame.pop(target)
    for name in frame.select_dtypes(["object", "str", "bool"]):
        frame[name] = frame[name].astype(object).astype("category")
    if pd.api.types.is_float_dtype(y) or (
        pd.api.types.is_numeric_dtype(y) and y.nunique() > MOST_CLASSES
    ):
        return frame, y.to_numpy(dtype=np.float64), 0
    y, classes = pd.factorize(y, sort=True)
    return frame, y, len(classes)


def splits(y, classes, seed, folds):
    """Return pairs of rows to train on and to test on: of 70 % and 30 %, or folds of the 70 %."""
    options = {"random_state": seed, "stratify": y if classes else None}
    train, test = train_test_split(np.arange(len(y)), test_size=0.3, **options)
    if not folds:
        return [(train, test)]
    split = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
    return [(train[a], train[b]) for a, b in split.split(train, y[train])]


class Work:
    def __init__(self, model, path, target, threads, folds):
        self.library, self.threads, self.folds = MODELS[model], threads, folds
        self.X, self.y, self.classes = read(path, target)
        self.loaded = {"rows": len(self.y), "columns": self.X.shape[1], "classes": self.classes}

    def fit(self, seed):
        """Means over the folds, or the figures of the one split."""
        runs = [self.run(seed, *rows) for rows in splits(self.y, self.classes, seed, self.folds)]
        return {"figures": {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}}

    def run(self, seed, train, test):
        X, y = self.X.iloc[train].reset_index(drop=True), self.y[train]
        gc.collect()
        if sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        before = mebibytes("VmRSS")
        model = self.library(self.classes > 0, seed, self.threads)
        start = time.perf_counter()
        model.fit(X, y)
        figures = {"seconds": time.perf_counter() - start}
        if before is not None:
            figures["MiB"] = mebibytes("VmHWM") - before
        start = time.perf_counter()
        score = self.score_classes if self.classes else self.score_values
        figures |= score(model, self.X.iloc[test].reset_index(drop=True), self.y[test])
        return figures | {"seconds of the test": time.perf_counter() - start}

    def score_classes(self, model, X, y):
        p = np.asarray(model.predict_proba(X), dtype=np.float64)
        p /= p.sum(axis=1, keepdims=True)  # of float32, which may not sum to one exactly
        figures = {
            "error": float(np.mean(p.argmax(axis=1) != y)),
            "log loss": float(log_loss(y, np.clip(p, 1e-7, 1), labels=range(self.classes))),
        }
        if self.classes == 2:
            figures["AUC"] = float(roc_auc_score(y, p[:, 1]))
        return figures

    def score_values(self, model, X, y):
        residual = model.predict(X) - y
        return {"error": float(np.sqrt(np.mean(residual**2)) / np.std(y))}


def main():
    model, path, target, threads, folds = sys.argv[1:]
    restrict_to(int(threads))
    serve(lambda: Work(model, Path(path), target, int(threads), int(folds)))


if __name__ == "__main__":
    main()
