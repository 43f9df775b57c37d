"""Curves of activation functions and their derivatives."""

from typing import Any, Self

import numpy as np

from .._core.cpu import ops
from ..activations import HIDDEN_ACTIVATIONS, ActivationSpec, Maxout, PReLU, row_and_parameter
from ..custom import CustomActivation
from ..diagnostics.parameters import checked
from .axes import COLORS, axes_for, check_matplotlib, figure_of, grid_layout

# Functions that the engine has no kernel for: values and derivatives.
_PLAIN = {
    "identity": lambda x: (x, np.ones_like(x)),
    "threshold": lambda x: ((x > 0).astype(float), np.zeros_like(x)),
}
# Maxout is no function of one number.
_NAMES = [name for name in HIDDEN_ACTIVATIONS if name != Maxout.name] + ["threshold"]


class ActivationFunctionDisplay:
    """Curves of activation functions and their derivatives, a panel for each function.

    Parameters
    ----------
    x : ndarray of shape (n_points,)
        The pre-activations.
    names : list of str
        Titles of the functions.
    values, derivatives : list of ndarray of shape (n_points,)

    Attributes
    ----------
    axes_ : ndarray of Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import LeakyReLU
    >>> from fastnn.plots import ActivationFunctionDisplay
    >>> display = ActivationFunctionDisplay.from_activations(["tanh", LeakyReLU(0.2)])
    >>> display.names
    ['tanh', 'LeakyReLU(negative_slope=0.2)']
    """

    def __init__(self, *, x: Any, names: Any, values: Any, derivatives: Any) -> None:
        self.x = x
        self.names = names
        self.values = values
        self.derivatives = derivatives

    def plot(self, ax: Any = None, *, show_derivatives: bool = True) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw on; a single one is divided into panels. None creates a figure.
        show_derivatives : bool, default=True
            Whether to draw the derivatives.

        Returns
        -------
        display : ActivationFunctionDisplay
        """
        check_matplotlib("ActivationFunctionDisplay")
        size = 2.6, 2.2
        n_columns, scale = grid_layout(ax, len(self.names), *size)
        self.axes_ = axes_for(ax, len(self.names), n_columns, size)
        for panel, name, values, slopes in zip(
            self.axes_, self.names, self.values, self.derivatives, strict=True
        ):
            panel.plot(self.x, values, color=COLORS[0], label="value")
            if show_derivatives:
                panel.plot(self.x, slopes, "--", color=COLORS[2], label="derivative")
            panel.set_title(name, fontsize=10 * scale)
            panel.set(xlabel="x", ylabel="f(x)")
            panel.grid(alpha=0.3)
        self.axes_[0].legend(fontsize="small")
        self.figure_ = figure_of(self.axes_[0])
        return self

    @classmethod
    @checked
    def from_activations(
        cls,
        activations: Any = None,
        *,
        limits: Any = (-4.0, 4.0),
        n_points: int = 401,
        ax: Any = None,
        show_derivatives: bool = True,
    ) -> Self:
        """Draw activation functions as the engine computes them.

        Parameters
        ----------
        activations : list of str or spec, default=None
            Names and specs as for the parameter `activation`, such as ``LeakyReLU(0.2)`` or a
            `CustomActivation`. None is all names. 'rrelu' is drawn with its mean slope, and 'prelu'
            with its initial one; 'maxout' is no function of one number.
        limits : (float, float), default=(-4.0, 4.0)
            The smallest and the largest pre-activation.
        n_points : int, default=401
            Number of points.
        ax, show_derivatives
            See `plot`.

        Returns
        -------
        display : ActivationFunctionDisplay
        """
        check_matplotlib(cls.__name__)
        activations = list(_NAMES if activations is None else activations)
        for activation in activations or [None]:
            _check(activation)
        ends = np.asarray(limits, float)
        if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] >= ends[1]:
            raise ValueError(f"limits must be two numbers in increasing order, got {limits!r}.")
        x = np.linspace(ends[0], ends[1], n_points)
        values, derivatives = zip(*(_evaluate(one, x) for one in activations), strict=True)
        names = [one if isinstance(one, str) else _title(one) for one in activations]
        display = cls(x=x, names=names, values=list(values), derivatives=list(derivatives))
        return display.plot(ax, show_derivatives=show_derivatives)


def _check(activation):
    """Raise a ValueError unless this is the name or a spec of a function of one number."""
    if isinstance(activation, ActivationSpec) and not isinstance(activation, Maxout):
        activation.validate()
    elif not isinstance(activation, str) or activation not in _NAMES:
        raise ValueError(
            f"activations must be among {', '.join(map(repr, _NAMES))}, or specs of them, got "
            f"{activation!r}."
        )


def _title(spec):
    if isinstance(spec, CustomActivation):
        return getattr(spec.value, "__name__", "custom")
    return repr(spec)


def _evaluate(activation, x):
    """Return values and derivatives at `x`."""
    if isinstance(activation, CustomActivation):
        functions = activation.value, activation.derivative
        return tuple(np.array([float(function(one)) for one in x]) for function in functions)
    if activation == "prelu" or isinstance(activation, PReLU):
        below = PReLU().initial if activation == "prelu" else activation.initial
        slopes = np.where(x > 0, 1.0, below)
        return slopes * x, slopes
    if isinstance(activation, str) and activation in _PLAIN:
        return _PLAIN[activation](x)
    row, parameter = row_and_parameter(activation)
    if row.keeps_derivative:
        return ops.activation_with_derivative(x, row.code)
    values = ops.activation(x, row.code, parameter)
    return values, ops.activation_gradient(values, np.ones_like(x), row.code, parameter)
