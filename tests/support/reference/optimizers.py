"""Update rules.

Each updates the slots in place and returns the new parameter. t counts the steps from 1.
"""

from typing import NamedTuple

import numpy as np

from support.reference.regularization import soft_threshold


def sgd(w, g, slots, t, learning_rate):
    """Robbins and Monro, "A stochastic approximation method" (1951)."""
    return w - learning_rate * g


def momentum(w, g, slots, t, learning_rate, momentum=0.9):
    """Sutskever et al., "On the importance of initialization and momentum" (2013), eq. 1-2."""
    (v,) = slots
    v[...] = momentum * v - learning_rate * g
    return w + v


def nesterov(w, g, slots, t, learning_rate, momentum=0.9):
    """Nesterov's momentum (Sutskever et al. 2013, eq. 3-4), with w where the gradient is taken.

    That change of variable is Bengio, Boulanger-Lewandowski, Pascanu, "Advances in optimizing
    recurrent networks" (2013), section 3.5.
    """
    (v,) = slots
    v[...] = momentum * v - learning_rate * g
    return w + momentum * v - learning_rate * g


def adam(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba, "Adam" (2015), algorithm 1 in the order of the last lines of section 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    learning_rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - learning_rate * m / (np.sqrt(v) + epsilon)


def averaged(w, g, slots, t, learning_rate, beta=0.9):
    """Momentum as a moving average: the first moment of Adam, without correction of its bias."""
    (m,) = slots
    m[...] = beta * m + (1 - beta) * g
    return w - learning_rate * m


def momentum_of_gradients(w, g, slots, t, learning_rate, momentum=0.9):
    """Momentum in PyTorch's form: the velocity excludes the learning rate."""
    (v,) = slots
    v[...] = momentum * v + g
    return w - learning_rate * v


def nesterov_of_gradients(w, g, slots, t, learning_rate, momentum=0.9):
    """Nesterov's momentum in PyTorch's form: the velocity excludes the learning rate."""
    (v,) = slots
    v[...] = momentum * v + g
    return w - learning_rate * (g + momentum * v)


def adagrad(w, g, slots, t, learning_rate, epsilon=1e-10):
    """Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011), figure 1."""
    (s,) = slots
    s[...] = s + g**2
    return w - learning_rate * g / (np.sqrt(s) + epsilon)


def adadelta(w, g, slots, t, learning_rate, rho=0.9, epsilon=1e-6):
    """Zeiler, "ADADELTA" (2012), algorithm 1, times a learning rate."""
    s, u = slots
    s[...] = rho * s + (1 - rho) * g**2
    change = np.sqrt(u + epsilon) / np.sqrt(s + epsilon) * g
    u[...] = rho * u + (1 - rho) * change**2
    return w - learning_rate * change


def rmsprop(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8):
    """Tieleman and Hinton, Coursera lecture 6.5 (2012)."""
    (s,) = slots
    s[...] = rho * s + (1 - rho) * g**2
    return w - learning_rate * g / (np.sqrt(s) + epsilon)


def rmsprop_momentum(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8, momentum=0.9):
    """RMSprop with momentum, in PyTorch's form: the velocity excludes the learning rate."""
    s, v = slots
    s[...] = rho * s + (1 - rho) * g**2
    v[...] = momentum * v + g / (np.sqrt(s) + epsilon)
    return w - learning_rate * v


def rmsprop_centered(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8, momentum=0.9):
    """Graves, "Generating sequences" (2013), eq. 38-41, in PyTorch's form."""
    s, v, m = slots
    s[...] = rho * s + (1 - rho) * g**2
    m[...] = rho * m + (1 - rho) * g
    v[...] = momentum * v + g / (np.sqrt(np.maximum(s - m**2, 0)) + epsilon)
    return w - learning_rate * v


def rprop(w, g, slots, t, learning_rate, eta_minus=0.5, eta_plus=1.2, step_min=1e-6, step_max=50.0):
    """Riedmiller and Braun, "RPROP" (1993); iRprop- of Igel and Huesken (2000).

    A size of 0 stands for one that has not begun. The learning rate is the first size.
    """
    previous, size = slots
    turn = np.sign(g) * np.sign(previous)
    factor = np.select([turn > 0, turn < 0], [eta_plus, eta_minus], 1.0)
    begun = np.where(size > 0, size, learning_rate)
    size[...] = np.where(g == 0, size, np.clip(begun * factor, step_min, step_max))
    previous[...] = np.where(turn < 0, 0.0, g)
    return w - np.sign(previous) * size


def rprop_minus(w, g, slots, t, learning_rate, **sizes):
    """Rprop- of Igel and Huesken (2000): a step is taken where the gradient turns, too."""
    w = rprop(w, g, slots, t, learning_rate, **sizes)
    previous, size = slots
    turned = (previous == 0) & (g != 0)
    previous[...] = g
    return np.where(turned, w - np.sign(g) * size, w)


def adamw(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01):
    """Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * (m_hat / (np.sqrt(v_hat) + epsilon) + weight_decay * w)


def nadam(
    w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=0.004
):
    """Dozat, "Incorporating Nesterov momentum into Adam" (2016), algorithm 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    mu = [beta_1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in range(1, t + 2)]
    m_hat = mu[t] * m / (1 - np.prod(mu)) + (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t]))
    return w - learning_rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def radam(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Liu et al., "On the variance of the adaptive learning rate" (2020), algorithm 2.

    The threshold is the 5 of the authors' code, and epsilon lies where PyTorch has it.
    """
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    limit = 2 / (1 - beta_2) - 1
    length = limit - 2 * t * beta_2**t / (1 - beta_2**t)
    if length <= 5:
        return w - learning_rate * m_hat
    r = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
    return w - learning_rate * m_hat * np.sqrt(r * (1 - beta_2**t)) / (np.sqrt(v) + epsilon)


def amsgrad(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (2018), algorithm 2.

    As in PyTorch, the bias of both moments is corrected.
    """
    m, v, u = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    u[...] = np.maximum(u, v)
    m_hat, u_hat = m / (1 - beta_1**t), u / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(u_hat) + epsilon)


def lamb(
    w,
    g,
    slots,
    t,
    learning_rate,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    weight_decay=0.01,
    adapts=True,
):
    """You et al., "Large batch optimization for deep learning" (2020), algorithm 2, phi(x) = x.

    w are all weights of a layer. In the authors' code vectors do not decay, and do not adapt: their
    ratio is 1. It is 1 too where a norm is 0.
    """
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    u = m_hat / (np.sqrt(v_hat) + epsilon) + weight_decay * w
    norms = np.linalg.norm(w), np.linalg.norm(u)
    ratio = norms[0] / norms[1] if adapts and all(norms) else 1.0
    return w - learning_rate * ratio * u


def proximal_step(
    optimizer, w, slots, t, learning_rate, strength, beta_2=0.999, epsilon=None, momentum=0.9
):
    """Moves parameters after a step by the proximal map of strength |w|; returns them.

    The threshold has the preconditioner of the step: Yun, Lozano, Yang, "Adaptive proximal gradient
    methods for structured neural networks" (2021), algorithm 1. A velocity of gradients is a mean
    times 1 / (1 - momentum). One of updates contains all updates: Ochs, Chen, Brox, Pock, "iPiano"
    (2014), algorithm 2; so does Nesterov's, of which the parameters are ahead.
    """
    rate = learning_rate
    if optimizer == "adam":
        rate *= np.sqrt(1 - beta_2**t) / (np.sqrt(slots[1]) + (epsilon or 1e-8))
    elif optimizer == "adagrad":
        rate = rate / (np.sqrt(slots[0]) + (epsilon or 1e-10))
    elif optimizer.endswith("_of_gradients"):
        rate /= 1 - momentum
    elif optimizer == "nesterov":
        rate *= 1 + momentum
    moved = soft_threshold(w, strength * rate)
    if optimizer in ("momentum", "look_ahead", "nesterov"):
        slots[0][...] += (moved - w) / (1 + momentum if optimizer == "nesterov" else 1)
    return moved


class Optimizer(NamedTuple):
    """An update rule, and how many arrays of the parameter's shape it remembers.

    One that is decoupled has a weight decay, of the coefs only, in place of the L2 penalty. `still`
    are hyperparameters, with their values, of the parameters that are no coefs.
    """

    update: callable
    n_slots: int
    decoupled: bool = False
    still: tuple = ()


OPTIMIZERS = {
    "sgd": Optimizer(sgd, 0),
    "momentum": Optimizer(momentum, 1),
    "nesterov": Optimizer(nesterov, 1),
    "adam": Optimizer(adam, 2),
    "averaged": Optimizer(averaged, 1),
    "momentum_of_gradients": Optimizer(momentum_of_gradients, 1),
    "nesterov_of_gradients": Optimizer(nesterov_of_gradients, 1),
    "adagrad": Optimizer(adagrad, 1),
    "adadelta": Optimizer(adadelta, 2),
    "rmsprop": Optimizer(rmsprop, 1),
    "rmsprop_momentum": Optimizer(rmsprop_momentum, 2),
    "rmsprop_centered": Optimizer(rmsprop_centered, 3),
    "rprop": Optimizer(rprop, 2),
    "rprop_minus": Optimizer(rprop_minus, 2),
    "adamw": Optimizer(adamw, 2, decoupled=True, still=(("weight_decay", 0.0),)),
    "nadam": Optimizer(nadam, 2),
    "radam": Optimizer(radam, 2),
    "amsgrad": Optimizer(amsgrad, 3),
    # The same step as momentum's; the gradient is taken elsewhere.
    "look_ahead": Optimizer(momentum, 1),
    "lamb": Optimizer(lamb, 2, decoupled=True, still=(("weight_decay", 0.0), ("adapts", False))),
}
