"""Test error and time of ``fit`` on real MNIST, against scikit-learn's default network.

    python benches/mnist_table.py [FOLDER] [--seeds N] [--threads N] [--json PATH]

FOLDER holds the usual IDX files; without it MNIST is downloaded. A fifth of the images is for
testing, the same for all models and seeds; what is new in the last model was chosen on a part of
the others. Pixels are scaled to 0-1 in float32.
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


def load(folder):
    """Training images, test images, and the labels of both."""
    X, y = load_mnist(folder)
    X = X.astype(np.float32) / 255
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)


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

    X_train, X_test, y_train, y_test = load(arguments.folder)
    environment = measure.environment(arguments.threads)
    results = {}
    with threadpool_limits(arguments.threads):
        for seed in range(arguments.seeds):
            for name, model in models(seed, arguments.threads).items():
                elapsed = measure.seconds(lambda model=model: model.fit(X_train, y_train))
                result = results.setdefault(
                    name,
                    {"parameters": n_parameters(model), "error": [], "seconds": [], "epochs": []},
                )
                result["error"].append(100 * (1 - model.score(X_test, y_test)))
                result["seconds"].append(elapsed)
                result["epochs"].append(model.n_iter_)

    print(", ".join(f"{name}: {value}" for name, value in environment.items()))
    print(f"{len(X_train)} images to train, {len(X_test)} to test, {arguments.seeds} seeds\n")
    header = ["", "parameters", "test error, % (mean ± deviation)", "fit, s (median)", "epochs"]
    rows = [
        [
            name,
            f"{result['parameters']:,}",
            f"{statistics.mean(result['error']):.2f} ± {np.std(result['error'], ddof=1):.2f}",
            measure.spread(result["seconds"]),
            f"{statistics.median(result['epochs']):.0f}",
        ]
        for name, result in results.items()
    ]
    print(measure.markdown(header, rows))
    measure.write_json(arguments.json, {"environment": environment, "results": results})


if __name__ == "__main__":
    main()
