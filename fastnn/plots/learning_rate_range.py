"""Plot of the learning rate range test."""

import math
from typing import Any, Self

from ..diagnostics import learning_rate_range
from ..diagnostics.finding import fmt
from .axes import COLORS, axes_for, check_matplotlib, figure_of, network_for


class LearningRateRangeDisplay:
    """Plot of the result of `fastnn.diagnostics.learning_rate_range`.

    Parameters
    ----------
    finding : LearningRateRange
    learning_rate_init : float, default=None
        The estimator's rate, which is marked.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import LearningRateRangeDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> display = LearningRateRangeDisplay.from_estimator(MLPClassifier(random_state=0), X / 16, y)
    >>> model = MLPClassifier(learning_rate_init=display.finding.suggestion)
    """

    def __init__(self, *, finding: Any, learning_rate_init: Any = None) -> None:
        self.finding = finding
        self.learning_rate_init = learning_rate_init

    def plot(self, ax: Any = None, *, show_raw: bool = True) -> Self:
        """Draw the losses, the range in which they decrease, and the suggested rate.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        show_raw : bool, default=True
            Whether to draw the losses of the steps behind the smoothed curve.

        Returns
        -------
        display : LearningRateRangeDisplay
        """
        check_matplotlib("LearningRateRangeDisplay")
        found = self.finding
        if not len(found.rates):
            raise ValueError(f"There is nothing to draw: {found.verdict}")
        [ax] = axes_for(ax, 1, size=(7.0, 4.4))
        if show_raw:
            ax.plot(found.rates, found.losses, color="0.75", linewidth=1, label="loss of a step")
        ax.plot(found.rates, found.smoothed, color=COLORS[0], linewidth=2, label="smoothed")
        if math.isfinite(found.suggestion):
            label = f"loss falls: {fmt(found.lowest)} to {fmt(found.highest)}"
            ax.axvspan(found.lowest, found.highest, color=COLORS[0], alpha=0.15, label=label)
            label = f"suggestion: {fmt(found.suggestion)}"
            ax.axvline(found.suggestion, color=COLORS[2], linewidth=2, label=label)
            if found.limit < found.rates[-1]:
                label = f"half of the fall is lost: {fmt(found.limit)}"
                ax.axvline(found.limit, color=COLORS[4], linestyle="--", label=label)
        else:
            ax.set_title("no rate lowers the loss")
        if self.learning_rate_init is not None:
            label = f"learning_rate_init: {fmt(self.learning_rate_init)}"
            ax.axvline(self.learning_rate_init, color="0.2", linestyle=":", label=label)
        ax.set(xlabel="learning rate", ylabel="training loss", xscale="log")
        # Losses that explode at the highest rates would dwarf all others.
        low, start = found.smoothed.min(), found.smoothed[0]
        high = start + 0.6 * max(start - low, 0.1 * abs(start))
        if found.losses.max() > high:
            ax.set_ylim(low - 0.1 * (high - low), high)
        ax.grid(alpha=0.3)
        ax.legend()
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        min_rate: float = 1e-7,
        max_rate: float = 10.0,
        n_steps: int = 320,
        max_rows: float = 10000,
        random_state: int | None = 0,
        ax: Any = None,
        show_raw: bool = True,
    ) -> Self:
        """Run the test for an estimator, and draw the result.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            Fitted or not; it is not modified.
        X, y
            As for `fit`.
        min_rate, max_rate, n_steps, max_rows, random_state
            See `fastnn.diagnostics.learning_rate_range`.
        ax, show_raw
            See `plot`.

        Returns
        -------
        display : LearningRateRangeDisplay
        """
        model = network_for(estimator, cls.__name__)
        ramp: dict[str, Any] = dict(min_rate=min_rate, max_rate=max_rate, n_steps=n_steps)
        chance: dict[str, Any] = dict(max_rows=max_rows, random_state=random_state)
        finding = learning_rate_range(estimator, X, y, **ramp, **chance)
        return cls.from_finding(
            finding, learning_rate_init=model.learning_rate_init, ax=ax, show_raw=show_raw
        )

    @classmethod
    def from_finding(
        cls,
        finding: Any,
        *,
        learning_rate_init: float | None = None,
        ax: Any = None,
        show_raw: bool = True,
    ) -> Self:
        """Draw an existing result.

        Parameters
        ----------
        finding : LearningRateRange
        learning_rate_init : float, default=None
            A rate to mark.
        ax, show_raw
            See `plot`.

        Returns
        -------
        display : LearningRateRangeDisplay
        """
        display = cls(finding=finding, learning_rate_init=learning_rate_init)
        return display.plot(ax, show_raw=show_raw)
