"""Plot of the rows with wrong predictions."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from .._core.device_arrays import to_host
from .._data.rows import validated_targets
from .._data.targets import read_labels, read_numbers
from ..diagnostics.probe import refuse_heads
from .axes import (
    axes_for,
    check_matplotlib,
    figure_of,
    fitted_network,
    grid_layout,
    is_single,
    shortened,
    size_in_inches,
)
from .row_panels import BarPanels, ImagePanels, NumericRows, checked_image_shape

_FONT_SIZE = 8.5


class FailureCasesDisplay:
    """Plot of misclassified rows, the most confident first, or of a regression's largest errors.

    A row is drawn as an image, or as bars of its most deviating features, in standard deviations
    from their means over all rows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        All rows.
    y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets and predictions.
    cases : ndarray of int
        Indices of the wrong rows, the worst first.
    values : ndarray of shape (n_samples,) or None
        A number shown with each prediction, such as its probability.
    remark : str
        Format of this number, as for `str.format`.
    order : str
        Description of the order, such as "surest"; empty if rows are in their original order.
    regression : bool
        Whether targets are numbers rather than labels.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each row drawn; one with a sentence if there are none.
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import FailureCasesDisplay
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> model = MLPClassifier(random_state=0).fit(X_train, y_train)
    >>> display = FailureCasesDisplay.from_estimator(model, X_test, y_test, image_shape="square")
    >>> len(display.cases)
    13
    """

    def __init__(
        self,
        *,
        X: Any,
        y_true: Any,
        y_pred: Any,
        cases: Any,
        values: Any,
        remark: Any,
        order: Any,
        regression: Any,
    ) -> None:
        self.X = X
        self.y_true = y_true
        self.y_pred = y_pred
        self.cases = cases
        self.values = values
        self.remark = remark
        self.order = order
        self.regression = regression

    def plot(
        self, ax: Any = None, *, image_shape: Any = None, n_cases: Any = None, n_features: int = 5
    ) -> Self:
        """Draw the rows.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw on; a single one is divided into panels. None creates a figure.
        image_shape : (int, int), (int, int, 3) or "square", default=None
            Height, width and colour channels of the images in the rows; "square" is a square grey
            image. None draws bars.
        n_cases : int, default=None
            Largest number of rows drawn. None is 20 images, or bars of 9 rows, or as many as fit in
            `ax`.
        n_features : int, default=5
            Number of bars for each row.

        Returns
        -------
        display : FailureCasesDisplay
        """
        check_matplotlib("FailureCasesDisplay")
        for name, value in (
            ("n_cases", 1 if n_cases is None else n_cases),
            ("n_features", n_features),
        ):
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
        rows = NumericRows(self.X)
        shape = None if image_shape is None else checked_image_shape(image_shape, rows.n_features)
        if len(self.cases):
            draw = ImagePanels(rows, shape) if shape else BarPanels(rows, n_features)
            self._draw(ax, draw, n_cases, rows.n_rows)
        else:
            self.axes_ = axes_for(ax, 1) if ax is None or is_single(ax) else np.ravel(ax)
            for axes in self.axes_:
                axes.set_axis_off()
            text = f"All {rows.n_rows} rows are predicted right."
            self.axes_[0].text(0.5, 0.5, text, ha="center", va="center")
        self.figure_ = figure_of(self.axes_[0])
        return self

    def _draw(self, ax, draw, n_cases, n_rows):
        """Draw as many cases as there are, are asked for, or fit."""
        several = ax is not None and not is_single(ax)
        most = n_cases or (len(np.ravel(ax)) if several else draw.most)
        titles = [self._case(row) for row in self.cases[:most]]
        if n_cases is None and is_single(ax):
            titles = titles[: _n_fitting(ax, *_size(draw, titles))]
        n_cases, size = len(titles), _size(draw, titles)
        n_columns, scale = grid_layout(ax, n_cases, *size)
        spare = ()
        if several:
            ax, spare = np.ravel(ax)[:n_cases], np.ravel(ax)[n_cases:]
        self.axes_ = axes_for(ax, n_cases, n_columns, size, title=self._title(n_cases, n_rows))
        for axes, number, title in zip(self.axes_, self.cases, titles, strict=False):
            draw(axes, number)
            axes.set_title(title, fontsize=_FONT_SIZE * scale)
        for axes in spare:
            axes.set_axis_off()

    def _title(self, n_shown, n_rows):
        if self.regression:
            return f"the {n_shown} largest errors of {n_rows} rows"
        n_wrong = len(self.cases)
        title = f"{n_wrong} of {n_rows} rows are wrong"
        if n_shown < n_wrong:
            title += f"; the {n_shown} {self.order}" if self.order else f"; the first {n_shown}"
        return title

    def _case(self, row):
        remark = "" if self.values is None else f" ({self.remark.format(self.values[row])})"
        target, prediction = (_format(y[row]) for y in (self.y_true, self.y_pred))
        return f"target {target}\npredicted {prediction}{remark}"

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        image_shape: Any = None,
        n_cases: Any = None,
        n_features: int = 5,
        ax: Any = None,
    ) -> Self:
        """Draw the rows that a fitted estimator predicts wrong.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted estimator. If its loss has no probabilities, rows are sorted by the difference
            between the two highest values of the decision function.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows, as passed to `predict`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        image_shape, n_cases, n_features, ax
            See `plot`.

        Returns
        -------
        display : FailureCasesDisplay
        """
        model = fitted_network(estimator, cls.__name__)
        refuse_heads(model, f"{cls.__name__} draws")
        y_pred, confidence, margin = estimator.predict(X), None, False
        y = validated_targets(model, y)
        if is_classifier(model):
            y = model._network.encoder.true_labels(y)
            if np.ndim(y_pred) == 1:
                margin = not hasattr(estimator, "predict_proba")
                confidence = _confidence(estimator, X, margin)
        return cls._from_arrays(y, y_pred, X, confidence, not is_classifier(model), margin).plot(
            ax, image_shape=image_shape, n_cases=n_cases, n_features=n_features
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        X: Any,
        *,
        confidence: Any = None,
        regression: Any = None,
        image_shape: Any = None,
        n_cases: Any = None,
        n_features: int = 5,
        ax: Any = None,
    ) -> Self:
        """Draw the rows whose prediction is not their target.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets and predictions.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        confidence : array-like of shape (n_samples,), default=None
            The probability of each prediction. None keeps rows in their order.
        regression : bool, default=None
            Whether targets are numbers rather than labels. None decides by whether any is not an
            integer.
        image_shape, n_cases, n_features, ax
            See `plot`.

        Returns
        -------
        display : FailureCasesDisplay
        """
        check_matplotlib(cls.__name__)
        if regression is None:
            both = (read_labels(to_host(y), "y") for y in (y_true, y_pred))
            regression = any(
                y.dtype.kind == "f" and "continuous" in type_of_target(y) for y in both
            )
        read = read_numbers if regression else read_labels
        y_true, y_pred = read(to_host(y_true), "y_true"), read(to_host(y_pred), "y_pred")
        return cls._from_arrays(y_true, y_pred, X, confidence, regression, False).plot(
            ax, image_shape=image_shape, n_cases=n_cases, n_features=n_features
        )

    @classmethod
    def _from_arrays(cls, y_true, y_pred, X, confidence, regression, margin):
        y_true, y_pred = _array(y_true), _array(y_pred)
        X = to_host(X)
        confidence = None if confidence is None else _checked_confidence(confidence)
        check_consistent_length(X, y_true, y_pred, confidence)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"Targets and predictions must be of one shape, got {y_true.shape} and "
                f"{y_pred.shape}."
            )
        if regression:
            errors = y_pred.astype(float) - y_true.astype(float)
            sizes = np.abs(errors) if errors.ndim == 1 else np.linalg.norm(errors, axis=1)
            cases = np.argsort(-sizes, kind="stable")
            order, values = "", errors if errors.ndim == 1 else None
            word = "{:+.3g}"
        else:
            wrong = y_true != y_pred
            cases = np.flatnonzero(wrong if wrong.ndim == 1 else wrong.any(axis=1))
            values, order = confidence, ""
            word = "by {:.2g}" if margin else "{:.0f} %"
            if values is not None:
                order = "surest"
                cases = cases[np.argsort(-values[cases], kind="stable")]
                values = values if margin else 100 * values
        return cls(
            X=X,
            y_true=y_true,
            y_pred=y_pred,
            cases=cases,
            values=values,
            remark=word,
            order=order,
            regression=regression,
        )


def _size(draw, titles):
    """Return width and height of a panel with room for its title."""
    letters = max(len(line) for title in titles for line in title.split("\n"))
    return max(draw.size[0], 0.3 + 0.07 * letters), draw.size[1]


def _n_fitting(ax, width, height):
    """Return the number of panels that fit in an Axes, if they are a little smaller."""
    whole = size_in_inches(ax)
    return max(1, int(whole[0] / width / 0.75)) * max(1, int(whole[1] / height / 0.75))


def _array(y):
    y = y.toarray() if sparse.issparse(y) else y
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _checked_confidence(values):
    values = read_numbers(to_host(values), "confidence")
    if values.ndim != 1:
        raise ValueError(f"confidence must be a number for each row, got shape {values.shape}.")
    values = values.astype(float)
    assert_all_finite(values, input_name="confidence")
    return values


def _confidence(estimator, X, margin):
    """Return the probability of each prediction, or the margin of its score."""
    if not margin:
        return estimator.predict_proba(X).max(axis=1)
    scores = estimator.decision_function(X)
    if scores.ndim == 1:
        return np.abs(scores)
    scores = np.sort(scores, axis=1)
    return scores[:, -1] - scores[:, -2]


def _format(value):
    """Format a target or a prediction."""
    if np.ndim(value):
        return shortened("(" + ", ".join(map(_format, value)) + ")", 24)
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return shortened(str(value), 16)
