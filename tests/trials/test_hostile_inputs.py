"""Hostile inputs: each gives what the plain ones give, or one sentence, and changes nothing.

An input is disguised, which keeps its values, or spoiled. What is disguised must give the same as
its plain copy; what is spoiled must be refused, by a `raise` of fastnn or of scikit-learn, of a
ValueError or a TypeError. Rows X have trials of their own.
"""

import copy
import datetime
import decimal
import linecache
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from fastnn import MLPClassifier, MLPRegressor, diagnostics, suggest_params
from fastnn.datasets import make_mnist1d
from fastnn.plots import DecisionBoundaryDisplay, FailureCasesDisplay, TrainingCurveDisplay
from fastnn.preprocessing import (
    DuplicateRemover,
    NullColumnRemover,
    NullRemover,
    OutlierRemover,
    train_val_test_split,
)
from support.disguises import DISGUISES, MAY_BE_REFUSED, NO_NUMBERS, OF_LETTERS, OF_NUMBERS, SPOILED

N = 24
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2))
NUMBERS = np.arange(N) % 3 + 1.0
LABELS = np.arange(N) % 3
LETTERS = np.array(["a", "b", "c"])[LABELS]


# --- what is called -------------------------------------------------------------------------------


@dataclass
class Call:
    """A function of one input, what is plain there, and what else it may be."""

    function: Callable
    plain: np.ndarray
    disguises: dict
    spoiled: dict
    owner: Any = None


def regressor(**options):
    return MLPRegressor(hidden_layer_sizes=(2,), max_iter=2, random_state=0, n_jobs=1, **options)


def classifier(**options):
    return MLPClassifier((2,), max_iter=2, random_state=0, n_jobs=1, **options)


def told(model):
    """Return the fitted attributes of a model."""
    found = [model.loss_, model.predict(X)]
    if hasattr(model, "classes_"):
        found += [model.classes_, getattr(model, "validation_scores_", None)]
    return found


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    REGRESSOR, CLASSIFIER = regressor().fit(X, NUMBERS), classifier().fit(X, LABELS)
    LETTERED = classifier().fit(X, LETTERS)


def fresh(model):
    return copy.deepcopy(model)


def numeric(function, plain=NUMBERS, without=(), also=(), owner=None):
    spoiled = SPOILED | NO_NUMBERS
    return Call(
        function,
        plain,
        DISGUISES | OF_NUMBERS,
        {name: spoiled[name] for name in spoiled if name not in without},
        owner,
    )


def labelled(function, plain, without=(), owner=None):
    of_kind = OF_LETTERS if plain.dtype.kind == "U" else OF_NUMBERS
    spoiled = {name: SPOILED[name] for name in SPOILED if name not in without}
    return Call(function, plain, DISGUISES | of_kind, spoiled, owner)


def splits(**options):
    parts = train_val_test_split(np.arange(N), random_state=0, sizes=(8, 8, 8), **options)
    return parts


#: What is no label for a network, and serves where values are only told apart.
ONLY_COMPARED = (
    "date",
    "complex",
    "an object",
    "bytes",
    "huge",
    "complex array",
    "records",
    "recarray",
)
CALLS = {
    "fit y": numeric(lambda v: told(REGRESSOR.fit(X, v)), owner=REGRESSOR),
    "fit sample_weight": numeric(lambda v: told(REGRESSOR.fit(X, NUMBERS, v)), owner=REGRESSOR),
    "fit y_val": numeric(
        lambda v: [*told(m := REGRESSOR.fit(X, NUMBERS, X_val=X, y_val=v)), m.validation_scores_],
        owner=REGRESSOR,
    ),
    "fit sample_weight_val": numeric(
        lambda v: (
            REGRESSOR.fit(
                X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=v
            ).validation_scores_
        ),
        owner=REGRESSOR,
    ),
    "partial_fit y": numeric(lambda v: told(fresh(REGRESSOR).partial_fit(X, v))),
    "score y": numeric(lambda v: REGRESSOR.score(X, v)),
    "score sample_weight": numeric(lambda v: REGRESSOR.score(X, NUMBERS, v)),
    "classifier's sample_weight": numeric(lambda v: told(CLASSIFIER.fit(X, LABELS, v))),
    "classifier's score sample_weight": numeric(lambda v: LETTERED.score(X, LETTERS, v)),
}
for name, plain, model in (("labels", LABELS, CLASSIFIER), ("letters", LETTERS, LETTERED)):
    CALLS |= {
        f"fit {name}": labelled(lambda v, m=model: told(m.fit(X, v)), plain, owner=model),
        f"fit {name}, early": labelled(
            lambda v: told(classifier(early_stopping=True).fit(X, v)), plain
        ),
        f"fit {name}, balanced": labelled(
            lambda v: told(classifier(class_weight="balanced").fit(X, v)), plain
        ),
        f"fit {name} of y_val": labelled(
            lambda v, p=plain: classifier().fit(X, p, X_val=X, y_val=v).validation_scores_, plain
        ),
        f"partial_fit {name}": labelled(
            lambda v, p=plain: told(classifier().partial_fit(X, v, classes=p)), plain
        ),
        f"classes {name}": labelled(
            lambda v, p=plain: told(classifier().partial_fit(X, p, classes=v)),
            plain,
            without=("shorter", "longer", "a list"),
        ),
        f"score {name}": labelled(lambda v, m=model: m.score(X, v), plain),
    }
for name in ("stratify", "groups"):
    for plain in (LABELS, LETTERS):
        CALLS[f"{name} of {plain.dtype}"] = labelled(
            lambda v, n=name: (
                splits(**{n: v})
                if n == "stratify"
                else train_val_test_split(np.arange(N), random_state=0, sizes=(1, 1, 1), **{n: v})
            ),
            plain,
            without=ONLY_COMPARED,
        )
for cleaner in (NullRemover(), DuplicateRemover(), DuplicateRemover(0.1), OutlierRemover()):
    CALLS[f"y of {cleaner!r}"] = labelled(
        lambda v, c=cleaner: c.fit(np.tile(X[:6], (4, 1)), v).sample_indices_,
        LETTERS,
        without=(
            "nan",
            "None",
            "NA",
            "NaT",
            "nan decimal",
            *ONLY_COMPARED,
            "3-D",
            "a list",
            "an array",
            "a dict",
            "lists",
            "structs",
        ),
    )
for diagnostic in (
    diagnostics.initial_loss,
    diagnostics.check_gradients,
    diagnostics.overfit_tiny_subset,
    diagnostics.learning_rate_range,
    diagnostics.layer_health,
    diagnostics.generalization,
):
    name = diagnostic.__name__
    CALLS[f"{name} of numbers"] = numeric(
        lambda v, d=diagnostic: str(d(REGRESSOR, X, v)), owner=REGRESSOR
    )
    CALLS[f"{name} of letters"] = labelled(
        lambda v, d=diagnostic: str(d(LETTERED, X, v)), LETTERS, owner=LETTERED
    )


def ignoring(function):
    def call(value):
        import matplotlib.pyplot as plt

        try:
            return function(value)
        finally:
            plt.close("all")

    return call


CALLS |= {
    "failure cases of letters": labelled(
        ignoring(
            lambda v: FailureCasesDisplay.from_estimator(LETTERED, X, v, n_cases=1).cases.tolist()
        ),
        LETTERS,
    ),
    "failure cases of numbers": numeric(
        ignoring(
            lambda v: FailureCasesDisplay.from_estimator(REGRESSOR, X, v, n_cases=1).cases.tolist()
        )
    ),
    "boundary of letters": labelled(
        ignoring(
            lambda v: DecisionBoundaryDisplay.from_estimator(
                LETTERED, X, v, grid_resolution=5
            ).y.tolist()
        ),
        LETTERS,
    ),
    "boundary of numbers": numeric(
        ignoring(
            lambda v: DecisionBoundaryDisplay.from_estimator(
                REGRESSOR, X, v, grid_resolution=5
            ).y.tolist()
        ),
    ),
    "confidence": numeric(
        ignoring(
            lambda v: FailureCasesDisplay.from_predictions(
                LETTERS, LETTERS[::-1], X, confidence=v, n_cases=1
            ).cases.tolist()
        ),
    ),
}


# --- trials ---------------------------------------------------------------------------------------


# What NumPy and joblib say well enough.
_CLEAR = "Seed must be between", "n_jobs == 0 in Parallel", "Numeric literal"


def refuses(error):
    """Return whether an error was raised on purpose by fastnn or scikit-learn."""
    if not isinstance(error, TypeError | ValueError) or len(str(error)) < 10:
        return False
    *_, last = traceback.extract_tb(error.__traceback__)
    if any(words in str(error) for words in _CLEAR):
        return True
    theirs = Path(last.filename).parts
    return ("fastnn" in theirs or "sklearn" in theirs) and "raise " in _statement(last)


def _statement(frame):
    """The source of what was running; a `raise` may have several lines."""
    last = frame.end_lineno or frame.lineno
    return "".join(linecache.getline(frame.filename, i) for i in range(frame.lineno, last + 1))


def attempt(function, value):
    """Return the result of a function and its error; one of them is None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(value), None
        except Exception as error:
            return None, error


def plain(found):
    """Convert arrays to lists."""
    if isinstance(found, list | tuple):
        return [plain(one) for one in found]
    if isinstance(found, np.ndarray):
        return found.tolist()
    return pytest.approx(found, rel=1e-12) if isinstance(found, float) else found


def said(error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}"
    return f"{type(error).__name__} in {where}: {str(error)[:300]}"


def complaint(name, how, rng):
    """Describe what is wrong with the result for one input, or return None."""
    call = CALLS[name]
    if how in call.disguises:
        expected = plain(call.function(call.plain))
        found, error = attempt(call.function, call.disguises[how](call.plain))
        if error is not None:
            return None if refuses(error) and how in MAY_BE_REFUSED else said(error)
        same = plain(found) == expected
        return None if same else f"{plain(found)} in place of {expected}"
    before = None if call.owner is None else str(told(call.owner))
    found, error = attempt(call.function, call.spoiled[how](call.plain, rng))
    if error is None:
        return f"taken, with {str(found)[:200]}"
    if not refuses(error):
        return said(error)
    kept = call.owner is None or str(told(call.owner)) == before
    return None if kept else "the estimator has changed"


PAIRS = [(name, how) for name, call in CALLS.items() for how in (*call.disguises, *call.spoiled)]


def complaints(pairs, rng):
    """Describe what is wrong with the results for inputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {pair: complaint(*pair, rng) for pair in pairs}
    return "\n".join(f"{pair}: {words}" for pair, words in found.items() if words)


def test_some_hostile_inputs():
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(PAIRS), 250, replace=False)
    assert not complaints([PAIRS[i] for i in chosen], rng)


@pytest.mark.whole
@pytest.mark.parametrize("seed", range(4))
def test_all_hostile_inputs(seed):
    assert not complaints(PAIRS, np.random.default_rng(seed))


# --- single values --------------------------------------------------------------------------------

SINGLES = [
    None, True, np.True_, -1, 0, 1, 2, 0.5, 1.5, -0.0, np.nan, np.inf, -np.inf, 2**31, 2**63, 2**70,
    1e-320, 1j, "a", "", b"a", [], [1], [[]], (), {}, {1: 2}, {1}, np.array(1),
    np.array([1, 2]), np.int8(3), np.float16(0.5), np.uint64(3), decimal.Decimal(1),
    datetime.date(2020, 1, 1), pd.NA, pd.NaT, pd.Series([1]),
    np.ma.masked, object(), len, int, iter([]), range(2), slice(None), Ellipsis,
]  # fmt: skip
# Of so many rows, steps or trees nobody has the memory, or the time.
_LARGE = 2**31, 2**63, 2**70
_MANY = "mnist1d", "n_steps", "max_iter", "n_estimators"


X_SMALL, Y_SMALL = X[:12], LABELS[:12]
SINGLE_CALLS = {
    f"{function.__name__}({name})": (
        lambda value, f=function, n=name: f(classifier(), X_SMALL, Y_SMALL, **{n: value})
    )
    for function, names in {
        diagnostics.initial_loss: ["max_rows", "random_state"],
        diagnostics.regularization_effect: ["max_rows", "random_state"],
        diagnostics.overfit_tiny_subset: ["n_rows", "max_iter", "max_rows", "random_state"],
        diagnostics.check_gradients: ["n_elements", "tolerance", "max_rows", "random_state"],
        diagnostics.learning_rate_range: ["min_rate", "max_rate", "n_steps", "max_rows"],
        diagnostics.layer_health: ["max_rows", "random_state"],
        diagnostics.curvature: ["n_eigenvalues", "max_rows", "random_state"],
        diagnostics.generalization: ["max_rows", "random_state", "y_val"],
        diagnostics.check_training: ["skip", "max_rows", "random_state"],
    }.items()
    for name in names
}
SINGLE_CALLS |= {
    f"input_scale({name})": lambda value, n=name: diagnostics.input_scale(X, **{n: value})
    for name in ("max_rows", "random_state")
}
SINGLE_CALLS |= {
    f"train_val_test_split({name})": lambda value, n=name: train_val_test_split(X, **{n: value})
    for name in ("sizes", "stratify", "groups", "random_state", "shuffle")
}
SINGLE_CALLS |= {
    f"make_mnist1d({name})": lambda value, n=name: make_mnist1d(**{"n_samples": 3, n: value})
    for name in ("n_samples", "n_features", "padding", "scale", "max_translation", "noise",
                 "correlated_noise", "shear", "random_state")
}  # fmt: skip
SINGLE_CALLS |= {
    f"{type(cleaner).__name__}({name})": (
        lambda value, c=cleaner, n=name: clone(c).set_params(**{n: value}).fit_resample(X, LABELS)
    )
    for cleaner in (NullRemover(), DuplicateRemover(0.1), OutlierRemover("lof"))
    for name in cleaner.get_params()
}
SINGLE_CALLS |= {
    "NullColumnRemover": lambda value: NullColumnRemover(value).fit(X),
    "split": train_val_test_split,
    "cleaned": lambda value: DuplicateRemover().fit(value),
    "input_scale": diagnostics.input_scale,
    "suggest_params": suggest_params,
    "suggest_params(grid)": lambda value: suggest_params("regression", grid=value),
    "suggest_params(names)": lambda value: suggest_params("regression", names=value),
    "suggest_params(n_samples)": lambda value: suggest_params("regression", n_samples=value),
    "suggest_params(prefix)": lambda value: suggest_params("regression", prefix=value),
    "initial_loss": lambda value: diagnostics.initial_loss(value, X, LABELS),
    "history": ignoring(TrainingCurveDisplay.from_history),
    "sample_weight": lambda value: classifier().fit(X, LABELS, value),
    "score's sample_weight": lambda value: CLASSIFIER.score(X, LABELS, value),
    "class_weight": lambda value: classifier(class_weight=value).fit(X, LABELS),
    "class_weight of a class": lambda value: classifier(class_weight={1: value}).fit(X, LABELS),
    "a class in class_weight": lambda value: classifier(class_weight=[(value, 1)]).fit(X, LABELS),
    "y_val": lambda value: classifier().fit(X, LABELS, X_val=X, y_val=value),
    "classes": lambda value: classifier().partial_fit(X, LABELS, classes=value),
}


@pytest.mark.parametrize("name", SINGLE_CALLS)
def test_single_values(name):
    """Check that each value is accepted, or rejected with a message."""
    found = []
    for value in SINGLES:
        if type(value) is int and value in _LARGE and any(many in name for many in _MANY):
            continue
        _, error = attempt(SINGLE_CALLS[name], value)
        if error is not None and not refuses(error):
            found.append(f"{value!r}: {said(error)}")
    assert not found, "\n".join(found)
