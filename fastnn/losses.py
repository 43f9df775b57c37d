"""Loss functions by name, and specs of loss functions with parameters.

Native code identifies them by codes. The docstrings of the estimators have the formulas.
"""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from ._core.codes import LOSSES, Loss, loss_of_values
from ._specs.constraints import Interval
from ._specs.registry import register
from ._specs.spec import Spec
from .activations import HIDDEN_ACTIVATIONS, ActivationSpec, pieces

REGRESSION_LOSSES = [name for name, row in LOSSES.items() if row.regression]
CLASSIFICATION_LOSSES = [name for name, row in LOSSES.items() if row.classification]
# Of functions that a spec brings along; it has no name that a user could give.
CUSTOM = loss_of_values("custom", -1)
#: Those that compare the class of a row with all others, so that it can have but one.
COMPARING_LOSSES = ["weston_watkins", "crammer_singer"]


class LossSpec(Spec):
    """Base class of the specs of losses, all for regression.

    Attributes
    ----------
    name : str
        The row of `LOSSES` that it stands for.
    parameter : float or tuple of float
        The number that the native code needs for it, or one for each of several quantiles.
    """

    name: ClassVar[str]

    @property
    def parameter(self) -> Any:
        raise NotImplementedError

    def row(self) -> Loss:
        """Return the row of this loss."""
        return LOSSES[self.name]

    def native(self, dtype) -> dict[str, int]:
        """Further fields of the output stage."""
        return {}

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Quantiles that each target has an output for, or () where it has one output."""
        return ()


@dataclass
class Huber(LossSpec):
    """Huber loss: half the squared error up to `delta`, linear for larger errors.

    For an error e it is ``e**2 / 2``, or ``delta * (abs(e) - delta / 2)`` if ``abs(e) > delta``.

    Parameters
    ----------
    delta : float, default=1.0
        Threshold between quadratic and linear loss, above 0. For all larger errors, the gradient
        has the same magnitude.

    References
    ----------
    Huber, P. J. "Robust estimation of a location parameter" (1964).
    """

    delta: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"delta": [Interval(Real, 0, None, closed="neither")]}
    name: ClassVar[str] = "huber"

    @property
    def parameter(self):
        return self.delta


@dataclass
class Minkowski(LossSpec):
    """Minkowski error: ``abs(e)**p / p`` for an error e.

    It equals 'squared_error' if ``p=2``, and 'absolute_error' if ``p=1``. With large p, the largest
    errors dominate.

    Parameters
    ----------
    p : float, default=2.0
        The exponent, at least 1.

    References
    ----------
    Hanson, S. J. and Burr, D. J. "Minkowski-r back-propagation: learning in connectionist models
    with non-Euclidian error signals" (1988). Bishop, C. M. "Neural networks for pattern
    recognition" (1995), section 6.2, has it without the division by p.
    """

    p: float = 2.0

    _parameter_constraints: ClassVar[dict] = {"p": [Interval(Real, 1, None, closed="left")]}
    name: ClassVar[str] = "minkowski"

    @property
    def parameter(self):
        return self.p


@dataclass
class Quantile(LossSpec):
    """Pinball loss, whose minimum is a quantile of the targets.

    For a target y and an output z it is ``quantile * (y - z)``, or ``(1 - quantile) * (z - y)`` if
    the output is too high. With ``quantile=0.5`` it is half the absolute error.

    With several quantiles, each has its own output after shared layers, and the loss is the mean
    over the quantiles. Predictions are the sorted outputs, so that they cannot cross (Chernozhukov
    et al. 2010); their loss is never larger than that of the outputs.

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        The fraction of the targets that should be below the output, between 0 and 1. A list or
        tuple in ascending order, such as ``[0.05, 0.5, 0.95]``, predicts several quantiles at once:
        `predict` has the shape (n_samples, n_quantiles), and (n_samples, n_outputs, n_quantiles) if
        `y` has several columns. `score` is then the mean of `sklearn.metrics.d2_pinball_score`.

    References
    ----------
    Koenker, R. and Bassett, G. "Regression quantiles" (1978).

    Chernozhukov, V., Fernández-Val, I. and Galichon, A. "Quantile and probability curves without
    crossing" (2010).
    """

    quantile: float | list[float] | tuple[float, ...] = 0.5

    _parameter_constraints: ClassVar[dict] = {
        "quantile": [Interval(Real, 0, 1, closed="neither"), list, tuple]
    }
    name: ClassVar[str] = "quantile"

    @property
    def quantiles(self):
        return tuple(self.quantile) if isinstance(self.quantile, list | tuple) else ()

    @property
    def parameter(self):
        return self.quantiles or self.quantile

    def validate(self):
        """Check the values of the parameters."""
        super().validate()
        if isinstance(self.quantile, list | tuple) and not _are_quantiles(self.quantile):
            raise ValueError(
                "Several quantiles must be numbers between 0 and 1 in ascending order, such as "
                f"[0.05, 0.5, 0.95], got Quantile({self.quantile!r})."
            )
        return self


def _are_quantiles(values) -> bool:
    """Return whether values are numbers between 0 and 1, each above the one before."""
    if not values or not all(isinstance(value, Real) for value in values):
        return False
    return all(low < high for low, high in pairwise((0, *values, 1)))


#: Names that stand for specs, whose parameters they can be given.
LOSS_SPECS: dict[str, type[LossSpec]] = {spec.name: spec for spec in (Huber, Minkowski, Quantile)}
register(LOSS_SPECS, "loss")
_DEFAULTS = {name: spec() for name, spec in LOSS_SPECS.items()}


def quantiles_of(loss: str | LossSpec) -> tuple[float, ...]:
    """Return the quantiles that each target has an output for; () for any other loss."""
    return () if isinstance(loss, str) else loss.quantiles


def sorted_quantiles(outputs, n: int):
    """Return the n outputs of each target in ascending order, (n_rows, n_targets, n)."""
    return np.sort(outputs.reshape(len(outputs), -1, n), axis=2)


def row_and_parameter(loss: str | LossSpec) -> tuple[Loss, Any]:
    """Return the row and the parameter of a loss given by name or spec: a tuple of quantiles."""
    if isinstance(loss, str):
        if loss not in _DEFAULTS:
            return LOSSES[loss], 0.0
        loss = _DEFAULTS[loss]
    return loss.row(), loss.parameter


def output_stage(loss: str | LossSpec, output_activation: str | ActivationSpec):
    """Return the code and the parameter of the output stage, and the activation before it.

    Parameters
    ----------
    loss : str or LossSpec
    output_activation : str or ActivationSpec
        One that `check_output_activation` lets through.

    Returns
    -------
    code : int
    parameter : float or tuple of float
    activation : str or ActivationSpec
        'identity' where the loss contains the output activation.
    """
    row, parameter = row_and_parameter(loss)
    if output_activation == "threshold":
        parameter = 1.0
    return row.code, parameter, output_activation if row.any_activation else "identity"


# Advice for combinations that are incompatible.
_OTHERS = {
    ("log_loss", "logistic"): "a logistic unit for each class is loss='binary_log_loss'",
    ("binary_log_loss", "softmax"): (
        "a softmax over all classes is loss='log_loss'; of two classes, or several labels a row, "
        "it has logistic units too"
    ),
}


def check_output_activation(loss: str | LossSpec, output_activation: str | ActivationSpec | None):
    """Return the output activation of a loss, its own for None; refuse incompatible ones."""
    row, _ = row_and_parameter(loss)
    own, asked = row.output_activation, output_activation
    if asked is None or asked == own:
        return own
    if pieces(asked) > 1:
        raise ValueError(
            f"output_activation={asked!r} makes one output of several, and the output layer has "
            "one unit for each: use it in hidden layers."
        )
    if row.any_activation and (isinstance(asked, ActivationSpec) or asked in HIDDEN_ACTIVATIONS):
        return asked
    if row.name == "perceptron" and asked == "threshold":
        return asked
    if asked == "threshold":
        reason = (
            "a threshold has a derivative of 0 everywhere, so that nothing can be learned through "
            "it: with loss='perceptron' it is left out in training; 'hardtanh' and 'logistic' have "
            "a slope"
        )
    elif row.any_activation:
        reason = f"{asked!r} belongs to another loss: any activation of hidden layers will do"
    elif isinstance(asked, str) and (row.name, asked) in _OTHERS:
        reason = _OTHERS[row.name, asked]
    elif row.probabilities or row.name == "poisson":
        reason = (
            f"this loss is written for an output that is {own!r}: use loss='squared_error' for "
            "another one"
        )
    else:
        reason = (
            "this loss compares the pre-activations of the last layer: use loss='squared_error' "
            "for an output activation"
        )
    name = row.name.removeprefix("soft_")
    raise ValueError(
        f"output_activation={asked!r} does not go with loss={name!r}, whose own is {own!r}; "
        f"{reason}."
    )
