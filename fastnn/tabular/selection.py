"""Greedy choice of an ensemble."""

import numpy as np


def greedy_weights(decisions, loss, n_draws=32):
    """Return weights of an ensemble that has a low loss on held-out rows.

    Parameters
    ----------
    decisions : ndarray of shape (n_members, n_rows, ...)
        Predictions of each member for the rows held out.
    loss : callable
        Loss of a mean of predictions.
    n_draws : int, default=32
        Most draws, with replacement.

    References
    ----------
    Caruana, R. et al. "Ensemble selection from libraries of models" (2004), section 2.
    """
    counts, total = np.zeros(len(decisions)), 0.0
    best_counts, best = counts, np.inf
    for n in range(1, n_draws + 1):
        losses = [loss((total + one) / n) for one in decisions]
        chosen = int(np.argmin(losses))
        counts = counts.copy()
        counts[chosen] += 1
        total = total + decisions[chosen]
        if losses[chosen] < best:
            best, best_counts = losses[chosen], counts
    return best_counts / best_counts.sum()
