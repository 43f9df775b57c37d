"""Imports point down only: a file may import from the layers below its own, and from none above."""

import ast
import re

import pytest

from support import ROOT

# From the bottom up. A layer is a row of packages and modules, which may import each other.
LAYERS = [
    "_built _extras _interrupts _lazy _printed_tables _typing _warnings",
    "_core",
    "_specs",
    "_files",
    "activations losses normalization layers heads custom optimizers schedules averaging "
    "initializers augment",
    "_data",
    "data",
    "_network",
    "_train runtime",
    "callbacks",
    "_fit _export",
    "estimators",
    "preprocessing datasets tuning many diagnostics feature_extraction tabular onnx dask "
    "uncertainty",
    "plots",
    "_old_paths _cli _demo _show_versions __init__ __main__",
]
RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split()}
PACKAGE = ROOT / "fastnn"
FILES = sorted(path for path in PACKAGE.rglob("*.p*") if path.suffix in (".py", ".pyx", ".pxi"))


def imports_for_type_checkers(tree):
    """Import statements below ``if TYPE_CHECKING``, which never run."""
    guards = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {node for guard in guards for child in guard.body for node in ast.walk(child)}


def imported_modules(path):
    """Full names of what a file imports from the package, anywhere in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"^\s*from (fastnn\S*) c?import", text, re.MULTILINE))
    tree = ast.parse(text)
    names = set()
    for node in set(ast.walk(tree)) - imports_for_type_checkers(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join((*parents, *filter(None, [node.module])))
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("fastnn.")}


def rank(name):
    """Number of the layer of ``fastnn.a.b``; names of the package itself have no layer."""
    return RANKS.get(name.split(".")[1], 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = RANKS[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    above = sorted(name for name in imported_modules(path) if rank(name) > own)
    assert not above, f"{path} imports from above: {', '.join(above)}"
