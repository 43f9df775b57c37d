"""Predictions of an estimator, made of the outputs of its network."""

import numpy as np

from ..losses import LOSSES, quantiles_of, sorted_quantiles


def values(network, outputs):
    """Return what `predict` of a regressor does."""
    if quantiles := quantiles_of(network.loss):
        outputs = sorted_quantiles(outputs, len(quantiles))
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def confidence_scores(network, scores):
    """Return what `decision_function` does, of pre-activations of the output layer."""
    row, labels = LOSSES[network.loss], network.encoder
    if row.name == "squared_error":
        scores -= scores.dtype.type(row.boundary)
    if labels.kind == "multiclass-multioutput":
        parts = labels.split(scores)
        return [part[:, 1] - part[:, 0] if part.shape[1] == 2 else part for part in parts]
    if scores.shape[1] == 1:
        return scores[:, 0]
    if labels.kind == "probabilities" and scores.shape[1] == 2:
        return scores[:, 1] - scores[:, 0]
    return scores


def probabilities(network, outputs):
    """Return what `predict_proba` does, of outputs for both of two classes."""
    labels = network.encoder
    if labels.kind == "multiclass-multioutput":
        return labels.split(outputs)
    return probabilities_of(outputs, labels.kind, network.architecture.loss)


def probabilities_of(outputs, kind, loss):
    """Return the probabilities of labels of a kind, of outputs of a network with this loss."""
    if kind == "binary" and outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    if kind == "multiclass" and loss == "binary_log_loss":
        sums = outputs.sum(axis=1, keepdims=True)
        outputs[sums[:, 0] == 0] = 1  # all of them are rounded to 0
        outputs /= outputs.sum(axis=1, keepdims=True)
    return outputs
