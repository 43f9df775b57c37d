"""Bar charts of what `compare.py` measured, as SVG for light and for dark pages."""

import statistics
from pathlib import Path
from xml.sax.saxutils import escape

import report

FOLDER = Path(__file__).parents[1] / "docs/_static"
# Fits that differ in kind: images, tables of several lengths.
PANELS = {
    "images": "60,000 images of 784 pixels, hidden (100, 100), 3 epochs",
    "table": "20,000 rows of 64 features, hidden (64, 32), 40 epochs",
    "table-small": "1,000 rows of 20 features, hidden (50), 200 epochs",
    "table-long": "500,000 rows of 30, hidden (256, 256, 256), 1 epoch",
}
COLORS = {
    "light": {"text": "#1f2328", "note": "#59636e", "bar": "#a8b1bb", "own": "#0a7d91"},
    "dark": {"text": "#e6edf3", "note": "#9198a1", "bar": "#5b636c", "own": "#3cc4d8"},
}
WIDTH, HEIGHT = 860, 346
PANEL, LENGTH = (430, 150), 215  # pixels of a panel, and of the longest bar
FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


def text(x, y, content, size=13, anchor="start", css="text", weight=400):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" class="{css}">{escape(content)}</text>'
    )


def panel(x, y, title, times):
    """Return a title and a bar for each library, from a dict of column names to times."""
    lines = [text(x + 4, y + 16, title, size=12.5, weight=600)]
    longest = max(map(statistics.median, times.values()))
    for i, name in enumerate(report.FEW_COLUMNS):
        own, column = name == "fastnn", next(c for c in times if c in report.SHORT[name])
        top, length = y + 28 + 27 * i, round(LENGTH * statistics.median(times[column]) / longest, 1)
        label = report.duration(times[column], ranges=False)
        if not own:
            label += f" ({report.ratio(times[column], times['fastnn']):.1f}x)"
        weight = 600 if own else 400
        lines += [
            text(x + 90, top + 15, name, anchor="end", weight=weight),
            f'<rect x="{x + 98}" y="{top}" width="{length}" height="20" rx="2" '
            f'class="{"own" if own else "bar"}"/>',
            text(x + 104 + length, top + 15, label, size=12, css="note", weight=weight),
        ]
    return lines


def shown_times(result):
    """Return the times of the column of each library that is the fastest."""
    columns = [report.fastest(result, report.SHORT[name]) for name in report.FEW_COLUMNS]
    return {column: result["seconds"][column] for column in columns}


def svg(content, theme):
    """Return the chart for a theme, "light" or "dark"."""
    fits = {r["workload"]: r for r in content["results"] if r["operation"] == "fit"}
    colors = "".join(f".{name}{{fill:{color}}}" for name, color in COLORS[theme].items())
    machine = content["environment"]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="{FONT}" role="img">',
        "<title>Time to train the same network with fastnn, scikit-learn, PyTorch and JAX</title>",
        f"<style>{colors}</style>",
        text(4, 16, "Time to train the same network (shorter is better)", size=15, weight=600),
    ]
    for i, (workload, title) in enumerate(PANELS.items()):
        x, y = PANEL[0] * (i % 2), 30 + PANEL[1] * (i // 2)
        lines += panel(x, y, title, shown_times(fits[workload]))
    note = f"{machine['processor']}, {machine['threads']} threads, python benches/compare.py"
    return "\n".join([*lines, text(4, HEIGHT - 6, note, size=11, css="note"), "</svg>", ""])


def write(content):
    for theme in COLORS:
        (FOLDER / f"speed-{theme}.svg").write_text(svg(content, theme), encoding="utf-8")
