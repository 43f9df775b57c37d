"""The tables of what `compare.py` measured."""

import math
import statistics
from pathlib import Path

import measure
from peers import COLUMNS

ROOT = Path(__file__).parents[1]
MARKERS = "<!-- made by benches/compare.py -->", "<!-- until here -->"

TIMES = "median (smallest-largest), times that of fastnn"
# The short table has the faster of two columns of PyTorch.
SHORT = {
    "fastnn": ("fastnn",),
    "scikit-learn": ("scikit-learn",),
    "PyTorch": ("PyTorch", "PyTorch compiled"),
    "JAX": ("JAX",),
    "ONNX Runtime": ("ONNX Runtime",),
    "ONNX Runtime, 1 thread": ("ONNX Runtime, 1 thread",),
    "fastnn, bfloat16": ("fastnn bfloat16",),
    "PyTorch, bfloat16": ("PyTorch bfloat16", "PyTorch bfloat16 compiled"),
}
# The rows and columns of README.md.
FEW = {
    "fit: 60000 x 784, hidden (100, 100), batch 128, 3 epochs",
    "fit: 20000 x 64, hidden (64, 32), batch 200, 40 epochs",
    "fit: 1000 x 20, hidden (50), batch 32, 200 epochs",
    "predict: 1 x 64, hidden (64, 32)",
}
FEW_COLUMNS = ["fastnn", "scikit-learn", "PyTorch", "JAX"]


def head(columns):
    return measure.markdown([TIMES, *columns], [])


def row(result, columns):
    return measure.markdown_row([label(result), *(cell(result, column) for column in columns)])


def short_table(results, columns=tuple(SHORT), ranges=True):
    """Return a table with a column for each library; columns without times are left out."""
    rows = {
        label(r): [cell(r, fastest(r, SHORT[name]), ranges) for name in columns] for r in results
    }
    used = [i for i in range(len(columns)) if any(cells[i] for cells in rows.values())]
    return measure.markdown(
        [TIMES if ranges else "median, times that of fastnn", *(columns[i] for i in used)],
        [[name, *(cells[i] for i in used)] for name, cells in rows.items()],
    )


def fastest(result, columns):
    """Return the column with the lowest median, or None if none was measured."""
    times = {c: statistics.median(v) for c, v in result["seconds"].items() if c in columns}
    return min(times, key=times.get) if times else None


def label(result):
    return f"{result['operation']}: {result['what']}"


def cell(result, column, ranges=True):
    """``median (smallest-largest) unit, times that of fastnn`` in the same precision."""
    times = result["seconds"]
    if column not in times:
        return ""
    base = "fastnn bfloat16" if COLUMNS[column].bfloat16 else "fastnn"
    text = duration(times[column], ranges)
    if column == base or base not in times:
        return text
    return f"{text}, **{ratio(times[column], times[base]):.1f}x**"


def ratio(times, base):
    """Return the median of the ratios of runs in turn."""
    return statistics.median([a / b for a, b in zip(times, base, strict=True)])


def duration(seconds, ranges=True):
    median = statistics.median(seconds)
    factor, unit = (1, "s") if median >= 1 else (1e3, "ms") if median >= 1e-3 else (1e6, "µs")
    digits = max(0, 2 - int(math.log10(factor * median)))
    scaled = [factor * value for value in seconds]
    text = measure.spread(scaled, digits) if ranges else f"{factor * median:.{digits}f}"
    return f"{text} {unit}"


def memory_table(results, columns):
    rows = []
    for result in results:
        for key, name in (
            ("MiB at the peak", result["what"]),
            ("MiB added that are not of the map", "of these, what `fit` adds, without the map"),
        ):
            if figures := result.get(key):
                cells = [f"{max(figures[c]):.0f}" if c in figures else "" for c in columns]
                rows.append([name, *cells])
    return measure.markdown(["MiB of the process at the peak of `fit`", *columns], rows)


def first_table(results, columns):
    """Return a table of the additional time of the first call."""
    rows = []
    for result in results:
        if first := result.get("seconds of the first call"):
            more = {c: first[c] - statistics.median(result["seconds"][c]) for c in first}
            cells = [f"{max(0.0, more[c]):.1f}" if c in more else "" for c in columns]
            rows.append([result["what"], *cells])
    return measure.markdown(["seconds more for the first call", *columns], rows)


def after(content, columns):
    """Return everything but the times of columns, which are printed one by one."""
    results = content["results"]
    parts = [
        "",
        circumstances(content),
        short_table(results),
        memory_table(results, columns),
        first_table(results, columns),
    ]
    reasons, sizes = {}, {}
    for result in results:
        sizes |= result.get("MiB on disk", {})
        for column, why in result.get("left out", {}).items():
            reasons.setdefault((column, why), []).append(result["workload"])
    parts += [f"{column}, {', '.join(w)}: {why}." for (column, why), w in reasons.items()]
    if sizes:
        texts = ", ".join(f"{column} {size:.0f}" for column, size in sizes.items())
        parts.append(f"MiB on disk, with dependencies: {texts}.")
    return "\n\n".join(parts)


def circumstances(content):
    """Machine and versions, and how many runs did not have the processors for themselves."""
    machine = ", ".join(f"{name}: {value}" for name, value in content["environment"].items())
    others = [result.get("others", {}).values() for result in content["results"]]
    shares = [share for result in others for column in result for share in column]
    limit = measure.Others.RESTING
    disturbed = sum(share > limit for share in shares)
    text = f"{machine}. Other programs took more than {100 * limit:.0f} % of the processors in"
    text += f" {disturbed} of {len(shares)} runs"
    return text + (": not to be trusted." if disturbed > len(shares) / 20 else ".")


def between_markers(path, made):
    """Replace what a page has between the markers."""
    text = path.read_text(encoding="utf-8")
    begin, end = (text.find(marker) for marker in MARKERS)
    if not 0 <= begin < end:
        raise SystemExit(f"{path} needs the lines {MARKERS[0]} and {MARKERS[1]}.")
    path.write_text(f"{text[:begin]}{MARKERS[0]}\n\n{made}\n\n{text[end:]}", encoding="utf-8")


def write_pages(content):
    """Write the tables of README.md and of the page on performance."""
    results = content["results"]
    few = [result for result in results if label(result) in FEW]
    between_markers(ROOT / "README.md", short_table(few, FEW_COLUMNS, ranges=False))
    parts = [
        short_table([r for r in results if r["operation"] == operation], ranges=False)
        for operation in ("fit", "predict", "import")
    ]
    made = "\n\n".join([*parts, circumstances(content)])
    between_markers(ROOT / "docs/performance.md", made)
