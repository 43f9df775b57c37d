"""Histograms of the activations of each layer."""

from typing import Any, Self

from ..diagnostics import activations_of
from ..diagnostics.finding import fmt
from ..diagnostics.layers import dead_and_saturated
from ..diagnostics.parameters import checked
from ..layers import dense_activations
from .axes import fitted_network, format_percent
from .histograms import HistogramDisplay, describe_zeros, drawn_rows, layer_names


class ActivationHistogramDisplay(HistogramDisplay):
    """Histograms of the activations, a panel for each layer.

    The title of a hidden layer has the fraction of its units that are dead (0 for all rows), and of
    the values that are saturated (within 1 % of a limit of 'tanh' or a similar activation), as in
    `fastnn.diagnostics.layer_health`.

    Parameters
    ----------
    activations : list of ndarray of shape (n_rows, units)
        The activations of each layer; see `fastnn.diagnostics.activations_of`.
    names : list of str
        Titles of the layers.
    dead, saturated : list of float
        These fractions for each layer.

    Attributes
    ----------
    axes_ : ndarray of Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import ActivationHistogramDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((64, 32), "tanh", random_state=0).fit(X / 16, y)
    >>> display = ActivationHistogramDisplay.from_estimator(model, X / 16)
    >>> [values.shape for values in display.activations]
    [(1797, 64), (1797, 32), (1797, 10)]
    """

    def __init__(self, *, activations: Any, names: Any, dead: Any, saturated: Any) -> None:
        self.activations = activations
        self.names = names
        self.dead = dead
        self.saturated = saturated

    def _histograms(self, show_zeros):
        parts = zip(self.names, self.activations, self.dead, self.saturated, strict=True)
        return self.activations, [_title(*layer, show_zeros) for layer in parts], "activation"

    @classmethod
    @checked
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        max_rows: float = 2000,
        random_state: int | None = 0,
        ax: Any = None,
        bins: int = 50,
        show_zeros: bool = False,
        log_scale: bool = False,
    ) -> Self:
        """Draw the activations of the layers of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted estimator.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        max_rows : int, default=2000
            Largest number of rows used.
        random_state : int, default=0
            Seed of the subsample.
        ax, bins, show_zeros, log_scale
            See `plot`.

        Returns
        -------
        display : ActivationHistogramDisplay
        """
        model = fitted_network(estimator, cls.__name__)
        values = activations_of(estimator, drawn_rows(X, max_rows, random_state))
        n_hidden = len(values) - model._network.program.n_heads
        names = layer_names(coef.shape for coef in model.coefs_)
        names = [*names[:n_hidden], *(f"{name}: output" for name in names[n_hidden:])]
        kinds = dense_activations(model._network.layers)
        hidden = zip(values[:n_hidden], kinds, strict=False)
        parts = [dead_and_saturated(*layer) for layer in hidden]
        parts += [(0.0, 0.0)] * (len(values) - n_hidden)
        dead, saturated = map(list, zip(*parts, strict=True))
        display = cls(activations=values, names=names, dead=dead, saturated=saturated)
        return display.plot(ax, bins=bins, show_zeros=show_zeros, log_scale=log_scale)


def _title(name, values, dead, saturated, show_zeros):
    facts = [describe_zeros(values, show_zeros)]
    facts.append(f"{format_percent(dead)} of units dead" if dead else "")
    facts.append(f"{format_percent(saturated)} saturated" if saturated else "")
    text = "\n".join(filter(None, facts))
    return f"{name}\n{text or f'std {fmt(values.std())}'}"
