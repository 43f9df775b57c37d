"""Base against head on one thread: what a change of fastnn costs or saves.

    python benches/regress.py [BASE] [--head REVISION] [--time] [--only WORD ..]

BASE is a revision (default: HEAD), head the working tree unless another revision is named. Both are
built from scratch in a temporary folder, and do the same work in a process of their own. Where
valgrind exists instructions are counted, which is exact to about 0.1 %. It knows no AVX-512, so
these are those of AVX2. Elsewhere, and with --time, the two are timed in turns with the best
instruction set. Exits with 1 where head needs more than `threshold` times as much.
"""

import argparse
import ctypes
import itertools
import math
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
import scipy.sparse

import measure

ROOT = Path(__file__).parents[1]
THRESHOLDS = {"instructions": 1.02, "ms": 1.10}
# Multiplications of a training in one forward pass: valgrind takes 50 ns for each of an FMA.
AMOUNTS = {"instructions": 3e7, "ms": 1e9}
# One thread, and no hash of a string that is another in the next process.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
CLIENT = """
#include <valgrind/callgrind.h>
void start(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void stop(void) { CALLGRIND_DUMP_STATS; CALLGRIND_STOP_INSTRUMENTATION; }
"""


# ---------------------------------------------------------------------------------- what is done
# By the public interface only, so that any base can do it.


def data(n_rows, n_features, n_classes):
    X = np.random.default_rng(0).random((n_rows, n_features), dtype=np.float32)
    return X, np.arange(n_rows) % n_classes


def classifier(hidden, **parameters):
    from fastnn import MLPClassifier

    return MLPClassifier(hidden, n_jobs=1, random_state=0, **parameters)


def training(shape, amount, **parameters):
    n_features, hidden, n_classes, batch_size = measure.SHAPES[shape]
    widths = n_features, *hidden, n_classes
    products = batch_size * sum(a * b for a, b in itertools.pairwise(widths))
    X, y = data(batch_size * math.ceil(amount / products), n_features, n_classes)
    model = classifier(hidden, batch_size=batch_size, max_iter=1, **parameters)
    return partial(model.fit, X, y)


def prediction(n_rows, amount):
    X, y = data(max(n_rows, 100), 784, 10)
    model = classifier((100, 100), max_iter=1).fit(X[:100], y[:100])
    calls = range(math.ceil(amount / 1e5 / (20 + n_rows)))  # each does much else
    return lambda: [model.predict(X[:n_rows]) for _ in calls]


def small_fit(amount=0, **parameters):
    return partial(classifier((50,), **parameters).fit, *data(200, 20, 3))


def sparse_fit(amount):
    X = scipy.sparse.random(1000, 5000, density=0.005, format="csr", dtype="f", random_state=0)
    return partial(classifier((64,), max_iter=2).fit, X, np.arange(1000) % 2)


FIRST = next(iter(measure.SHAPES))
CASES = {
    **{f"train {shape}": partial(training, shape) for shape in measure.SHAPES},
    "train float64": partial(training, FIRST, precision="float64"),
    "train bfloat16": partial(training, FIRST, precision="bfloat16"),
    "train batch norm": partial(training, FIRST, normalization="batch"),
    "train dropout": partial(training, FIRST, dropout=0.5),
    "predict 1 row": partial(prediction, 1),
    "predict 64 rows": partial(prediction, 64),
    "predict 640 rows": partial(prediction, 640),
    "fit 200 rows": partial(small_fit, max_iter=10),
    "fit 200 rows by L-BFGS": partial(small_fit, solver="lbfgs", max_iter=10),
    "fit sparse rows": sparse_fit,
}


# -------------------------------------------------------------- how: in a process for each tree


def instructions(call, tree):
    client = ctypes.CDLL(str(tree / "client.so"))
    client.start()
    call()
    client.stop()
    newest = max(tree.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    line = next(line for line in newest.read_text().splitlines() if line.startswith("totals:"))
    return int(line.split()[1])


def milliseconds(call, tree):
    return 1e3 * measure.seconds(call)


MEASURES = {"instructions": instructions, "ms": milliseconds}


def work(tree, unit):
    """Answer each name of a case, once its tree is known to be the right one, with a number."""
    warnings.simplefilter("ignore")
    import fastnn
    from fastnn._core.cpu import isa_info

    if not Path(fastnn.__file__).is_relative_to(tree):
        raise SystemExit(f"{fastnn.__file__} is not of {tree}.")
    print(isa_info()["active"], flush=True)
    small_fit(max_iter=1)()  # loads what is loaded lazily
    make = cache(lambda name: CASES[name](AMOUNTS[unit]))
    for line in sys.stdin:
        name = line.rstrip("\n")
        try:
            value = MEASURES[unit](make(name), tree)
        except Exception as error:  # what this revision cannot do yet
            print(f"{name}, {tree.name}: {error}", file=sys.stderr)
            value = float("nan")
        print(value, flush=True)


def ask(name, *workers):
    for worker in workers:
        print(name, file=worker.stdin, flush=True)
    return [float(worker.stdout.readline()) for worker in workers]


# ------------------------------------------------------------------------------------- two trees


def git(*arguments, **environment):
    command = ["git", "-C", ROOT, *arguments]
    environment = {**os.environ, **environment}
    return subprocess.check_output(command, text=True, env=environment).strip()


def working_tree(folder):
    """Return the working tree as a git tree, as it would be committed."""
    index = shutil.copy(ROOT / git("rev-parse", "--git-path", "index"), folder / "index")
    git("add", "--all", ":/", GIT_INDEX_FILE=index)
    return git("write-tree", GIT_INDEX_FILE=index)


def build(revision, tree):
    tree.mkdir()
    archive = tree.with_suffix(".tar")
    git("archive", f"--output={archive}", revision)
    subprocess.run(["tar", "-x", "-f", archive, "-C", tree], check=True)
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC").split()[0]
    if shutil.which("ccache") and "ccache" not in compiler:
        compiler = f"ccache {compiler}"
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    environment = {**os.environ, "CC": compiler}
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{revision} does not build:\n{result.stdout}{result.stderr}")


def start(tree, unit):
    command = [sys.executable, __file__, "--work", tree, unit]
    if unit == "instructions":
        client = tree / "client.c"
        client.write_text(CLIENT)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", tree / "client.so", client], check=True)
        tool = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={tree}/counts"]
        command = ["valgrind", "-q", *tool, *command]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(tree)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, **pipes)


def compare(name, base, head, unit, runs):
    """Row of the table, and how much more head needs."""
    if unit == "instructions":
        pairs = [ask(name, base, head)]
    else:
        pairs = []
        for turn in range(1 + runs):  # the first brings everything into the cache
            first, second = (base, head) if turn % 2 else (head, base)
            values = ask(name, first) + ask(name, second)
            pairs += [values if turn % 2 else values[::-1]] * (turn > 0)
    ratios = [b / a for a, b in pairs]
    medians = [f"{statistics.median(values):.4g}" for values in zip(*pairs, strict=True)]
    ratio = measure.spread(ratios, 3) if runs > 1 and unit == "ms" else f"{ratios[0]:.3f}"
    return [name, *medians, ratio], statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", nargs="?", default="HEAD")
    parser.add_argument("--head", help="a revision instead of the working tree")
    parser.add_argument("--time", action="store_true", help="time, even where valgrind exists")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="cases with such a word in their names"
    )
    parser.add_argument("--runs", type=int, default=15, help="of each case, where it is timed")
    parser.add_argument("--threshold", type=float, help="default: 1.02 of counts, 1.10 of times")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        tree, unit = arguments.work
        work(Path(tree), unit)
        return
    measure.restart_without_forced_blas()
    unit = "ms" if arguments.time or shutil.which("valgrind") is None else "instructions"
    threshold = arguments.threshold or THRESHOLDS[unit]
    cases = [name for name in CASES if any(word in name for word in arguments.only)]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trees = folder / "base", folder / "head"
        revisions = arguments.base, arguments.head or working_tree(folder)
        for revision, tree in zip(revisions, trees, strict=True):
            build(revision, tree)
        workers = [start(tree, unit) for tree in trees]
        sets = [worker.stdout.readline().strip() for worker in workers]
        print(f"{unit} of {' and '.join(sorted(set(sets)))}, on one thread", end="\n\n")
        rows, slower = [], []
        for name in cases:
            print(name, "..", file=sys.stderr)
            row, ratio = compare(name, *workers, unit, arguments.runs)
            rows.append(row)
            slower += [name] * (ratio > threshold or row[2] == "nan")
        for worker in workers:
            worker.communicate()
    print(measure.markdown(["", "base", "head", "head / base"], rows))
    if slower:
        raise SystemExit(f"Head needs more than {threshold} times as much: {', '.join(slower)}.")


if __name__ == "__main__":
    main()
