"""Several fits at a time: `fit_many` against fits in turn, and against searches of scikit-learn.

    python benches/side_by_side.py [--runs N] [--only PART ..] [--threads N] [--json PATH]

All ways of a comparison do the same fits, in turns, and must reach the same scores.
"""

import argparse
import statistics
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold

import measure

RESULTS = Path(__file__).parent / "results" / "side_by_side.json"

# rows, features, hidden layers, rows of a batch, epochs, networks
FITS = {
    "1000 x 20, hidden 50, batch 32": (1000, 20, (50,), 32, 30, 16),
    "4000 x 30, hidden 64-32, batch 200": (4000, 30, (64, 32), 200, 20, 16),
    "60000 x 784, hidden 100-100, batch 128": (60000, 784, (100, 100), 128, 3, 2),
}
GRID = {
    "alpha": [1e-4, 1e-1],
    "learning_rate_init": [1e-3, 1e-2],
    "hidden_layer_sizes": [(20,), (50,)],
}
FOLDS = 5


def data(n_rows, n_features):
    X, y = make_classification(
        n_rows, n_features, n_informative=10, n_classes=3, flip_y=0.1, random_state=0
    )
    return X.astype(np.float32), y


def compare_fits(shape, threads, runs):
    """Return the seconds of each way of training networks of one shape on one table."""
    from fastnn import MLPClassifier, fit_many

    n_rows, n_features, hidden, batch, epochs, n = shape
    X, y = data(n_rows, n_features)
    losses = set()

    def models(n_jobs):
        common = {"batch_size": batch, "max_iter": epochs, "n_iter_no_change": epochs}
        return [
            MLPClassifier(hidden, random_state=seed, n_jobs=n_jobs, **common) for seed in range(n)
        ]

    def in_turn(n_jobs):
        losses.add(tuple(model.fit(X, y).loss_ for model in models(n_jobs)))

    def together():
        losses.add(tuple(model.loss_ for model in fit_many(models(None), X, y, n_jobs=threads)))

    times = measure.alternate(
        {
            "in turn, 1 thread": lambda: in_turn(1),
            f"in turn, {threads} threads": lambda: in_turn(threads),
            "in turn, by default": lambda: in_turn(None),
            "fit_many": together,
        },
        runs,
    )
    assert len(losses) == 1, "networks learned something else"
    return times


def compare_searches(threads, runs):
    """Return the seconds of each way of a search of many small fits, and of its first call."""
    from fastnn import MLPClassifier, fit_many

    X, y = data(1000, 20)
    model = MLPClassifier(batch_size=32, max_iter=30, random_state=0)
    settings, folds = list(ParameterGrid(GRID)), list(StratifiedKFold(FOLDS).split(X, y))
    found = []

    def search(n_jobs=None, **config):
        with joblib.parallel_config(n_jobs=n_jobs, **config):
            results = GridSearchCV(model, GRID, cv=FOLDS, refit=False).fit(X, y).cv_results_
        found.append(np.transpose([results[f"split{i}_test_score"] for i in range(FOLDS)]))

    def together():
        fits = [(setting, *fold) for setting in settings for fold in folds]
        models = [clone(model).set_params(**setting) for setting, _, _ in fits]
        fit_many(models, X, y, rows=[train for _, train, _ in fits], n_jobs=threads)
        scores = [
            one.score(X[test], y[test]) for one, (_, _, test) in zip(models, fits, strict=True)
        ]
        found.append(np.reshape(scores, (-1, FOLDS)))

    ways = {
        "GridSearchCV": lambda: search(1),
        f"GridSearchCV, {threads} processes": lambda: search(threads, backend="loky"),
        f"GridSearchCV, {threads} threads": lambda: search(threads, backend="threading"),
        "fit_many": together,
    }
    first = {name: measure.seconds(way) for name, way in ways.items()}
    times = measure.alternate(ways, runs)
    for scores in found:
        np.testing.assert_array_equal(scores, found[0])
    return times, first


def row(what, times, per):
    """Return a line of the table: milliseconds of a fit, and ratios to those of fit_many."""
    cells = []
    for values in times.values():
        ratios = [a / b for a, b in zip(values, times["fit_many"], strict=True)]
        ms = measure.spread([1e3 * value / per for value in values], 1)
        cells.append(
            ms if values is times["fit_many"] else f"{ms}, {statistics.median(ratios):.2f}x"
        )
    return [what, *cells]


def main():
    measure.restart_without_forced_blas()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=["fits", "search"], default=["fits", "search"])
    parser.add_argument("--threads", type=int, default=measure.available_threads())
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    content = {"environment": measure.environment(options.threads), "fits": {}, "search": {}}
    began = time.perf_counter()
    if "fits" in options.only:
        rows = []
        for what, shape in FITS.items():
            content["fits"][what] = times = compare_fits(shape, options.threads, options.runs)
            rows.append(row(f"{shape[-1]} of {what}, {shape[-2]} epochs", times, shape[-1]))
        print(measure.markdown(["ms per network", *times], rows), "\n")
    if "search" in options.only:
        times, first = compare_searches(options.threads, options.runs)
        content["search"] = {"seconds": times, "seconds of the first call": first}
        fits = FOLDS * len(ParameterGrid(GRID))
        print(
            measure.markdown(["ms per fit", *times], [row(f"search of {fits} fits", times, fits)])
        )
        print("\nFirst calls, s:", ", ".join(f"{name} {s:.2f}" for name, s in first.items()))
    print(f"\n{time.perf_counter() - began:.0f} s")
    measure.write_json(options.json, content)


if __name__ == "__main__":
    main()
