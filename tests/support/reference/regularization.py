"""Penalties of weights, and limits of gradients and weights."""

import numpy as np


def elastic_net(w, l2, l1):
    """Penalty of weights and its gradient: Zou and Hastie, "Regularization and variable selection
    via the elastic net" (2005), with half the square. The subgradient of |w| at 0 is 0.
    """
    return 0.5 * l2 * np.sum(w**2) + l1 * np.sum(np.abs(w)), l2 * w + l1 * np.sign(w)


def soft_threshold(w, threshold):
    """The proximal map of threshold |w|: Daubechies, Defrise, De Mol, "An iterative thresholding
    algorithm for linear inverse problems" (2004), equation 2.7, with half the squared distance.
    """
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


def clip_norm(gradients, most):
    """Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013),
    algorithm 1, with PyTorch's 1e-6. The norm is of all arrays together.
    """
    return [min(1.0, most / (norm_of(gradients) + 1e-6)) * g for g in gradients]


def norm_of(gradients):
    """The length of all arrays together."""
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def limit_norms(coef, most):
    """Srivastava et al., "Dropout" (2014), section 5.1: of the weights that come into a unit."""
    norms = np.sqrt(np.sum(coef**2, axis=0))
    return coef * np.where(norms > most, most / np.maximum(norms, 1e-300), 1.0)
