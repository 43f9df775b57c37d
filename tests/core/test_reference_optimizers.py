"""The reference's optimizers, each in another form than its own, and scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from support.problems import make_data, make_layers, make_network, make_parameters
from support.reference import LOSSES, OPTIMIZERS


def textbook_sgd(w, gradient, rates):
    for rate in rates:
        w = w - rate * gradient(w)
    return w


def textbook_momentum(w, gradient, rates):
    """The step is the sum of all gradients so far, each weighted by mu to the power of its age."""
    gradients = []
    for rate in rates:
        gradients.append(rate * gradient(w))
        w = w - sum(0.9**age * g for age, g in enumerate(reversed(gradients)))
    return w


def textbook_nesterov(w, gradient, rates):
    """Sutskever et al. 2013, eq. 3-4: the gradient is taken at the point looked ahead to."""
    v, theta = 0.0, w
    for rate in rates:
        v = 0.9 * v - rate * gradient(theta + 0.9 * v)
        theta = theta + v
    return theta + 0.9 * v


def textbook_adam(w, gradient, rates):
    """Kingma and Ba 2015, algorithm 1 line by line; its epsilon is the other one of section 2."""
    m = v = 0.0
    for t, rate in enumerate(rates, start=1):
        g = gradient(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        w = w - rate * m_hat / (math.sqrt(v_hat) + 1e-8 / math.sqrt(1 - 0.999**t))
    return w


def textbook_averaged(w, gradient, rates):
    """The average written as a sum over all gradients so far."""
    gradients = []
    for rate in rates:
        gradients.append(gradient(w))
        w = w - rate * mean(gradients, 0.9)
    return w


def mean(values, decay):
    """The moving average as a sum: each value weighted by the decay to the power of its age."""
    return sum((1 - decay) * decay**age * value for age, value in enumerate(reversed(values)))


def textbook_adagrad(w, gradient, rates):
    gradients = []
    for rate in rates:
        gradients.append(gradient(w))
        w = w - rate * gradients[-1] / (math.hypot(*gradients) + 1e-10)
    return w


def textbook_adadelta(w, gradient, rates):
    """Zeiler 2012, eq. 14: the ratio of two root mean squares."""
    gradients, changes = [], []
    for rate in rates:
        gradients.append(gradient(w))
        rms_g = math.sqrt(mean(np.square(gradients), 0.9) + 1e-6)
        rms_x = math.sqrt(mean(np.square(changes), 0.9) + 1e-6)
        changes.append(-rms_x / rms_g * gradients[-1])
        w = w + rate * changes[-1]
    return w


def textbook_rmsprop(w, gradient, rates, momentum=0.0, centered=False):
    gradients, scaled = [], []
    for rate in rates:
        gradients.append(gradient(w))
        variance = mean(np.square(gradients), 0.99) - centered * mean(gradients, 0.99) ** 2
        scaled.append(gradients[-1] / (math.sqrt(variance) + 1e-8))
        w = w - rate * sum(momentum**age * step for age, step in enumerate(reversed(scaled)))
    return w


def textbook_rmsprop_momentum(w, gradient, rates):
    return textbook_rmsprop(w, gradient, rates, momentum=0.9)


def textbook_rmsprop_centered(w, gradient, rates):
    return textbook_rmsprop(w, gradient, rates, momentum=0.9, centered=True)


def textbook_momentum_of_gradients(w, gradient, rates, nesterov=False):
    """The step is the present rate times the sum of all gradients, weighted by their age."""
    gradients = []
    for rate in rates:
        gradients.append(gradient(w))
        velocity = sum(0.9**age * g for age, g in enumerate(reversed(gradients)))
        w = w - rate * (velocity if not nesterov else gradients[-1] + 0.9 * velocity)
    return w


def textbook_nesterov_of_gradients(w, gradient, rates):
    return textbook_momentum_of_gradients(w, gradient, rates, nesterov=True)


def textbook_rprop(w, gradient, rates, waits=True):
    """Igel and Huesken 2000, case by case."""
    size, last = rates[0], 0.0
    for _ in rates:
        g = gradient(w)
        if g * last > 0:
            size = min(1.2 * size, 50.0)
        elif g * last < 0:
            size, g = max(0.5 * size, 1e-6), 0.0 if waits else g
        w, last = w - math.copysign(size, g) * (g != 0), g
    return w


def textbook_rprop_minus(w, gradient, rates):
    return textbook_rprop(w, gradient, rates, waits=False)


def textbook_adamw(w, gradient, rates):
    """The weight decays first, as in PyTorch; the gradient is taken before."""
    gradients = []
    for t, rate in enumerate(rates, start=1):
        gradients.append(gradient(w))
        m, v = mean(gradients, 0.9), mean(np.square(gradients), 0.999)
        w *= 1 - rate * 0.01
        w -= rate * m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


def textbook_nadam(w, gradient, rates):
    """Line by line, with the product of the momenta carried from step to step."""
    gradients, product = [], 1.0
    for t, rate in enumerate(rates, start=1):
        g = gradient(w)
        gradients.append(g)
        m, v = mean(gradients, 0.9), mean(np.square(gradients), 0.999)
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (i * 0.004)) for i in (t, t + 1))
        product *= now
        n = (1 - now) * g / (1 - product) + after * m / (1 - product * after)
        w = w - rate * n / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


def textbook_radam(w, gradient, rates):
    """Train one weight with RAdam; the first steps are not adaptive (2 / 0.001 - 1 = 1999)."""
    gradients = []
    for t, rate in enumerate(rates, start=1):
        gradients.append(gradient(w))
        m_hat = mean(gradients, 0.9) / (1 - 0.9**t)
        length = 1999 - 2 * t / (0.999**-t - 1)
        if t <= 5:
            assert length <= 5
            w = w - rate * m_hat
        else:
            r = math.sqrt((length - 4) / 1995 * (length - 2) / 1997 * 1999 / length)
            root = math.sqrt(mean(np.square(gradients), 0.999)) + 1e-8
            w = w - rate * m_hat * r * math.sqrt(1 - 0.999**t) / root
    return w


def textbook_look_ahead(w, gradient, rates):
    """The rule alone, that does not know where its gradient is from."""
    v = 0.0
    for rate in rates:
        v = 0.9 * v - rate * gradient(w)
        w += v
    return w


def textbook_lamb(w, gradient, rates):
    """Train one weight with LAMB, whose direction is a sign, and steps a fraction of the weight."""
    gradients = []
    for t, rate in enumerate(rates, start=1):
        gradients.append(gradient(w))
        m, v = mean(gradients, 0.9), mean(np.square(gradients), 0.999)
        u = m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-6) + 0.01 * w
        w -= rate * abs(w) * math.copysign(1, u)
    return w


def textbook_amsgrad(w, gradient, rates):
    gradients, second = [], []
    for t, rate in enumerate(rates, start=1):
        gradients.append(gradient(w))
        second.append(mean(np.square(gradients), 0.999))
        m_hat = mean(gradients, 0.9) / (1 - 0.9**t)
        w = w - rate * m_hat / (math.sqrt(max(second) / (1 - 0.999**t)) + 1e-8)
    return w


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_against_its_textbook_form(name):
    rates = np.linspace(0.1, 0.05, 20)

    def gradient(w):
        return 2.0 * w + math.sin(3 * w)

    w = np.array([1.5])
    slots = [np.zeros(1) for _ in range(OPTIMIZERS[name].n_slots)]
    for t, rate in enumerate(rates, start=1):
        w = OPTIMIZERS[name].update(w, gradient(w.item()), slots, t, rate)
    expected = globals()[f"textbook_{name}"](1.5, gradient, rates)
    np.testing.assert_allclose(w, expected, rtol=1e-12)


def test_rprop_on_batches_goes_the_wrong_way():
    """Show the need for all rows: three gradients of 0.1 outvote one of -0.5."""
    ways = {}
    for name, rate in (("sgd", 0.1), ("rprop", 0.1)):
        w, slots = np.zeros(1), [np.zeros(1) for _ in range(OPTIMIZERS[name].n_slots)]
        for t, g in enumerate([0.1, 0.1, 0.1, -0.5], start=1):
            w = OPTIMIZERS[name].update(w, np.array([g]), slots, t, rate)
        ways[name] = w.item()
    assert ways["sgd"] == pytest.approx(0.1 * 0.2)
    # Steps of 0.1, 0.12 and 0.144, and none where the gradient turns.
    assert ways["rprop"] == pytest.approx(-0.364)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "binary_log_loss", "poisson"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_gradient_is_scikit_learns(loss, activation):
    rng = np.random.default_rng(4)
    layers = make_layers([4, 3, 2], activation, loss=loss)
    network = make_network(rng, 5, layers, loss)
    X, y = make_data(rng, 8, 5, 2, loss)
    weight = rng.uniform(0.5, 2, 8)
    data_loss, penalty, gradient, _ = network.loss_and_grad(X, y, weight, alpha=0.1)

    Estimator = MLPClassifier if "log_loss" in loss else MLPRegressor
    mlp = Estimator(hidden_layer_sizes=(4, 3), activation=activation, alpha=0.1)
    mlp.loss = loss.removeprefix("binary_")
    mlp.out_activation_ = LOSSES[loss].output_activation
    mlp.n_layers_ = 4
    mlp.coefs_ = [p["coef"] for p in network.parameters]
    mlp.intercepts_ = [p["intercept"] for p in network.parameters]
    targets = np.eye(2)[y] if loss == "log_loss" else y
    activations, deltas, coefs, intercepts = [X, 0, 0, 0], [0] * 3, [0] * 3, [0] * 3
    value, *_ = mlp._backprop(X, targets, weight, activations, deltas, coefs, intercepts)

    # scikit-learn's squared error is a mean over outputs, though its gradient is the sum's.
    factor = 0.5 if loss == "squared_error" else 1
    np.testing.assert_allclose(data_loss * factor + penalty, value, rtol=1e-12)
    for i, g in enumerate(gradient):
        np.testing.assert_allclose(g["coef"], coefs[i], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(g["intercept"], intercepts[i], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam"])
def test_trajectory_is_scikit_learns(name):
    """Two epochs of batches with a short last one, by partial_fit without shuffling."""
    rng = np.random.default_rng(5)
    X, y = make_data(rng, 10, 5, 1, "squared_error")
    solver = {
        "sgd": {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False},
        "momentum": {"solver": "sgd", "nesterovs_momentum": False},
        "nesterov": {"solver": "sgd"},
        "adam": {"solver": "adam"},
    }[name]
    mlp = MLPRegressor(hidden_layer_sizes=(4, 3), batch_size=4, alpha=0.1, shuffle=False, **solver)
    mlp.set_params(learning_rate_init=0.02, random_state=0)

    network = make_network(rng, 5, make_layers([4, 3, 1]), "squared_error")
    mlp._random_state = np.random.RandomState(0)
    mlp._initialize(y, [5, 4, 3, 1], np.dtype(float))
    for p, coef, intercept in zip(network.parameters, mlp.coefs_, mlp.intercepts_, strict=True):
        p |= {"coef": coef, "intercept": intercept}
    for attribute in ["coefs_", "_random_state"]:
        delattr(mlp, attribute)

    for _ in range(2):
        losses = network.train(X, y, name, 4, [0.02] * 3, alpha=0.1)
        mlp.partial_fit(X, y.ravel())
    for p, coef, intercept in zip(network.parameters, mlp.coefs_, mlp.intercepts_, strict=True):
        np.testing.assert_allclose(p["coef"], coef, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(p["intercept"], intercept, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(losses.sum(axis=1) @ [4, 4, 2] / 10, mlp.loss_, rtol=1e-10)


def test_parameters_of_the_tests_are_not_their_initial_values():
    """A network that starts at scale 1, shift 0 would hide a kernel that forgets them."""
    layers = make_layers([4, 2], position="after")
    parameters, statistics = make_parameters(np.random.default_rng(0), 3, layers)
    assert not np.any(parameters[0]["scale"] == 1)
    assert not np.any(statistics[0]["mean"] == 0)
