"""English of pages, strings and examples, by few rules; links that lead somewhere."""

import ast
import re

import pytest

from support import ROOT
from support.prose import description_faults, faults, paragraphs, plain

FILES = ("README.md", "CONTRIBUTING.md", "benches/README.md", "benches/results/gpu.md")
PAGES = [*(ROOT / name for name in FILES), *sorted((ROOT / "docs").rglob("*.md"))]
EACH_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT)).removesuffix(".md")
)
GENERATED = {"api", "auto_examples", "_build"}


@EACH_PAGE
def test_pages_follow_the_rules(page):
    assert faults(plain(page.read_text(encoding="utf-8"))) == []


def string_faults(path, comments):
    """Return the faults of the strings of a module that have sentences, and of its comments."""
    source = path.read_text(encoding="utf-8")
    strings = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    strings = [text for text in strings if isinstance(text, str) and re.search(r"\.\s", f"{text} ")]
    texts = [paragraphs(text) for text in strings]
    if comments:
        texts.append("\n".join(line.removeprefix("# ") for line in source.splitlines()))
    descriptions = [fault for text in strings for fault in description_faults(text)]
    return descriptions + faults(plain("\n\n".join(texts)))


@pytest.mark.parametrize("folder, comments", [("fastnn", False), ("examples", True)])
def test_strings_follow_the_rules(folder, comments):
    """Check messages and docstrings; comments of examples are the text of their pages."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    found = {path.name: string_faults(path, comments) for path in paths}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Of the rows, some are held out.",
        "All is well. What is held out is not trained on.",
        "Training goes on to the\nsame bits.",
        "- In whose first row there is a number.",
    ],
)
def test_rules_find_faults(text):
    assert faults(plain(text))


def test_rules_find_faults_of_docstrings():
    text = "Scale.\n\n    Parameters\n    ----------\n    x : float\n        {}\n    "
    assert description_faults(text.format("What is scaled."))
    assert faults(plain(paragraphs(text.format("Number. Of rows, all are scaled."))))
    good = text.format("Number to scale.") + "\n    Examples\n    --------\n    x : 1\n    Of"
    assert not description_faults(good) and not faults(plain(paragraphs(good)))


@pytest.mark.parametrize("text", ["What is wrong?", "A part\nOf code is `Of x`.", "Most of it."])
def test_rules_leave_good_sentences_alone(text):
    assert not faults(plain(text))


def anchors(text):
    """Return the anchors of a page: of headings, and those that are set by hand."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r"^\((.*?)\)=$", text, re.MULTILINE))


@EACH_PAGE
def test_links_lead_somewhere(page):
    """Check relative links and their anchors; Sphinx checks those of generated pages."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        path, _, anchor = "".join(target).partition("#")
        if re.match(r"\w+:", path) or GENERATED & set(path.split("/")):
            continue
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:  # those that are set by hand are known on all pages
            texts = [each.read_text(encoding="utf-8") for each in ([file] if path else PAGES)]
            assert any(anchor in anchors(each) for each in texts), target
