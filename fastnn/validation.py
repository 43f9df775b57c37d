"""Validation data, given or set aside, and its score after each epoch."""

import math
from numbers import Real

import numpy as np
from sklearn.base import is_classifier

from .device_arrays import DeviceRows
from .meant import value_meant
from .rows import BLOCK, check_range, read_data
from .sample_weights import weights_of_rows
from .trainer import Data
from .warn import warn


def split(model, targets, random_state):
    """Numbers of the training rows and of the validation rows, drawn as scikit-learn does."""
    from sklearn.model_selection import train_test_split  # slow to import

    rows, stratify = np.arange(len(targets)), None
    alone = np.zeros(len(targets), bool)
    classes = model._class_numbers(targets)
    if classes is not None:
        counts = np.bincount(classes)
        alone = counts[classes] == 1
        if targets.ndim == 2 and targets.shape[1] == 1:  # of two classes only
            stratify = classes[~alone]
    if alone.any():
        labels = ", ".join(map(str, model.classes_[classes[alone]]))
        warn(
            f"Classes of a single row are kept in training, where early_stopping sets aside "
            f"validation data: {labels}.",
        )
    too_small = (
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset."
    )
    if alone.all():
        raise ValueError(too_small)
    train_rows, held_out = train_test_split(
        rows[~alone],
        random_state=random_state,
        test_size=model.validation_fraction,
        stratify=stratify,
    )
    if len(held_out) < 2:
        raise ValueError(too_small)
    return np.concatenate([train_rows, rows[alone]]), held_out


def validation_data(model, validation, loss, dtype, n_outputs, stochastic, balance):
    """The user's validation data, as `Data` and with targets as they are, or None."""
    X, y, sample_weight = validation or (None, None, None)
    if X is None and y is None and sample_weight is None:
        return None
    if X is None or y is None:
        raise ValueError("X_val and y_val belong together: give both, or none.")
    if not stochastic:
        raise ValueError(
            f"X_val and y_val need a solver such as 'sgd' or 'adam': {model.solver!r} does not "
            "use validation data."
        )
    try:
        X, y = read_data(model, X, y, name="X_val")
        check_range(X, dtype)
        targets = model._encode_more(y, loss, dtype, n_outputs)
        sample_weight = weights_of_rows(model, sample_weight, X, y, dtype, balance)
    except ValueError as error:
        raise ValueError(f"Validation data (X_val, y_val): {error}") from error
    return Data(X, targets, sample_weight, np.arange(X.shape[0])), y


def check_scoring(model):
    """Refuse the name of a score that scikit-learn does not know."""
    if model.scoring is None:
        return
    for scoring in scorings(model).values():
        if callable(scoring) or scoring in (None, "loss"):
            continue
        from sklearn.metrics import get_scorer_names  # slow to import

        if scoring not in (names := get_scorer_names()):
            meant = value_meant("scoring", scoring, ["loss", *names])
            raise ValueError(
                f"Unknown scoring {scoring!r}: give 'loss', a function, or one of "
                f"sklearn.metrics.get_scorer_names(), such as 'neg_log_loss' or 'r2'.{meant}"
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
        if len(rows) < 2 and not is_classifier(model):
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
    return lambda scoring: score_by(scoring, view, X, y, sample_weight)


def score_by(scoring, model, X, y, sample_weight):
    """The score of what a model predicts, by a name of scikit-learn's or by a function."""
    from sklearn.metrics import get_scorer  # slow to import

    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    try:
        value = get_scorer(scoring)(model, X, y, **weights)
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
