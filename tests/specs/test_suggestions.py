"""The tables of what other libraries call things: what they lead to is there."""

import inspect
import re

import pytest
from sklearn.metrics import get_scorer_names

import fastnn
from fastnn import MLPClassifier, MLPRegressor
from fastnn._specs import suggestions
from fastnn._specs.constraints import OneOf
from fastnn.estimators.parameter_constraints import OF_CLASSIFIERS, OF_REGRESSORS

CONSTRAINTS = {**OF_CLASSIFIERS, **OF_REGRESSORS, "layers": OF_REGRESSORS["activation"]}
NAMES = {
    parameter: {name for each in allowed if isinstance(each, OneOf) for name in each.options}
    for parameter, allowed in CONSTRAINTS.items()
}
NAMES["loss"] |= {name for each in OF_CLASSIFIERS["loss"] for name in each.options}
NAMES["scoring"] = {"loss", *get_scorer_names()}
ARGUMENTS = {
    name
    for function in (MLPClassifier, MLPRegressor, MLPClassifier.fit, fastnn.Dropout)
    for name in inspect.signature(function).parameters
}


@pytest.mark.parametrize("parameter", suggestions._VALUES)
def test_what_values_lead_to_is_there(parameter):
    for word, name in suggestions._VALUES[parameter].items():
        assert word == suggestions._normalised(word)
        if name not in NAMES[parameter] and not name.endswith("."):
            words = [word for word in re.findall(r"\w+", name) if hasattr(fastnn, word)]
            public = {word: getattr(fastnn, word) for word in words}
            eval(name, public | {"n_channels": 2})  # an expression


def test_what_arguments_lead_to_is_there():
    for word, names in suggestions._ARGUMENTS.items():
        assert word == suggestions._normalised(word)
        for name in names.split(", "):
            assert name.partition("=")[0] in ARGUMENTS


@pytest.mark.parametrize("parameter", [name for name, names in NAMES.items() if len(names) > 1])
def test_names_are_known_however_they_are_spelt(parameter):
    names = NAMES[parameter]
    for name in names:
        for spelt in (name.upper(), name.replace("_", ""), name.replace("_", " ").title()):
            assert suggestions.suggest_value(parameter, spelt, names) == f" Did you mean {name!r}?"


def test_one_letter_too_many_is_no_other_name():
    for parameter in ("solver", "activation", "loss", "learning_rate", "precision", "weight_init"):
        names = NAMES[parameter]
        for name in names:
            assert repr(name) in suggestions.suggest_value(parameter, f"{name}x", names)
