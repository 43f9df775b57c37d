"""Constraints of parameters, and the check of their values, with scikit-learn's messages.

They are written as those of scikit-learn, whose module of constraints is private, and too heavy to
be imported where a network only predicts.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from .suggestions import P, R, suggest_value


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a wrong type or value."""


class Interval:
    """Constraint to numbers of an interval.

    Parameters
    ----------
    kind : {numbers.Integral, numbers.Real}
        Type of the numbers.
    left, right : number or None
        Bounds. None is infinite.
    closed : {"left", "right", "both", "neither"}
        The bounds that belong to it.
    """

    def __init__(self, kind, left, right, *, closed: str):
        self.kind, self.left, self.right, self.closed = kind, left, right, closed

    def is_satisfied_by(self, value) -> bool:
        """Return whether a value is such a number; NaN is none."""
        if not isinstance(value, self.kind):
            return False
        left = -np.inf if self.left is None else self.left
        right = np.inf if self.right is None else self.right
        above = value >= left if self.closed in ("left", "both") else value > left
        return bool(
            above and (value <= right if self.closed in ("right", "both") else value < right)
        )

    def __str__(self):
        number, bound = ("an int", int) if self.kind is Integral else ("a float", float)
        left = "-inf" if self.left is None else bound(self.left)
        right = "inf" if self.right is None else bound(self.right)
        begin = "[" if self.closed in ("left", "both") else "("
        end = "]" if self.closed in ("right", "both") else ")"
        return f"{number} in the range {begin}{left}, {right}{end}"


class Options:
    """Constraint to one of several values of a type."""

    def __init__(self, kind, options: set):
        self.kind, self.options = kind, options

    def is_satisfied_by(self, value) -> bool:
        """Return whether a value is one of them."""
        return isinstance(value, self.kind) and value in self.options

    def __str__(self):
        return f"a {_name_of(self.kind)} among {{{', '.join(map(repr, self.options))}}}"


class OneOf(Options):
    """Constraint to one of several names, listed alphabetically in messages."""

    def __init__(self, names: Iterable[str]):
        super().__init__(str, set(names))

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


class _Test:
    """Constraint to values that pass a test."""

    def __init__(self, test: Callable[[Any], bool], text: str):
        self.is_satisfied_by, self._text = test, text

    def __str__(self):
        return self._text


def _is_array_like(value) -> bool:
    is_sparse = hasattr(value, "tocsr")
    has_length = any(hasattr(value, name) for name in ("__len__", "shape", "__array__"))
    return has_length and not is_sparse and not np.isscalar(value)


def _name_of(kind: type) -> str:
    if kind in (Integral, Real):
        return "int" if kind is Integral else "float"
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def _instances_of(kind: type) -> _Test:
    return _Test(lambda value: isinstance(value, kind), f"an instance of {_name_of(kind)!r}")


def _any_of(*constraints) -> _Test:
    def test(value):
        return any(constraint.is_satisfied_by(value) for constraint in constraints)

    return _Test(test, _joined(constraints))


def _joined(constraints) -> str:
    *others, last = map(str, constraints)
    return f"{', '.join(others)} or {last}" if others else last


_NONE = _Test(lambda value: value is None, "None")
_BOOLEANS = _instances_of(bool), _instances_of(np.bool_)
_NAMED = {
    "array-like": _Test(_is_array_like, "an array-like"),
    "boolean": _any_of(*_BOOLEANS),
    "random_state": _any_of(
        Interval(Integral, 0, 2**32 - 1, closed="both"),
        _instances_of(np.random.RandomState),
        _NONE,
    ),
    "verbose": _any_of(Interval(Integral, 0, None, closed="left"), *_BOOLEANS),
}


def _constraint(written):
    """Return the constraint that is written as None, a name, a type, `callable` or itself."""
    if written is None:
        return _NONE
    if written is callable:
        return _Test(callable, "a callable")
    if isinstance(written, str):
        return _NAMED[written]
    return _instances_of(written) if isinstance(written, type) else written


@functools.cache
def defaults_of(cls: type) -> dict[str, Any]:
    """Return the parameters of an estimator or a spec, in order, and their defaults.

    A parameter without default has `inspect.Parameter.empty`.
    """
    return {name: one.default for name, one in inspect.signature(cls).parameters.items()}


def is_default(value, default) -> bool:
    """Return whether a value is the default of its parameter, of the same type."""
    return value is default or (type(value) is type(default) and value == default)


@functools.cache
def _checks_of(cls: type) -> list[tuple[str, Any, list]]:
    """Return name, default and constraints of each parameter.

    A default that is not valid is omitted, so that it is not accepted.
    """
    checks = []
    for name, default in defaults_of(cls).items():
        allowed = cls._parameter_constraints.get(name, "no_validation")  # type: ignore[attr-defined]
        if allowed != "no_validation":
            constraints = [_constraint(written) for written in allowed]
            if not any(constraint.is_satisfied_by(default) for constraint in constraints):
                default = inspect.Parameter.empty
            checks.append((name, default, constraints))
    return checks


def check_parameters(owner) -> None:
    """Check the values of the parameters of an estimator or a spec.

    The constraints are prepared once for each class. A parameter with its default is not checked.
    """
    for name, default, constraints in _checks_of(type(owner)):  # type: ignore[arg-type]
        value = getattr(owner, name)
        if value is not default and not is_default(value, default):
            _check(name, value, constraints, type(owner).__name__)


def check_arguments(constraints: Mapping[str, list], arguments: Mapping[str, Any], caller: str):
    """Check the arguments of a function that have constraints."""
    for name, written in constraints.items():
        if name in arguments:
            _check(name, arguments[name], [_constraint(one) for one in written], caller)


def checks_arguments(
    constraints: Mapping[str, list],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of functions, whose arguments are checked."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            check_arguments(constraints, given.arguments, function.__qualname__)
            return function(*args, **kwargs)

        return call

    return decorate


def _check(name: str, value, constraints: list, caller: str) -> None:
    """Raise an InvalidParameterError for a value that satisfies no constraint."""
    if not any(constraint.is_satisfied_by(value) for constraint in constraints):
        names = [each for one in constraints if isinstance(one, OneOf) for each in one.options]
        raise InvalidParameterError(
            f"The {name!r} parameter of {caller} must be {_joined(constraints)}. Got {value!r} "
            f"instead.{suggest_value(name, value, names)}"
        )
