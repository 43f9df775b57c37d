"""Epochs at 1, 2, 4, .. threads: by a model of the engine, and measured against other libraries.

    python benches/scaling.py [--model] [--threads N ..] [--runs N] [--only NAME ..] [--json PATH]

The model (`scaling_model.py`) is printed for up to 64 threads, with the costs of two cores that
share a L3, of two that do not, and of this machine. Then every library fits each workload in a
process of its own for each number of threads, restricted to as many processors, in turns. Prints
markdown tables, and writes every single time to a JSON file. `--model` leaves the fits out.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

import measure
import scaling_model
from worker import Work, Worker, restrict_to, serve
from workloads import WORKLOADS

LIBRARIES = "fastnn", "scikit-learn", "PyTorch"
MEASURED = "images", "images-batch-32", "images-512-512", "table"
MODELLED = (*MEASURED, "table-long")
THREADS = 1, 2, 4, 8, 16, 32, 64


# ------------------------------------------------------------------------------------ the model


def net_of(workload):
    widths = workload.n_features, *workload.hidden, workload.n_outputs
    return scaling_model.Net(workload.n_rows, widths, workload.batch_size)


def crossing(cores, n_lines=5_000, runs=200):
    """Nanoseconds to read a line that another core has written, and to write one it has read."""
    x = np.zeros(16 * n_lines, np.float32)
    times, turn = ([], []), threading.Barrier(2)
    calls = (lambda: x.max(), lambda: np.add(x, 1, out=x))

    def work(which):
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {cores[which]})  # of this thread
        for _ in range(runs):
            for mine in (0, 1):
                turn.wait()
                if mine == which:
                    times[which].append(measure.seconds(calls[which]))
            turn.wait()

    team = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    return [1e9 * statistics.median(own) / n_lines for own in times]


def this_machine():
    """Return the costs of this machine, between the first core and the median of the others."""
    first, *others = sorted(os.sched_getaffinity(0))
    pairs = [crossing((first, other)) for other in others]
    read, write = (statistics.median(column) for column in zip(*pairs, strict=True))
    peak = measure.fma_peak("float32", 1) / 1e9
    return scaling_model.Machine(flops=0.89 * peak, read=read, write=write)


def print_model(machines):
    """Print ms of an epoch and efficiency for each plan, and where the time goes."""
    for name, machine in machines.items():
        costs = ", ".join(f"{cost} {value:.3g}" for cost, value in asdict(machine).items())
        print(f"\nModel, {name} ({costs}): ms an epoch, efficiency\n")
        rows = [
            [f"{net}: {plan}", *cells(net, machine, plan)]
            for net in map(net_of, map(WORKLOADS.get, MODELLED))
            for plan in scaling_model.PLANS
        ]
        print(measure.markdown(["threads", *THREADS], rows))
        print("\nWhere the time of the busiest of 16 threads goes, by rows\n")
        print(parts_table(machine, threads=16))


def cells(net, machine, plan):
    """Cells of a row; the plan that takes less is bold."""
    one = scaling_model.epoch(net, machine, 1).total()
    for threads in THREADS:
        times = {
            name: scaling_model.epoch(net, machine, threads, name).total()
            for name in scaling_model.PLANS
        }
        text = f"{times[plan]:.1f} {100 * one / threads / times[plan]:.0f} %"
        wins = times[plan] == min(times.values()) < max(times.values())
        yield f"**{text}**" if wins else text


def parts_table(machine, threads):
    parts = "products", "optimizer", "units", "reads", "writes", "barriers"
    rows = []
    for workload in map(WORKLOADS.get, MODELLED):
        costs = scaling_model.epoch(net_of(workload), machine, threads)
        shares = (f"{100 * costs[part] / costs.total():.0f} %" for part in parts)
        rows.append([net_of(workload), *shares])
    return measure.markdown(["", *parts], rows)


# -------------------------------------------------------------------------------- what is measured


class LimitedWork(Work):
    """A library and a workload; fastnn with so many threads at most."""

    def __init__(self, workload, column, folder, threads):
        super().__init__(workload, column, folder)
        if column == "fastnn":
            self.model.model.set_params(n_jobs=threads)


def run(name, threads, runs):
    """Milliseconds an epoch of each library with so many threads, in turns."""
    workload = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        workload.save_data(folder)
        workers = {
            library: Worker(library, "--worker", name, library, folder, threads, script=__file__)
            for library in LIBRARIES
        }
        for worker in workers.values():
            stack.callback(worker.close)
            worker.answer()
        times = {library: [] for library in LIBRARIES}
        for seed in range(runs + 1):
            for library, worker in workers.items():
                time.sleep(measure.PAUSE)
                seconds = worker.call("fit", seed)["seconds"]
                if seed:  # the first loads and compiles
                    times[library].append(1e3 * seconds / workload.epochs)
    return times


def print_measured(names, numbers, runs, path):
    content = {"environment": measure.environment(max(numbers)), "results": []}
    print("\nMeasured: ms an epoch, median (smallest-largest); times that of fastnn\n")
    print(measure.markdown(["", "threads", *LIBRARIES, "efficiency of fastnn"], []), flush=True)
    for name in names:
        one = None
        for threads in numbers:
            times = run(name, threads, runs)
            medians = {library: statistics.median(values) for library, values in times.items()}
            own = medians["fastnn"]
            one = one or own * threads
            row = [measure.spread(times["fastnn"], 1)]
            row += [
                f"{measure.spread(times[x], 0)}, {medians[x] / own:.1f}x" for x in LIBRARIES[1:]
            ]
            row += [f"{100 * one / threads / own:.0f} %"]
            print(measure.markdown_row([WORKLOADS[name], threads, *row]), flush=True)
            content["results"].append({"workload": name, "threads": threads, "ms": times})
            measure.write_json(path, content)


def doubling(most):
    return [n for n in (2**i for i in range(most.bit_length())) if n < most] + [most]


def main():
    if sys.argv[1:2] == ["--worker"]:
        name, library, folder, threads = sys.argv[2:]
        restrict_to(int(threads))
        serve(lambda: LimitedWork(name, library, folder, int(threads)))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="store_true", help="only the model")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=MEASURED, metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results/scaling.json")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    numbers = arguments.threads or doubling(measure.available_threads())
    machines = {"cores that share a L3": scaling_model.NEAR, "cores that do not": scaling_model.FAR}
    if hasattr(os, "sched_setaffinity") and measure.available_threads() > 1:
        machines["this machine"] = this_machine()
    print_model(machines)
    if not arguments.model:
        print_measured(arguments.only, numbers, arguments.runs, arguments.json)


if __name__ == "__main__":
    main()
