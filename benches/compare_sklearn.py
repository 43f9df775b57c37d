"""Whole ``fit`` and ``predict`` calls against scikit-learn's, in turns in one process.

    python benches/compare_sklearn.py [--threads N] [--runs N] [--json PATH]

Same data, epochs, batch size, threads, solver (adam) and float32 on both sides. Prints a markdown
table and writes every single time to a JSON file.
"""

import argparse
import gc
import statistics
import subprocess
import sys
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import measure


@dataclass(frozen=True)
class Shape:
    n_rows: int
    n_features: int
    n_classes: int
    hidden: tuple
    batch_size: int
    epochs: int

    def __str__(self):
        hidden = ", ".join(map(str, self.hidden))
        return f"{self.n_rows} x {self.n_features}, hidden ({hidden}), batch {self.batch_size}"

    def data(self):
        rng = np.random.default_rng(0)
        X = rng.random((self.n_rows, self.n_features), dtype=np.float32)
        teacher = rng.standard_normal((self.n_features, self.n_classes), dtype=np.float32)
        return X, ((X - 0.5) @ teacher).argmax(axis=1)


SHAPES = {
    "small images": Shape(60_000, 784, 10, (100, 100), 128, epochs=10),
    "wide images": Shape(60_000, 784, 10, (512, 512), 256, epochs=4),
    "table": Shape(20_000, 64, 2, (64, 32), 200, epochs=40),
}
LIBRARIES = ("scikit-learn", "fastnn")


def classifier(library, shape, threads):
    options = {
        "hidden_layer_sizes": shape.hidden,
        "batch_size": shape.batch_size,
        "max_iter": shape.epochs,
        "tol": 0.0,
        "n_iter_no_change": shape.epochs + 1,  # every epoch is run
        "random_state": 0,
    }
    if library == "fastnn":
        from fastnn import MLPClassifier

        return MLPClassifier(n_jobs=threads, **options)
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(**options)


def compare(shape, threads, runs):
    """Times of fit and of predict: {operation: {library: [seconds]}}."""
    X, y = shape.data()
    models = {library: classifier(library, shape, threads) for library in LIBRARIES}
    with threadpool_limits(threads):
        fit = {library: partial(model.fit, X, y) for library, model in models.items()}
        predict = {library: partial(model.predict, X) for library, model in models.items()}
        times = {
            "fit": measure.alternate(fit, runs),
            "predict": measure.alternate(predict, max(runs, 9)),
        }
    for library, model in models.items():
        if model.n_iter_ != shape.epochs or model.coefs_[0].dtype != np.float32:
            raise SystemExit(f"{library} did not train {shape.epochs} epochs in float32.")
    return times


def memory_of_fit(library, shape, threads):
    """MiB by which fit raises the peak of resident memory; for a process of its own (Linux)."""
    X, y = shape.data()
    model = classifier(library, shape, threads)
    status = Path("/proc/self/status")

    def mebibytes(field):
        line = next(line for line in status.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / 1024

    with threadpool_limits(threads):
        classifier(library, shape, threads).fit(X[:1000], y[:1000])  # loads what is loaded lazily
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        before = mebibytes("VmRSS")
        model.fit(X, y)
    return mebibytes("VmHWM") - before


def measured_memory(name, library, threads):
    command = [sys.executable, __file__, "--memory", library, name, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=measure.available_threads())
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=SHAPES, help="one shape instead of all")
    parser.add_argument("--json", default=Path(__file__).parent / "results/compare_sklearn.json")
    parser.add_argument("--memory", nargs=2, metavar=("LIBRARY", "SHAPE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)
    threads = arguments.threads

    if arguments.memory:
        library, name = arguments.memory
        print(memory_of_fit(library, SHAPES[name], threads))
        return

    environment = measure.environment(threads)
    print(", ".join(f"{name}: {value}" for name, value in environment.items()), end="\n\n")
    rows, results = [], []
    for name, shape in SHAPES.items():
        if arguments.only not in (None, name):
            continue
        for operation, times in compare(shape, threads, arguments.runs).items():
            ratios = [a / b for a, b in zip(*(times[lib] for lib in LIBRARIES), strict=True)]
            unit = 1.0 if operation == "fit" else 1e3
            rows.append(
                [
                    f"{operation}: {shape}" + f", {shape.epochs} epochs" * (operation == "fit"),
                    *(
                        measure.spread([unit * t for t in times[library]], 2 if unit == 1 else 0)
                        + (" s" if unit == 1 else " ms")
                        for library in LIBRARIES
                    ),
                    f"{statistics.median(ratios):.1f}x ({min(ratios):.1f}-{max(ratios):.1f})",
                ]
            )
            results.append({"shape": str(shape), "operation": operation, "seconds": times})
        if sys.platform == "linux":
            memory = {lib: measured_memory(name, lib, threads) for lib in LIBRARIES}
            data = shape.n_rows * shape.n_features * 4 / 2**20
            rows.append(
                [
                    f"memory that fit adds to {data:.0f} MiB of data",
                    *(f"{memory[library]:.0f} MiB" for library in LIBRARIES),
                    "",
                ]
            )
            results.append({"shape": str(shape), "operation": "memory of fit", "MiB": memory})
    header = ["median (smallest-largest)", *LIBRARIES, "faster"]
    print(measure.markdown(header, rows))
    measure.write_json(arguments.json, {"environment": environment, "results": results})


if __name__ == "__main__":
    main()
