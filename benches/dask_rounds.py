"""Training on a cluster by `fastnn.dask`: bits, accuracy, speed, and a model of larger clusters.

    python benches/dask_rounds.py [--only PART ..] [--mnist FOLDER]

Parts: bits, lbfgs, accuracy, speed, model. The cluster is one of local processes of a thread each.
"""

import argparse
import hashlib
import math
import os
import signal
import threading
import time
import warnings

# Threads of a library are tasks of dask, and a process has one of them.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import dask.array as da
import distributed
import numpy as np
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier
from fastnn.callbacks import Callback
from fastnn.dask import DaskMLPClassifier
from fastnn.dask.rounds import pack
from fastnn.datasets import load_mnist

N_PARTITIONS = 8
# Gigabits a second, workers, and the layers and the rows of a batch of models.
NETWORKS, WORKERS = (1, 10, 100), (1, 2, 4, 8, 16, 32, 64)
MODELS = {"100-100-10": 200, "784-500-500-10": 200, "2000-4000-4000-10": 1000}


def cluster(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
    )


def table(n_rows, n_features, n_classes=10):
    X, y = make_classification(
        n_rows, n_features, n_informative=n_features // 2, n_classes=n_classes, random_state=0
    )
    return X.astype(np.float32), y


def partitions(X, y, n=N_PARTITIONS):
    size = -(-len(X) // n)
    return da.from_array(X, chunks=(size, X.shape[1])), da.from_array(y, chunks=size)


def sha(model):
    arrays = [*model.coefs_, *model.intercepts_, np.array(model.loss_curve_)]
    return hashlib.sha256(b"".join(map(np.ndarray.tobytes, arrays))).hexdigest()[:16]


class Kills(Callback):
    """Kills a worker in the middle of a round."""

    def __init__(self, client, k):
        self.client, self.k = client, k

    def on_batch_end(self, context):
        if (context.epoch, context.batch) == (1, self.k):
            pid = next(iter(self.client.run(os.getpid).values()))
            threading.Timer(0.002, os.kill, (pid, signal.SIGKILL)).start()


def bits(args):
    """Parameters after 3 epochs, for several numbers of workers, and with a worker killed."""
    X, y = partitions(*table(20_000, 50))
    options = dict(max_iter=3, random_state=0, dropout=0.1, normalization="batch", averaging="ema")
    print("\n| workers | SHA-256 of parameters and losses |\n|---|---|")
    for n_workers in (1, 2, 3):
        with cluster(n_workers) as local, distributed.Client(local) as client:
            model = DaskMLPClassifier(steps_per_round=4, **options).fit(X, y)
            print(f"| {n_workers} | {sha(model)} |")
            if n_workers == 3:
                options["callbacks"] = [Kills(client, 2)]
                model = DaskMLPClassifier(steps_per_round=4, **options).fit(X, y)
                print(f"| 3, one of which is killed in round 3 of epoch 2 | {sha(model)} |")


def lbfgs(args):
    """L-BFGS on a cluster against one machine."""
    X, y = table(20_000, 50)
    print(
        "\n| precision | largest difference of a parameter | of the loss, relative |\n|---|---|---|"
    )
    with cluster(2) as local, distributed.Client(local):
        for dtype in (np.float64, np.float32):
            options = dict(solver="lbfgs", max_iter=20, random_state=0)
            whole = MLPClassifier(**options).fit(X.astype(dtype), y)
            model = DaskMLPClassifier(**options).fit(*partitions(X.astype(dtype), y))
            both = zip(model.coefs_, whole.coefs_, strict=True)
            away = max(np.abs(own - its).max() for own, its in both)
            loss = abs(model.loss_ / whole.loss_ - 1)
            print(f"| {np.dtype(dtype).name} | {away:.1g} | {loss:.1g} |")


def accuracy(args):
    """Accuracy by steps of a round, after as many epochs as on one machine."""
    X, y = load_mnist(args.mnist) if args.mnist else table(70_000, 50)
    X = np.float32(X) / 255 if args.mnist else X
    n = len(X) * 6 // 7
    X, X_test, y, y_test = X[:n], X[n:], y[:n], y[n:]
    options = dict(max_iter=args.epochs, batch_size=50, tol=0, n_iter_no_change=1000)
    seeds = range(args.seeds)
    whole = [MLPClassifier(random_state=seed, **options).fit(X, y) for seed in seeds]
    print(f"\n{n} rows in {N_PARTITIONS} partitions, {args.epochs} epochs, {args.seeds} seeds.")
    print("\n| | rounds an epoch | training loss | test accuracy |\n|---|---|---|---|")

    def line(name, n_rounds, models):
        scores = [100 * model.score(X_test, y_test) for model in models]
        loss = np.mean([model.loss_ for model in models])
        mean, spread = np.mean(scores), np.ptp(scores)
        print(f"| {name} | {n_rounds} | {loss:.4f} | {mean:.2f} ({spread:.2f}) |", flush=True)

    line("one machine", "", whole)
    n_steps = math.ceil(math.ceil(len(X) / N_PARTITIONS) / 50)
    with cluster(2) as local, distributed.Client(local):
        rows = partitions(X, y)
        for steps in args.steps:
            models = [
                DaskMLPClassifier(random_state=seed, steps_per_round=steps, **options).fit(*rows)
                for seed in seeds
            ]
            line(f"`steps_per_round={steps}`", math.ceil(n_steps / steps), models)


def speed(args):
    """Two workers with a thread each against one process with two threads."""
    X, y = table(200_000, 100)
    options = dict(hidden_layer_sizes=(512, 256), max_iter=2, random_state=0, batch_size=200)
    os.environ["OMP_NUM_THREADS"] = "2"

    def seconds(model):
        return min(model.history_["seconds"])

    times = {f"one process, {n} thread(s)": [] for n in (1, 2)}
    times |= {f"{n} worker(s), steps_per_round={k}": [] for k in (16, 64) for n in (1, 2)}
    for _ in range(args.runs):
        for n in (1, 2):
            model = MLPClassifier(n_jobs=n, **options).fit(X, y)
            times[f"one process, {n} thread(s)"].append(seconds(model))
    for n in (1, 2):
        with cluster(n) as local, distributed.Client(local):
            rows = partitions(X, y, 4)
            for k in (16, 64):
                for _ in range(args.runs):
                    model = DaskMLPClassifier(n_jobs=1, steps_per_round=k, **options).fit(*rows)
                    times[f"{n} worker(s), steps_per_round={k}"].append(seconds(model))
    first = np.median(next(iter(times.values())))
    print(
        "\n200,000 rows of 100 features, hidden 512-256, 4 partitions: seconds an epoch, (range)."
    )
    print("\n| | s | times one thread |\n|---|---|---|")
    for name, values in times.items():
        value = np.median(values)
        print(f"| {name} | {value:.2f} ({np.ptp(values):.2f}) | {first / value:.2f} |")


def measured_model(layers, batch_size):
    """Return the bytes of the state and the seconds of a step on one thread."""
    n_features, *hidden, n_classes = map(int, layers.split("-"))
    n_rows = 2 * batch_size
    X = np.random.default_rng(0).standard_normal((n_rows, n_features), np.float32)
    options = dict(hidden_layer_sizes=hidden, max_iter=2, batch_size=batch_size, n_jobs=1)
    model = MLPClassifier(**options).fit(X, np.arange(n_rows) % n_classes)
    return pack(model._network.state).nbytes, min(model.history_["seconds"]) / 2


def measured_round(client, n_tasks):
    """Return the seconds of a round of tasks that do nothing."""
    start = time.perf_counter()
    for _ in range(10):
        tasks = client.map(abs, range(n_tasks), pure=False)
        client.submit(sum, tasks, pure=False).result()
    return (time.perf_counter() - start) / 10


def communication(size, n_workers, gigabits):
    """Return the seconds that a state takes to all workers, and its mean back, by trees.

    A state goes to twice as many workers at a time. A task adds eight states, each of which its
    worker receives in turn; sums are in float64.
    """
    of_state = 8 * size / (gigabits * 1e9)
    seconds, n, factor = of_state * math.ceil(math.log2(n_workers)), n_workers, 1
    while n > 1:
        seconds += of_state * factor * (min(n, 8) - 1)
        n, factor = math.ceil(n / 8), 2
    return seconds


def model(args):
    """Model of a cluster with a partition a worker, from bytes and times measured here."""
    with cluster(2) as local, distributed.Client(local) as client:
        measured_round(client, 1)
        few, many = measured_round(client, 1), measured_round(client, 64)
    of_task = (many - few) / 63
    print(f"\nA round takes {1e3 * few:.1f} ms of dask, and {1e3 * of_task:.2f} ms for each task.")
    for layers, batch_size in MODELS.items():
        size, of_step = measured_model(layers, batch_size)
        print(
            f"\n{layers}: {size / 1e6:.2f} MB of state, {1e3 * of_step:.2f} ms a step of ", end=""
        )
        print(f"{batch_size} rows. Rounds a second and efficiency with 16 steps a round;")
        print("steps of a round from which the efficiency of 8 workers is 50 %.\n")
        print("| Gbit/s |", *(f"{n} |" for n in WORKERS), "steps for 50 % |")
        print("|---|", "---|" * (len(WORKERS) + 1))
        for gigabits in NETWORKS:

            def cost(n, gigabits=gigabits, size=size):
                return communication(size, n, gigabits) + few + of_task * (n - 1)

            cells = []
            for n in WORKERS:
                seconds = 16 * of_step + cost(n) * (n > 1)
                cells.append(f"{1 / seconds:.1f}, {1600 * of_step / seconds:.0f} % |")
            print(f"| {gigabits} |", *cells, f"{math.ceil(cost(8) / of_step)} |")


PARTS = {f.__name__: f for f in (bits, lbfgs, accuracy, speed, model)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--mnist", metavar="FOLDER", help="accuracy on the files of MNIST there")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 16, 64, 150])
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for part in args.only:
        print(f"\n## {PARTS[part].__doc__}", flush=True)
        PARTS[part](args)


if __name__ == "__main__":
    main()
