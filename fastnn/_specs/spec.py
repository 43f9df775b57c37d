"""Base classes of specs: small dataclasses that configure a network, and can be searched over."""

import functools
from collections.abc import Iterable, Mapping
from copy import copy
from numbers import Integral, Real
from operator import is_not
from typing import Any, ClassVar

import numpy as np

from .constraints import check_parameters, defaults_of
from .registry import SPECS
from .suggestions import ExplainsArguments, suggest_argument, suggest_value

# Types of values that need no conversion.
_PLAIN = frozenset((int, float, bool, str, type(None)))


def plain(value):
    """Convert NumPy's numbers in a value to Python's, which do not overflow or lose precision.

    Specs, lists and tuples that contain such numbers are copied; other values are returned as is.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Real):
        return float(value)
    if type(value) in (list, tuple):
        items = [plain(item) for item in value]
        return type(value)(items) if any(map(is_not, items, value)) else value
    if isinstance(value, Spec):
        changes = plain_parameters(vars(value), value.names())
        if changes:
            value = copy(value)
            vars(value).update(changes)
    return value


def plain_parameters(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the parameters with these names that `plain` converts, by name."""
    changed = {}
    for name in names:
        value = values.get(name)
        if type(value) not in _PLAIN and (number := plain(value)) is not value:
            changed[name] = number
    return changed


def _is_part(value) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def params_of_parts(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of specs among these values, also of specs in lists and tuples.

    Names follow scikit-learn: ``solver__beta_1`` is a parameter of a spec, ``layers__0`` an item of
    a list, and ``layers__0__units`` a parameter of the item.
    """
    found = {}
    for name, value in params.items():
        parts = {name: value} if _is_part(value) else {}
        if isinstance(value, list | tuple):
            parts = {f"{name}__{i}": item for i, item in enumerate(value) if _is_part(item)}
            found.update(parts)
        for prefix, part in parts.items():
            found.update({f"{prefix}__{key}": v for key, v in part.get_params(deep=True).items()})
    return found


def _changed(owner, name: str, held, params: dict[str, Any]):
    """Return the nested value of a parameter with some of its own parameters changed.

    A name is replaced by the spec it stands for. In a copy of a list or tuple, ``"0"`` replaces an
    item, and ``"0__units"`` a parameter of it.
    """
    if isinstance(held, str):
        if held not in (specs := SPECS.get(name, {})):
            having = f", unlike {', '.join(map(repr, specs))}" if specs else ""
            raise ValueError(f"{name}={held!r} has no parameter {next(iter(params))!r}{having}.")
        return resolve(name, held, specs, owner._spec_defaults(name)).set_params(**params)
    if _is_part(held):
        return held.set_params(**params)
    items = list(held)
    for key, value in sorted(params.items(), key=lambda pair: "__" in pair[0]):
        number, _, parameter = key.partition("__")
        if not number.isdecimal() or int(number) >= len(items):
            raise ValueError(f"{name} has {len(items)} items, and no item {number!r}.")
        item = items[int(number)]
        if not parameter:
            items[int(number)] = value
        elif _is_part(item) or isinstance(item, str):
            # A copy, because a list such as [Dense(5)] * 3 holds one item three times.
            items[int(number)] = _changed(owner, name, copy(item), {parameter: value})
        else:
            raise ValueError(f"{name}__{number} is {item!r}, without parameters.")
    return type(held)(items)


def split_params(owner, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split parameters into those inside lists and named specs, by owner, and all others."""
    inner: dict[str, Any] = {}
    others = {}
    for key, value in params.items():
        name, _, rest = key.partition("__")
        held = params.get(name, getattr(owner, name, None))
        if rest and isinstance(held, list | tuple | str):
            inner.setdefault(name, {})[rest] = value
        else:
            others[key] = value
    return inner, others


@functools.cache
def _names_of(cls: type) -> list[str]:
    return super(ListsOfSpecs, cls)._get_param_names()  # type: ignore[misc]


class ListsOfSpecs(ExplainsArguments):
    """Mixin of estimators: `get_params` and `set_params` also reach the specs in lists."""

    def _spec_defaults(self, parameter: str) -> dict[str, Any]:
        """Return defaults for a spec that is given by name, from the estimator's parameters."""
        raise NotImplementedError

    @classmethod
    def _get_param_names(cls):
        """Return the names of the parameters, cached by class."""
        return _names_of(cls)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get parameters for this estimator.

        Parameters
        ----------
        deep : bool, default=True
            If True, will return the parameters for this estimator and those of the specs that it
            holds, also in lists: ``solver__beta_1``, ``weight_init__0__gain``.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)  # type: ignore[misc]
        if deep:
            lists = {k: v for k, v in params.items() if isinstance(v, list | tuple)}
            params |= params_of_parts({k: v for k, v in lists.items() if "__" not in k})
        return params

    def set_params(self, **params):
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Estimator parameters, also those of the specs that it holds, as `get_params` names them.

        Returns
        -------
        self : estimator instance
            Estimator instance.
        """
        inner, others = split_params(self, params)
        known = self._get_param_names()
        for name in others:
            if (own := name.partition("__")[0]) not in known:
                suggestion = suggest_argument(own, known, type(self))
                raise ValueError(
                    f"Invalid parameter {own!r} for estimator {self}.{suggestion} Valid parameters "
                    f"are: {known}."
                )
        super().set_params(**others)
        for name, changes in inner.items():
            setattr(self, name, _changed(self, name, getattr(self, name), changes))
        return self


class Spec(ExplainsArguments):
    """Base class of the dataclasses that configure a part of a network.

    They have `get_params` and `set_params` like estimators, so that `GridSearchCV` can search over
    ``solver__beta_1``. As in scikit-learn, values are checked when they are used, not when they are
    set.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {}

    def __init__(self) -> None:
        # Gives specs without parameters a signature other than that of `__new__`.
        super().__init__()

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the parameters, in order."""
        return list(defaults_of(cls))  # type: ignore[arg-type]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; if `deep`, also those of nested specs."""
        params = {name: getattr(self, name) for name in self.names()}
        return params | params_of_parts(params) if deep else params

    def set_params(self, **params):
        """Set parameters by name, also those of nested specs."""
        inner, others = split_params(self, params)
        # A spec is replaced before its parameters are set.
        for name, value in sorted(others.items(), key=lambda pair: "__" in pair[0]):
            own, _, rest = name.partition("__")
            if own not in self.names():
                raise ValueError(
                    f"{type(self).__name__} has no parameter {own!r}: it has {self.names()}."
                )
            if not rest:
                setattr(self, own, value)
            elif _is_part(getattr(self, own)):
                getattr(self, own).set_params(**{rest: value})
            else:
                raise ValueError(
                    f"{own} of {type(self).__name__} is {getattr(self, own)!r}, which has no "
                    f"parameter {rest!r}."
                )
        for name, changes in inner.items():
            setattr(self, name, _changed(self, name, getattr(self, name), changes))
        return self

    def _spec_defaults(self, parameter: str) -> dict[str, Any]:
        """Return defaults for a nested spec that is given by name: none."""
        return {}

    def validate(self):
        """Check the values of the parameters."""
        check_parameters(self)
        return self


class Layer(Spec):
    """Base class of the specs of layers.

    Attributes
    ----------
    is_block : bool
        Whether it is composed of other layers.
    """

    is_block: ClassVar[bool] = False

    def add_to(self, compiler):
        """Add the stages of this layer to a `fastnn._network.compiler.Compiler`."""
        raise NotImplementedError


def resolve(
    kind: str, value, registry: Mapping[str, type[Spec]], defaults: dict[str, Any] | None = None
):
    """Return the spec given by a name or a spec, after checking its parameters.

    Parameters
    ----------
    kind : str
        Name of the parameter, for the error message.
    value : str or Spec
        A name in the registry, or a spec.
    registry : dict
        Classes of specs by name.
    defaults : dict, optional
        Parameters of a spec that is given by name.
    """
    if isinstance(value, Spec):
        return value.validate()
    if not isinstance(value, str) or value not in registry:
        known = ", ".join(map(repr, registry))
        suggestion = suggest_value(kind, value, registry)
        raise ValueError(f"Unknown {kind} {value!r}: the known ones are {known}.{suggestion}")
    spec, defaults = registry[value], defaults or {}
    return spec(**{name: defaults[name] for name in spec.names() if name in defaults}).validate()
