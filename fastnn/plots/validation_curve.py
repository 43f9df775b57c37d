"""Plot of scores by the value of a parameter, with zones of underfitting and overfitting."""

import math
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import ValidationCurveDisplay as ScoresDisplay
from sklearn.model_selection import validation_curve

from .. import _typing as t
from .axes import COLORS, axes_for, check_matplotlib, network_for, shortened

_ZONES = {"underfitting": COLORS[9], "overfitting": COLORS[1]}


class ValidationCurveDisplay(ScoresDisplay):
    """Plot of training and validation scores by the value of a parameter, with zones.

    It extends scikit-learn's display of the same name: values need not be numbers, the best is
    marked, and zones of worse values are shaded.

    Parameters
    ----------
    param_name : str
    param_range : sequence of n_values
    train_scores, test_scores : ndarray of shape (n_values, n_folds)
        As `sklearn.model_selection.validation_curve` returns them.
    score_name : str, default=None

    Attributes
    ----------
    best_index_ : int
        Index of the value with the highest mean validation score.
    zones_ : list of str or None
        "underfitting", "overfitting" or None, for each value.
    ax_ : Axes
    figure_ : Figure
    lines_, fill_between_, errorbar_
        See scikit-learn's display.

    Notes
    -----
    A value is in a zone if its mean validation score is lower than that of the best value by more
    than two standard errors. The standard error is the standard deviation of the differences in
    each fold, divided by the square root of the number of folds. The zone is *underfitting* if the
    mean training score is lower too, by at least half of that difference, and *overfitting*
    otherwise. Zones extend to the middle between neighbouring values.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import ValidationCurveDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((32,), solver="lbfgs", max_iter=50, random_state=0)
    >>> display = ValidationCurveDisplay.from_estimator(
    ...     model, X / 16, y, param_name="alpha", param_range=[1e-4, 1, 100], cv=3
    ... )
    >>> display.zones_[-1]
    'underfitting'
    """

    param_range: Any

    def __init__(
        self,
        *,
        param_name: Any,
        param_range: Any,
        train_scores: Any,
        test_scores: Any,
        score_name: Any = None,
    ) -> None:
        check_values(param_range)
        super().__init__(
            param_name=param_name,
            param_range=param_range,
            train_scores=np.asarray(train_scores, float),
            test_scores=np.asarray(test_scores, float),
            score_name="score" if score_name is None else score_name,
        )

    def plot(
        self, ax: Any = None, *, show_zones: bool = True, mark_best: bool = True, **parameters: Any
    ) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        show_zones : bool, default=True
            Whether to shade the zones.
        mark_best : bool, default=True
            Whether to mark the best value.
        **parameters
            Parameters of scikit-learn's display: `negate_score`, `score_name`, `score_type`,
            `std_display_style`, `line_kw`, `fill_between_kw` and `errorbar_kw`.

        Returns
        -------
        display : ValidationCurveDisplay
        """
        check_matplotlib("ValidationCurveDisplay")
        [ax] = axes_for(ax, 1, size=(6.4, 4.4))
        self._judge()
        values = self.param_range
        numbers = numbers_of(values)
        parameters = {"fill_between_kw": {"alpha": 0.2}, **parameters}
        self.param_range = np.arange(len(values)) if numbers is None else numbers
        try:
            super().plot(ax, **parameters)
            for drawn in self.lines_ or self.errorbar_:
                drawn.set_label({"Train": "training", "Test": "validation"}[drawn.get_label()])
            if numbers is None:
                ax.set_xscale("linear")
                labels = [shortened(str(value), 20) for value in values]
                long = sum(map(len, labels)) > 50
                turned = dict(rotation=30, ha="right") if long else {}
                ax.set_xticks(self.param_range, labels, **turned)
            if show_zones:
                self._shade()
            if mark_best:
                label = f"best: {shortened(_format(values[self.best_index_]), 24)}"
                at = self.param_range[self.best_index_]
                ax.axvline(at, color="0.2", linestyle=":", label=label)
        finally:
            self.param_range = values
        ax.grid(alpha=0.3)
        ax.legend()
        return self

    def _judge(self):
        """Set the best value and the zones; see the Notes of the class."""
        train, test = self.train_scores.mean(axis=1), self.test_scores.mean(axis=1)
        if np.isnan(test).all():
            raise ValueError(
                "No value has a validation score: all trainings failed. error_score='raise' shows "
                "why."
            )
        self.best_index_ = best = int(np.nanargmax(test))
        n_folds = self.test_scores.shape[1]
        lost = self.test_scores[best] - self.test_scores
        errors = lost.std(axis=1, ddof=1) / math.sqrt(n_folds) if n_folds > 1 else 0 * test
        self.zones_ = []
        for i, lost_test in enumerate(test[best] - test):
            lost_train = train[best] - train[i]
            zone = "underfitting" if lost_train >= lost_test / 2 else "overfitting"
            self.zones_.append(zone if lost_test > 2 * errors[i] else None)

    def _shade(self):
        ax, scale = self.ax_, self.ax_.xaxis.get_transform()
        order = np.argsort(self.param_range)
        places = scale.transform(np.asarray(self.param_range, float)[order])
        middles = (places[1:] + places[:-1]) / 2
        ends = scale.inverted().transform(np.concatenate([places[:1], middles, places[-1:]]))
        limits, named = ax.get_xlim(), set()
        ends[0], ends[-1] = limits
        for i, number in enumerate(order):
            zone = self.zones_[number]
            if zone is not None:
                label = None if zone in named else zone
                named.add(zone)
                own = dict(color=_ZONES[zone], alpha=0.35, linewidth=0, zorder=-1)
                ax.axvspan(ends[i], ends[i + 1], label=label, **own)
        ax.set_xlim(limits)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        param_name: Any,
        param_range: Any,
        groups: Any = None,
        cv: Any = None,
        scoring: t.Scoring = None,
        n_jobs: int | None = None,
        error_score: Any = np.nan,
        ax: Any = None,
        **parameters: Any,
    ) -> Self:
        """Train for each value and fold, and draw the scores.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            Cloned for each training.
        X, y
            As for `fit`.
        param_name : str
            Name of the parameter, such as "alpha" or "mlpclassifier__alpha".
        param_range : sequence
            Two or more values of the parameter, numbers or others.
        groups, cv, scoring, n_jobs, error_score
            See `sklearn.model_selection.validation_curve`.
        ax : Axes, default=None
            Axes to draw on; None creates a figure.
        **parameters
            Other parameters of `plot`.

        Returns
        -------
        display : ValidationCurveDisplay
        """
        model = network_for(estimator, cls.__name__)
        param_range = list(param_range)
        check_values(param_range)
        train_scores, test_scores = validation_curve(
            estimator,
            X,
            y,
            param_name=param_name,
            param_range=param_range,
            groups=groups,
            cv=cv,
            scoring=scoring,
            n_jobs=n_jobs,
            error_score=error_score,
        )
        display = cls(
            param_name=param_name,
            param_range=param_range,
            train_scores=train_scores,
            test_scores=test_scores,
            score_name=_score_name(model, scoring, parameters.get("negate_score", False)),
        )
        return display.plot(ax, **parameters)


def check_values(values):
    """Raise a ValueError if there are fewer than two values, or equal ones."""
    if len({repr(value) for value in values}) < max(2, len(values)):
        raise ValueError(
            f"param_range must have two values or more, all different, got {list(values)!r}."
        )


def numbers_of(values):
    """Return the values as an array, or None if they are not all numbers."""
    plain = all(isinstance(value, Real) and not isinstance(value, bool) for value in values)
    return np.array(values, float) if plain else None


def _format(value):
    """Format a value for the legend."""
    return f"{value:.4g}" if isinstance(value, Real) and value is not True else str(value)


def _score_name(model, scoring, negate):
    """Return the label of the vertical axis."""
    if scoring is None:
        name = "accuracy" if is_classifier(model) else "r2"
    else:
        name = getattr(scoring, "__name__", "score") if callable(scoring) else scoring
    if negate:
        return name[4:] if name.startswith("neg_") else f"-{name}"
    return name
