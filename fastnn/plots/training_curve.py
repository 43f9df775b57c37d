"""Plot of losses and scores by epoch."""

import itertools
import math
from typing import Any, Self

import numpy as np

from .._fit.scoring import scorings
from ..callbacks import EarlyStopping
from ..callbacks.stopping import sign_of
from .axes import add_legend, axes_for, check_matplotlib, figure_of, fitted_network

_TITLES = {
    "loss": "training loss",
    "train_loss": "training loss after the epoch",
    "val_loss": "validation loss",
    "learning_rate": "learning rate",
    "grad_norm": "norm of the gradient",
}
_LOSSES = "loss", "train_loss", "val_loss"
_ROWS = {"train_": "training", "val_": "validation"}
_DASHES = "-", (0, (4, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1, 1))


class TrainingCurveDisplay:
    """Plot of the losses and scores of a training by epoch.

    Create it by `from_estimator`, or by `from_history` from a log.

    Parameters
    ----------
    history : dict of array-like
        Columns with a number for each epoch, like `history_`.
    best_epoch : int, default=None
        Number of the epoch to mark, counted from 1 in the columns.
    best_label : str, default=None
        Its label.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each panel.
    lines_ : dict of Line2D
        The curves by the names of their columns.
    best_lines_ : list of Line2D
        The mark of the epoch in each panel.
    figure_ : Figure

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.plots import TrainingCurveDisplay
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier(early_stopping=True, random_state=0).fit(X / 16, y)
    >>> display = TrainingCurveDisplay.from_estimator(model)
    >>> list(display.lines_)
    ['loss', 'val_loss', 'val_accuracy']
    """

    best_lines_: list[Any]

    def __init__(self, *, history: Any, best_epoch: Any = None, best_label: Any = None) -> None:
        self.history = history
        self.best_epoch = best_epoch
        self.best_label = best_label

    def plot(
        self,
        ax: Any = None,
        *,
        name: Any = None,
        columns: Any = None,
        panels: Any = None,
        learning_rate: bool = False,
        grad_norm: bool = False,
        log_scale: bool = False,
        mark_best: bool = True,
        line_kw: Any = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw on; a single one is divided if there are several panels. `axes_` of another
            display draws both in the same panels. None creates a figure.
        name : str, default=None
            Name of the network in the legend, to compare several.
        columns : list of str, default=None
            Names of the columns to draw, also those that a callback has logged. The losses share a
            panel, and so do the scores of training and validation; scores whose name begins with
            ``neg_`` have a panel for each name, and so have other columns. None is all losses and
            scores.
        panels : list, default=None
            Names of columns, or lists of names that share a panel, in place of `columns`.
        learning_rate, grad_norm : bool, default=False
            Whether to add a panel for the learning rate, or for the norm of the gradient.
        log_scale : bool, default=False
            Whether the axes are logarithmic, except those of scores.
        mark_best : bool, default=True
            Whether to mark the best epoch.
        line_kw : dict, default=None
            Options of all curves, as for matplotlib's `plot`.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        check_matplotlib("TrainingCurveDisplay")
        from matplotlib.cbook import normalize_kwargs
        from matplotlib.lines import Line2D

        history = _columns(self.history)
        chosen = _panels(columns, panels, history)
        for column, wanted in ("learning_rate", learning_rate), ("grad_norm", grad_norm):
            if wanted:
                chosen += _chosen([column], history)
        n_columns = 1 if ax is not None else min(len(chosen), 2 if len(chosen) == 4 else 3)
        self.axes_ = axes_for(ax, len(chosen), n_columns, share=True)
        self.figure_ = figure_of(self.axes_[0])
        self.lines_, self.best_lines_ = {}, []
        epochs = history.get("epoch", np.arange(1, len(next(iter(history.values()))) + 1))
        for axes, names in zip(self.axes_, chosen, strict=True):
            color = None
            for column, dashes in zip(names, itertools.cycle(_DASHES)):
                style = {"linestyle": dashes, "color": color, **normalize_kwargs(line_kw, Line2D)}
                line = _curve(axes, epochs, history[column], _title(column, names, name), style)
                self.lines_[column] = line
                # The curves of a named network have one colour, so that several can be compared.
                color = None if name is None else line.get_color()
            if mark_best and self.best_epoch is not None:
                self._mark(axes, epochs[self.best_epoch - 1], name, color or "0.3")
            positive = any((history[column] > 0).any() for column in names)
            if log_scale and positive and not all(map(_is_score, names)):
                axes.set_yscale("log")
            axes.set(xlabel="epoch", ylabel=_label(names))
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.grid(alpha=0.3)
            if name is not None or len(axes.get_legend_handles_labels()[1]) > 1:
                add_legend(axes)
        return self

    def _mark(self, axes, epoch, name, color):
        label = f"epoch {epoch:g}: {self.best_label or 'best'}"
        label = label if name is None else f"{name}, {label}"
        if axes is not self.axes_[0]:
            label = None  # it is in the legend of the first panel
        self.best_lines_.append(axes.axvline(epoch, color=color, linestyle=":", label=label))

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **parameters: Any) -> Self:
        """Draw the training of a fitted estimator.

        The marked epoch is the one whose parameters were kept by `early_stopping` or by
        ``EarlyStopping(restore_best=True)``. If the last parameters were kept, it is the epoch with
        the lowest validation loss, if there is validation data.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
            A fitted estimator.
        ax : Axes or array-like of Axes, default=None
            See `plot`.
        **parameters
            Other parameters of `plot`.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        model = fitted_network(estimator, cls.__name__)
        history = _columns(model.history_)
        best = _kept(model, history) or _best_of(history)
        return cls(history=history, **best).plot(ax, **parameters)

    @classmethod
    def from_history(cls, history: Any, *, ax: Any = None, **parameters: Any) -> Self:
        """Draw a history, such as that of a log or of another library.

        Parameters
        ----------
        history : dict of array-like, or DataFrame
            Columns with a number for each epoch, like `history_`. ``{"loss": model.loss_curve_}``
            is sufficient. The epoch with the lowest "val_loss" is marked.
        ax : Axes or array-like of Axes, default=None
            See `plot`.
        **parameters
            Other parameters of `plot`.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        check_matplotlib(cls.__name__)
        history = _columns(history)
        return cls(history=history, **_best_of(history)).plot(ax, **parameters)


def _is_score(name):
    return name.startswith(tuple(_ROWS)) and name not in _LOSSES


def _quantity(name):
    """Return the name of a score or loss, whatever rows it is of."""
    return name.removeprefix("train_").removeprefix("val_")


def _columns(history):
    """Return the columns of a history as arrays of numbers, after checking them."""
    names = history.columns if hasattr(history, "columns") else history
    try:
        columns = {str(name): np.asarray(history[name], float) for name in names}
    except (LookupError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"history must have columns of numbers by name, as history_ has: {error}"
        ) from error
    lengths = {len(column) if column.ndim == 1 else -1 for column in columns.values()}
    if len(lengths) != 1 or lengths <= {-1, 0}:
        raise ValueError(
            "history must have columns of the same length, with a number for each of one epoch or "
            f"more; there are {', '.join(columns) or 'none'}."
        )
    return columns


def _panels(columns, panels, history):
    """Return the columns of each panel; see `plot`."""
    if panels is not None:
        if columns is not None:
            raise ValueError("columns and panels both name what to draw: give one of them.")
        return _chosen(panels, history)
    if columns is None:
        columns = [name for name in history if name in _LOSSES or _is_score(name)]
        if not columns:
            raise ValueError(
                "The history has neither losses nor scores: name what to draw in columns, of "
                f"{', '.join(map(repr, history))}."
            )
    elif isinstance(columns, str) or not columns:
        raise ValueError(f"columns must be a list of names, got {columns!r}.")
    _check_known(columns, history)
    return _grouped(columns)


def _grouped(columns):
    """Return lists of the columns that share a panel, with those of one score side by side."""
    panels = {"loss": {}, "score": {}}
    for name in columns:
        quantity = _quantity(name)
        panel = "score" if _is_score(name) and not quantity.startswith("neg_") else quantity
        panels.setdefault(panel, {}).setdefault(quantity, []).append(name)
    return [list(itertools.chain(*panel.values())) for panel in panels.values() if panel]


def _chosen(panels, history):
    """Return the columns of each panel, as chosen by the user."""
    chosen = [[names] if isinstance(names, str) else list(names) for names in panels]
    if isinstance(panels, str) or not chosen or not all(chosen):
        raise ValueError(
            f"panels must be a list of names, or of lists of names that share a panel, got "
            f"{panels!r}."
        )
    _check_known(itertools.chain(*chosen), history)
    return chosen


def _check_known(names, history):
    for name in names:
        if name not in history:
            raise ValueError(
                f"The history has no {name!r}: it has {', '.join(map(repr, history))}."
            )


def _label(names):
    """Return the label of an axis."""
    if len(names) > 1 and names[0] in _LOSSES:
        return "loss"
    if all(map(_is_score, names)):
        kinds = {_ROWS[name.removesuffix(_quantity(name))] for name in names}
        quantities = {*map(_quantity, names)}
        words = [*kinds] if len(kinds) == 1 else []
        return " ".join([*words, *(quantities if len(quantities) == 1 else ["score"])])
    return ", ".join(_TITLES.get(name, name) for name in names)


def _title(column, names, name):
    """Return the label of a curve in the legend of a panel with the columns `names`."""
    title = _TITLES.get(column, column)
    if _is_score(column):
        title = _quantity(column)
        rows = column.removesuffix(title)
        if not all(one.startswith(rows) for one in names):
            title = f"{_ROWS[rows]} {title}"
    return title if name is None else f"{name}: {title}"


def _curve(axes, epochs, values, label, style):
    known = np.isfinite(values)
    around = np.concatenate([[False], known, [False]])
    alone = known & ~around[:-2] & ~around[2:]  # isolated points have no line
    if alone.any():
        style = {"marker": "o", "markersize": 4, "markevery": alone.tolist(), **style}
    [line] = axes.plot(epochs, np.where(known, values, np.nan), label=label, **style)
    return line


def _best_of(history):
    """Return the epoch with the lowest validation loss, if there is any."""
    values = history.get("val_loss", np.array([]))
    if not np.isfinite(values).any():
        return {"best_epoch": None, "best_label": None}
    return {"best_epoch": int(np.nanargmin(values)) + 1, "best_label": "lowest validation loss"}


def _kept(model, history):
    """Return the epoch whose parameters were kept, or None if these are the last."""
    n_epochs, memory = len(history["epoch"]), model._history
    for callback in reversed(list(model.callbacks or ())):
        if isinstance(callback, EarlyStopping) and callback.restore_best:
            values = history.get(callback.monitor, np.array([]))
            sign, best, where = sign_of(callback.monitor, callback.mode), -math.inf, None
            for i in range(len(values) - model.n_iter_, len(values)):
                if sign * values[i] > best + callback.min_delta:
                    best, where = sign * values[i], i
            if where is not None:
                return {"best_epoch": where + 1, "best_label": f"kept, best {callback.monitor}"}
    scores = memory.validation_scores
    if memory.stops_early and np.isfinite(scores).any():
        where = n_epochs - len(scores) + int(np.nanargmax(scores))
        return {
            "best_epoch": where + 1,
            "best_label": f"kept, best {next(iter(scorings(model)))}",
        }
    return None
