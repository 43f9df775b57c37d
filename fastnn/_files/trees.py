"""Trees of plain values, arrays and objects of fastnn, as JSON with the arrays beside it.

Numbers, strings, truth values, None and lists are themselves. All else is an object of one member,
whose name tells what it is: ``{"tuple": [..]}``, ``{"array": 0}``, ``{"optimizers.Adam": {..}}``.
Only classes of fastnn are made of what is read. A function or class of a user is a name, which is
imported if the reader trusts it.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .._printed_tables import PrintedColumns
from .._specs.spec import Spec
from .classes import CLASSES, RECORDS, TAGS, imported, public_module, record_class, spec_class

# Longer lists of floats are arrays in a file.
_MANY = 32


class Unsupported(ValueError):
    """A value that no file can hold."""


class Writer:
    """Encodes values, and collects their arrays.

    Attributes
    ----------
    arrays : list of ndarray
    names : set of str
        Names of the functions and classes of users.
    """

    def __init__(self):
        self.arrays, self.names = [], set()

    def encode(self, value) -> Any:
        """Return what JSON can express; raise `Unsupported` for a value that no file can hold."""
        if value is None or isinstance(value, bool | str | np.bool_ | np.str_):
            return value if value is None else (str if isinstance(value, str) else bool)(value)
        if isinstance(value, int | np.integer):
            return int(value)
        if isinstance(value, float | np.floating):
            value = float(value)
            return value if math.isfinite(value) else {"float": str(value)}
        if (encode := self._encoders.get(type(value))) is not None:
            return encode(self, value)
        if isinstance(value, np.ndarray):
            return self._array(np.asarray(value))
        if hasattr(value, "__qualname__"):  # a function or a class
            return {"name": self.name_of(value)}
        return self._object(value)

    def _list(self, value):
        if len(value) > _MANY and all(isinstance(item, float) for item in value):
            return {"floats": self._add(np.array(value))}
        return [self.encode(item) for item in value]

    def _tuple(self, value):
        return {"tuple": [self.encode(item) for item in value]}

    def _set(self, value):
        return {"set": [self.encode(item) for item in sorted(value, key=repr)]}

    def _dict(self, value):
        if all(type(key) is str for key in value):
            return {"dict": {key: self.encode(item) for key, item in value.items()}}
        return {"pairs": [[self.encode(key), self.encode(item)] for key, item in value.items()]}

    def _array(self, value):
        if value.dtype.kind == "O":
            items = [self.encode(item) for item in value.ravel().tolist()]
            return {"objects": [list(value.shape), items]}
        if value.dtype.kind not in "biufcSUmM":
            raise Unsupported(f"an array of type {value.dtype}")
        return {"array": self._add(value)}

    def _random_state(self, value):
        return {"RandomState": self.encode(value.get_state())}

    _encoders: ClassVar[dict[type, Callable]] = {
        list: _list,
        tuple: _tuple,
        frozenset: _set,
        dict: _dict,
        PrintedColumns: _dict,
        np.ndarray: _array,
        np.random.RandomState: _random_state,
    }

    def _add(self, array):
        self.arrays.append(array)
        return len(self.arrays) - 1

    def _object(self, value):
        cls = type(value)
        if (tag := TAGS.get(f"{cls.__module__}:{cls.__qualname__}")) is not None:
            return {tag: self.encode(_state_of(value))}
        if not isinstance(value, Spec):
            raise Unsupported(f"an object of {cls.__module__}.{cls.__qualname__}")
        if (module := public_module(cls)) is not None:
            return {f"{module}.{cls.__name__}": self._parameters(value)}
        return {"object": [self.name_of(cls), self._parameters(value)]}

    def _parameters(self, value):
        parameters = value.get_params(deep=False)
        return {name: self.encode(item) for name, item in parameters.items()}

    def name_of(self, value) -> str:
        """Return the name by which a function or class is imported: ``module:qualified.name``."""
        name = f"{getattr(value, '__module__', None)}:{value.__qualname__}"
        if CLASSES.get(value.__name__) == name:
            return value.__name__
        try:
            found = imported(name)
        except (AttributeError, ImportError, ValueError):
            found = None
        if found is not value:
            raise Unsupported(f"{name.partition(':')[2]!r}, which cannot be imported by its name")
        self.names.add(name)
        return name


class Reader:
    """Decodes what a `Writer` has encoded.

    Parameters
    ----------
    array : callable
        Returns the array of a number.
    trusted : collection of str
        Names of functions and classes, which are imported.
    """

    def __init__(self, array, trusted=()):
        self._array, self._trusted = array, frozenset(trusted)

    def decode(self, tree) -> Any:
        """Return the value that a tree of JSON stands for."""
        if isinstance(tree, list):
            return [self.decode(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        ((tag, content),) = tree.items()
        if tag in self._decoders:
            return self._decoders[tag](self, content)
        if tag in RECORDS:
            return _made_of_state(record_class(tag), self.decode(content))
        return spec_class(tag)(**self._dict(content))

    def _float(self, content):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]

    def _floats(self, content):
        return self._array(content).tolist()

    def _tuple(self, content):
        return tuple(self.decode(list(content)))

    def _set(self, content):
        return frozenset(self.decode(list(content)))

    def _dict(self, content):
        return {key: self.decode(item) for key, item in content.items()}

    def _pairs(self, content):
        return {self.decode(key): self.decode(item) for key, item in content}

    def _objects(self, content):
        shape, items = content
        array = np.empty(len(items), object)
        array[:] = self.decode(items)
        return array.reshape(shape)

    def _random_state(self, content):
        generator = np.random.RandomState()
        generator.set_state(checked_state(self.decode(content)))
        return generator

    def _object(self, content):
        name, parameters = content
        return self.named(name)(**self._dict(parameters))

    def named(self, name):
        """Return the function or class of a name, if it is trusted."""
        if name not in CLASSES and name not in self._trusted:
            raise Untrusted(name)
        return imported(CLASSES.get(name, name))

    _decoders: ClassVar[dict[str, Callable]] = {
        "array": lambda self, content: self._array(content),
        "dict": _dict,
        "float": _float,
        "floats": _floats,
        "name": lambda self, content: self.named(content),
        "object": _object,
        "objects": _objects,
        "pairs": _pairs,
        "RandomState": _random_state,
        "set": _set,
        "tuple": _tuple,
    }


class Untrusted(ValueError):
    """A name that the reader does not trust."""

    def __init__(self, name):
        super().__init__(
            f"names {name!r}, which loading would import: pass trusted=[{name!r}] if you trust "
            "the file and that code."
        )


def _state_of(record):
    """Return what a record consists of: a tuple of its fields, or a dict of its attributes."""
    if isinstance(record, tuple):
        return tuple(record)
    return record.__getstate__()


def _made_of_state(cls, state):
    if issubclass(cls, tuple):
        return cls(*state)
    record = cls.__new__(cls)
    if hasattr(cls, "__setstate__"):
        record.__setstate__(state)
    else:
        vars(record).update(state)
    return record


def checked_state(state):
    """Return the state of a generator, or raise a ValueError for one that would read elsewhere."""
    kind, keys, position, *_ = state
    if kind != "MT19937" or keys.shape != (624,) or not 0 <= position <= len(keys):
        raise ValueError("the state of its generator of random numbers is none.")
    return state
