"""The CUDA engine on a GPU: is it right, what does a step cost, how long does PyTorch take?

    python benches/gpu.py [--quick] [--only PART ..] [--output PATH] [--dry-run]

Parts: versions, tests (and compute-sanitizer), checks (reruns, the CPU's losses and masks), costs
(launches and graphs), steps (against PyTorch), fit (wall time). All are done even if one fails;
then the exit code is 1. What would not fit into `--minutes` is left out, and counts as failed. A
dry run does the same on tiny networks without a GPU: its times mean nothing.
"""

import argparse
import datetime
import importlib.util
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path

import measure
from gpu_checks import CHECKS
from gpu_peers import COLUMNS, Case
from gpu_processes import Workers
from workloads import IMAGES, Workload

ROOT = Path(__file__).parents[1]

SMALL = Case(784, (100, 100), 10, 128, 2000)
LARGE = Case(784, (512, 512), 10, 256, 1000)
LARGEST = replace(LARGE, batch_size=4096, n_steps=200)
NUMBER = Case(20, (64, 64), 1, 32, 2000)
SHAPES = [SMALL, NUMBER, LARGE, replace(LARGE, batch_size=1024, n_steps=500), LARGEST]
CASES = [
    *SHAPES,
    *(replace(case, precision="tf32") for case in SHAPES if case is not NUMBER),
    *(replace(case, regularized=True) for case in SHAPES),
]
# Other optimizers, of fastnn alone.
OPTIMIZERS = [replace(SMALL, optimizer=name) for name in ("sgd", "lamb")]
QUICK = [SMALL, NUMBER, LARGE, LARGEST, replace(LARGEST, precision="tf32")]
DRY = [SMALL, replace(NUMBER, regularized=True), QUICK[-1], *OPTIMIZERS]
TINY = {"n_features": 9, "hidden": (6, 5), "batch_size": 4, "n_steps": 5, "n_rows": 24}

#: By which factor fastnn is to be faster: than which column, None for the fastest.
GOALS = [
    *((case, "PyTorch eager", 20.0) for case in (SMALL, NUMBER)),
    *((case, "PyTorch graph", 4.0) for case in (SMALL, NUMBER)),
    (LARGE, "PyTorch graph", 1.2),
    *((replace(LARGEST, precision=name), None, 0.9) for name in ("float32", "tf32")),
]

# Two trainings that round in other ways end apart, with other dropout masks even more: of what was
# taken off the loss of a guess, this part.
TOLERANCE = 0.1

FIT = Workload(**IMAGES, hidden=(100, 100), batch_size=128, epochs=5)
FITS = {"fastnn cuda": ("fastnn", "cuda"), "fastnn cpu": ("fastnn", "cpu")}
FITS["PyTorch eager"] = "PyTorch eager", "cuda"

#: Seconds that a child process may take for tests.
FOR_TESTS, FOR_SANITIZER = 200, 90


class Failed(Exception):
    """A part that is wrong in a way that was looked for."""


class Run:
    """Parts one after another, and what they found."""

    def __init__(self, arguments):
        self.dry, self.quick, self.output = arguments.dry_run, arguments.quick, arguments.output
        self.ends = time.monotonic() + 60 * arguments.minutes
        self.runs = 2 if self.dry else 3 if self.quick else 5
        self.workers = Workers(self.dry)
        self.content, self.failures = {}, []

    def attempt(self, name, call, *arguments):
        """Go on after a failure, which is told here and again at the end."""
        try:
            if time.monotonic() > self.ends:
                raise Failed("left out: the time is up (--minutes)")
            return call(*arguments)
        except Exception as error:
            # What a process answers has its traceback within.
            told = isinstance(error, (Failed, RuntimeError))
            text = str(error).strip() if told else traceback.format_exc()
            self.failures.append({"part": name, "error": text})
            print(f"\nFAILED {name}: {text}\n", flush=True)
            return None
        finally:
            self.save()

    def save(self):
        if self.output:
            content = {**self.content, "failures": self.failures}
            measure.write_json(self.output, content)

    # --------------------------------------------------------------------------------- versions

    def versions(self):
        found = {"date": datetime.datetime.now(datetime.UTC).isoformat("T", "seconds")}
        self.content["environment"] = found
        found["commit"] = said("git", "-C", ROOT, "describe", "--always", "--dirty")
        found["processor"], found["processors"] = measure.processor(), os.cpu_count()
        query = "name,driver_version,memory.total,clocks.max.sm"
        found["GPU"] = said("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader")
        found |= self.workers.call("fastnn", "versions")
        del found["processor seconds"]
        self.content["environment"] = found
        print("\n".join(f"{key}: {value}" for key, value in found.items()), flush=True)

    # ------------------------------------------------------------------------------------ tests

    def tests(self):
        self.attempt("pytest tests/core/cuda/device", self.pytest)
        for tool in ("memcheck", "racecheck"):
            self.attempt(f"compute-sanitizer {tool}", self.sanitize, tool)

    def pytest(self):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/core/cuda/device",
        ]
        if importlib.util.find_spec("xdist"):
            command += ["-n", str(min(8, os.cpu_count()))]
        environment = {"NUMBA_ENABLE_CUDASIM": "1"} if self.dry else {"FASTNN_REQUIRE_CUDA": "1"}
        command += ["--collect-only"] * self.dry
        self.child("tests", command, FOR_TESTS, environment, lines=25)

    def sanitize(self, tool):
        program = shutil.which("compute-sanitizer")
        command = [sys.executable, str(Path(__file__).parent / "gpu_checks.py")]
        if program:
            options = ["--tool", tool, "--error-exitcode", "9", "--target-processes", "all"]
            command = [program, *options, *command]
        else:
            print(f"compute-sanitizer ({tool}): there is none here.", flush=True)
            self.content.setdefault("tests", {})[tool] = "compute-sanitizer is not installed"
            if not self.dry:
                return
        environment = {"NUMBA_ENABLE_CUDASIM": "1"} if self.dry else {}
        self.child(tool, command, FOR_SANITIZER, environment, lines=8)

    def child(self, name, command, seconds, environment, lines):
        """Run a command, print how its output ends, and expect that it succeeds."""
        start, late = time.monotonic(), False
        seconds = min(seconds, self.ends - start)
        # A group of its own: what it started ends with it.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            late = True
        tail = "\n".join(output.rstrip().splitlines()[-lines:])
        took = time.monotonic() - start
        print(f"\n{name}, {took:.0f} s:\n{tail}", flush=True)
        code = "not done in time" if late else process.returncode
        found = {"seconds": took, "exit code": code, "output": tail}
        self.content.setdefault("tests", {})[name] = found
        if code != 0:
            raise Failed(f"{name}: exit code {code} (see its last lines above)")

    # ----------------------------------------------------------------------------------- checks

    def checks(self):
        for name in CHECKS:
            self.attempt(f"check of {name}", self.check, name)

    def check(self, name):
        found = self.workers.call("fastnn", "check", name)["found"]
        self.content.setdefault("checks", {})[name] = found
        print(f"{name}: {found}.", flush=True)

    # ------------------------------------------------------------------------------------ costs

    def costs(self):
        found = self.workers.call("fastnn", "costs")
        del found["processor seconds"]
        self.content["costs, µs"] = found
        rows = [[name, f"{value:.2f}"] for name, value in found.items()]
        print("\n" + measure.markdown(["cost", "µs"], rows), flush=True)
        for case in (SMALL, LARGEST):
            self.attempt(f"kernels of {case}", self.kernels, case)

    def kernels(self, case):
        """Measure the kernels of a step separately."""
        self.workers.call("fastnn", "prepare", asdict(self.sized(case)))
        seconds = self.workers.call("fastnn", "run")["seconds"] / self.sized(case).n_steps
        found = self.workers.call("fastnn", "kernels")
        self.workers.close("fastnn")  # its networks are no longer what they were
        found["µs of a step"] = 1e6 * seconds
        self.content.setdefault("kernels", {})[str(case)] = found
        times = found["microseconds"]
        rows = [[name, f"{value:.2f}"] for name, value in times]
        rows += [["all of these", f"{sum(value for _, value in times):.2f}"]]
        rows += [[f"a step of {found['launches']} kernels, in a call", f"{1e6 * seconds:.2f}"]]
        print("\n" + measure.markdown([f"kernel of {case}", "µs"], rows), flush=True)

    # ------------------------------------------------------------------------------------ steps

    def sized(self, case):
        if self.dry:
            return replace(case, **TINY)
        return replace(case, n_steps=case.n_steps // 4) if self.quick else case

    def steps(self):
        self.content["steps"] = []
        print("\n" + measure.markdown(["µs a step", *COLUMNS], []), flush=True)
        cases = DRY if self.dry else QUICK if self.quick else [*CASES, *OPTIMIZERS]
        for case in cases:
            self.attempt(f"steps of {case}", self.steps_of, case)
        self.attempt("goals", self.goals)

    def steps_of(self, case):
        columns = list(COLUMNS) if case.optimizer == "adam" else ["fastnn"]
        result = {"case": str(case), "seconds": {}, "clock": {}, "loss": {}, "prepared in": {}}
        guess, wrong = math.nan, []

        def tried(column, *command):
            """The answer; after a failure None, and the column is left out from then on."""
            if column not in columns:
                return None
            try:
                return self.workers.call(column, *command)
            except (RuntimeError, OSError) as error:
                columns.remove(column)
                wrong.append(str(error).strip())
                return None

        for column in list(columns):
            if answer := tried(column, "prepare", asdict(self.sized(case))):
                result["prepared in"][column] = answer["seconds"]
        for _ in range(self.runs):
            for column in list(columns):
                if answer := tried(column, "run"):
                    for key in ("seconds", "clock"):
                        per_step = answer[key] / self.sized(case).n_steps
                        result[key].setdefault(column, []).append(per_step)
        for column in list(columns):
            if answer := tried(column, "loss_of_steps"):
                result["loss"][column], guess = answer["loss"], answer["guess"]
        result["loss of a guess"] = guess
        for key in ("seconds", "clock"):
            result[key] = {c: times for c, times in result[key].items() if c in columns}
        self.content["steps"].append(result)
        print(measure.markdown_row([case, *(cell(result, c) for c in COLUMNS)]), flush=True)
        if not self.dry:
            wrong += differences(result["loss"], guess)
        if wrong:
            raise Failed("\n".join(wrong))

    def goals(self):
        """Check that fastnn is faster by the factors of `GOALS`."""
        results = {result["case"]: result["seconds"] for result in self.content["steps"]}
        rows, missed = [], []
        for case, column, least in GOALS:
            times = results.get(str(case), {})
            others = [c for c in times if c != "fastnn" and column in (None, c)]
            name = f"{case}, {column or 'the fastest of PyTorch'}"
            if "fastnn" not in times or not others:
                rows.append([name, f"{least:g}x", "not measured", ""])
                continue
            found = min(statistics.median(ratios(times, c)) for c in others)
            verdict = "reached" if found >= least else "missed"
            rows.append([name, f"{least:g}x", f"{found:.2f}x", verdict])
            missed += [name] if found < least else []
        self.content["goals"] = rows
        header = ["against", "goal", "found", ""]
        print("\n" + measure.markdown(header, rows), flush=True)
        if missed and not self.dry:
            raise Failed(f"missed: {'; '.join(missed)}")

    # -------------------------------------------------------------------------------------- fit

    def fit(self):
        """Whole fits from arrays of NumPy, in new processes: first, second and third call."""
        workload = FIT
        if self.dry:
            workload = replace(FIT, n_rows=24, n_features=9, hidden=(6, 5), batch_size=8, epochs=2)
        self.workers.close()
        found = self.content["fit"] = {"what": str(workload), "seconds": {}, "loss": {}}
        for name, options in FITS.items():
            self.attempt(f"fit of {name}", self.fit_of, found, name, workload, *options)
        rows = []
        for name, (first, *later) in found["seconds"].items():
            rows.append([name, f"{first:.2f}", measure.spread(later), f"{found['loss'][name]:.4f}"])
        header = [f"fit, {workload}: seconds", "first call", "later calls", "loss"]
        print("\n" + measure.markdown(header, rows), flush=True)
        wrong = differences(found["loss"], math.log(workload.n_classes))
        if wrong and not self.dry:
            raise Failed("\n".join(wrong))

    def fit_of(self, found, name, workload, column, device):
        # In a dry run, PyTorch has no other device than the processor.
        device = "cpu" if self.dry and column != "fastnn" else device
        self.workers.call(column, "make", asdict(workload), device)
        seconds = [self.workers.call(column, "fit", seed)["seconds"] for seed in range(3)]
        found["loss"][name] = self.workers.call(column, "loss", workload.n_rows)["loss"]
        found["seconds"][name] = seconds
        self.workers.close(column)


def said(*command):
    """Return the output of a program, in one line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return "; ".join(done.stdout.split("\n")).strip("; ")
    except (OSError, subprocess.SubprocessError) as error:
        return f"not known ({error})"


def ratios(times, column):
    """Return the ratios of a column to fastnn, turn by turn."""
    return [a / b for a, b in zip(times[column], times["fastnn"], strict=True)]


def cell(result, column):
    times = result["seconds"].get(column)
    if not times:
        return ""
    text = measure.spread([1e6 * value for value in times], 1)
    if column == "fastnn" or "fastnn" not in result["seconds"]:
        return text
    return f"{text}, **{statistics.median(ratios(result['seconds'], column)):.1f}x**"


def differences(losses, guess):
    """Describe differences between losses that should agree."""
    wrong = [
        f"{column} did not learn: loss {loss:.4f}, that of a guess {guess:.4f}"
        for column, loss in losses.items()
        if not loss < 0.9 * guess
    ]
    if losses and max(losses.values()) - min(losses.values()) > TOLERANCE * guess:
        wrong.append(f"the losses differ: {losses}, that of a guess is {guess:.4f}")
    return wrong


PARTS = ("versions", "tests", "checks", "costs", "steps", "fit")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer cases and runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", default=PARTS)
    parser.add_argument("--output", type=Path, help="by default benches/results/gpu.json")
    parser.add_argument("--dry-run", action="store_true", help="tiny, without a GPU or an output")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which parts are left out")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    if importlib.util.find_spec("fastnn") is None:  # then what is built in place, if it is
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if arguments.output is None and not arguments.dry_run:
        arguments.output = Path(__file__).parent / "results/gpu.json"

    run, start = Run(arguments), time.monotonic()
    try:
        for part in PARTS:
            if part in arguments.only:
                print(f"\n## {part}, after {time.monotonic() - start:.0f} s", flush=True)
                run.attempt(part, getattr(run, part))
    finally:
        run.workers.close()
    print(f"\n{len(run.failures)} failures in {time.monotonic() - start:.0f} s", flush=True)
    for failure in run.failures:
        lines = failure["error"].strip().splitlines()
        print(f"- {failure['part']}: {lines[-1]}")
    raise SystemExit(1 if run.failures else 0)


if __name__ == "__main__":
    main()
