"""Accuracy of training from files against rows in memory, on real MNIST.

    python benches/source_accuracy.py [FOLDER] [--only PART ..] [--seeds N] [--epochs N]

FOLDER holds the usual IDX files; without it MNIST is downloaded. Of 10,000 images a fifth is for
testing. ``images`` writes them as PNG files, with CSV files of their names and labels, and trains
from these. ``sorted`` writes the first 50 principal components of the training images in the order
of their classes, and trains with buffers that hold 1, 10 and 100 % of them, on an array and on
Parquet files with small and large row groups. All networks have two hidden layers of 100 units, and
batches of 100 rows.
"""

import argparse
import csv
import json
import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer

import measure
from fastnn import MLPClassifier
from fastnn.data import Arrays, ImageFolder, Parquet
from fastnn.datasets import load_mnist

N_IMAGES = 10_000
BUFFERS = {"1 %": 0.01, "10 %": 0.1, "100 %": 1.0}
ROW_GROUPS = (100, 500, 2000)


def load(folder):
    """Return 10,000 images, and the numbers of those to train on and of the others."""
    X, y = load_mnist(folder)
    X, y = X[-N_IMAGES:].astype(np.uint8), y[-N_IMAGES:]
    train, test = train_test_split(np.arange(N_IMAGES), test_size=0.2, stratify=y, random_state=0)
    return X, y, train, test


def scale(X):
    return X.astype(np.float32) / 255


def classifier(seed, options):
    return MLPClassifier(
        (100, 100), batch_size=100, max_iter=options.epochs, tol=0.0, n_iter_no_change=10**6,
        random_state=seed, n_jobs=options.threads,
    )  # fmt: skip


def write_images(folder, X, y, parts):
    """Write each image to a file, and a CSV file of names and labels for each part."""
    from PIL import Image

    for i, pixels in enumerate(X.reshape(-1, 28, 28)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    for name, numbers in parts.items():
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "label"])
            writer.writerows((f"{i}.png", y[i]) for i in numbers)


def compare_images(X, y, train, test, options):
    """Return accuracies of training on PNG files and on the same pixels in memory, and times."""
    found = {"memory": [], "10,000 PNG files": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, X, y, {"train": train, "test": test})
        sources = {
            part: ImageFolder(folder, folder / f"{part}.csv", mode="L").map(
                FunctionTransformer(scale)
            )
            for part in ("train", "test")
        }
        X = scale(X)
        y = y.astype(str)  # as a CSV file has them
        for seed in range(options.seeds):
            model = classifier(seed, options).fit(X[train], y[train])
            found["memory"].append(100 * model.score(X[test], y[test]))
            model = classifier(seed, options).fit(sources["train"])
            found["10,000 PNG files"].append(100 * model.score(sources["test"]))
            assert (model.predict(sources["test"]) == model.predict(X[test])).all()
    return found


def compare_orders(X, y, train, test, options):
    """Return accuracies of training on images sorted by class, by source and by buffer."""
    import pyarrow as pa
    from pyarrow import parquet

    components = PCA(50, random_state=0).fit(scale(X[train])).transform(scale(X))
    X = components.astype(np.float32)
    in_order = train[np.argsort(y[train], kind="stable")]
    table = pa.table([*X[in_order].T, y[in_order]], [*map(str, range(X.shape[1])), "y"])
    with tempfile.TemporaryDirectory() as folder:
        sources = {"an array": lambda **given: Arrays(X[in_order], y[in_order], **given)}
        for n_rows in ROW_GROUPS:
            path = f"{folder}/{n_rows}.parquet"
            parquet.write_table(table, path, row_group_size=n_rows)
            sources[f"Parquet, row groups of {n_rows}"] = lambda path=path, **given: Parquet(
                path, target="y", output="array", **given
            )
        ways = {("in memory", ""): lambda model: model.fit(X[train], y[train])}
        for source, make in sources.items():
            for buffer, fraction in BUFFERS.items():
                given = {"shuffle_buffer": int(fraction * len(train))}
                ways[source, buffer] = lambda model, make=make, given=given: model.fit(
                    make(**given)
                )
        found = {}
        for (source, buffer), fit in ways.items():
            scores = [
                100 * fit(classifier(seed, options)).score(X[test], y[test])
                for seed in range(options.seeds)
            ]
            found.setdefault(source, {})[buffer] = scores
            print(source, buffer, measure.spread(scores), flush=True)
    return found


def mean(scores):
    return f"{statistics.mean(scores):.2f} ± {np.std(scores, ddof=1):.2f}"


def print_orders(found):
    header = ["test accuracy, %", *(f"buffer of {buffer}" for buffer in BUFFERS)]
    rows = [
        [source, *(mean(cells[buffer]) for buffer in cells), *[""] * (len(BUFFERS) - len(cells))]
        for source, cells in found.items()
    ]
    print(measure.markdown(header, rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="folder of the IDX files")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--json", type=Path, default=Path(__file__).parent / "results/source_accuracy.json"
    )
    options = parser.parse_args()
    measure.restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", "X does not have valid feature names")
    data = load(options.folder)
    content = json.loads(options.json.read_text()) if options.json.exists() else {}
    content |= {"environment": measure.environment(options.threads), "epochs": options.epochs}
    for part in options.only:
        content[part] = found = PARTS[part](*data, options)
        if part == "images":
            rows = [[source, mean(scores)] for source, scores in found.items()]
            print(measure.markdown(["", "test accuracy, % (mean ± deviation)"], rows), "\n")
        else:
            print_orders(found)
        measure.write_json(options.json, content)


PARTS = {"images": compare_images, "sorted": compare_orders}

if __name__ == "__main__":
    main()
