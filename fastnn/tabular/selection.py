"""Greedy selection of an ensemble."""

import numpy as np


def greedy_weights(decisions, loss, n_draws=32):
    """Return weights of an ensemble that has a low loss on rows held out.

    Starting from nothing, the candidate that lowers the loss of the mean most is added, again and
    again; the best ensemble on the way is returned.

    Parameters
    ----------
    decisions : sequence of ndarray of shape (n_rows, ...)
        Predictions of each candidate for the rows held out.
    loss : callable
        Returns the loss of predictions.
    n_draws : int, default=32
        Most draws, with replacement.

    Returns
    -------
    weights : ndarray of shape (n_candidates,)
        Their sum is 1.

    References
    ----------
    Caruana, R. et al. "Ensemble selection from libraries of models" (2004), sections 2 and 2.1.
    """
    if len(decisions) == 1:
        return np.ones(1)
    counts, total = np.zeros(len(decisions)), 0.0
    best_counts, lowest = counts, np.inf
    for n in range(1, n_draws + 1):
        losses = [loss((total + one) / n) for one in decisions]
        chosen = int(np.argmin(losses))
        counts = counts.copy()
        counts[chosen] += 1
        total = total + decisions[chosen]
        if losses[chosen] < lowest:
            lowest, best_counts = losses[chosen], counts
    return best_counts / best_counts.sum()
