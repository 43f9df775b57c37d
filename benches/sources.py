"""Training on files larger than memory: time and memory against reading, training, and others.

    python benches/sources.py [--gigabytes GB] [--limit MiB] [--only KIND ..] [--folder PATH]

A Parquet file, a CSV file and a memory map of float16 are written to a folder, and deleted at the
end. A network of two hidden layers of 100 units is trained on each in batches of 256, and times are
those of an epoch. For fastnn, processes are limited to a quarter of the file (``RLIMIT_DATA``,
which does not count maps of files), and their anonymous memory is watched.
"""

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import measure
from source_files import SUFFIXES, write
from source_worker import COLUMNS, N_TREES
from worker import Worker

SCRIPT = Path(__file__).with_name("source_worker.py")
NEEDS = {"PyTorch": "torch", "PyTorch, 1 worker": "torch", "XGBoost": "xgboost"}


def worker_of(name, kind, path, limit, options):
    # pyarrow's own pool reserves a GiB of addresses, which count for the limit.
    return Worker(
        name, name, kind, path, options.threads, limit, options.epochs,
        script=SCRIPT, environment={"ARROW_DEFAULT_MEMORY_POOL": "system"},
    )  # fmt: skip


def run(kind, path, columns, options):
    """Return seconds and MiB of each column, measured in turns."""
    found = {}
    with contextlib.ExitStack() as stack:
        workers = {}
        if options.parts:  # in a process without limit, which has rows in memory too
            alone = worker_of("fastnn", kind, path, 0, options)
            stack.callback(alone.close)
            alone.answer()
        for name in columns:
            limit = options.limit if name == "fastnn" else 0
            worker = worker_of(name, kind, path, limit, options)
            stack.callback(worker.close)
            workers[name] = worker, worker.answer()["anonymous"]
        for number in range(options.runs):
            for name in columns if number < options.peer_runs else ["fastnn"]:
                worker, before = workers[name]
                time.sleep(measure.PAUSE)
                answer = worker.watched_call("do", "both")
                result = found.setdefault(name, {"seconds": [], "MiB added": []})
                result["seconds"].append(answer["seconds"])
                result["MiB added"].append(answer["anonymous"] - before)
                if "seconds of reading" in answer:
                    result.setdefault("seconds of reading", []).append(answer["seconds of reading"])
            for what in ("read", "train") if options.parts else ():
                time.sleep(measure.PAUSE)
                result = found.setdefault(f"fastnn, {what}", {"seconds": []})
                result["seconds"].append(alone.call("do", what)["seconds"])
    return found


def share(found):
    """Return the slower of reading and training, in each run, as a part of the time of both."""
    each = [found[name]["seconds"] for name in ("fastnn, read", "fastnn, train", "fastnn")]
    return [100 * max(read, train) / both for read, train, both in zip(*each, strict=True)]


def row(kind, result):
    found = result["found"]
    base = found["fastnn"]["seconds"]
    cells = [f"{kind}, {result['gigabytes']:.1f} GB, {result['rows']:,} rows"]
    for name in ("fastnn", "fastnn, read", "fastnn, train"):
        cells.append(measure.spread(found[name]["seconds"], 1) if name in found else "")
    cells.append(f"{statistics.median(share(found)):.0f} %" if "fastnn, read" in found else "")
    cells.append(f"{max(found['fastnn']['MiB added']):.0f}")
    for name in list(COLUMNS)[1:]:
        if name not in found:
            cells.append("")
            continue
        times, mebibytes = found[name]["seconds"], max(found[name]["MiB added"])
        ratio = statistics.median(a / b for a, b in zip(times, base, strict=False))
        cells.append(f"{measure.spread(times, 1)}, **{ratio:.1f}x**, {mebibytes:.0f} MiB")
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=6.0, help="size of each file")
    parser.add_argument("--limit", type=int, help="MiB of the process; a quarter of the file")
    parser.add_argument("--only", nargs="+", choices=SUFFIXES, default=[*SUFFIXES])
    parser.add_argument("--peers", nargs="*", choices=NEEDS, default=[*NEEDS])
    parser.add_argument("--no-parts", dest="parts", action="store_false", help="only both")
    parser.add_argument("--threads", type=int, default=max(1, measure.available_threads() - 1))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=3, help="of other libraries")
    parser.add_argument("--epochs", type=int, default=3, help="of a training by fastnn")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results/sources.json")
    options = parser.parse_args()
    measure.restart_without_forced_blas()
    n_bytes = int(options.gigabytes * 1e9)
    if options.limit is None:
        options.limit = n_bytes // 4 >> 20
    columns = ["fastnn", *(name for name in options.peers if find_spec(NEEDS[name]))]
    content = {"environment": measure.environment(options.threads), "results": {}}
    if options.json.exists():  # those of other kinds of files stay
        content["results"] = json.loads(options.json.read_text())["results"]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for kind in options.only:
            path = Path(folder, "rows").with_suffix(SUFFIXES[kind])
            n_rows = write(kind, path, n_bytes)
            found = run(kind, path, columns, options)
            result = {"gigabytes": path.stat().st_size / 1e9, "rows": n_rows, "found": found}
            result["limit, MiB"] = options.limit
            content["results"][kind] = result
            measure.write_json(options.json, content)
            path.unlink()
    header = ["s, median (smallest-largest)", "fastnn", "reading", "training"]
    header += ["slower of both, of the time", "MiB added", "PyTorch", "PyTorch, 1 worker"]
    header += [f"XGBoost, {N_TREES} trees"]
    print(measure.markdown(header, [row(*pair) for pair in content["results"].items()]))


if __name__ == "__main__":
    main()
