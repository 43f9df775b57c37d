"""Documentation: its examples run, the names in it exist, and public names have docstrings."""

import ast
import importlib.util
import inspect
import pkgutil
import re
from functools import partial

import pytest
from sklearn.base import clone

import fastnn
from fastnn import MLPClassifier, MLPRegressor, TabularMLPRegressor, datasets
from fastnn.callbacks import Context
from support import ROOT, TESTS
from support.devices import find_device

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COURSE = ROOT / "docs" / "course.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
OPTIONAL = ["shap", "torch"]  # too large for the extra `test`
EACH_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT)).removesuffix(".md")
)


# --- what is shown --------------------------------------------------------------------------------


def blocks_of(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def recorded(cls, made):
    """Stand-in for a class, which appends the estimators that a page makes to a list."""

    def build(*args, **parameters):
        made.append(cls(*args, **parameters))
        return made[-1]

    return build


def names_of_the_guide(made):
    """Return the names that blocks may use: those of the lines to paste before them."""
    names = {}
    [block] = blocks_of(ROOT / "docs/guide/index.md")
    exec(block, names)
    for cls in (MLPClassifier, MLPRegressor):
        names[cls.__name__] = recorded(cls, made)
    return names | {"TabularMLPRegressor": partial(TabularMLPRegressor, n_networks=4, n_folds=2)}


def check_parameters(model, names):
    """Fit an estimator that a page has made and not fitted, to validate its parameters."""
    if not hasattr(model, "n_iter_"):
        y, y_val = (names[name].astype(float) for name in ("y", "y_val"))
        model = clone(model).set_params(max_iter=4)
        model.fit(names["X"], y, X_val=names["X_val"], y_val=y_val)


def can_run(block):
    """Return whether the GPU and the libraries that a block needs are there."""
    if 'device="cuda"' in block and find_device() != "gpu":
        return False
    needed = [library for library in OPTIONAL if f"import {library}\n" in block]
    return all(map(importlib.util.find_spec, needed))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@EACH_PAGE
def test_blocks_run(page, tmp_path, monkeypatch):
    """Run the blocks of a page in order; later ones may use names that earlier ones define.

    Pages of the guide begin with its lines to paste, others with nothing.
    """
    monkeypatch.chdir(tmp_path)
    made = []
    given = names_of_the_guide(made)
    names = dict(given) if page.parent.name == "guide" else {}
    for block in filter(can_run, blocks_of(page)):
        code = compile(block, f"{page.name}: {block.splitlines()[0]}", "exec")
        exec(code, names)
    for model in made:
        check_parameters(model, given)


def test_there_are_blocks():
    assert sum(len(blocks_of(page)) for page in PAGES) >= 40


# --- what is named --------------------------------------------------------------------------------


@EACH_PAGE
def test_names_are_there(page):
    """Check roles of the reference, tests that verify a guarantee, and examples."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\{(?:obj|mod)\}`~?([\w.]+)`", text):
        pkgutil.resolve_name(name)
    for file, test in re.findall(r"`([\w/]+\.py)::(\w+)`", text):
        assert f"\ndef {test}(" in (TESTS / file).read_text(encoding="utf-8")
    for name in {*re.findall(r"auto_examples/(\w+)\.rst", text)} - {"index"}:
        assert (ROOT / "examples" / f"{name}.py").exists(), name


def is_valid(cls, options):
    """Return whether an estimator takes these parameters, each with a value that it knows."""
    try:
        cls(**options)._validate_params()
    except (TypeError, ValueError):
        return False
    return True


def test_rows_of_the_course_are_true():
    """Check that names in code are of the estimators, and that a test or example shows each row."""
    specs = {name: getattr(fastnn, name) for name in fastnn.__all__}
    estimators = MLPClassifier, MLPRegressor
    rows = re.findall(
        r"^\| (?!technique)(.*) \|$", COURSE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) > 120
    for row in rows:
        _, _, names, shown = row.split(" | ")
        assert "::test_" in shown or "auto_examples/" in shown, row
        for code in re.findall(r"`([^`]+)`", re.sub(r"\{obj\}`[^`]+`", "", names)):
            if "=" in code:
                options = eval(f"dict({code})", dict(specs))
                assert any(is_valid(cls, options) for cls in estimators), code
            else:
                assert all(
                    code in documented_names(cls) or hasattr(cls, code) for cls in estimators
                )


def constants_of(path):
    """Return the constant parts of all strings of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [text.replace("`", "") for text in strings if isinstance(text, str)]


def test_messages_of_the_troubleshooting_are_there():
    """Check that each part of a message, between dots for values, is in the source."""
    page = (ROOT / "docs/guide/troubleshooting.md").read_text(encoding="utf-8")
    source = [text for path in (ROOT / "fastnn").rglob("*.py") for text in constants_of(path)]
    for message in re.findall(r"^\| `(.*?)` \| .* \| ", page, re.MULTILINE):
        for part in re.split(r"\s*\.\.(?!\.)\s*", message):
            assert any(part in text for text in source), message


def messages_of_warnings():
    """Return the messages of all calls of `warn`, with dots for values; not those in variables."""
    messages = []
    for path in (ROOT / "fastnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "warn":
                parts = getattr(node.args[0], "values", [node.args[0]])
                texts = [one.value if isinstance(one, ast.Constant) else ".." for one in parts]
                messages.append("".join(texts).replace("`", ""))
    return [message for message in messages if re.search("[a-z]", message)]


def test_warnings_are_in_the_troubleshooting():
    page = (ROOT / "docs/guide/troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.*?)` \|", page, re.MULTILINE)
    shown = re.compile("|".join(".*".join(map(re.escape, row.split(".."))) for row in rows))
    messages = messages_of_warnings()
    assert len(messages) > 20
    assert [message for message in messages if not shown.search(message)] == []


# --- what is public -------------------------------------------------------------------------------


def public_names():
    """Yield all names in `__all__` of all modules."""
    modules = [fastnn]
    for found in pkgutil.iter_modules(fastnn.__path__, "fastnn."):
        if not found.name.startswith("fastnn._"):
            modules.append(importlib.import_module(found.name))
    for module in modules:
        # As in docs/public_api.py, which generates the reference:
        for name in getattr(module, "__all__", ()):
            yield f"{module.__name__}.{name}", getattr(module, name)


def documented_names(obj):
    """Return the names in the sections of parameters and attributes, also of base classes."""
    names = set()
    for one in inspect.getmro(obj) if inspect.isclass(obj) else [obj]:
        for line in (inspect.getdoc(one) or "").splitlines():
            if found := re.match(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : |$)", line):
                names.update(name.strip("* ") for name in found[1].split(","))
    return names


@pytest.mark.parametrize("name, obj", list(public_names()))
def test_public_names_are_explained(name, obj):
    """Check that there is a docstring that contains each parameter."""
    assert obj.__doc__
    if inspect.ismodule(obj):
        return
    assert not obj.__doc__.startswith(f"{obj.__name__}(")  # what a dataclass writes
    assert not inspect.isclass(obj) or "__doc__" in vars(obj)
    if obj is not Context:  # the trainer makes it
        assert set(inspect.signature(obj).parameters) <= documented_names(obj)


# Beginnings of a fragment or a relative clause, instead of a verb or a noun.
FRAGMENT = re.compile(
    r"\W*(All|As|At|Because|Both|But|By|Each|Every|For|From|Had|Has|Have|How|If|In|Is|It|Its|Let|No|"
    r"Not|Of|On|One|Or|Same|Some|Such|That|The same|Their|Them|Then|There|These|They|This|Those|To|"
    r"What|When|Where|Whether|Which|Who|Whose|Why|With|Without)\b"
)


def test_docstrings_begin_with_a_verb_or_a_noun():
    fragments = []
    for path in (ROOT / "fastnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                docstring = ast.get_docstring(node) or ""
                fragments += [(path.name, docstring)] * bool(FRAGMENT.match(docstring))
    assert not fragments


def test_readers_and_makers_of_data_are_public():
    functions = inspect.getmembers(datasets, inspect.isfunction)
    own = {name for name, each in functions if each.__module__ == datasets.__name__}
    assert {name for name in own if not name.startswith("_")} == set(datasets.__all__)
