"""Plots of the loss near the parameters of a network."""

from typing import Any, Self

import numpy as np

from ..diagnostics import loss_along_gradient, loss_landscape
from ..diagnostics.finding import fmt
from .axes import COLORS, axes_for, check_matplotlib, figure_of, network_for


class LossLandscapeDisplay:
    """Contours of the loss in a plane of two random directions through the parameters.

    Parameters
    ----------
    landscape : LossLandscape
        See `fastnn.diagnostics.loss_landscape`.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    contours_ : QuadContourSet

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import LossLandscapeDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(solver="lbfgs", max_iter=50, random_state=0).fit(X, y)
    >>> display = LossLandscapeDisplay.from_estimator(model, X, y, n_points=11)
    >>> display.landscape.losses.shape
    (11, 11)
    """

    def __init__(self, *, landscape: Any) -> None:
        self.landscape = landscape

    def plot(self, ax: Any = None, *, levels: Any = 15, cmap: str = "viridis") -> Self:
        """Draw the contours and the centre.

        Levels grow by a constant factor, or by a constant difference if a loss is 0 or less.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        levels : int or sequence of float, default=15
            Number of the levels, or the losses where they are.
        cmap : str or Colormap, default="viridis"

        Returns
        -------
        display : LossLandscapeDisplay
        """
        check_matplotlib("LossLandscapeDisplay")
        from matplotlib.colors import LogNorm, Normalize

        places, losses = self.landscape.distances, self.landscape.losses
        finite = losses[np.isfinite(losses)]
        if not len(finite):
            raise ValueError("There is nothing to draw: no loss is finite.")
        low, high = finite.min(), finite.max()
        if np.ndim(levels) == 0:
            spaced = np.geomspace if low > 0 else np.linspace
            levels = spaced(low, max(high, low + 0.001 * abs(low) or 1.0), levels)
        [ax] = axes_for(ax, 1, size=(5.2, 4.4))
        shown = np.where(np.isfinite(losses), losses, np.nan).T
        norm = (LogNorm if levels[0] > 0 else Normalize)(levels[0], levels[-1])
        self.contours_ = ax.contour(places, places, shown, levels, cmap=cmap, norm=norm)
        inner = self.contours_.levels[1 : len(levels) // 2 + 1 : 3]
        ax.clabel(self.contours_, inner, fontsize="x-small", fmt=fmt)
        ax.plot(0, 0, "*", color=COLORS[2], markersize=10)
        ax.set(xlabel="first direction", ylabel="second direction", aspect="equal")
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        distance: float = 1.0,
        n_points: int = 21,
        max_rows: float = 500,
        random_state: int | None = 0,
        ax: Any = None,
        levels: int = 15,
        cmap: str = "viridis",
    ) -> Self:
        """Compute the losses around an estimator's parameters, and draw them.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            Fitted or not; it is not modified.
        X, y
            As for `fit`.
        distance, n_points, max_rows, random_state
            See `fastnn.diagnostics.loss_landscape`.
        ax, levels, cmap
            See `plot`.

        Returns
        -------
        display : LossLandscapeDisplay
        """
        network_for(estimator, cls.__name__)
        plane: dict[str, Any] = dict(distance=distance, n_points=n_points)
        chance: dict[str, Any] = dict(max_rows=max_rows, random_state=random_state)
        landscape = loss_landscape(estimator, X, y, **plane, **chance)
        return cls(landscape=landscape).plot(ax, levels=levels, cmap=cmap)


class GradientStepDisplay:
    """Curve of the loss after one step of gradient descent, by its learning rate.

    Parameters
    ----------
    rates, losses : ndarray of shape (n_rates,)
        The learning rates, and the losses; see `fastnn.diagnostics.loss_along_gradient`.
    slope : float
        Derivative of the loss at rate 0.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import GradientStepDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> display = GradientStepDisplay.from_estimator(MLPClassifier(random_state=0), X / 16, y)
    >>> best = display.rates[display.losses.argmin()]
    """

    def __init__(self, *, rates: Any, losses: Any, slope: Any) -> None:
        self.rates = rates
        self.losses = losses
        self.slope = slope

    def plot(self, ax: Any = None, *, show_tangent: bool = True, line_kw: Any = None) -> Self:
        """Draw the losses and the tangent, which is what the gradient promises.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        show_tangent : bool, default=True
            Whether to draw the tangent.
        line_kw : dict, default=None
            Parameters of matplotlib's `plot` for the curve, such as `label`.

        Returns
        -------
        display : GradientStepDisplay
        """
        check_matplotlib("GradientStepDisplay")
        [ax] = axes_for(ax, 1, size=(6.0, 4.2))
        style = {"color": COLORS[0], "label": "loss after the step"} | (line_kw or {})
        losses = np.where(np.isfinite(self.losses), self.losses, np.nan)
        [line] = ax.plot(self.rates, losses, **style)
        if show_tangent:
            tangent = self.losses[0] + self.slope * (self.rates - self.rates[0])
            above = tangent >= np.nanmin(losses) - 0.05 * np.ptp(losses[np.isfinite(losses)])
            own = dict(color=line.get_color(), linestyle=":", label="tangent")
            ax.plot(self.rates[above], tangent[above], **own)
        ax.set(xlabel="learning rate of the step", ylabel="training loss")
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
        max_rate: Any = None,
        n_points: int = 51,
        max_rows: float = 2000,
        random_state: int | None = 0,
        ax: Any = None,
        show_tangent: bool = True,
        line_kw: Any = None,
    ) -> Self:
        """Compute the losses along the gradient of an estimator, and draw them.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            Fitted or not; it is not modified.
        X, y
            As for `fit`.
        max_rate : float, default=None
            Highest learning rate; None is the power of 2 at which the loss is back where it was.
        n_points : int, default=51
            Number of learning rates, from 0 on.
        max_rows, random_state
            See `fastnn.diagnostics.loss_along_gradient`.
        ax, show_tangent, line_kw
            See `plot`.

        Returns
        -------
        display : GradientStepDisplay
        """
        network_for(estimator, cls.__name__)
        chance: dict[str, Any] = dict(max_rows=max_rows, random_state=random_state)
        if max_rate is None:
            powers = np.concatenate([[0], 2.0 ** np.arange(-20, 21)])
            losses, _ = loss_along_gradient(estimator, X, y, powers, **chance)
            lowest = losses.argmin()
            higher = np.flatnonzero(losses[lowest:] >= losses[0])
            max_rate = powers[lowest + higher[0] if len(higher) else -1] or powers[1]
        rates = np.linspace(0, max_rate, n_points)
        losses, slope = loss_along_gradient(estimator, X, y, rates, **chance)
        display = cls(rates=rates, losses=losses, slope=slope)
        return display.plot(ax, show_tangent=show_tangent, line_kw=line_kw)
