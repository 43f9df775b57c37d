"""Plot of bias and variance by the value of a parameter, such as the capacity."""

from typing import Any, Self

import numpy as np
from sklearn.base import clone

from ..diagnostics import bias_variance
from .axes import COLORS, axes_for, check_matplotlib, figure_of, network_for, shortened
from .validation_curve import check_values, numbers_of


class BiasVarianceDisplay:
    """Plot of expected loss, bias and variance by the value of a parameter.

    Parameters
    ----------
    param_name : str
    param_range : sequence of n_values
    results : list of BiasVariance
        The result of `fastnn.diagnostics.bias_variance` for each value.

    Attributes
    ----------
    best_index_ : int
        Index of the value with the lowest expected loss.
    lines_ : dict of Line2D
        The curves: "loss", "bias" and "variance". The variance is `net_variance`, so that the loss
        is the sum of the others.
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPRegressor
    >>> from fastnn.plots import BiasVarianceDisplay
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(200, n_features=5, noise=1.0, random_state=0)
    >>> model = MLPRegressor(solver="lbfgs", alpha=0.0, max_iter=100, random_state=0)
    >>> display = BiasVarianceDisplay.from_estimator(
    ...     model, X, y, param_name="hidden_layer_sizes", param_range=[1, 50], n_rounds=10
    ... )
    >>> display.results[0].variance < display.results[1].variance
    True
    """

    def __init__(self, *, param_name: Any, param_range: Any, results: Any) -> None:
        check_values(param_range)
        self.param_name, self.param_range, self.results = param_name, param_range, results

    def plot(
        self,
        ax: Any = None,
        *,
        log_scale: bool = False,
        mark_best: bool = True,
        line_kw: Any = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        log_scale : bool, default=False
            Whether the axis of a parameter with positive numbers is logarithmic.
        mark_best : bool, default=True
            Whether to mark the value with the lowest expected loss.
        line_kw : dict, default=None
            Options of all curves, as for matplotlib's `plot`.

        Returns
        -------
        display : BiasVarianceDisplay
        """
        check_matplotlib("BiasVarianceDisplay")
        [ax] = axes_for(ax, 1, size=(6.4, 4.4))
        self.ax_, self.figure_ = ax, figure_of(ax)
        values, places = self.param_range, numbers_of(self.param_range)
        if places is None:
            places = np.arange(len(values))
            ax.set_xticks(places, [shortened(str(value), 20) for value in values])
        elif log_scale:
            ax.set_xscale("log")
        is_squared = self.results[0].is_squared
        words = {
            "loss": "expected squared error" if is_squared else "expected error",
            "bias": "squared bias and noise" if is_squared else "bias and noise",
            "variance": "variance" if is_squared else "net variance",
        }
        self.lines_ = {}
        for (name, label), color in zip(words.items(), COLORS, strict=False):
            attribute = "net_variance" if name == "variance" else name
            heights = [getattr(result, attribute) for result in self.results]
            style = {"marker": "o", "markersize": 4, "color": color, "label": label}
            [self.lines_[name]] = ax.plot(places, heights, **style | (line_kw or {}))
        self.best_index_ = int(np.argmin([result.loss for result in self.results]))
        if mark_best:
            best = shortened(str(values[self.best_index_]), 24)
            ax.axvline(places[self.best_index_], color="0.2", linestyle=":", label=f"best: {best}")
        ax.set(xlabel=self.param_name, ylabel=f"mean of {self.results[0].n_rounds} fits")
        ax.grid(alpha=0.3)
        ax.legend()
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        param_name: Any,
        param_range: Any,
        n_rounds: int = 50,
        X_val: Any = None,
        y_val: Any = None,
        n_jobs: int | None = None,
        random_state: int | None = 0,
        ax: Any = None,
        **parameters: Any,
    ) -> Self:
        """Fit to bootstrap samples for each value, and draw bias and variance.

        Parameters
        ----------
        estimator, X, y, n_rounds, X_val, y_val, n_jobs, random_state
            See `fastnn.diagnostics.bias_variance`. With a seed, the samples are
            the same for all values.
        param_name : str
            Name of the parameter, such as "hidden_layer_sizes" or "polynomialfeatures__degree".
        param_range : sequence
            Two or more values of the parameter, numbers or others.
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        **parameters
            Other parameters of `plot`.

        Returns
        -------
        display : BiasVarianceDisplay
        """
        network_for(estimator, cls.__name__)
        param_range = list(param_range)
        check_values(param_range)
        given = dict(X_val=X_val, y_val=y_val, n_jobs=n_jobs, random_state=random_state)
        results = [
            bias_variance(
                clone(estimator).set_params(**{param_name: value}), X, y, n_rounds, **given
            )
            for value in param_range
        ]
        display = cls(param_name=param_name, param_range=param_range, results=results)
        return display.plot(ax, **parameters)
