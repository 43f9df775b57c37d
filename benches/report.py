"""The tables of what `compare.py` measured."""

import math
import statistics
from pathlib import Path

import measure
from peers import COLUMNS

README = Path(__file__).parents[1] / "README.md"
MARKERS = "<!-- made by benches/compare.py -->", "<!-- until here -->"

TIMES = "median (smallest-largest), times that of fastnn"
# Of PyTorch, the short table has the faster of two columns.
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


def head(columns):
    return measure.markdown([TIMES, *columns], [])


def row(result, columns):
    return measure.markdown_row([label(result), *(cell(result, column) for column in columns)])


def short_table(results):
    def best(result, columns):
        medians = {c: statistics.median(v) for c, v in result["seconds"].items() if c in columns}
        return cell(result, min(medians, key=medians.get)) if medians else ""

    rows = [
        [label(result), *(best(result, columns) for columns in SHORT.values())]
        for result in results
    ]
    return measure.markdown([TIMES, *SHORT], rows)


def label(result):
    return f"{result['operation']}: {result['what']}"


def cell(result, column):
    """``median (smallest-largest) unit, times that of fastnn`` in the same precision."""
    times = result["seconds"]
    if column not in times:
        return ""
    base = "fastnn bfloat16" if COLUMNS[column].bfloat16 else "fastnn"
    text = duration(times[column])
    if column == base or base not in times:
        return text
    ratios = [a / b for a, b in zip(times[column], times[base], strict=True)]
    return f"{text}, **{statistics.median(ratios):.1f}x**"


def duration(seconds):
    median = statistics.median(seconds)
    factor, unit = (1, "s") if median >= 1 else (1e3, "ms") if median >= 1e-3 else (1e6, "µs")
    digits = max(0, 2 - int(math.log10(factor * median)))
    return f"{measure.spread([factor * value for value in seconds], digits)} {unit}"


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


def write_readme(content):
    """Put the short table, and how it came about, between the markers."""
    text = README.read_text()
    begin, end = (text.find(marker) for marker in MARKERS)
    if not 0 <= begin < end:
        raise SystemExit(f"README.md needs the lines {MARKERS[0]} and {MARKERS[1]}.")
    made = f"{short_table(content['results'])}\n\n{circumstances(content)}"
    README.write_text(f"{text[:begin]}{MARKERS[0]}\n\n{made}\n\n{text[end:]}")
