"""What configures a network: small dataclasses that scikit-learn clones and searches over."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from sklearn.utils._param_validation import validate_parameter_constraints


class Spec:
    """Base of the dataclasses that configure a part of a network.

    They answer `get_params` and `set_params` as estimators do, so that ``solver__beta_1`` is a
    name that `GridSearchCV` may search over. Values are checked when they are used, not when they
    are set, as scikit-learn does.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {}

    @classmethod
    def names(cls) -> list[str]:
        """Names of the parameters, in order."""
        return [field.name for field in fields(cls)]  # type: ignore[arg-type]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name. `deep` is there for scikit-learn: a spec holds no other."""
        return {name: getattr(self, name) for name in self.names()}

    def set_params(self, **params):
        """Set parameters by name."""
        for name, value in params.items():
            if name not in self.names():
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}: it has {self.names()}."
                )
            setattr(self, name, value)
        return self

    def validate(self):
        """Check the values of the parameters."""
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), type(self).__name__
        )
        return self


class Layer(Spec):
    """Base of the specs that a stack of layers is made of.

    Attributes
    ----------
    is_block : bool
        Whether it consists of layers of its own.
    """

    is_block: ClassVar[bool] = False

    def add_to(self, compiler):
        """Tell a `fastnn.program.Compiler` the stages of this layer."""
        raise NotImplementedError


def resolve(
    kind: str, value, registry: Mapping[str, type[Spec]], defaults: dict[str, Any] | None = None
):
    """The spec that a user means by a name, or by a spec.

    Parameters
    ----------
    kind : str
        What is looked for, for the error message.
    value : str or Spec
        A name is looked up in the registry; a spec stands for itself.
    registry : dict
        Classes of specs by name.
    defaults : dict, optional
        Values for the parameters of a spec that was named only.
    """
    if isinstance(value, Spec):
        return value.validate()
    if not isinstance(value, str) or value not in registry:
        known = ", ".join(map(repr, registry))
        raise ValueError(f"Unknown {kind} {value!r}: the known ones are {known}.")
    spec, defaults = registry[value], defaults or {}
    return spec(**{name: defaults[name] for name in spec.names() if name in defaults}).validate()
