"""The reference against finite differences, published vectors and formulas written another way."""

import math

import numpy as np
import pytest
from scipy import stats

from fastnn.activations import ELU, GELU, LeakyReLU
from fastnn.losses import Huber, Minkowski, Quantile
from support.problems import (
    EACH_LOSS,
    make_data,
    make_layers,
    make_network,
    numerical_gradient,
    relative_error,
)
from support.reference import (
    ACTIVATIONS,
    LOSSES,
    OUTPUT_ACTIVATIONS,
    activation,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_statistics,
    keep_mask,
    loss_of,
    maxout_backward,
    maxout_forward,
    moving_average,
    normal_noise,
    normalised_weights,
    normalised_weights_backward,
    philox4x32,
    prelu_backward,
    prelu_forward,
    row_norm_backward,
    row_norm_forward,
    smoothed,
    stage_table,
)

# Central differences with step h are wrong by about h**2 (curvature) + 1e-16 / h (rounding).
FINITE_DIFFERENCES = 1e-6


@pytest.mark.parametrize(
    "counter, key, words",
    [
        ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_vectors_of_its_authors(counter, key, words):
    """The known answers that come with Random123, the authors' implementation."""
    counter, key, words = (
        [int(word, 16) for word in text.split()] for text in (counter, key, words)
    )
    assert [int(word) for word in philox4x32(counter, key)] == words


def test_mask_keeps_the_right_share_and_differs_by_seed_step_and_stage():
    shape = (1000, 100)
    mask = keep_mask(0.3, shape, seed=5, step=7, stage=3)
    assert abs(mask.mean() - 0.7) < 4 * math.sqrt(0.3 * 0.7 / mask.size)
    assert keep_mask(0.0, shape, 5, 7, 3).all()
    for other in [(6, 7, 3), (5 + 2**32, 7, 3), (5, 8, 3), (5, 7, 4)]:
        agreement = (mask == keep_mask(0.3, shape, *other)).mean()
        assert abs(agreement - (0.7**2 + 0.3**2)) < 0.01
    # A row and a column do not know how many others there are.
    assert (keep_mask(0.3, (5, 3), 5, 7, 3) == mask[:5, :3]).all()


def test_noise_is_normal_and_differs_by_seed_step_and_stage():
    noise = normal_noise((1000, 100), seed=5, step=7, stage=3)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    for i in range(1, 4):
        assert abs(np.mean(noise[::4] * noise[i::4])) < 4 / math.sqrt(noise.size / 4)
    for other in [(6, 7, 3), (5 + 2**32, 7, 3), (5, 8, 3), (5, 7, 4)]:
        product = np.mean(noise * normal_noise(noise.shape, *other))
        assert abs(product) < 4 / math.sqrt(noise.size)
    # A row and a column do not know how many others there are.
    assert (normal_noise((5, 3), 5, 7, 3) == noise[:5, :3]).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_derivative(name):
    z = np.linspace(-6, 6, 40)  # no point at relu's kink
    value, derivative = ACTIVATIONS[name]
    numerical = (value(z + 1e-6) - value(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(z), numerical, rtol=0, atol=FINITE_DIFFERENCES)


@pytest.mark.parametrize("spec", [LeakyReLU(0.3), ELU(0.3), GELU(), GELU("tanh")], ids=repr)
def test_activation_derivative_with_a_parameter(spec):
    z = np.linspace(-6, 6, 40)
    value, derivative = activation(spec)
    numerical = (value(z + 1e-6) - value(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(z), numerical, rtol=0, atol=FINITE_DIFFERENCES)


def test_gelu_and_its_approximation_are_written_another_way():
    z = np.linspace(-6, 6, 41)
    erf = np.array([math.erf(x / math.sqrt(2)) for x in z])
    np.testing.assert_allclose(ACTIVATIONS["gelu"].value(z), z / 2 * (1 + erf), atol=1e-15)
    tanh = np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
    np.testing.assert_allclose(ACTIVATIONS["gelu_tanh"].value(z), z / 2 * (1 + tanh), atol=1e-15)
    assert np.abs(z / 2 * (tanh - erf)).max() < 1e-3


def test_selu_keeps_a_normal_distribution_as_it_is():
    """Mean 0 and variance 1 are its fixed point: that is what its constants are for."""
    z, weight = np.polynomial.hermite_e.hermegauss(200)
    y = ACTIVATIONS["selu"].value(z)
    weight = weight / weight.sum()
    np.testing.assert_allclose([weight @ y, weight @ y**2], [0, 1], atol=1e-3)


def test_relu_has_no_slope_at_zero():
    """Check that it is 0 as in scikit-learn; any number in [0, 1] is a subgradient."""
    assert ACTIVATIONS["relu"].derivative(np.zeros(1)) == 0


@pytest.mark.parametrize("of", EACH_LOSS, ids=str)
def test_loss_delta(of):
    rng = np.random.default_rng(0)
    loss, z = loss_of(of), rng.standard_normal((7, 3))
    _, y = make_data(rng, 7, 4, 3, of)
    (numerical,) = numerical_gradient(lambda: loss.value(z, y).sum(), [z])
    assert relative_error([loss.delta(z, y)], [numerical]) < FINITE_DIFFERENCES


def test_hinges_by_hand():
    """Three classes: z = 0.5 of the right one, and others 0.2 and 1.0 away from it."""
    z, y = np.array([[0.5, 0.7, -0.5]]), np.array([0])
    assert LOSSES["weston_watkins"].value(z, y) == pytest.approx(1.2)
    np.testing.assert_array_equal(LOSSES["weston_watkins"].delta(z, y), [[-1, 1, 0]])
    both = np.array([[0.5, 0.7, -0.2]])
    assert LOSSES["weston_watkins"].value(both, y) == pytest.approx(1.2 + 0.3)
    np.testing.assert_array_equal(LOSSES["weston_watkins"].delta(both, y), [[-2, 1, 1]])
    assert LOSSES["crammer_singer"].value(z, y) == pytest.approx(1.2)
    np.testing.assert_array_equal(LOSSES["crammer_singer"].delta(z, y), [[-1, 1, 0]])
    # One against all: max(0, 1 - 0.5) + max(0, 1 + 0.7) + max(0, 1 - 0.5).
    one_hot = np.eye(3)[y]
    assert LOSSES["hinge"].value(z, one_hot) == pytest.approx(0.5 + 1.7 + 0.5)
    assert LOSSES["squared_hinge"].value(z, one_hot) == pytest.approx(0.25 + 1.7**2 + 0.25)
    assert LOSSES["perceptron"].value(z, one_hot) == pytest.approx(0.7)
    np.testing.assert_array_equal(LOSSES["perceptron"].delta(z, one_hot), [[0, 1, 0]])


def test_losses_with_a_parameter_by_hand():
    z, y = np.array([[3.0, 0.5, -2.0]]), np.array([[1.0, 0.0, 0.0]])  # errors 2, 0.5 and -2
    expected = {
        "Huber(delta=1.0)": [1.5 + 0.125 + 1.5],
        "Minkowski(p=3.0)": [(8 + 0.125 + 8) / 3],
        "Quantile(quantile=0.75)": [0.25 * 2.5 + 0.75 * 2],
    }
    for spec, value in expected.items():
        np.testing.assert_allclose(loss_of(eval(spec)).value(z, y), value)


def test_losses_meet_where_their_parameters_say_so():
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((2, 9, 3))
    for one, other, factor in [
        (Minkowski(2), "squared_error", 1),
        (Minkowski(1), "absolute_error", 1),
        (Huber(100), "squared_error", 1),
        (Huber(1e-9), "absolute_error", 1e-9),
        (Quantile(0.5), "absolute_error", 0.5),
    ]:
        for of_one, of_other in zip(loss_of(one)[1:], loss_of(other)[1:], strict=True):
            np.testing.assert_allclose(of_one(z, y), factor * of_other(z, y), rtol=1e-8)


def test_the_quantile_is_where_the_pinball_loss_is_least():
    y = np.random.default_rng(0).standard_normal(1001)[:, np.newaxis]
    z = np.linspace(-3, 3, 6001)
    for q in (0.1, 0.5, 0.9):
        total = [loss_of(Quantile(q)).value(np.full_like(y, at), y).sum() for at in z]
        assert z[np.argmin(total)] == pytest.approx(np.quantile(y, q), abs=1e-2)


def test_two_classes_need_one_unit_for_a_hinge_that_compares():
    """Check that both multiclass losses are the hinge of z_1 - z_0."""
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((20, 2)), rng.integers(2, size=20)
    expected = LOSSES["hinge"].value(z[:, 1:] - z[:, :1], y[:, np.newaxis])
    for name in ("weston_watkins", "crammer_singer"):
        np.testing.assert_allclose(LOSSES[name].value(z, y), expected)


def test_smoothed_targets_are_distributions_still():
    one_hot = np.eye(4)[[2, 0]]
    np.testing.assert_allclose(smoothed(one_hot, 4, 0.2)[0], [0.05, 0.05, 0.85, 0.05])
    z = np.random.default_rng(0).standard_normal((2, 4))
    expected = 0.8 * LOSSES["log_loss"].value(z, np.array([2, 0]))
    expected += 0.2 * np.mean(
        [LOSSES["log_loss"].value(z, np.full(2, k)) for k in range(4)], axis=0
    )
    np.testing.assert_allclose(
        LOSSES["soft_log_loss"].value(z, smoothed(one_hot, 4, 0.2)), expected
    )


@pytest.mark.parametrize("name", ["squared_error", "poisson"])
def test_loss_is_zero_at_the_target_and_positive_elsewhere(name):
    y = np.array([[0.5, 2.0], [1.0, 3.0]])
    z = np.log(y) if name == "poisson" else y
    assert np.allclose(LOSSES[name].value(z, y), 0)
    assert (LOSSES[name].value(z + 0.3, y) > 0.01).all()


@pytest.mark.parametrize("name, y", [("log_loss", [0, 0]), ("binary_log_loss", [[1.0, 0.0]] * 2)])
def test_cross_entropies_do_not_overflow(name, y):
    z = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    right, wrong = LOSSES[name].value(z, np.array(y))
    assert right == 0
    assert wrong == 2000
    assert np.isfinite(OUTPUT_ACTIVATIONS[LOSSES[name].output_activation](z)).all()


@pytest.mark.parametrize("constant", [False, True])
def test_batch_norm_backward(constant):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 9, 4))
    scale, shift, mean = rng.standard_normal((3, 4))
    variance = rng.uniform(0.5, 2, 4)

    def statistics():
        return (mean, variance) if constant else batch_norm_statistics(x)

    def value():
        return np.sum(dy * batch_norm_forward(x, scale, shift, *statistics(), 1e-5))

    gradient = batch_norm_backward(x, scale, *statistics(), 1e-5, dy, constant)
    numerical = numerical_gradient(value, [x, scale, shift])
    assert relative_error(gradient, numerical) < FINITE_DIFFERENCES


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("n_scales", ["none", "columns", "groups"])
def test_row_norm_backward(groups, n_scales):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 5, 6))
    n = {"none": 0, "columns": 6, "groups": groups}[n_scales]
    affine = list(rng.standard_normal((2, n))) if n else [None, None]

    def value():
        return np.sum(dy * row_norm_forward(x, groups, 0.1, *affine))

    gradient = row_norm_backward(x, groups, 0.1, dy, affine[0])
    arrays = [x, *affine] if n else [x]
    numerical = numerical_gradient(value, arrays)
    assert relative_error(gradient[: len(arrays)], numerical) < FINITE_DIFFERENCES


def test_row_norm_leaves_mean_0_and_variance_1_in_every_group():
    x = np.random.default_rng(0).normal(5, 3, (4, 12))
    for groups in (1, 3):
        parts = row_norm_forward(x, groups, 1e-12).reshape(4, groups, -1)
        np.testing.assert_allclose(parts.mean(axis=2), 0, atol=1e-12)
        np.testing.assert_allclose(parts.var(axis=2), 1, rtol=1e-9)


def test_weight_norm_backward():
    rng = np.random.default_rng(0)
    v, dw = rng.standard_normal((2, 5, 3))
    g = rng.uniform(0.5, 2, 3)

    def value():
        return np.sum(dw * normalised_weights(v, g))

    gradient = normalised_weights_backward(v, g, dw)
    assert relative_error(gradient, numerical_gradient(value, [v, g])) < FINITE_DIFFERENCES
    np.testing.assert_allclose(np.linalg.norm(normalised_weights(v, g), axis=0), g)
    # The gradient of v is orthogonal to it (Salimans and Kingma 2016, section 2.1).
    np.testing.assert_allclose(np.sum(gradient[0] * v, axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("n_slopes", [1, 3])
def test_prelu_backward(n_slopes):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 5, 3))
    slope = rng.standard_normal(n_slopes)

    def value():
        return np.sum(dy * prelu_forward(x, slope))

    gradient = prelu_backward(x, slope, dy)
    assert relative_error(gradient, numerical_gradient(value, [x, slope])) < FINITE_DIFFERENCES


def test_maxout():
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((5, 6)), rng.standard_normal((5, 2))
    expected = [[max(row[j], row[j + 2], row[j + 4]) for j in range(2)] for row in x]
    np.testing.assert_array_equal(maxout_forward(x, 3), expected)
    gradient = maxout_backward(x, 3, dy)
    numerical = numerical_gradient(lambda: np.sum(dy * maxout_forward(x, 3)), [x])
    assert relative_error([gradient], numerical) < FINITE_DIFFERENCES
    ties = np.array([[1.0, 0.0, 1.0, 2.0, 0.0, 2.0]])  # the first of equal pieces counts
    np.testing.assert_array_equal(
        maxout_backward(ties, 3, np.array([[5.0, 7.0]])), [[5, 0, 0, 7, 0, 0]]
    )


def test_moving_averages_forget_their_start_and_find_the_variance():
    rng = np.random.default_rng(0)
    average = {"mean": np.array([100.0]), "variance": np.array([100.0])}
    for _ in range(4000):
        x = rng.normal(3.0, 2.0, (4, 1))
        average = moving_average(average, *batch_norm_statistics(x), 4, momentum=0.005)
    # The biased variance would give 3 in place of 4.
    np.testing.assert_allclose(average["mean"], 3, atol=0.2)
    np.testing.assert_allclose(average["variance"], 4, atol=0.5)


def test_stage_table_is_in_the_order_of_the_forward_pass():
    before = make_layers([3, 3, 2], position="before", dropout=0.5)
    norm = ["batch_norm_statistics", "batch_norm"]
    hidden = ["dense", *norm, "activation", "dropout"]
    output = ["dense", "output"]
    assert [kind for kind, *_ in stage_table(before, 0.1)] == ["dropout", *hidden, *hidden, *output]
    after = make_layers([3, 2], position="after")
    assert [kind for kind, *_ in stage_table(after)] == ["dense", "activation", *norm, *output]
    linear = make_layers([3, 2], "identity", dropout=0.5)
    assert [kind for kind, *_ in stage_table(linear)] == ["dense", "dropout", *output]
    with_output = [kind for kind, *_ in stage_table(linear, output_activations=["logistic"])]
    assert with_output == ["dense", "dropout", "dense", "activation", "output"]


@pytest.mark.parametrize(
    "loss, activation",
    [
        *((loss, "tanh") for loss in EACH_LOSS),
        *((loss, name) for loss in ("squared_error", "log_loss", "hinge") for name in ACTIVATIONS),
    ],
    ids=str,
)
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("n_rows", [1, 6])
def test_network_gradient(loss, position, activation, n_rows):
    """Check gradients of all parameters with dropout, sample weights and L2."""
    rng = np.random.default_rng(1)
    layers = make_layers([4, 3, 2], activation, position, 0.3, loss)
    network = make_network(rng, 5, layers, loss, input_dropout=0.2, seed=3)
    X, y = make_data(rng, n_rows, 5, 2, loss)
    weight = rng.uniform(0.5, 2, n_rows)

    def arrays(of):
        return [p[name] for p in of for name in network.parameters[0] if name in p]

    def value():
        return sum(network.loss_and_penalty(X, y, weight, alpha=0.1, step=2))

    *_, gradient, _ = network.loss_and_grad(X, y, weight, alpha=0.1, step=2)
    numerical = numerical_gradient(value, arrays(network.parameters))
    assert relative_error(arrays(gradient), numerical) < FINITE_DIFFERENCES


@pytest.mark.parametrize("loss", ["log_loss", "soft_log_loss", "binary_log_loss"])
def test_network_gradient_with_label_smoothing(loss):
    rng = np.random.default_rng(1)
    network = make_network(rng, 5, make_layers([4, 3], "tanh", loss=loss), loss)
    X, y = make_data(rng, 6, 5, 3, loss)
    *value, gradient, _ = network.loss_and_grad(X, y, smoothing=0.3)
    coefs = [p["coef"] for p in network.parameters]
    numerical = numerical_gradient(lambda: network.loss_and_penalty(X, y, smoothing=0.3)[0], coefs)
    assert relative_error([g["coef"] for g in gradient], numerical) < FINITE_DIFFERENCES
    assert value[0] != network.loss_and_grad(X, y)[0]


@pytest.mark.parametrize(
    "loss", [of for of in EACH_LOSS if loss_of(of).output_activation == "identity"]
)
@pytest.mark.parametrize("output_activation", ["logistic", "tanh", "gelu", LeakyReLU(0.3)])
def test_network_gradient_with_an_output_activation(loss, output_activation):
    rng = np.random.default_rng(1)
    layers = make_layers([4, 3], "tanh", loss=loss)
    layers[-1].activation = output_activation
    network = make_network(rng, 5, layers, loss)
    X, y = make_data(rng, 6, 5, 3, loss)
    *_, gradient, _ = network.loss_and_grad(X, y)
    coefs = [p["coef"] for p in network.parameters]
    numerical = numerical_gradient(lambda: network.loss_and_penalty(X, y)[0], coefs)
    assert relative_error([g["coef"] for g in gradient], numerical) < FINITE_DIFFERENCES
    if output_activation == "logistic":
        assert ((network.predict(X) > 0) & (network.predict(X) < 1)).all()


def test_weight_two_is_the_row_twice():
    rng = np.random.default_rng(2)
    network = make_network(rng, 5, make_layers([4, 2]), "squared_error")
    X, y = make_data(rng, 6, 5, 2, "squared_error")
    weight = np.array([1.0, 2, 1, 0, 1, 3])
    rows = np.repeat(np.arange(6), weight.astype(int))
    once, repeated = (
        network.loss_and_grad(*data, alpha=0.1) for data in [(X, y, weight), (X[rows], y[rows])]
    )
    np.testing.assert_allclose(once[:2], repeated[:2])
    np.testing.assert_allclose(once[2][0]["coef"], repeated[2][0]["coef"])


def test_one_row_is_normalised_as_in_prediction():
    rng = np.random.default_rng(3)
    network = make_network(rng, 5, make_layers([4, 2], position="before"), "squared_error")
    X, y = make_data(rng, 1, 5, 2, "squared_error")
    before = network.statistics[0]
    expected = LOSSES["squared_error"].value(network.predict(X), y)
    losses = network.train(X, y, "sgd", 1, [0.1])
    np.testing.assert_allclose(losses[0, 0], expected)
    assert network.statistics[0] is before
