"""The rows that a network gets wrong."""

import math

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from .._core.device_arrays import to_host
from .._data.rows import targets_of
from .._data.sparse_matrices import sound
from .._data.tables import Table, take
from .._data.targets import labels_given, numbers_of
from .axes import (
    COLORS,
    arranged,
    axes_for,
    check_matplotlib,
    figure_of,
    fitted,
    is_one,
    shortened,
    size_of,
)

_FONT_SIZE = 8.5


class FailureCasesDisplay:
    """The rows that are predicted wrong, the surest first; of a regression the largest errors.

    A row is an image, or bars of the features by which it deviates most: how many standard
    deviations from their means over all rows that were given.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        All rows.
    y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets and predictions.
    cases : ndarray of int
        Numbers of the rows that are wrong, the worst first.
    values : ndarray of shape (n_samples,) or None
        What is told of each prediction, such as its probability.
    remark : str
        How it is told, as `str.format` takes it.
    order : str
        What comes first, such as "surest"; empty if rows are in their order.
    regression : bool
        Whether targets are numbers, so that no row is quite right.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each row that is shown; one with a sentence if there are none.
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

    def __init__(self, *, X, y_true, y_pred, cases, values, remark, order, regression):
        self.X = X
        self.y_true = y_true
        self.y_pred = y_pred
        self.cases = cases
        self.values = values
        self.remark = remark
        self.order = order
        self.regression = regression

    def plot(self, ax=None, *, image_shape=None, n_cases=None, n_features=5):
        """Draw the rows.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw; the place of one is divided. None makes a figure.
        image_shape : (int, int), (int, int, 3) or "square", default=None
            Height and width of the images that the rows are, and their colours; "square" is as high
            as wide, and grey. None draws bars.
        n_cases : int, default=None
            So many rows are shown, if there are so many. None is 20 images, or bars of 9 rows, or
            as many as `ax` has place for.
        n_features : int, default=5
            Bars of each row.

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
        rows = _Rows(self.X)
        shape = None if image_shape is None else _checked_shape(image_shape, rows.n_features)
        if len(self.cases):
            draw = _Images(rows, shape) if shape else _Bars(rows, n_features)
            self._draw(ax, draw, n_cases, rows.n_rows)
        else:
            self.axes_ = axes_for(ax, 1) if ax is None or is_one(ax) else np.ravel(ax)
            for axes in self.axes_:
                axes.set_axis_off()
            text = f"All {rows.n_rows} rows are predicted right."
            self.axes_[0].text(0.5, 0.5, text, ha="center", va="center")
        self.figure_ = figure_of(self.axes_[0])
        return self

    def _draw(self, ax, draw, n_cases, n_rows):
        """As many cases as there are, as are asked for, or as there is place for."""
        several = ax is not None and not is_one(ax)
        most = n_cases or (len(np.ravel(ax)) if several else draw.most)
        titles = [self._case(row) for row in self.cases[:most]]
        if n_cases is None and is_one(ax):
            titles = titles[: _n_fitting(ax, *_size(draw, titles))]
        n_cases, size = len(titles), _size(draw, titles)
        n_columns, scale = arranged(ax, n_cases, *size)
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
        target, prediction = (_word(y[row]) for y in (self.y_true, self.y_pred))
        return f"target {target}\npredicted {prediction}{remark}"

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, image_shape=None, n_cases=None, n_features=5, ax=None
    ):
        """Draw the rows that a fitted estimator gets wrong.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted one. Where its loss knows no probabilities, rows are sorted by how far the
            highest of the decision function is above the next.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows, as `predict` takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        image_shape, n_cases, n_features, ax
            See `plot`.

        Returns
        -------
        display : FailureCasesDisplay
        """
        model = fitted(estimator, cls.__name__)
        y_pred, confidence, margin = estimator.predict(X), None, False
        y = targets_of(model, y)
        if is_classifier(model):
            y = model._labels.answers(y)
            if np.ndim(y_pred) == 1:
                margin = not hasattr(estimator, "predict_proba")
                confidence = _confidence(estimator, X, margin)
        return cls._made(y, y_pred, X, confidence, not is_classifier(model), margin).plot(
            ax, image_shape=image_shape, n_cases=n_cases, n_features=n_features
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        X,
        *,
        confidence=None,
        regression=None,
        image_shape=None,
        n_cases=None,
        n_features=5,
        ax=None,
    ):
        """Draw the rows whose prediction is not their target.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets and predictions.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        confidence : array-like of shape (n_samples,), default=None
            The probability of each prediction. Without it rows stay in their order.
        regression : bool, default=None
            Whether targets are numbers, and not labels. None looks whether any has decimals.
        image_shape, n_cases, n_features, ax
            See `plot`.

        Returns
        -------
        display : FailureCasesDisplay
        """
        check_matplotlib(cls.__name__)
        if regression is None:
            both = (labels_given(to_host(y), "y") for y in (y_true, y_pred))
            regression = any(
                y.dtype.kind == "f" and "continuous" in type_of_target(y) for y in both
            )
        read = numbers_of if regression else labels_given
        y_true, y_pred = read(to_host(y_true), "y_true"), read(to_host(y_pred), "y_pred")
        return cls._made(y_true, y_pred, X, confidence, regression, False).plot(
            ax, image_shape=image_shape, n_cases=n_cases, n_features=n_features
        )

    @classmethod
    def _made(cls, y_true, y_pred, X, confidence, regression, margin):
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
    """Width and height of a case whose title is read."""
    letters = max(len(line) for title in titles for line in title.split("\n"))
    return max(draw.size[0], 0.3 + 0.07 * letters), draw.size[1]


def _n_fitting(ax, width, height):
    """How many panels an Axes has place for, if they are a little smaller."""
    whole = size_of(ax)
    return max(1, int(whole[0] / width / 0.75)) * max(1, int(whole[1] / height / 0.75))


def _array(y):
    y = y.toarray() if sparse.issparse(y) else y
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _checked_confidence(values):
    values = numbers_of(to_host(values), "confidence")
    if values.ndim != 1:
        raise ValueError(f"confidence must be a number for each row, got shape {values.shape}.")
    values = values.astype(float)
    assert_all_finite(values, input_name="confidence")
    return values


def _confidence(estimator, X, margin):
    """The probability of each prediction, or how far its score is above the next one."""
    if not margin:
        return estimator.predict_proba(X).max(axis=1)
    scores = estimator.decision_function(X)
    if scores.ndim == 1:
        return np.abs(scores)
    scores = np.sort(scores, axis=1)
    return scores[:, -1] - scores[:, -2]


def _word(value):
    """A target or a prediction."""
    if np.ndim(value):
        return shortened("(" + ", ".join(map(_word, value)) + ")", 24)
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return shortened(str(value), 16)


class _Rows:
    """Numbers of rows that may be anything; of a frame those of its columns with numbers."""

    def __init__(self, X):
        self._X, self._table = X, None
        if sparse.issparse(X):
            self._X = X = sound(X, "X")
            self.n_rows, self.n_features = X.shape
            self.names = [f"feature {i}" for i in range(self.n_features)]
            return
        table = Table(X)
        self._columns = [i for i in range(table.n_columns) if table.is_numeric(i)]
        if not table.is_frame:
            self._columns = list(range(table.n_columns))
        if not self._columns:
            raise ValueError("X has no numeric column, and nothing else can be drawn.")
        self._table, self.n_rows, self.n_features = table, table.n_rows, len(self._columns)
        self.names = [
            str(table.name(i)) if table.is_frame else f"feature {i}" for i in self._columns
        ]

    def row(self, number):
        if self._table is None:
            return self._X[[number]].toarray()[0].astype(float)
        return Table(take(self._table.data, [int(number)])).numbers(self._columns)[0]

    def moments(self):
        """Means and standard deviations of the features."""
        if self._table is None:
            means = np.asarray(self._X.mean(axis=0)).ravel()
            squares = np.asarray(self._X.astype(float).power(2).mean(axis=0)).ravel()
            return means, np.sqrt(np.maximum(squares - means**2, 0))
        values = np.ma.masked_invalid(self._table.numbers(self._columns))
        return values.mean(axis=0).filled(0), values.std(axis=0).filled(0)

    def limits(self):
        """The lowest and the highest number."""
        if self._table is None:
            return self._X.min(), self._X.max()
        values = self._table.numbers(self._columns)
        return np.nanmin(values), np.nanmax(values)


def _checked_shape(shape, n_features):
    if isinstance(shape, str) and shape == "square":
        side = math.isqrt(n_features)
        if side * side != n_features:
            raise ValueError(
                f"image_shape='square' needs a square number of features, and X has {n_features}: "
                "give (height, width)."
            )
        return side, side
    whole = np.iterable(shape) and all(isinstance(n, int | np.integer) for n in shape)
    if not whole or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise ValueError(
            f"image_shape must be (height, width), (height, width, 3) or 'square', got {shape!r}."
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={shape!r} has {math.prod(shape)} numbers, and a row of X {n_features}."
        )
    return shape[:2] if shape[2:] == (1,) else tuple(shape)


class _Images:
    """Draws a row as an image."""

    size, most = (1.45, 1.85), 20

    def __init__(self, rows, shape):
        self._rows, self._shape = rows, shape
        self._low, self._high = rows.limits()

    def __call__(self, ax, number):
        image = self._rows.row(number).reshape(self._shape)
        image = (image - self._low) / ((self._high - self._low) or 1)
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])


class _Bars:
    """Draws the features of a row that deviate most."""

    most = 9

    def __init__(self, rows, n_features):
        self._rows, self._n = rows, min(n_features, rows.n_features)
        self.size = 4.4, 1.0 + 0.22 * self._n
        self._means, self._stds = rows.moments()

    def __call__(self, ax, number):
        row = self._rows.row(number)
        known = (self._stds > 0) & np.isfinite(row)
        stds = np.where(known, self._stds, 1)
        deviations = np.where(known, (row - self._means) / stds, 0)
        chosen = np.argsort(-np.abs(deviations), kind="stable")[: self._n][::-1]
        labels = [f"{shortened(self._rows.names[i], 18)} = {row[i]:.3g}" for i in chosen]
        colors = [COLORS[0] if deviations[i] > 0 else COLORS[1] for i in chosen]
        ax.barh(range(len(chosen)), deviations[chosen], color=colors)
        ax.set_yticks(range(len(chosen)), labels, fontsize="small")
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.tick_params(axis="x", labelsize="small")
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel("standard deviations", fontsize="small")
        ax.set_ylabel("feature", fontsize="small")
