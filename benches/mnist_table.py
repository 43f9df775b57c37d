"""Test error and time of ``fit`` on real MNIST, against scikit-learn's default network.

    python benches/mnist_table.py [FOLDER] [--seeds N] [--threads N] [--json PATH]

FOLDER holds the usual IDX files, of MNIST or of Fashion-MNIST; without it MNIST is downloaded. The
models are trained on 55,000 of the 60,000 training images, validated on the other 5,000, and tested
on the 10,000 test images. If only the 10,000 test images are there, a fifth of them is for testing,
and none validates. The parts are the same for all models and seeds; what is new in the last model
was chosen on rows that were not for testing. Pixels are scaled to 0-1 in float32.
"""

import argparse
import statistics
import warnings
from pathlib import Path

import numpy as np
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import fastnn
import measure
from fastnn.datasets import load_mnist


def models(seed, threads):
    regularized = {
        "hidden_layer_sizes": (100, 100),
        "normalization": "batch",
        "dropout": fastnn.Dropout(rate=0.1, input_rate=0.3),
        "batch_size": 100,
        "max_iter": 100,
        "n_iter_no_change": 100,
    }
    return {
        "scikit-learn, defaults": sklearn.neural_network.MLPClassifier(random_state=seed),
        "fastnn, the same defaults": fastnn.MLPClassifier(random_state=seed, n_jobs=threads),
        "fastnn, 100-100, batch norm and dropout": fastnn.MLPClassifier(
            random_state=seed, n_jobs=threads, **regularized
        ),
    }


N_VALIDATION = 5000


def load(folder):
    """Images and labels by part: training, validation if there are training files, and test."""
    X, y, n_train = load_mnist(folder, return_n_train=True)
    X = X.astype(np.float32) / 255
    is_whole = 0 < n_train < len(X)
    rest, n_held_out = (slice(n_train), N_VALIDATION) if is_whole else (slice(None), 0.2)
    X_train, X_other, y_train, y_other = train_test_split(
        X[rest], y[rest], test_size=n_held_out, stratify=y[rest], random_state=0
    )
    parts = {"training": (X_train, y_train)}
    if is_whole:
        return parts | {"validation": (X_other, y_other), "test": (X[n_train:], y[n_train:])}
    return parts | {"test": (X_other, y_other)}


def add_errors(result, model, parts):
    """Append the errors of a fitted model, in percent, to the list of each part."""
    for name, (X, y) in parts.items():
        result.setdefault(f"{name} error", []).append(100 * (1 - model.score(X, y)))


def mean_and_deviation(values):
    return f"{statistics.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"


def describe(parts):
    return ", ".join(f"{len(y):,} {name} images" for name, (_, y) in parts.items())


def n_parameters(model):
    return sum(array.size for array in (*model.coefs_, *model.intercepts_))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="folder of the IDX files")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=measure.available_threads())
    parser.add_argument("--json", default=Path(__file__).parent / "results/mnist_table.json")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)

    parts = load(arguments.folder)
    shown = [f"{name} error" for name in parts if name != "training"]
    environment = measure.environment(arguments.threads)
    results = {}
    with threadpool_limits(arguments.threads):
        for seed in range(arguments.seeds):
            for name, model in models(seed, arguments.threads).items():
                elapsed = measure.seconds(lambda model=model: model.fit(*parts["training"]))
                start = {"parameters": n_parameters(model), "seconds": [], "epochs": []}
                result = results.setdefault(name, start)
                add_errors(result, model, parts)
                result["seconds"].append(elapsed)
                result["epochs"].append(model.n_iter_)

    print(", ".join(f"{name}: {value}" for name, value in environment.items()))
    print(f"{describe(parts)}, {arguments.seeds} seeds\n")
    header = ["", "parameters", *(f"{error}, % (mean ± deviation)" for error in shown)]
    header += ["fit, s (median)", "epochs"]
    rows = [
        [
            name,
            f"{result['parameters']:,}",
            *(mean_and_deviation(result[error]) for error in shown),
            measure.spread(result["seconds"]),
            f"{statistics.median(result['epochs']):.0f}",
        ]
        for name, result in results.items()
    ]
    print(measure.markdown(header, rows))
    measure.write_json(arguments.json, {"environment": environment, "results": results})


if __name__ == "__main__":
    main()
