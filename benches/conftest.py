"""Rates beside the times: a table after pytest-benchmark's own."""

import pytest

import measure

ROWS = pytest.StashKey[list]()


def pytest_configure(config):
    config.stash[ROWS] = []
    measure.warn_about_forced_blas()


@pytest.fixture
def rate(benchmark, request):
    """Benchmark ``call(repeat)``, which does so many operations or moves so many bytes a time."""

    def run(call, *, repeat=1, operations=None, moved=None, dtype="float32", threads=1):
        benchmark(call)
        seconds = benchmark.stats.stats.median / repeat
        if operations is not None:
            share = operations / seconds / measure.fma_peak(dtype, threads)
            numbers = {"GF/s": operations / seconds / 1e9, "% of FMA peak": 100 * share}
        else:
            numbers = {"GB/s": moved / seconds / 1e9}
        benchmark.extra_info.update(numbers)
        rates = ", ".join(f"{value:.0f} {unit}" for unit, value in numbers.items())
        name = request.node.name.removeprefix("bench_")
        request.config.stash[ROWS].append([name, f"{1e6 * seconds:.2f} µs", rates])

    return run


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    if rows := config.stash[ROWS]:
        environment = measure.environment(measure.available_threads())
        terminalreporter.section("rates")
        terminalreporter.write_line(", ".join(f"{k}: {v}" for k, v in environment.items()))
        terminalreporter.write_line(measure.markdown(["median", "time", "rate"], rows))
