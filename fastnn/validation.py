"""Validation data, given or set aside, and its score after each epoch."""

import math
import warnings
from numbers import Real

import numpy as np

from .device_arrays import DeviceRows
from .rows import BLOCK, read_data
from .sample_weights import weights_of_rows
from .trainer import Data


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
        warnings.warn(
            f"Classes of a single row are kept in training, where early_stopping sets aside "
            f"validation data: {labels}.",
            stacklevel=5,
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
        X, y = read_data(model, X, y)
        targets = model._encode_more(y, loss, dtype, n_outputs)
        sample_weight = weights_of_rows(model, sample_weight, X, y, dtype, balance)
    except ValueError as error:
        raise ValueError(f"Validation data (X_val, y_val): {error}") from error
    return Data(X, targets, sample_weight, np.arange(X.shape[0])), y


def check_scoring(model):
    """Refuse the name of a score that scikit-learn does not know."""
    if isinstance(model.scoring, str) and model.scoring != "loss":
        from sklearn.metrics import get_scorer_names  # slow to import

        if model.scoring not in get_scorer_names():
            raise ValueError(
                f"Unknown scoring {model.scoring!r}: give 'loss', a function, or one of "
                "sklearn.metrics.get_scorer_names(), such as 'neg_log_loss' or 'r2'."
            )


def validator(model, network, engine, data, y, settings, settle, device):
    """A function that returns the current score of the validation data."""
    score = _scorer(model, network, engine, data, y, settings, device)

    def validate():
        with network.shown_average(settle):
            return score()

    return validate


def _scorer(model, network, engine, data, y, settings, device):
    X, targets, sample_weight, rows = data
    all_rows = len(rows) == X.shape[0]
    on_gpu = isinstance(X, DeviceRows)
    step = len(rows) if on_gpu else max(1, BLOCK // X.shape[1])

    starts = range(0, len(rows), step)
    parts = [
        slice(start, start + step) if all_rows else rows[start : start + step] for start in starts
    ]
    only = X[parts[0]] if len(parts) == 1 else None  # copied once

    def predict(block):
        return network.predict(block, model.n_jobs, device)[0]

    def outputs():
        if only is not None:
            return predict(only)
        return np.concatenate([predict(X[part]) for part in parts])

    def negative_loss():
        loss = engine.loss(X, targets, sample_weight, None if all_rows else rows)
        return -loss / settings.loss_divisor if math.isfinite(loss) else math.nan

    if model.scoring == "loss":
        return negative_loss
    own_targets, own_weight = targets, sample_weight
    if not all_rows:
        own_targets = targets[rows]
        own_weight = None if sample_weight is None else sample_weight[rows]

    def default_score():
        predicted = outputs()
        if not np.isfinite(predicted).all():
            return math.nan
        return model._score(network.loss, own_targets, predicted, own_weight)

    if model.scoring is None:
        return default_score

    from sklearn.metrics import get_scorer  # slow to import

    # An estimator that predicts with the current parameters.
    view = object.__new__(type(model))
    view.__dict__.update(model.__dict__, _network=network, device=device)
    view.__dict__.pop("feature_names_in_", None)  # rows are arrays here
    view._name_parameters()
    scorer = get_scorer(model.scoring) if isinstance(model.scoring, str) else model.scoring
    own_X, own_y = (X, y) if all_rows else (X[rows], y[rows])
    if on_gpu:  # a function of the user's knows arrays only
        own_X = own_X.array
    weights = {} if own_weight is None else {"sample_weight": own_weight}

    def score():
        if not math.isfinite(engine.loss(X, targets, sample_weight, rows)):
            return math.nan
        try:
            value = scorer(view, own_X, own_y, **weights)
        except (AttributeError, TypeError, ValueError) as error:
            if callable(model.scoring):  # an error of the user's own
                raise
            raise ValueError(
                f"scoring={model.scoring!r} cannot score the predictions of "
                f"{type(model).__name__} for the validation data: choose another, or None. "
                f"{error}"
            ) from error
        if not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(
                f"scoring={model.scoring!r} returned {value!r} for the validation data: it must "
                "be a finite number. Choose another, or other validation data."
            )
        return float(value)

    return score
