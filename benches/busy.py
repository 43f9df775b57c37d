"""Fits and predictions beside busy processes: fastnn's team that adapts, and fixed numbers.

    python benches/busy.py [--busy K ..] [--runs N] [--peers NAME ..] [--json PATH]

Beside each number of processes that do nothing but count, all columns work in turns, each in a
process of its own. Times are told with their ratios to those of fastnn, which chooses its number of
threads. Before each round it is measured what two threads do together, compared with one: it tells
whether the two processors are free, and share a core or not.
"""

import argparse
import contextlib
import math
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measure
import peers
import report
import workloads
from footprint import missing
from peers import COLUMNS, Column, FastNN
from worker import Work, Worker, restrict_to, serve
from workloads import IMAGES, TABLE, Workload

COUNT = "while True: sum(range(1_000_000))"

WORKLOADS = {
    "medium": Workload(60_000, 100, 10, (64, 64), 128, 3, predicts=(1, 1024, 60_000)),
    "images": Workload(**IMAGES, hidden=(100, 100), batch_size=128, epochs=1, predicts=(20_000,)),
    "large": Workload(2_000, 784, 10, (512, 512), 256, 1, predicts=(1, 1024)),
    "table": Workload(**TABLE, epochs=10, predicts=(1, 20_000)),
}


class FixedTeam:
    """A team that never changes."""

    def __init__(self, most):
        self.most = most

    def next_slice(self):
        return self.most, math.inf

    def record(self, *slice_):
        pass


class FixedFastNN(FastNN):
    """fastnn with a fixed number of threads."""

    def __init__(self, workload, X, y, threads):
        from fastnn._core import cpu

        super().__init__(workload, X, y)
        self.model.set_params(n_jobs=threads)
        cpu.Team = cpu.Predictor.new_team = FixedTeam

    @staticmethod
    def lacks(workload, threads):
        return FastNN.lacks(workload)


def fixed(threads):
    return Column(FixedFastNN, False, (("threads", threads),))


OWN = {"fastnn": COLUMNS["fastnn"]} | {f"fastnn, {n} of {n}": fixed(n) for n in (1, 2)}
OTHERS = ["scikit-learn", "PyTorch", "ONNX Runtime", "ONNX Runtime, 1 thread"]


def register():
    """Make the columns and the workloads of this file known to `Work`."""
    peers.COLUMNS |= OWN
    workloads.WORKLOADS |= WORKLOADS


def speed_of_two():
    """Return what two threads multiply together, in units of what one does alone."""
    from fastnn._core.cpu import ops

    n = 1 << 22
    ops.fma_chain(n)
    one = measure.seconds(lambda: ops.fma_chain(n))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ops.fma_chain, [1, 1]))
        return 2 * one / measure.seconds(lambda: list(pool.map(ops.fma_chain, [n, n])))


@contextlib.contextmanager
def busy_processes(number):
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(name, columns, busy, runs):
    """Measure a fit and each prediction beside each number of busy processes, one after another."""
    workload = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        workload.save_data(folder)
        workers = {
            column: Worker(column, name, column, folder, 2, script=__file__) for column in columns
        }
        for column, worker in workers.items():
            stack.callback(worker.close)
            worker.answer()
            if COLUMNS[column].trains:
                worker.call("fit", 0)
        for k in busy:
            for operation, argument in [
                ("fit", None),
                *(("predict", n) for n in workload.predicts),
            ]:
                times, speeds = {}, []
                for seed in range(1, runs + 1):
                    speeds.append(speed_of_two())
                    with busy_processes(k):
                        for column, worker in workers.items():
                            if operation == "fit" and not COLUMNS[column].trains:
                                continue
                            time.sleep(measure.PAUSE)
                            answer = worker.call(operation, argument or seed)
                            times.setdefault(column, []).append(answer["seconds"])
                what = str(workload) if operation == "fit" else f"{argument} rows of {name}"
                yield {
                    "busy processes": k,
                    "operation": operation,
                    "what": what,
                    "seconds": times,
                    "two threads": speeds,
                }


def row(result, columns):
    cells = [result["busy processes"], report.label(result)]
    cells += [report.cell(result, column) for column in columns]
    return measure.markdown_row([*cells, measure.spread(result["two threads"], 2)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2, 4], metavar="K")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=[*WORKLOADS])
    parser.add_argument("--peers", nargs="*", choices=OTHERS, default=OTHERS, metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results/busy.json")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    columns = [*OWN, *arguments.peers]
    columns = [c for c in columns if not missing(COLUMNS[c].library.distributions)]
    print(measure.markdown(["busy", report.TIMES, *columns, "two threads by one"], []))
    content = {"environment": measure.environment(2), "results": []}
    for name in arguments.only:
        for result in run(name, columns, arguments.busy, arguments.runs):
            print(row(result, columns), flush=True)
            content["results"].append(result)
            measure.write_json(arguments.json, content)


if __name__ == "__main__":
    register()
    if len(sys.argv) == 5 and sys.argv[1] in WORKLOADS:
        restrict_to(int(sys.argv[4]))
        serve(lambda: Work(*sys.argv[1:4]))
    else:
        main()
