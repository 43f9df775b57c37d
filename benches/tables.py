"""fastnn's estimators for tables against other libraries, on a folder of tables.

    python benches/tables.py FOLDER [--target NAME] [--only TABLE ..] [--models NAME ..]
                             [--seeds N ..] [--folds N] [--threads N] [--again] [--json PATH]

FOLDER holds Parquet or CSV files, each a table with its target in a column. Each library, at its
defaults, works in a process of its own, in turns with the others. Every result goes to the JSON
file at once, and is not measured again. `README.md` in this folder says what is printed.
"""

import argparse
import contextlib
import json
from pathlib import Path

import measure
import table_report
from footprint import missing
from table_peers import MODELS
from worker import Worker

WORKER = Path(__file__).with_name("table_worker.py")


def tables(folder, only):
    """Return the files of a folder, smallest first, by the names of their tables."""
    files = [path for path in folder.iterdir() if path.suffix in (".parquet", ".csv")]
    files = {path.stem: path for path in sorted(files, key=lambda path: path.stat().st_size)}
    if unknown := sorted(set(only or ()) - set(files)):
        raise SystemExit(f"{folder} has no table {', '.join(unknown)}.")
    return {name: path for name, path in files.items() if not only or name in only}


class Results:
    """What has been measured, in a JSON file that is written after each figure."""

    def __init__(self, path, environment, folds):
        self.path = path
        self.content = {"environment": environment, "folds": folds, "tables": {}, "results": {}}
        if path.exists():
            before = json.loads(path.read_text())
            if before["folds"] != folds:
                raise SystemExit(f"{path} holds results of other folds: give another --json.")
            self.content |= {name: before[name] for name in ("tables", "results")}

    def left(self, model, table, arguments):
        """Return the seeds that are not measured yet, or all to measure them again."""
        done = self.content["results"].get(model, {}).get(table, {})
        return [seed for seed in arguments.seeds if arguments.again or str(seed) not in done]

    def add(self, model, table, seed, shape, figures):
        self.content["tables"][table] = shape
        of_model = self.content["results"].setdefault(model, {})
        of_model.setdefault(table, {})[str(seed)] = figures
        measure.write_json(self.path, self.content)


def run(table, path, todo, arguments, results):
    """Measure the seeds that each model has to do on a table, in turns."""
    with contextlib.ExitStack() as stack:
        workers = {}
        for model in todo:
            given = model, path, arguments.target, arguments.threads, arguments.folds
            workers[model] = Worker(model, *given, script=WORKER)
            stack.callback(workers[model].close)
        shapes = {model: worker.answer() for model, worker in workers.items()}
        for seed in arguments.seeds:
            for model, worker in list(workers.items()):
                if seed not in todo[model]:
                    continue
                try:
                    figures = worker.call("fit", seed)["figures"]
                except RuntimeError as error:  # of this model on this table: the others go on
                    print(f"{table}, seed {seed}: {error}", flush=True)
                    del workers[model]
                    continue
                results.add(model, table, seed, shapes[model], figures)
                told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"{table}, {model}, seed {seed}: {told}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of Parquet or CSV files")
    parser.add_argument("--target", default="target", help="column to predict")
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="names of files")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=0, help="of the training rows, to tune by")
    parser.add_argument("--threads", type=int, default=measure.available_threads())
    parser.add_argument("--again", action="store_true", help="measure what is in the JSON too")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results/tables.json")
    return parser.parse_args()


def main():
    arguments = parse()
    measure.restart_without_forced_blas()
    models = list(arguments.models)
    for model in arguments.models:
        if names := missing(MODELS[model].distributions):
            print(f"{model} is left out: {', '.join(names)} missing.")
            models.remove(model)
    chosen = tables(arguments.folder, arguments.only)
    environment = measure.environment(arguments.threads)
    results = Results(arguments.json, environment, arguments.folds)
    for table, path in chosen.items():
        todo = {model: results.left(model, table, arguments) for model in models}
        run(table, path, {m: seeds for m, seeds in todo.items() if seeds}, arguments, results)
    print(table_report.report(results.content, models, list(chosen)))


if __name__ == "__main__":
    main()
