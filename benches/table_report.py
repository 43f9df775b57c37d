"""The tables of what `tables.py` measured.

Figures of a table are means over the seeds that a model and the reference have both done. Ratios
are to the reference, and their means geometric.
"""

import math
import statistics

from scipy.stats import rankdata

import measure
from table_peers import REFERENCE

ADDED = 1e-3  # to errors and log losses: where the reference makes none, a ratio is defined
SMALL = 2000  # rows below which a table is small


class Figures:
    """Means over seeds of each model on each table, for each kind of figure."""

    def __init__(self, content, tables):
        self.shapes, self.results = content["tables"], content["results"]
        self.tables = [table for table in tables if table in self.results.get(REFERENCE, {})]

    def of(self, model, kind, tables=None):
        """Return the mean over seeds by table, of tables that have this kind of figure."""
        means = {}
        for table in self.tables if tables is None else tables:
            runs = self.results.get(model, {}).get(table, {})
            seeds = runs.keys() & self.results[REFERENCE][table].keys()
            values = [runs[seed][kind] for seed in sorted(seeds) if kind in runs[seed]]
            if values:
                means[table] = statistics.fmean(values)
        return means

    def ratio(self, model, kind, tables=None, added=0.0):
        """Return the geometric mean of the ratios to the reference; None without any table."""
        own, reference = self.of(model, kind, tables), self.of(REFERENCE, kind, tables)
        logs = [math.log((own[t] + added) / (reference[t] + added)) for t in own]
        return math.exp(statistics.fmean(logs)) if logs else None

    def mean_ranks(self, models):
        """Return the mean rank by error of each model that has done all tables."""
        errors = {model: self.of(model, "error") for model in models}
        complete = [model for model in models if len(errors[model]) == len(self.tables)]
        ranks = [rankdata([errors[model][table] for model in complete]) for table in self.tables]
        return {m: statistics.fmean(rank[i] for rank in ranks) for i, m in enumerate(complete)}


def report(content, models, tables):
    figures = Figures(content, tables)
    models = [model for model in models if model in figures.results]
    if not figures.tables:
        return f"Without results of {REFERENCE} there is nothing to relate others to."
    machine = ", ".join(f"{name}: {value}" for name, value in content["environment"].items())
    return "\n\n".join(["", machine, summary(figures, models), errors(figures, models)])


def summary(figures, models):
    small = [t for t in figures.tables if figures.shapes[t]["rows"] < SMALL]
    large = [t for t in figures.tables if t not in small]
    ranks = figures.mean_ranks(models)
    header = ["", "tables", "error", f"below {SMALL:,} rows ({len(small)})"]
    header += [f"above ({len(large)})", "mean rank", "log loss", "AUC", "time", "s in all", "MiB"]
    rows = []
    for model in models:
        seconds, aucs = figures.of(model, "seconds"), figures.of(model, "AUC").values()
        memory = figures.of(model, "MiB").values()
        cells = [
            number(figures.ratio(model, "error", added=ADDED)),
            number(figures.ratio(model, "error", small, ADDED)),
            number(figures.ratio(model, "error", large, ADDED)),
            number(ranks.get(model), 2),
            number(figures.ratio(model, "log loss", added=ADDED)),
            number(statistics.fmean(aucs) if aucs else None, 4),
            number(figures.ratio(model, "seconds"), 2),
            number(sum(seconds.values()), 1),
            number(max(memory, default=None), 0),
        ]
        rows.append([model, len(seconds), *cells])
    return measure.markdown(header, rows)


def errors(figures, models):
    """Return the errors on each table, smallest tables first."""
    means = {model: figures.of(model, "error") for model in models}
    rows = []
    for table in sorted(figures.tables, key=lambda table: figures.shapes[table]["rows"]):
        shape = figures.shapes[table]
        kind = f"{shape['classes']} classes" if shape["classes"] else "values"
        cells = [number(means[model].get(table), 4) for model in models]
        rows.append([f"{table}, {shape['rows']} x {shape['columns']}, {kind}", *cells])
    return measure.markdown(["error", *models], rows)


def number(value, digits=3):
    return "" if value is None else f"{value:.{digits}f}"
