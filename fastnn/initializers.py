"""Initializers: specs that draw the initial weights or biases of a layer.

A layer has `fan_in` inputs and `fan_out` outputs; weights have shape (fan_in, fan_out), biases
(fan_out,). Biases drawn by a rule for weights have the distribution of the weights.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from ._specs.constraints import Interval, OneOf
from ._specs.registry import register
from ._specs.spec import Spec

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Orthogonal",
    "Pretrained",
    "PyTorchDefault",
    "ScikitLearn",
    "Uniform",
]

_NUMBER = Interval(Real, None, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class Initializer(Spec):
    """Base class of initializers."""

    def draw(self, random_state, shape, fan_in: int, fan_out: int) -> np.ndarray:
        """Draw parameters of this shape, for a layer with `fan_in` inputs and `fan_out` outputs."""
        raise NotImplementedError


@dataclass
class Constant(Initializer):
    """Constant value. The name "zeros" is ``Constant(0.0)``.

    Use it for biases and output layers: hidden units that start equal remain equal.

    Parameters
    ----------
    value : float, default=0.0
    """

    value: float = 0.0

    _parameter_constraints: ClassVar[dict] = {"value": [_NUMBER]}

    def draw(self, random_state, shape, fan_in, fan_out):
        return np.full(shape, float(self.value))


@dataclass
class Uniform(Initializer):
    """Uniform distribution, independent of the size of the layer.

    Parameters
    ----------
    low, high : float, default=-0.05 and 0.05
    """

    low: float = -0.05
    high: float = 0.05

    _parameter_constraints: ClassVar[dict] = {"low": [_NUMBER], "high": [_NUMBER]}

    def validate(self):
        super().validate()
        if self.low > self.high:
            raise ValueError(f"Uniform has low={self.low} above high={self.high}.")
        return self

    def draw(self, random_state, shape, fan_in, fan_out):
        return random_state.uniform(self.low, self.high, shape)


@dataclass
class Normal(Initializer):
    """Normal distribution, independent of the size of the layer.

    Parameters
    ----------
    mean : float, default=0.0
    std : float, default=0.05
        The standard deviation.
    """

    mean: float = 0.0
    std: float = 0.05

    _parameter_constraints: ClassVar[dict] = {"mean": [_NUMBER], "std": [_NOT_NEGATIVE]}

    def draw(self, random_state, shape, fan_in, fan_out):
        return random_state.normal(self.mean, self.std, shape)


class _Scaled(Initializer):
    """Base class of the rules with mean 0 and a variance that depends on the layer.

    A uniform distribution on [-b, b] has variance b**2 / 3.
    """

    distribution: ClassVar[str]

    def variance(self, fan_in: int, fan_out: int) -> float:
        raise NotImplementedError

    def draw(self, random_state, shape, fan_in, fan_out):
        variance = self.variance(fan_in, fan_out)
        if self.distribution == "normal":
            return random_state.normal(0.0, np.sqrt(variance), shape)
        bound = np.sqrt(3 * variance)
        return random_state.uniform(-bound, bound, shape)


@dataclass
class GlorotUniform(_Scaled):
    """Uniform distribution with variance ``gain**2 * 2 / (fan_in + fan_out)`` (Glorot, Xavier).

    The bound is ``gain * sqrt(6 / (fan_in + fan_out))``. It is a compromise between preserving the
    variance of activations in the forward pass and that of gradients in the backward pass.

    Parameters
    ----------
    gain : float, default=1.0

    References
    ----------
    Glorot, X. and Bengio, Y. "Understanding the difficulty of training deep feedforward neural
    networks" (2010), eq. 16.
    """

    gain: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"gain": [_NOT_NEGATIVE]}
    distribution: ClassVar[str] = "uniform"

    def variance(self, fan_in, fan_out):
        return self.gain**2 * 2 / (fan_in + fan_out)


@dataclass
class GlorotNormal(GlorotUniform):
    """Normal distribution with variance ``gain**2 * 2 / (fan_in + fan_out)`` (Glorot, Xavier).

    Parameters
    ----------
    gain : float, default=1.0

    References
    ----------
    Glorot, X. and Bengio, Y. "Understanding the difficulty of training deep feedforward neural
    networks" (2010), eq. 12.
    """

    distribution: ClassVar[str] = "normal"


@dataclass
class HeUniform(_Scaled):
    """Uniform distribution with variance ``2 / (1 + negative_slope**2) / fan`` (He, Kaiming).

    The bound is ``sqrt(6 / (1 + negative_slope**2) / fan)``. It compensates for the ReLU, which
    halves the second moment of its input.

    Parameters
    ----------
    negative_slope : float, default=0.0
        Slope of the leaky ReLU below zero.
    mode : {"fan_in", "fan_out"}, default="fan_in"
        Whether to preserve the variance in the forward pass ("fan_in") or the backward pass.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification" (2015), eq. 10, 14 and 15.
    """

    negative_slope: float = 0.0
    mode: str = "fan_in"

    _parameter_constraints: ClassVar[dict] = {
        "negative_slope": [_NUMBER],
        "mode": [OneOf({"fan_in", "fan_out"})],
    }
    distribution: ClassVar[str] = "uniform"

    def variance(self, fan_in, fan_out):
        fan = fan_in if self.mode == "fan_in" else fan_out
        return 2 / (1 + self.negative_slope**2) / fan


@dataclass
class HeNormal(HeUniform):
    """Normal distribution with variance ``2 / (1 + negative_slope**2) / fan`` (He, Kaiming).

    Parameters
    ----------
    negative_slope : float, default=0.0
        Slope of the leaky ReLU below zero.
    mode : {"fan_in", "fan_out"}, default="fan_in"
        Whether to preserve the variance in the forward pass ("fan_in") or the backward pass.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification" (2015), eq. 10, 14 and 15.
    """

    distribution: ClassVar[str] = "normal"


@dataclass
class LeCunUniform(_Scaled):
    """Uniform distribution with variance ``1 / fan_in``; the bound is ``sqrt(3 / fan_in)``.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B. and Müller, K.-R. "Efficient backprop" (1998), eq. 16.
    """

    distribution: ClassVar[str] = "uniform"

    def variance(self, fan_in, fan_out):
        return 1 / fan_in


@dataclass
class LeCunNormal(LeCunUniform):
    """Normal distribution with variance ``1 / fan_in``, required by the SELU.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B. and Müller, K.-R. "Efficient backprop" (1998), eq. 16.
    Klambauer, G., Unterthiner, T., Mayr, A. and Hochreiter, S. "Self-normalizing neural networks"
    (2017).
    """

    distribution: ClassVar[str] = "normal"


@dataclass
class PyTorchDefault(_Scaled):
    """Uniform distribution with variance ``1 / (3 * fan_in)``, as in PyTorch's ``Linear``.

    The bound is ``1 / sqrt(fan_in)``, PyTorch's ``kaiming_uniform_`` with a slope of sqrt(5). Use
    it for weights and biases: ``weight_init="pytorch", bias_init="pytorch"``.
    """

    distribution: ClassVar[str] = "uniform"

    def variance(self, fan_in, fan_out):
        return 1 / (3 * fan_in)


@dataclass
class Orthogonal(Initializer):
    """Random matrix whose columns (or rows, if there are fewer) are orthogonal, of length `gain`.

    It is Q of the QR decomposition of a normally distributed matrix, with the signs of the diagonal
    of R, so that the distribution of orthogonal matrices is uniform. For weights only.

    Parameters
    ----------
    gain : float, default=1.0

    References
    ----------
    Saxe, A. M., McClelland, J. L. and Ganguli, S. "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks" (2014).
    """

    gain: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"gain": [_NOT_NEGATIVE]}

    def draw(self, random_state, shape, fan_in, fan_out):
        if len(shape) != 2:
            raise ValueError("Orthogonal is for weights: choose another bias_init, as 'zeros'.")
        q, r = np.linalg.qr(random_state.normal(size=(max(shape), min(shape))))
        q *= self.gain * np.sign(np.diag(r))
        return q if fan_in >= fan_out else q.T


@dataclass(repr=False, eq=False)
class Pretrained(Initializer):
    """Parameters of the first layers of a fitted network, created by `transfer` of the estimators.

    Pass it as the whole of `weight_init`. It sets all parameters of these layers, including biases,
    scales, slopes, and the moving averages of batch norm.

    Parameters
    ----------
    arrays : list of dict of ndarray
        Arrays of each layer, by their name.
    others : str, initializer, array or function, default=None
        The `weight_init` of the following layers. None is scikit-learn's rule.
    """

    arrays: Any
    others: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "arrays": [list],
        "others": ["array-like", str, Initializer, callable, None],
    }

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return (
            np.array_equal(self.others, other.others)
            and len(self.arrays) == len(other.arrays)
            and all(map(_are_equal, self.arrays, other.arrays))
        )

    def __repr__(self):
        n_layers = sum("coef" in layer for layer in self.arrays)
        return f"Pretrained(<{n_layers} layers>, others={self.others!r})"

    def write_into(self, layers):
        """Copy the parameters into those of a network, which are given as `arrays` are."""
        own = layers + [{}] * (len(self.arrays) - len(layers))
        for i, (mine, pretrained) in enumerate(zip(own, self.arrays, strict=False)):
            for name in sorted(mine.keys() | pretrained.keys()):
                here, there = (np.shape(layer.get(name)) for layer in (mine, pretrained))
                if here != there:
                    raise ValueError(
                        f"Layer {i} has {name!r} of shape {here or None}, and of {there or None} "
                        "in the pretrained network: X must have as many features, and the hidden "
                        "layers must begin like those of that network."
                    )
        for mine, pretrained in zip(own, self.arrays, strict=False):
            for name, array in pretrained.items():
                mine[name][...] = array


def _are_equal(layer, other):
    same_names = layer.keys() == other.keys()
    return same_names and all(np.array_equal(array, other[name]) for name, array in layer.items())


@dataclass
class ScikitLearn(Initializer):
    """Uniform distribution with bound ``sqrt(factor / (fan_in + fan_out))``: the default, None.

    With a `factor` of 6 it is Glorot's rule. scikit-learn uses 2 if the hidden layers are logistic,
    and draws biases from the same distribution.

    Parameters
    ----------
    factor : float, default=6.0
    """

    factor: float = 6.0

    _parameter_constraints: ClassVar[dict] = {"factor": [_NOT_NEGATIVE]}

    def draw(self, random_state, shape, fan_in, fan_out):
        bound = np.sqrt(self.factor / (fan_in + fan_out))
        return random_state.uniform(-bound, bound, shape)


BIAS_INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Constant,
    "uniform": Uniform,
    "normal": Normal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LeCunUniform,
    "lecun_normal": LeCunNormal,
    "pytorch": PyTorchDefault,
}
register(BIAS_INITIALIZERS, "bias_init")
WEIGHT_INITIALIZERS: dict[str, type[Initializer]] = BIAS_INITIALIZERS | {"orthogonal": Orthogonal}
register(WEIGHT_INITIALIZERS, "weight_init")
