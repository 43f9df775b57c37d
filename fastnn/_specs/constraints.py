"""Constraints of parameters, and the check of their values.

This is the only file that imports from scikit-learn's private module of constraints.
"""

import functools
import inspect
from collections.abc import Iterable
from typing import Any

from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    make_constraint,
    validate_parameter_constraints,
    validate_params,
)

from .suggestions import suggest_value

__all__ = [
    "Interval",
    "OneOf",
    "Options",
    "check_parameters",
    "defaults_of",
    "is_default",
    "validate_parameter_constraints",
    "validate_params",
]


class OneOf(StrOptions):
    """Constraint to one of several names, listed alphabetically in messages."""

    def __init__(self, names: Iterable[str]):
        super().__init__(set(names))

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


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
            constraints = [make_constraint(constraint) for constraint in allowed]
            if not any(constraint.is_satisfied_by(default) for constraint in constraints):
                default = inspect.Parameter.empty
            checks.append((name, default, constraints))
    return checks


def check_parameters(owner) -> None:
    """Check the values of the parameters of an estimator or a spec, with scikit-learn's messages.

    The constraints are prepared once for each class. A parameter with its default is not checked.
    """
    for name, default, constraints in _checks_of(type(owner)):  # type: ignore[arg-type]
        value = getattr(owner, name)
        if value is default or is_default(value, default):
            continue
        for constraint in constraints:
            if constraint.is_satisfied_by(value):
                break
        else:
            names = [each for one in constraints if isinstance(one, OneOf) for each in one.options]
            suggestion = suggest_value(name, value, names)
            try:
                validate_parameter_constraints(
                    owner._parameter_constraints, {name: value}, type(owner).__name__
                )
            except InvalidParameterError as error:
                raise InvalidParameterError(f"{error}{suggestion}") from None
