"""Normalisation of the values of a layer, over the batch or within a row, or of its weights."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

from ._specs.constraints import Interval, OneOf
from ._specs.registry import register
from ._specs.spec import Layer

_EPSILON_AND_POSITION: dict[str, list] = {
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "position": [OneOf({"before", "after"})],
}
_COUNT = [Interval(Integral, 1, None, closed="left")]


class Normalization(Layer):
    """Base class of the specs of normalizations.

    Attributes
    ----------
    position : {"before", "after", "weights"}
        Position in a layer: before or after the activation, or at the weights.
    """


@dataclass
class BatchNorm(Normalization):
    """Batch normalization: each unit is scaled to mean 0 and variance 1 over the batch.

    Prediction uses moving averages of the means and variances of the training batches. A batch of
    one row has no variance, so it is normalised by the moving averages, as in prediction.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the new batch in the moving averages, as in PyTorch.
    epsilon : float, default=1e-5
        Constant added to the variance for numerical stability.
    position : {"before", "after"}, default="before"
        Whether to normalise before or after the activation function.
    statistics : {"moving", "exact"}, default="moving"
        Statistics used in prediction: moving averages, or the exact means and variances of all
        training rows, computed in a pass over them at the end of `fit`. With 'lbfgs', and with
        `averaging`, they are always exact. 'exact' is not available for `partial_fit`; with
        `averaging`, it computes statistics of the rows of the last call.
    unbiased : bool, default=True
        Whether prediction uses the unbiased variance, divided by n - 1 for a batch of n rows, as in
        the paper and PyTorch. Otherwise it uses the biased variance, divided by n, as training
        does.
    mean_only : bool, default=False
        Whether to subtract the mean only, without dividing by the standard deviation and without a
        trained scale: ``y = x - mean + shift``. Scale and variance remain 1. Combine it with weight
        normalization, in which the norm of the weights is the scale: ``Dense(100, "identity",
        WeightNorm()), BatchNorm(mean_only=True), "relu"``.

    References
    ----------
    Ioffe, S. and Szegedy, C. "Batch normalization: accelerating deep network training by reducing
    internal covariate shift" (2015), algorithms 1 and 2. For `mean_only`: Salimans, T. and Kingma,
    D. P. "Weight normalization: a simple reparameterization to accelerate training of deep neural
    networks" (2016), section 4.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5
    position: str = "before"
    statistics: str = "moving"
    unbiased: bool = True
    mean_only: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "momentum": [Interval(Real, 0, 1, closed="right")],
        **_EPSILON_AND_POSITION,
        "statistics": [OneOf({"moving", "exact"})],
        "unbiased": ["boolean"],
        "mean_only": ["boolean"],
    }

    def add_to(self, compiler):
        compiler.batch_norm(self)


@dataclass
class LayerNorm(Normalization):
    """Layer normalization: in each row, the units are scaled to mean 0 and variance 1.

    Each unit then has its own trained scale and shift. Rows do not depend on each other, so that
    training and prediction are the same, for any batch size.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Constant added to the variance for numerical stability.
    position : {"before", "after"}, default="before"
        Whether to normalise before or after the activation function.

    References
    ----------
    Ba, J. L., Kiros, J. R. and Hinton, G. E. "Layer normalization" (2016), section 3.
    """

    epsilon: float = 1e-5
    position: str = "before"

    _parameter_constraints: ClassVar[dict] = _EPSILON_AND_POSITION

    def add_to(self, compiler):
        compiler.row_norm(1, self.epsilon, compiler.n)


@dataclass
class GroupNorm(Normalization):
    """Group normalization: in each row, groups of units are scaled to mean 0 and variance 1.

    Groups consist of consecutive units and have equal sizes; their number must divide the number of
    units. Each unit then has its own trained scale and shift.

    Parameters
    ----------
    n_groups : int, default=4
        Number of groups. A single group is `LayerNorm`. The networks of the paper have 64 units or
        more, and 32 groups; the default divides the usual sizes of small networks.
    epsilon : float, default=1e-5
        Constant added to the variance for numerical stability.
    position : {"before", "after"}, default="before"
        Whether to normalise before or after the activation function.

    References
    ----------
    Wu, Y. and He, K. "Group normalization" (2018), section 3.
    """

    n_groups: int = 4
    epsilon: float = 1e-5
    position: str = "before"

    _parameter_constraints: ClassVar[dict] = {"n_groups": _COUNT, **_EPSILON_AND_POSITION}

    def add_to(self, compiler):
        _check_divides("GroupNorm", "n_groups", int(self.n_groups), compiler.n)
        compiler.row_norm(int(self.n_groups), self.epsilon, compiler.n)


@dataclass
class InstanceNorm(Normalization):
    """Instance normalization: in each row, each channel is scaled to mean 0 and variance 1.

    Units are interpreted as an array of shape (n_channels, length), in C order. The result is that
    of `torch.nn.InstanceNorm1d` for this array.

    Parameters
    ----------
    n_channels : int
        Number of channels. It must divide the number of units.
    epsilon : float, default=1e-5
        Constant added to the variance for numerical stability.
    affine : bool, default=False
        Whether each channel then has its own trained scale and shift.
    position : {"before", "after"}, default="before"
        Whether to normalise before or after the activation function.

    References
    ----------
    Ulyanov, D., Vedaldi, A. and Lempitsky, V. "Instance normalization: the missing ingredient for
    fast stylization" (2016), equation 2.
    """

    n_channels: int
    epsilon: float = 1e-5
    affine: bool = False
    position: str = "before"

    _parameter_constraints: ClassVar[dict] = {
        "n_channels": _COUNT,
        "affine": ["boolean"],
        **_EPSILON_AND_POSITION,
    }

    def add_to(self, compiler):
        channels = int(self.n_channels)
        _check_divides("InstanceNorm", "n_channels", channels, compiler.n)
        compiler.row_norm(channels, self.epsilon, channels if self.affine else 0)


@dataclass
class WeightNorm(Normalization):
    """Weight normalization: norm and direction of the weights of a unit are trained separately.

    The weights w of a unit are ``g * v / |v|``, where v is a column of `coefs_`, and the norm g is
    a separate parameter (``normalizations_[i]["g"]``). Initially g is the norm of v, so that the
    network starts as without weight normalization. The penalty `alpha` applies to v.

    References
    ----------
    Salimans, T. and Kingma, D. P. "Weight normalization: a simple reparameterization to accelerate
    training of deep neural networks" (2016), equations 2 and 3.
    """

    position: ClassVar[str] = "weights"

    def add_to(self, compiler):
        raise ValueError(
            "WeightNorm() normalises the weights of a dense layer and is no layer of its own: use "
            "Dense(units, normalization=WeightNorm())."
        )


#: By name; `InstanceNorm` has none, as nothing tells how many channels there are.
NORMALIZATIONS: dict[str, type[Normalization]] = {
    "batch": BatchNorm,
    "layer": LayerNorm,
    "group": GroupNorm,
    "weight": WeightNorm,
}
register(NORMALIZATIONS, "normalization")


def _check_divides(spec: str, name: str, count: int, width: int) -> None:
    """Refuse a number of groups that does not divide the width, naming the nearest that do."""
    if width % count == 0:
        return
    divisors = [n for n in range(1, width + 1) if width % n == 0]
    near = [
        *[n for n in divisors if n < count][-1:],
        *[n for n in divisors if n > count][:1],
    ]
    raise ValueError(
        f"{spec}({name}={count}) needs parts of equal size, and {width} units cannot be divided "
        f"into {count}: choose {name}={' or '.join(map(str, near))}."
    )
