"""Activation functions by name, and specs of activation functions with parameters.

Native code identifies them by codes.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

from ._core.codes import ACTIVATIONS, Activation
from ._specs.constraints import Interval, OneOf
from ._specs.registry import register
from ._specs.spec import Layer

ELEMENTWISE = [name for name, row in ACTIVATIONS.items() if not row.output_only]
# Of a function that a spec brings along; it has no name that a user could give.
CUSTOM = Activation("custom", -1, keeps_derivative=True)


class ActivationSpec(Layer):
    """Base class of the specs of activation functions.

    Attributes
    ----------
    name : str
        The row of `ACTIVATIONS` that it stands for.
    parameter : float
        The number that the native code needs for it.
    """

    name: ClassVar[str]
    parameter = 0.0

    def add_to(self, compiler):
        compiler.activation(self)

    def native(self, dtype):
        """Further fields of the stage."""
        return {}


@dataclass
class LeakyReLU(ActivationSpec):
    """Leaky rectified linear unit: x, or ``negative_slope * x`` below zero.

    Parameters
    ----------
    negative_slope : float, default=0.01
        Slope below zero, at least 0.

    References
    ----------
    Maas, A. L., Hannun, A. Y. and Ng, A. Y. "Rectifier nonlinearities improve neural network
    acoustic models" (2013).
    """

    negative_slope: float = 0.01

    _parameter_constraints: ClassVar[dict] = {
        "negative_slope": [Interval(Real, 0, None, closed="left")]
    }
    name: ClassVar[str] = "leaky_relu"

    @property
    def parameter(self):
        return self.negative_slope


@dataclass
class RReLU(ActivationSpec):
    """Randomized leaky rectified linear unit: x, or a random multiple of x below zero.

    In training, the slope is drawn for each value, uniformly from [`lower`, `upper`). In prediction
    it is the mean, ``(lower + upper) / 2``. Not available with 'lbfgs' and 'rprop', which need the
    same loss at each step.

    Parameters
    ----------
    lower, upper : float, default=1/8 and 1/3
        The smallest and the largest slope, ``0 <= lower <= upper``.

    References
    ----------
    Xu, B., Wang, N., Chen, T. and Li, M. "Empirical evaluation of rectified activations in
    convolutional network" (2015), section 2.4, with slopes in place of divisors, as in PyTorch.
    """

    lower: float = 1 / 8
    upper: float = 1 / 3

    _parameter_constraints: ClassVar[dict] = {
        "lower": [Interval(Real, 0, None, closed="left")],
        "upper": [Interval(Real, 0, None, closed="left")],
    }
    name: ClassVar[str] = "rrelu"

    def validate(self):
        super().validate()
        if self.lower > self.upper:
            raise ValueError(
                f"lower of RReLU must not be above upper, got {self.lower} and {self.upper}."
            )
        return self

    @property
    def parameter(self):
        return (self.lower + self.upper) / 2

    @property
    def spread(self):
        """Width of the interval of the slopes."""
        return self.upper - self.lower


@dataclass
class ELU(ActivationSpec):
    """Exponential linear unit: x, or ``alpha * (exp(x) - 1)`` below zero.

    Parameters
    ----------
    alpha : float, default=1.0
        The limit for large negative x is ``-alpha``; above 0.

    References
    ----------
    Clevert, D.-A., Unterthiner, T. and Hochreiter, S. "Fast and accurate deep network learning by
    exponential linear units (ELUs)" (2016).
    """

    alpha: float = 1.0

    _parameter_constraints: ClassVar[dict] = {"alpha": [Interval(Real, 0, None, closed="neither")]}
    name: ClassVar[str] = "elu"

    @property
    def parameter(self):
        return self.alpha


@dataclass
class GELU(ActivationSpec):
    """Gaussian error linear unit: x times the standard normal cumulative distribution at x.

    Parameters
    ----------
    approximate : {"none", "tanh"}, default="none"
        "none" is the exact function; "tanh" is the approximation ``x / 2 * (1 + tanh(sqrt(2 / pi) *
        (x + 0.044715 * x**3)))``, named "gelu_tanh" too.

    References
    ----------
    Hendrycks, D. and Gimpel, K. "Gaussian error linear units (GELUs)" (2016).
    """

    approximate: str = "none"

    _parameter_constraints: ClassVar[dict] = {"approximate": [OneOf({"none", "tanh"})]}

    @property
    def name(self):
        return "gelu_tanh" if self.approximate == "tanh" else "gelu"


@dataclass
class PReLU(ActivationSpec):
    """Parametric rectified linear unit: x, or a trained slope times x below zero.

    The penalty `alpha` and weight decay do not apply to the slopes.

    Parameters
    ----------
    initial : float, default=0.25
        The initial slope.
    shared : bool, default=True
        Whether all units of a layer share one slope, or each has its own.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification" (2015), section 2.1.
    """

    initial: float = 0.25
    shared: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "initial": [Interval(Real, None, None, closed="neither")],
        "shared": ["boolean"],
    }
    name: ClassVar[str] = "prelu"

    def add_to(self, compiler):
        compiler.prelu(float(self.initial), bool(self.shared))


@dataclass
class Maxout(ActivationSpec):
    """Maxout: each unit is the largest of k linear functions of the inputs.

    `coefs_` of the layer has the shape (fan_in, k * units): column ``p * units + j`` is piece p of
    unit j. For initializers the fan-out is k * units.

    Parameters
    ----------
    k : int, default=2
        Number of linear functions (pieces) of a unit, at least 2.

    References
    ----------
    Goodfellow, I. J., Warde-Farley, D., Mirza, M., Courville, A. and Bengio, Y. "Maxout networks"
    (2013), section 2.
    """

    k: int = 2

    _parameter_constraints: ClassVar[dict] = {"k": [Interval(Integral, 2, None, closed="left")]}
    name: ClassVar[str] = "maxout"

    def add_to(self, compiler):
        compiler.maxout(int(self.k))


# Those that are more than a function of one number have stages of their own.
_WITH_STAGES: dict[str, ActivationSpec] = {spec.name: spec for spec in (PReLU(), Maxout())}
HIDDEN_ACTIVATIONS = [*ELEMENTWISE, *_WITH_STAGES]
_DEFAULTS: dict[str, ActivationSpec] = {spec.name: spec for spec in (LeakyReLU(), ELU(), RReLU())}
#: Names that stand for specs, whose parameters they can be given.
ACTIVATION_SPECS = {spec.name: type(spec) for spec in (*_DEFAULTS.values(), GELU())} | {
    name: type(spec) for name, spec in _WITH_STAGES.items()
}
register(ACTIVATION_SPECS, "activation", "layers", "output_activation")


def row_and_parameter(activation: str | ActivationSpec) -> tuple[Activation, float]:
    """Return the code and the parameter of an activation given by name or spec."""
    if isinstance(activation, str):
        if activation not in _DEFAULTS:
            return ACTIVATIONS[activation], 0.0
        activation = _DEFAULTS[activation]
    return ACTIVATIONS.get(activation.name, CUSTOM), activation.parameter


def spread_of_slopes(activation: str | ActivationSpec) -> float:
    """Return the range of random slopes in training; 0 for other activations."""
    spec = _DEFAULTS.get(activation) if isinstance(activation, str) else activation
    return float(spec.spread) if isinstance(spec, RReLU) else 0.0


def refuse_threshold(activation):
    """Raise an error where this activation of a hidden layer is one that stops all learning."""
    if isinstance(activation, str) and activation == "threshold":
        raise ValueError(
            "activation 'threshold' has a derivative of 0 everywhere, so that no layer below it "
            "can learn: use 'hardtanh' or 'logistic'."
        )


def with_stages(activation: str | ActivationSpec) -> ActivationSpec | None:
    """The spec of an activation that is more than a function of one number, else None."""
    if isinstance(activation, str):
        return _WITH_STAGES.get(activation)
    return activation if activation.name in _WITH_STAGES else None


def pieces(activation: str | ActivationSpec) -> int:
    """Return the number of linear units that this activation combines."""
    spec = with_stages(activation)
    return int(spec.k) if isinstance(spec, Maxout) else 1


def one_for_each(activation, n_hidden: int) -> list:
    """The activation of each hidden layer."""
    if isinstance(activation, str | ActivationSpec):
        return [activation] * n_hidden
    activations = list(activation)
    if len(activations) != n_hidden:
        raise ValueError(
            f"activation has {len(activations)} entries for {n_hidden} hidden layers: give one for "
            "each, or a single one for all."
        )
    return activations
