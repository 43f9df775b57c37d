"""Documentation: its examples run, the names in it exist, and public names have docstrings."""

import ast
import importlib
import inspect
import pkgutil
import re
from functools import partial

import numpy as np
import pandas
import pytest
from sklearn.model_selection import RandomizedSearchCV

import fastnn
from fastnn import MLPClassifier, MLPRegressor, TabularMLPRegressor, datasets
from fastnn.callbacks import Callback, Context
from support import ROOT, TESTS
from support.devices import find_device

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
rng = np.random.default_rng(0)
X, X_VAL = rng.standard_normal((60, 16)), rng.standard_normal((30, 16))
Y, Y_VAL = (abs(rows[:, 0]) for rows in (X, X_VAL))
CLASSES, CLASSES_VAL = Y > 0.7, Y_VAL > 0.7
EACH_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT)).removesuffix(".md")
)


# --- what is shown --------------------------------------------------------------------------------


def fitted(cls, y, y_val):
    """Stand-in for a class, whose estimators are fitted immediately, and so validated."""

    def build(*args, **parameters):
        model = cls(*args, **{"max_iter": 4, **parameters})
        return model.fit(X, y, X_val=X_VAL, y_val=y_val)

    return build


def short_search(model, space, n_iter):
    return RandomizedSearchCV(model.set_params(max_iter=2), space, n_iter=1, cv=2)


def names_for(block):
    """Return the names that blocks may use: the package's names, rows, and suitable targets."""
    y, y_val = (CLASSES, CLASSES_VAL) if "MLPRegressor" not in block else (Y, Y_VAL)
    names = {name: getattr(fastnn, name) for name in fastnn.__all__}
    names |= {"X": X, "y": y, "X_val": X_VAL, "y_val": y_val}
    names |= {"X_train": X, "y_train": y, "X_test": X_VAL, "y_test": y_val}
    names |= {"rows_of_probabilities": np.full((60, 3), 1 / 3)}
    names |= {"columns_of_classes": np.digitize(X[:, :2], [-0.5, 0.5])}
    names |= {"loss_value": lambda z, y: (z - y) ** 2, "loss_derivative": lambda z, y: 2 * (z - y)}
    names |= {"pandas": pandas, "Callback": Callback, "RandomizedSearchCV": short_search}
    names |= {"my_function": lambda X, y, rng: (X, y)}
    names |= {
        "TabularMLPRegressor": partial(TabularMLPRegressor, n_networks=4, n_folds=2),
        "MLPRegressor": fitted(MLPRegressor, Y, Y_VAL),
        "MLPClassifier": fitted(MLPClassifier, CLASSES, CLASSES_VAL),
    }
    return names


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@EACH_PAGE
def test_blocks_run(page, tmp_path, monkeypatch):
    """Run the blocks of a page in order; later ones may use names that earlier ones define."""
    monkeypatch.chdir(tmp_path)
    defined = {}
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        code = compile(block, f"{page.name}: {block.splitlines()[0]}", "exec")
        if 'device="cuda"' in block and find_device() != "gpu":
            continue
        given = names_for(block) | defined
        names = dict(given)
        exec(code, names)
        defined |= {name: value for name, value in names.items() if given.get(name) is not value}


def test_there_are_blocks():
    assert sum(len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) >= 40


# --- what is named --------------------------------------------------------------------------------


@EACH_PAGE
def test_names_are_there(page):
    """Check roles of the reference, and tests that verify a guarantee."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\{(?:obj|mod)\}`~?([\w.]+)`", text):
        module, _, attribute = name.rpartition(".")
        importlib.import_module(name) if "{mod}`" + name in text else getattr(
            importlib.import_module(module), attribute
        )
    for file, test in re.findall(r"`([\w/]+\.py)::(\w+)`", text):
        assert f"\ndef {test}(" in (TESTS / file).read_text(encoding="utf-8")


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
