"""Effect of each technique alone on the test error on MNIST, and on the time of an epoch.

    python benches/mnist_techniques.py [FOLDER] [--seeds N] [--epochs N] [--only NAME ..]

FOLDER and the parts are those of ``mnist_table.py``. All networks are 784-100-100-10, trained in
float32 with batches of 100 for the same number of epochs, by Adam where the option is no solver.
Nothing was tuned: the options are those of ``options.py``.
"""

import argparse
import statistics
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import measure
from mnist_table import add_errors, describe, load, mean_and_deviation
from options import OPTIONS, classifier


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="folder of the IDX files")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=OPTIONS, help="some options instead of all")
    parser.add_argument("--json", default=Path(__file__).parent / "results/mnist_techniques.json")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)

    parts = load(arguments.folder)
    shown = [f"{name} error" for name in parts if name != "training"]
    names = ["plain", *(arguments.only or list(OPTIONS)[1:])]
    results = {name: {"seconds": []} for name in names}
    with threadpool_limits(arguments.threads):
        for seed in range(arguments.seeds):
            for name in names:
                model = classifier(
                    name,
                    arguments.epochs,
                    batch_size=100,
                    n_jobs=arguments.threads,
                    random_state=seed,
                )
                seconds = measure.seconds(lambda model=model: model.fit(*parts["training"]))
                add_errors(results[name], model, parts)
                results[name]["seconds"].append(seconds)

    environment = measure.environment(arguments.threads)
    print(", ".join(f"{name}: {value}" for name, value in environment.items()))
    print(f"{describe(parts)}, {arguments.epochs} epochs\n")
    header = ["", *(f"{error}, % (mean ± deviation)" for error in shown)]
    header += ["training error, %", "ms an epoch (median)"]
    rows = [
        [
            f"`{name}`",
            *(mean_and_deviation(result[error]) for error in shown),
            f"{statistics.mean(result['training error']):.2f}",
            f"{1e3 * statistics.median(result['seconds']) / arguments.epochs:.1f}",
        ]
        for name, result in results.items()
    ]
    print(measure.markdown(header, rows))
    settings = {"epochs": arguments.epochs, "seeds": arguments.seeds}
    measure.write_json(
        arguments.json, {"environment": environment, "settings": settings, "results": results}
    )


if __name__ == "__main__":
    main()
