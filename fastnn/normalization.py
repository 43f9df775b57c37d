"""Normalisation: of the values of a layer, over the batch or within a row, or of its weights."""

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
    """Base of the specs of normalisations.

    Attributes
    ----------
    position : {"before", "after", "weights"}
        Where in a layer it belongs: before or after the activation, or to the weights.
    """


@dataclass
class BatchNorm(Normalization):
    """Batch normalization: every unit is scaled to mean 0 and variance 1 over the batch.

    Prediction uses moving averages of the means and variances that training saw. A batch of one
    row has no variance: it is normalised by the moving averages, as in prediction.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the new batch in the moving averages, as in PyTorch.
    epsilon : float, default=1e-5
        Added to the variance.
    position : {"before", "after"}, default="before"
        Whether to normalise before or after the activation function.
    statistics : {"moving", "exact"}, default="moving"
        What prediction normalises by: the moving averages; or the means and variances of all
        training rows, computed in a pass over them at the end of `fit`. With 'lbfgs', and with
        `averaging`, they are exact in any case. 'exact' is not available for `partial_fit`, which
        with `averaging` takes the rows of its last call.
    unbiased : bool, default=True
        Whether prediction uses the unbiased variance, divided by n - 1 for a batch of n rows, as in
        the paper and PyTorch; or the biased one, divided by n, which training normalises by.
    mean_only : bool, default=False
        Whether to subtract the mean only, and to train no scale, so that scale and variance stay 1:
        ``y = x - mean + shift``. It goes with weight normalization, whose length of the weights is
        the scale: ``Dense(100, "identity", WeightNorm()), BatchNorm(mean_only=True), "relu"``.

    References
    ----------
    Ioffe, S. and Szegedy, C. "Batch normalization: accelerating deep network training by reducing
    internal covariate shift" (2015), algorithms 1 and 2. Of means only:
    Salimans, T. and Kingma, D. P. "Weight normalization: a simple reparameterization to accelerate
    training of deep neural networks" (2016), section 4.
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
    """Layer normalization: in every row, all units are scaled to mean 0 and variance 1.

    Then each unit has a scale and a shift of its own, that are trained. Rows do not depend on each
    other, so training and prediction do the same, with batches of any size.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance.
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
    """Group normalization: in every row, units are scaled to mean 0 and variance 1 by groups.

    Groups are of equal size and consist of units that follow each other; their number must divide
    the number of units. Each unit has a scale and a shift of its own, that are trained.

    Parameters
    ----------
    n_groups : int, default=4
        Number of groups. A single one is `LayerNorm`. The paper's networks, of 64 units and more,
        have 32; the default divides the usual sizes of small ones.
    epsilon : float, default=1e-5
        Added to the variance.
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
    """Instance normalization: in every row, each channel is scaled to mean 0 and variance 1.

    The units are taken as channels of equal length, one after the other, as an array of shape
    (n_channels, length) lies in memory. What comes out is what `torch.nn.InstanceNorm1d` makes of
    such an array.

    Parameters
    ----------
    n_channels : int
        Number of channels. It must divide the number of units.
    epsilon : float, default=1e-5
        Added to the variance.
    affine : bool, default=False
        Whether each channel then has a scale and a shift of its own, that are trained.
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
    """Weight normalization: length and direction of each unit's weights are trained apart.

    The weights w of a unit are ``g * v / |v|``, where v is a column of `coefs_` and g, its length,
    is a parameter of its own (``normalizations_[i]["g"]``). At first g is the length of v, so that
    the network starts as it would without. A penalty `alpha` acts on v.

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
