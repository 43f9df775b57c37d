"""Scores of validation data and of training rows: their names, and values after each epoch."""

import copy
import functools
import inspect
import math
from numbers import Real

import numpy as np
from sklearn.base import is_classifier, is_regressor

from .._core.device_arrays import DeviceRows
from .._data.rows import BLOCK, validated_targets
from .._specs.suggestions import suggest_value
from .._train.datasets import Dataset, StreamedDataset
from .._warnings import warn
from ..data.passes import targets_of
from ..losses import quantiles_of
from .training_rows import training_rows


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


def check_train_score(model, is_stochastic):
    """Refuse names that `scoring` has not, and solvers that score nothing after an epoch."""
    if model.train_score and not is_stochastic:
        raise ValueError(
            f"train_score={model.train_score!r} needs a solver such as 'sgd' or 'adam': "
            f"{model.solver!r} does not score rows in training. Its history_ has the loss."
        )
    of_training_rows(model)


def warn_of_unused_scoring(model, stochastic):
    """Warn that `scoring` is given, and no validation data."""
    reason = (
        "without validation data: pass X_val and y_val to fit, or set early_stopping=True."
        if stochastic
        else f"with solver={model.solver!r}, which does not use validation data: leave it out, or "
        "choose a solver such as 'adam'."
    )
    warn(f"scoring={model.scoring!r} has no effect {reason}")


def scorings(model):
    """Return the scorings of validation data, by name in the history.

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


def of_training_rows(model):
    """Return the scorings of training rows, by name in the history: all, or those that are named.

    The loss is always there.
    """
    named, names = scorings(model), model.train_score
    if isinstance(names, bool | np.bool_):
        return named
    names, known = [names] if isinstance(names, str) else names, list({**named, "loss": "loss"})
    for name in names:
        if name not in known:
            raise ValueError(
                f"train_score names {name!r}, and the scores of `scoring` are "
                f"{', '.join(map(repr, known))}."
            )
    return {name: scoring for name, scoring in named.items() if name in names}


def _name(model, scoring):
    if scoring is None:
        if is_classifier(model):
            return "accuracy"
        if not is_regressor(model):
            return "score"  # of several heads
        return "d2_pinball" if quantiles_of(model.loss) else "r2"
    if isinstance(scoring, str):
        return scoring
    function = getattr(scoring, "_score_func", scoring)  # of make_scorer
    return getattr(function, "__name__", type(function).__name__)


def validator(fit, engine):
    """Return a function that scores the rows of a `Fit` with the current parameters.

    It returns the score of the validation data that decides, None if there is no such data, and
    all values for the history. Without rows to score, it is None itself.
    """
    network, named = fit.network, scorings(fit.model)
    parts = []
    if fit.model.train_score:
        chosen = of_training_rows(fit.model)
        parts.append(_values(fit, engine, *training_rows(fit), chosen, "train"))
    if fit.held_out:
        parts.append(_values(fit, engine, *fit.held_out, named, "val"))
    first = next(iter(named))

    def validate():
        logs = {}
        with network.average_parameters(fit.recompute_statistics):
            for values in parts:
                logs |= values()
        if not fit.held_out:
            return None, logs
        return -logs["val_loss"] if named[first] == "loss" else logs[f"val_{first}"], logs

    return validate if parts else None


_WORDS = {"train": "training data", "val": "validation data"}


def _values(fit, engine, data, y, named, prefix):
    """Return a function that computes the values of rows for the history, by name."""
    scorers = {name: scoring for name, scoring in named.items() if scoring != "loss"}
    with_default, words = None in scorers.values(), _WORDS[prefix]
    if with_default:
        _refuse_single_row(fit, data, words)
    evaluate = fit.evaluation(engine, data, with_default)
    if any(scoring is not None for scoring in scorers.values()):
        score = _scorer(fit, data, y, words)

    def values():
        loss, default = evaluate()
        finite = math.isfinite(loss)
        found = {f"{prefix}_loss": loss / fit.settings.loss_divisor if finite else math.nan}
        for name, scoring in scorers.items():
            if scoring is None and isinstance(default, dict):  # of several heads
                value = float(np.mean(list(default.values())))
                found |= {f"{prefix}_{head}": own for head, own in default.items()}
            elif scoring is None:
                value = default
            else:
                value = score(scoring) if finite else math.nan
            found[f"{prefix}_{name}"] = value
        return found

    return values


def evaluation(fit, engine, data, with_default):
    """Return a function that computes loss and default score of rows, a data set of a `Fit`.

    That is what `score` of the estimator would return; NaN unless `with_default`.
    """
    by_parts = isinstance(data, StreamedDataset)
    return (_by_parts if by_parts else _in_memory)(fit, engine, data, with_default)


def _in_memory(fit, engine, data, with_default):
    network, (X, targets, sample_weight, rows) = fit.network, data
    all_rows = len(rows) == X.shape[0]
    which = None if all_rows else rows

    loss = functools.partial(engine.loss, X, targets, sample_weight, which)
    if not with_default:
        return lambda: (loss(), math.nan)
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
        return network.predict(block, fit.model.n_jobs, fit.device)[0]

    def score():
        if only is not None:
            outputs = predict(only)
        else:
            outputs = np.concatenate([predict(X[part]) for part in parts])
        return _default_score(network, targets, outputs, sample_weight)

    return lambda: (loss(), score())


def _by_parts(fit, engine, data, with_default):
    """Return such a function for rows of a source, which are read once for both."""
    network = fit.network

    def evaluate():
        total, loss, outputs, parts = 0.0, 0.0, [], []
        for X, targets, sample_weight, rows in data.parts():
            weight = len(rows) if sample_weight is None else float(sample_weight.sum())
            loss, total = loss + weight * engine.loss(X, targets, sample_weight), total + weight
            if with_default:
                outputs.append(network.predict(X, fit.model.n_jobs, fit.device)[0])
                parts.append((targets, sample_weight))
        if not with_default:
            return loss / total, math.nan
        targets, weights = zip(*parts, strict=True)
        sample_weight = None if weights[0] is None else np.concatenate(weights)
        targets, outputs = np.concatenate(targets), np.concatenate(outputs)
        return loss / total, _default_score(network, targets, outputs, sample_weight)

    return evaluate


def _refuse_single_row(fit, data, words):
    n_rows, encoder = data.n_rows, fit.encoder
    parts = encoder.encoders.values() if encoder.kind == "heads" else [encoder]
    if isinstance(data, Dataset) and data.sample_weight is not None:
        n_rows = np.count_nonzero(data.sample_weight[data.rows])
    if n_rows < 2 and any(part.kind == "continuous" for part in parts):
        raise ValueError(
            f"R2 of one row of {words} is undefined: give two or more, or another scoring, such "
            "as 'neg_mean_squared_error'."
        )


def _default_score(network, targets, outputs, sample_weight):
    if not np.isfinite(outputs).all():
        return math.nan
    encoder, given = network.encoder, (network.loss, targets, outputs, sample_weight)
    return encoder.scores(*given) if encoder.kind == "heads" else encoder.score(*given)


def _scorer(fit, data, y, words):
    """Return a function that computes the score by a name of scikit-learn's, or by a function."""
    if isinstance(data, StreamedDataset):
        X, model = data.source, fit.model._twin(device=fit.device)
        y, sample_weight = targets_of(X, functools.partial(validated_targets, model))
        sample_weight = fit.row_weights(sample_weight, y, y)
    else:
        X, sample_weight, rows = data.X, data.sample_weight, data.rows
        if len(rows) < X.shape[0]:
            X, y = X[rows], y[rows]
            sample_weight = None if sample_weight is None else sample_weight[rows]
        model = fit.model._twin_of_arrays(device=fit.device)
        if isinstance(X, DeviceRows):  # a function of the user's knows arrays only
            X = X.array

    def score(scoring):
        model._set_fitted(fit.network, fit.history, stochastic=True)
        return score_by(scoring, model, X, y, sample_weight, fit.encoder.row_classes, words)

    return score


def _with_classes(scorer, classes):
    """Return the same scorer with classes that the validation data may lack, for probabilities.

    Scorers of labels would count them as mistakes.
    """
    function = getattr(scorer, "_score_func", None)
    if function is None or classes is None:
        return scorer
    has_labels = "labels" in scorer._kwargs or scorer._response_method == "predict"
    if has_labels or "labels" not in inspect.signature(function).parameters:
        return scorer
    scorer = copy.copy(scorer)
    scorer._kwargs = scorer._kwargs | {"labels": classes}
    return scorer


def score_by(scoring, model, X, y, sample_weight, classes=None, words="validation data"):
    """Compute the score of a model's predictions, by a name of scikit-learn's or by a function.

    `classes` are all classes of a problem in which each row has one; `words` name the rows.
    """
    from sklearn.metrics import get_scorer  # slow to import

    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    scorer = _with_classes(get_scorer(scoring), classes)
    try:
        value = scorer(model, X, y, **weights)
    except (AttributeError, TypeError, ValueError) as error:
        if callable(scoring):  # an error of the user's own
            raise
        raise ValueError(
            f"scoring={scoring!r} cannot score the predictions of {type(model).__name__} for the "
            f"{words}: choose another, or None. {error}"
        ) from error
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(
            f"scoring={scoring!r} returned {value!r} for the {words}: it must be a finite number. "
            f"Choose another, or other {words}."
        )
    return float(value)
