"""fastnn against scikit-learn, PyTorch, JAX and ONNX Runtime: the same network, the same data.

    python benches/compare.py [--threads N] [--runs N] [--only NAME ..] [--peers NAME ..]
                              [--json PATH] [--readme]

Each library works in a process of its own, on the same processors, in turns with the others. The
first training loads and compiles, and is reported apart. All must reach the same loss. Prints
markdown tables, and writes every single time to a JSON file, where other workloads of the same
machine and versions stay. `workloads.py` says what is trained, and `peers.py` how; `README.md` in
this folder says what exactly is timed.
"""

import argparse
import contextlib
import importlib.metadata
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path

import chart
import measure
import report
from footprint import import_times, installed_size, missing
from peers import COLUMNS, FastNN
from worker import Worker
from workloads import WORKLOADS

NAMES = [*WORKLOADS, "import"]

# Runs start from other weights and visit the rows in other orders, so their losses differ a little.
# Allowed is this part of what training took off the loss of a guess, and that must be half of it.
TOLERANCE = 0.02
LEARNED = 0.5
EVALUATED = 60_000  # training rows by which the loss is measured, after training

ATTEMPTS = 3  # so often at most is a run made that other programs disturb


def check(workload, losses):
    """Stop where a library has not learned, or not the same."""
    guess = math.log(workload.n_classes)
    reached = {column: statistics.median(values) for column, values in losses.items()}
    common = statistics.median(reached.values())
    for column, loss in reached.items():
        if not loss <= (1 - LEARNED) * guess:
            raise SystemExit(
                f"{column} did not learn: loss {loss:.4f}, that of a guess {guess:.4f}."
            )
        if abs(loss - common) > TOLERANCE * (guess - common):
            raise SystemExit(f"{column} reached a loss of {loss:.4f}, and the others {common:.4f}.")


class Turns:
    """Processes, one for each column, that do the same in turns."""

    def __init__(self, workers, others):
        self.workers, self.others = workers, others

    def __call__(self, name, arguments, attempts=1, also=None, watched=False):
        """Answers of each column, the last ones of so many ``attempts`` to be left alone.

        ``also`` is asked for after each, and ``watched`` looks at the memory meanwhile.
        """
        answers = {column: [] for column in self.workers}
        for argument in arguments:
            for column, worker in self.workers.items():
                call = worker.watched_call if watched else worker.call
                for _ in range(attempts):
                    self.others.wait(measure.PAUSE)
                    answer, share = self.others.share(
                        call, name, argument, own=lambda answer: answer["processor seconds"]
                    )
                    if share <= self.others.RESTING:
                        break
                answers[column].append({**answer, "others": share})
                if also:
                    answers[column][-1] |= worker.call(*also)
        return answers


def run(name, columns, threads, runs, others):
    """Results of one workload: of `fit`, and of `predict_proba` for its numbers of rows."""
    workload = WORKLOADS[name]
    trains = {column: COLUMNS[column].trains for column in columns}
    columns = [column for column in columns if trains[column] or workload.predicts]
    left_out = {column: why for column in columns if (why := COLUMNS[column].lacks(workload))}
    columns = [column for column in columns if column not in left_out]
    # The processes that a search starts are not known here, and would pass for other programs.
    attempts = 1 if workload.grid else ATTEMPTS
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        workload.save_data(folder)
        workers = {column: Worker(column, name, column, folder, threads) for column in columns}
        for worker in workers.values():
            stack.callback(worker.close)
        loaded = {column: worker.answer() for column, worker in workers.items()}
        training = {column: worker for column, worker in workers.items() if trains[column]}
        first = {column: worker.call("fit", 0)["seconds"] for column, worker in training.items()}
        turns = Turns(training, others)

        seeds, loss = range(1, runs + 1), ("loss", EVALUATED)
        fits = turns("fit", seeds, attempts, also=loss, watched=workload.mapped)
        losses = of_each(fits, "loss")
        check(workload, losses)
        result = {
            "workload": name,
            "operation": "fit",
            "what": str(workload),
            "seconds": of_each(fits, "seconds"),
            "seconds of the first call": first,
            "loss": losses,
            "left out": left_out,
        }
        if sys.platform == "linux" and not workload.grid:
            result["others"] = of_each(fits, "others")
            result["MiB at the peak"] = of_each(fits, "peak")
            result["MiB before"] = {column: loaded[column]["resident"] for column in training}
        if workload.mapped:
            result["MiB added that are not of the map"] = {
                column: [fit["anonymous"] - loaded[column]["anonymous"] for fit in answers]
                for column, answers in fits.items()
            }
        yield result

        yield from run_predictions(name, workers, runs, others)


def run_predictions(name, workers, runs, others):
    """Results of `predict_proba` for each of the workload's numbers of rows."""
    workload, turns = WORKLOADS[name], Turns(workers, others)
    hidden = ", ".join(map(str, workload.hidden))
    for n_rows in workload.predicts:
        for worker in workers.values():
            worker.call("predict", n_rows)
        predictions = turns("predict", [n_rows] * runs, ATTEMPTS)
        yield {
            "workload": name,
            "operation": "predict",
            "what": f"{n_rows} x {workload.n_features}, hidden ({hidden})",
            "seconds": of_each(predictions, "seconds"),
            "others": of_each(predictions, "others"),
        }


def of_each(answers, key):
    """Return one figure of each answer, by column."""
    return {column: [answer[key] for answer in given] for column, given in answers.items()}


def run_import(columns, runs):
    """Result of importing, and the size on disk of what is imported."""
    libraries = {c: COLUMNS[c].library for c in columns if not COLUMNS[c].options}
    lines = {column: library.import_line for column, library in libraries.items()}
    return {
        "workload": "import",
        "operation": "import",
        "what": "in a new Python",
        "seconds": import_times(lines, max(runs, 5)),
        "MiB on disk": {c: installed_size(lib.distributions) for c, lib in libraries.items()},
    }


def kept(path, environment, names):
    """Results of other workloads from the same machine with the same versions."""
    if not path.exists():
        return []
    content = json.loads(path.read_text())
    if content["environment"] != environment:
        return []
    return [result for result in content["results"] if result["workload"] not in names]


def versions(columns):
    names = {name for column in columns for name in COLUMNS[column].library.distributions}
    names -= {"fastnn", "scikit-learn"}  # which `measure.environment` tells
    return {name: importlib.metadata.version(name) for name in sorted(names)}


def main():
    own = [column for column in COLUMNS if COLUMNS[column].library is FastNN]
    peers = [column for column in COLUMNS if column not in own]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=measure.available_threads())
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME")
    parser.add_argument("--peers", nargs="*", choices=peers, default=peers, metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results/compare.json")
    parser.add_argument(
        "--patience", type=float, default=120, help="seconds to wait for other programs, in all"
    )
    parser.add_argument("--pages", action="store_true", help="only: write tables and charts")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    if arguments.pages:
        content = json.loads(arguments.json.read_text())
        report.write_pages(content)
        chart.write(content)
        return

    columns = [column for column in COLUMNS if column in (*own, *arguments.peers)]
    for column in list(columns):
        if names := missing(COLUMNS[column].library.distributions):
            print(f"{column} is left out: {', '.join(names)} missing (pip install '.[bench]').")
            columns.remove(column)

    others = measure.Others(arguments.threads, arguments.patience)
    environment = measure.environment(arguments.threads) | versions(columns)
    names = arguments.only or NAMES
    content = {"environment": environment, "results": kept(arguments.json, environment, names)}
    print(report.head(columns), flush=True)
    for name in names:
        if name == "import":
            results = [run_import(columns, arguments.runs)]
        else:
            results = run(name, columns, arguments.threads, arguments.runs, others)
        for result in results:
            print(report.row(result, columns), flush=True)
            content["results"].append(result)
            content["results"].sort(key=lambda result: NAMES.index(result["workload"]))
            measure.write_json(arguments.json, content)
    print(report.after(content, columns))


if __name__ == "__main__":
    main()
