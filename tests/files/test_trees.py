"""Values come back as they were, and nothing is made of what no file may hold."""

import dataclasses
import json
import math

import numpy as np
import pytest

import fastnn
from fastnn._files.classes import public_module, spec_class
from fastnn._files.trees import Reader, Unsupported, Untrusted, Writer
from fastnn._specs.spec import Spec
from fastnn.callbacks import Callback
from fastnn.diagnostics import Finding

for name in fastnn.augment.__all__:
    getattr(fastnn.augment, name)  # imports it


def again(value, trusted=()):
    writer = Writer()
    tree = json.loads(json.dumps(writer.encode(value), allow_nan=False))
    return Reader(writer.arrays.__getitem__, trusted).decode(tree)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        1 << 70,
        0.1,
        -0.0,
        math.inf,
        -math.inf,
        "äöü\x00\ud800",
        [],
        [1, [2.5, None]],
        (),
        (1, ("a",)),
        {},
        {"a": {"b": (1,)}},
        {0: 2.0, "a": 1, None: 3, 1.5: True},
        frozenset(("a",)),
        float,
        [0.1] * 50,
    ],
    ids=repr,
)
def test_plain_values(value):
    found = again(value)
    assert found == value
    assert repr(found) == repr(value)


def test_values_of_numpy():
    assert math.isnan(again(math.nan))
    assert again([np.float32(0.1), np.int8(3), np.bool_(1), np.str_("a")]) == [
        float(np.float32(0.1)), 3, True, "a",
    ]  # fmt: skip
    words = np.array([["a", 1], [None, True]], object)
    np.testing.assert_array_equal(again(words), words)
    drawn = [again(np.random.RandomState(3)).normal(), np.random.RandomState(3).normal()]
    assert drawn[0] == drawn[1]
    long = again([math.nan] * 50)
    assert type(long) is list
    assert math.isnan(long[-1])


def specs(base):
    for cls in base.__subclasses__():
        if dataclasses.is_dataclass(cls) and cls.__module__.startswith("fastnn."):
            yield cls
        yield from specs(cls)


@pytest.mark.parametrize(
    "cls", sorted(set(specs(Spec)) - set(specs(Callback)), key=lambda cls: cls.__name__)
)
def test_every_spec_may_be_in_a_file(cls):
    assert spec_class(f"{public_module(cls)}.{cls.__name__}") is cls


def test_what_no_file_can_hold():
    for value in (object(), {1, 2}.__iter__(), lambda: 0, b"a", 1j, np.zeros(1, "i,i"), Finding):
        with pytest.raises((Unsupported, Untrusted)):
            again(value)


@pytest.mark.parametrize(
    "tree",
    [
        {"name": "os:system"},
        {"object": ["os:system", {}]},
        {"estimators.MLPClassifier": {}},
        {"optimizers.base.importlib": {}},
        {"optimizers.Real": {}},
        {"diagnostics.check_training": {}},
        {"os.system": {}},
        {"RandomState": {"tuple": ["MT19937", {"array": 0}, 1 << 20]}},
        {"float": "1e400"},
        {"a": 1, "b": 2},
        {},
        {"optimizers.Adam": {"none": 1}},
    ],
    ids=str,
)
def test_what_nothing_is_made_of(tree):
    with pytest.raises((ValueError, LookupError, AttributeError, TypeError)):
        Reader([np.zeros(624, np.uint32)].__getitem__).decode(tree)
