"""Validation data, given or set aside, and its score after each epoch."""

import copy
import inspect
import math
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier

from .._core.device_arrays import DeviceRows
from .._data.rows import BLOCK
from .._specs.suggestions import suggest_value
from .._warnings import warn

# Rows and columns that are looked at, and how many rows tell something.
_LOOKED_AT, _LEAST_ROWS = 256, 30
# Medians that differ by more than so many interquartile ranges are far apart; or such ranges, of
# which one is so many times the other.
_FAR, _WIDER = 1.5, 5.0


def split(model, targets, sample_weight, random_state):
    """Numbers of the training rows and of the validation rows, drawn as scikit-learn does.

    It stratifies two classes only. With `scoring` more are stratified too, and each class of two
    rows or more is in both parts, which many scores need. What counts for nothing, a row whose
    weight is 0, is never held out.
    """
    from sklearn.model_selection import train_test_split  # slow to import

    scored = model.scoring not in (None, "loss")
    classes = model._class_numbers(targets)
    drawn = np.ones(len(targets), bool) if sample_weight is None else sample_weight > 0
    stratify = None
    if classes is not None:
        counts = np.bincount(classes[drawn], minlength=classes.max() + 1)
        alone = drawn & (counts[classes] == 1)
        drawn = drawn & ~alone
        if alone.any():
            labels = ", ".join(map(str, model.classes_[classes[alone]]))
            warn(
                f"Classes of a single row are kept in training, where early_stopping sets aside "
                f"validation data: {labels}.",
            )
        binary = targets.ndim == 2 and targets.shape[1] == 1
        if binary or (scored and _can_be_stratified(counts[counts > 1], model)):
            stratify = classes[drawn]
    too_small = (
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset."
    )
    if sample_weight is not None:
        too_small += " Rows whose weight is 0 are not held out."
    if not drawn.any():
        raise ValueError(too_small)
    train_rows, held_out = train_test_split(
        np.flatnonzero(drawn),
        random_state=random_state,
        test_size=model.validation_fraction,
        stratify=stratify,
    )
    if len(held_out) < 2:
        raise ValueError(too_small)
    if classes is not None and scored:
        _share(classes, train_rows, held_out)
        _share(classes, held_out, train_rows)
    return np.concatenate([train_rows, np.flatnonzero(~drawn)]), held_out


def _can_be_stratified(counts, model):
    """Whether both parts have room for these classes."""
    n_held_out = math.ceil(model.validation_fraction * counts.sum())
    return min(n_held_out, counts.sum() - n_held_out) >= len(counts)


def _share(classes, rows, others):
    """Exchange rows, in place, so that the others have one of each class that has two here."""
    for code in np.flatnonzero(np.bincount(classes[rows]) > 1):
        there = np.bincount(classes[others])
        if (code < len(there) and there[code]) or there.max() < 2:
            continue
        i = np.flatnonzero(classes[rows] == code)[0]
        j = np.flatnonzero(classes[others] == there.argmax())[0]
        rows[i], others[j] = others[j], rows[i]


def _sample(X):
    """Some of the rows and columns, evenly spaced; None of rows on the GPU, or of too few."""
    if isinstance(X, DeviceRows) or X.shape[0] < _LEAST_ROWS:
        return None
    rows, columns = (
        np.unique(np.linspace(0, length - 1, _LOOKED_AT).astype(int)) for length in X.shape
    )
    part = X[rows][:, columns]
    return (part.toarray() if sparse.issparse(part) else part), columns


def warn_of_far_columns(X, X_val):
    """Tell that validation rows are not such as are trained on, mostly as nothing scaled them.

    Medians and quartiles of few rows are compared, which a few large values do not move. A column
    that is mostly constant says nothing, and one that differs might be chance: half of them must.
    """
    own, others = _sample(X), _sample(X_val)
    if own is None or others is None:
        return
    low, middle, high = np.percentile(own[0], [25, 50, 75], axis=0)
    its_low, its_middle, its_high = np.percentile(others[0], [25, 50, 75], axis=0)
    spread, its_spread = high - low, its_high - its_low
    varies = (spread > 0) & (its_spread > 0)
    widest, gap = np.maximum(spread, its_spread), np.abs(middle - its_middle)
    far = gap > _FAR * widest
    far |= widest > _WIDER * np.minimum(spread, its_spread)
    far &= varies
    if far.sum() < max(varies.sum() / 2, 1):
        return
    i = np.flatnonzero(far)[0]
    warn(
        f"X_val lies far from X: the quartiles of column {own[1][i]} are {its_low[i]:.3g} and "
        f"{its_high[i]:.3g}, and {low[i]:.3g} and {high[i]:.3g} in X. If a pipeline transforms "
        "X, let it transform X_val too: Pipeline(..., transform_input=['X_val']) and "
        "set_fit_request(X_val=True, y_val=True) of the network, with metadata routing enabled."
    )


def check_scoring(model):
    """Refuse the name of a score that scikit-learn does not know."""
    if model.scoring is None:
        return
    for scoring in scorings(model).values():
        if callable(scoring) or scoring in (None, "loss"):
            continue
        from sklearn.metrics import get_scorer_names  # slow to import

        if scoring not in (names := get_scorer_names()):
            suggestion = suggest_value("scoring", scoring, ["loss", *names])
            raise ValueError(
                f"Unknown scoring {scoring!r}: give 'loss', a function, or one of "
                f"sklearn.metrics.get_scorer_names(), such as 'neg_log_loss' or 'r2'.{suggestion}"
            )


def warn_of_unused_scoring(model, stochastic):
    """Tell that what to score by is given, and nothing to score."""
    reason = (
        "without validation data: pass X_val and y_val to fit, or set early_stopping=True."
        if stochastic
        else f"with solver={model.solver!r}, which does not use validation data: leave it out, or "
        "choose a solver such as 'adam'."
    )
    warn(f"scoring={model.scoring!r} has no effect {reason}")


def scorings(model):
    """What validation data is scored by, by the names that the history has them under.

    The first decides.
    """
    scoring = model.scoring
    if isinstance(scoring, dict):
        named = list(scoring.items())
    else:
        several = scoring if isinstance(scoring, list | tuple) else [scoring]
        named = [(_name(model, one), one) for one in several]
    names = [name for name, _ in named]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"scoring={scoring!r} must have one score or more, each of another name: give a dict "
            "such as {'f1': 'f1_macro'}."
        )
    return dict(named)


def _name(model, scoring):
    if scoring is None:
        return "accuracy" if is_classifier(model) else "r2"
    if isinstance(scoring, str):
        return scoring
    function = getattr(scoring, "_score_func", scoring)  # of make_scorer
    return getattr(function, "__name__", type(function).__name__)


def validator(model, network, engine, data, y, settings, settle, device):
    """A function that returns the current score of the validation data, and all for the history."""
    X, targets, sample_weight, rows = data
    which = None if len(rows) == X.shape[0] else rows
    named = scorings(model)
    scorers = {name: scoring for name, scoring in named.items() if scoring != "loss"}
    if None in scorers.values():
        n_rows = len(rows) if sample_weight is None else np.count_nonzero(sample_weight[rows])
        if n_rows < 2 and not is_classifier(model):
            raise ValueError(
                "R2 of one row of validation data is undefined: give two or more, or another "
                "scoring, such as 'neg_mean_squared_error'."
            )
        default = _default_scorer(model, network, data, device)
    if any(scoring is not None for scoring in scorers.values()):
        score = _scorer(model, network, data, y, device)
    first = next(iter(named))

    def validate():
        with network.shown_average(settle):
            loss = engine.loss(X, targets, sample_weight, which)
            finite = math.isfinite(loss)
            loss = loss / settings.loss_divisor if finite else math.nan
            logs = {"val_loss": loss}
            for name, scoring in scorers.items():
                if scoring is None:
                    value = default()
                else:
                    value = score(scoring) if finite else math.nan
                logs[f"val_{name}"] = value
        return -loss if named[first] == "loss" else logs[f"val_{first}"], logs

    return validate


def _default_scorer(model, network, data, device):
    """A function that returns what `score` of the estimator would."""
    X, targets, sample_weight, rows = data
    all_rows = len(rows) == X.shape[0]
    step = len(rows) if isinstance(X, DeviceRows) else max(1, BLOCK // X.shape[1])
    starts = range(0, len(rows), step)
    parts = [
        slice(start, start + step) if all_rows else rows[start : start + step] for start in starts
    ]
    only = X[parts[0]] if len(parts) == 1 else None  # copied once
    if not all_rows:
        targets = targets[rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]

    def predict(block):
        return network.predict(block, model.n_jobs, device)[0]

    def score():
        if only is not None:
            outputs = predict(only)
        else:
            outputs = np.concatenate([predict(X[part]) for part in parts])
        if not np.isfinite(outputs).all():
            return math.nan
        return model._score(network.loss, targets, outputs, sample_weight)

    return score


def _knows_classes(scorer, model):
    """The same scorer, told of classes that the validation data may lack; of probabilities only.

    Those of labels would count them as mistakes.
    """
    function, labels = getattr(scorer, "_score_func", None), getattr(model, "_labels", None)
    if function is None or labels is None or labels.kind not in ("binary", "multiclass"):
        return scorer
    told = "labels" in scorer._kwargs or scorer._response_method == "predict"
    if told or "labels" not in inspect.signature(function).parameters:
        return scorer
    scorer = copy.copy(scorer)
    scorer._kwargs = scorer._kwargs | {"labels": model.classes_}
    return scorer


def _scorer(model, network, data, y, device):
    """A function that returns the score by a name of scikit-learn's, or a function."""
    X, _, sample_weight, rows = data
    # An estimator that predicts with the current parameters.
    view = model._twin(device=device)
    view.__dict__.pop("feature_names_in_", None)  # rows are arrays here
    if len(rows) < X.shape[0]:
        X, y = X[rows], y[rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]
    if isinstance(X, DeviceRows):  # a function of the user's knows arrays only
        X = X.array

    def score(scoring):
        view._set_fitted(network, model._history, stochastic=True)  # as far as it is
        return score_by(scoring, view, X, y, sample_weight)

    return score


def score_by(scoring, model, X, y, sample_weight):
    """The score of what a model predicts, by a name of scikit-learn's or by a function."""
    from sklearn.metrics import get_scorer  # slow to import

    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    scorer = _knows_classes(get_scorer(scoring), model)
    try:
        value = scorer(model, X, y, **weights)
    except (AttributeError, TypeError, ValueError) as error:
        if callable(scoring):  # an error of the user's own
            raise
        raise ValueError(
            f"scoring={scoring!r} cannot score the predictions of {type(model).__name__} for the "
            f"validation data: choose another, or None. {error}"
        ) from error
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(
            f"scoring={scoring!r} returned {value!r} for the validation data: it must be a finite "
            "number. Choose another, or other validation data."
        )
    return float(value)
