"""Histograms of the weights of each layer."""

from typing import Any, Self

import numpy as np

from ..diagnostics.finding import fmt
from .axes import fitted_network, format_percent
from .histograms import HistogramDisplay, describe_zeros, layer_names


class WeightHistogramDisplay(HistogramDisplay):
    """Histograms of the weights, a panel for each layer.

    The titles have the standard deviation, and the fraction of weights that are exactly 0, if any.

    Parameters
    ----------
    weights : list of ndarray
        The weights of each layer.
    names : list of str
        Titles of the layers.
    what : str, default="weight"
        Label of the horizontal axis.

    Attributes
    ----------
    axes_ : ndarray of Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import WeightHistogramDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((64, 32), random_state=0).fit(X / 16, y)
    >>> display = WeightHistogramDisplay.from_estimator(model)
    >>> display.names
    ['layer 0 (64-64)', 'layer 1 (64-32)', 'layer 2 (32-10)']
    """

    def __init__(self, *, weights: Any, names: Any, what: str = "weight") -> None:
        self.weights = weights
        self.names = names
        self.what = what

    def _histograms(self, show_zeros):
        titles = [_title(*pair, show_zeros) for pair in zip(self.names, self.weights, strict=True)]
        return self.weights, titles, self.what

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        biases: bool = False,
        ax: Any = None,
        bins: int = 50,
        show_zeros: bool = False,
        log_scale: bool = False,
    ) -> Self:
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted estimator.
        biases : bool, default=False
            Whether to draw `intercepts_` instead of `coefs_`.
        ax, bins, show_zeros, log_scale
            See `plot`.

        Returns
        -------
        display : WeightHistogramDisplay
        """
        model = fitted_network(estimator, cls.__name__)
        names = layer_names(coef.shape for coef in model.coefs_)
        weights, what = (model.intercepts_, "bias") if biases else (model.coefs_, "weight")
        display = cls(weights=[np.array(one) for one in weights], names=names, what=what)
        return display.plot(ax, bins=bins, show_zeros=show_zeros, log_scale=log_scale)


def _title(name, weights, show_zeros):
    finite = weights[np.isfinite(weights)]
    wrong = 1 - len(finite) / weights.size
    facts = [
        f"std {fmt(finite.std())}" if len(finite) else "",
        describe_zeros(weights, show_zeros),
    ]
    facts.append(f"{format_percent(wrong)} not finite" if wrong else "")
    return f"{name}\n{', '.join(filter(None, facts))}"
