"""Histograms of the gradients of each layer, in the course of a training."""

from typing import Any, Self

import numpy as np

from .._core.codes import Kind
from ..callbacks import Callback
from ..diagnostics.finding import fmt
from ..diagnostics.parameters import checked
from ..diagnostics.probe import Probe, ignore_warnings, silent_clone, unwrap
from .axes import network_for
from .histograms import HistogramDisplay


class GradientHistogramDisplay(HistogramDisplay):
    """Histograms of the gradients, a panel for each layer and an outline for each epoch.

    The titles have their standard deviations. If they decrease from the last layer to the first,
    gradients vanish; if they increase, gradients explode.

    Parameters
    ----------
    gradients : list of list of ndarray
        The gradients of each layer, for each of the epochs.
    names : list of str
        Titles of the layers.
    epochs : list of int or None
        Numbers of the epochs after which these are the gradients; None if there is one.
    of : {"weights", "units"}, default="weights"
        Variables by which the loss was differentiated.

    Attributes
    ----------
    axes_ : ndarray of Axes
    figure_ : Figure

    References
    ----------
    Glorot, X. and Bengio, Y. "Understanding the difficulty of training deep feedforward neural
    networks" (2010), figures 7 and 8.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import GradientHistogramDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((32, 16), "tanh", random_state=0)
    >>> display = GradientHistogramDisplay.from_estimator(model, X / 16, y, epochs=[0, 5])
    >>> [values.shape for values in display.gradients[0]]
    [(64, 32), (32, 16), (16, 10)]
    """

    def __init__(
        self, *, gradients: Any, names: Any, epochs: Any = None, of: str = "weights"
    ) -> None:
        self.gradients = gradients
        self.names = names
        self.epochs = epochs
        self.of = of

    @property
    def _labels(self):
        return None if self.epochs is None else [f"epoch {epoch}" for epoch in self.epochs]

    def _histograms(self, show_zeros):
        layers = list(zip(*self.gradients, strict=True))
        deviations = [", ".join(fmt(one.std()) for one in layer) for layer in layers]
        titles = [f"{name}\nstd {std}" for name, std in zip(self.names, deviations, strict=True)]
        arrays = [layer[0] for layer in layers] if self.epochs is None else map(list, layers)
        where = "weight" if self.of == "weights" else "unit"
        return list(arrays), titles, f"gradient by {where}"

    @classmethod
    @checked
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        epochs: Any = None,
        of: str = "weights",
        max_rows: float = 500,
        random_state: int | None = 0,
        ax: Any = None,
        bins: int = 50,
        show_zeros: bool = False,
        log_scale: bool = False,
    ) -> Self:
        """Draw the gradients of an estimator, as it is or in the course of its training.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            Fitted or not; it is not modified.
        X, y
            As for `fit`.
        epochs : sequence of int, default=None
            Numbers of epochs after which to draw the gradients; 0 is before training. A clone is
            trained until the last of them, or until it stops. None draws those of the estimator as
            it is: of the fitted parameters, or of the initial ones.
        of : {"weights", "units"}, default="weights"
            "weights" draws the gradient by each weight. "units" draws the back-propagated gradient
            by the pre-activation of each unit for each row, which is not possible with batch
            normalization.
        max_rows : int, default=500
            Largest number of rows whose gradients are drawn.
        random_state : int, default=0
            Seed of the subsample, and of an estimator that has none.
        ax, bins, show_zeros, log_scale
            See `plot`.

        Returns
        -------
        display : GradientHistogramDisplay
        """
        network_for(estimator, cls.__name__)
        if of not in ("weights", "units"):
            raise ValueError(f"of must be 'weights' or 'units', got {of!r}.")
        if epochs is None:
            models, reached = [estimator], None
        else:
            model, X = unwrap(estimator, X, y=y)
            models, reached = _trained(model, X, y, _checked(epochs), random_state)
        probes = [Probe(model, X, y, max_rows, random_state) for model in models]
        if of == "units" and Kind.BN_STATISTICS in probes[0].network.program.stages["kind"]:
            raise ValueError(
                "of='units' is not possible with batch normalization, as the gradient of a row "
                "depends on the other rows: use of='weights', or normalization='layer'."
            )
        display = cls(
            gradients=[
                probe.gradients() if of == "weights" else probe.unit_gradients() for probe in probes
            ],
            names=probes[0].layer_names(),
            epochs=reached,
            of=of,
        )
        return display.plot(ax, bins=bins, show_zeros=show_zeros, log_scale=log_scale)


def _checked(epochs):
    """Return the numbers of epochs in increasing order."""
    numbers = np.unique(np.atleast_1d(np.asarray(epochs)))
    if not (numbers.ndim == 1 and len(numbers) and numbers.dtype.kind in "iu" and numbers[0] >= 0):
        raise ValueError(f"epochs must be whole numbers of at least 0, got {epochs!r}.")
    return numbers.tolist()


class _Models(Callback):
    """Callback that keeps copies of the model after some epochs."""

    def __init__(self, epochs: Any) -> None:
        self.epochs = epochs

    def on_fit_begin(self, context):
        self.models = {}

    def on_epoch_end(self, context):
        if context.epoch in self.epochs:
            self.models[context.epoch] = context.model


def _trained(model, X, y, epochs, random_state):
    """Return copies of a model after some epochs of a training, and these epochs."""
    kept = _Models(epochs)
    clone = silent_clone(model, random_state, max_iter=max(1, epochs[-1]))
    models = {0: clone} if epochs[0] == 0 else {}
    if epochs[-1] > 0:
        with ignore_warnings():
            silent_clone(clone, random_state).set_params(callbacks=[kept]).fit(X, y)
        models |= kept.models
        if not models:
            raise ValueError(
                f"Training has ended before epoch {epochs[0]}, the first one of epochs: take "
                "earlier ones, or train for longer by n_iter_no_change."
            )
    return list(models.values()), list(models)
