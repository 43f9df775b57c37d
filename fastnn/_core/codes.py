"""Codes that Python, C and CUDA share: the only list of them.

`setup.py` writes them for C and Cython, as `constants` names them. It loads this file without the
package, whose native code is not built yet: nothing of fastnn may be imported here.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Kind(IntEnum):
    """Kinds of stages.

    Attributes
    ----------
    title : str
        Its line in a summary, with fields of the stage in braces; "" for none. A summary adds
        details of activations and outputs.
    groups : tuple of str
        Groups of `learning_rate_factors` in which weight and bias of the stage are, "" for none.
    cause_of_chance : str
        Parameter or spec by which such a stage draws at random in training; "" if it never does.
    """

    title: str
    groups: tuple[str, str]
    cause_of_chance: str

    def __new__(cls, code, title="", groups=("", ""), cause_of_chance=""):
        kind = int.__new__(cls, code)
        kind._value_ = code
        kind.title, kind.groups, kind.cause_of_chance = title, groups, cause_of_chance
        return kind

    DENSE = 0, "dense", ("weights", "biases")
    BN_STATISTICS = 1, "", ("normalization", "normalization")
    BN_APPLY = 2, "batch norm", ("normalization", "normalization")
    ACTIVATION = 3, "activation", ("", ""), "RReLU"
    DROPOUT = 4, "dropout {rate:g}", ("", ""), "dropout"
    OUTPUT = 5, "output", ("log_variances", "")
    FORK = 6, "residual block:"
    JOIN = 7, "residual sum", ("", ""), "drop_rate"
    NOISE = 8, "noise {rate:g}", ("", ""), "input_noise"
    ROW_NORM = 9, "norm of {groups} groups", ("normalization", "normalization")
    PRELU = 10, "prelu"
    MAXOUT = 11, "maxout of {groups}"
    WEIGHT_NORM = 12, "weight norm", ("normalization", "biases")


class DropoutForm(IntEnum):
    """Form of dropout: values are scaled up in training, or down in prediction."""

    INVERTED = 0
    ORIGINAL = 1


class StatisticsForm(IntEnum):
    """Statistics of batch norm: moving averages, or those of all rows at the end."""

    MOVING = 0
    EXACT = 1


class RowsType(IntEnum):
    """Types of the elements of rows."""

    FLOAT32 = 0
    FLOAT64 = 1
    UINT8 = 2
    INT8 = 3
    INT16 = 4
    UINT16 = 5
    INT32 = 6
    UINT32 = 7
    INT64 = 8
    UINT64 = 9
    FLOAT16 = 10


#: Types of arrays with such elements, as NumPy's codes: a boolean is read as a uint8.
READABLE = tuple(map(np.dtype, "dfBe?bhHiIlLqQ"))


@dataclass(frozen=True)
class Activation:
    """A function of the pre-activation of a layer.

    Attributes
    ----------
    name : str
    code : int
    output_only : bool
        It belongs to a loss, and has no gradient of its own.
    keeps_derivative : bool
        It cannot be had from the value: it is computed along with it, and kept.
    """

    name: str
    code: int
    output_only: bool = False
    keeps_derivative: bool = False


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", 0),
        Activation("logistic", 1),
        Activation("tanh", 2),
        Activation("relu", 3),
        Activation("softmax", 4, output_only=True),
        Activation("exp", 5, output_only=True),
        Activation("hardtanh", 6),
        Activation("leaky_relu", 7),
        Activation("elu", 8),
        Activation("selu", 9),
        Activation("gelu", 10, keeps_derivative=True),
        Activation("gelu_tanh", 11, keeps_derivative=True),
        Activation("silu", 12, keeps_derivative=True),
        Activation("mish", 13, keeps_derivative=True),
        Activation("softplus", 14),
        Activation("softsign", 15),
        Activation("rrelu", 16),
        Activation("threshold", 17, output_only=True),
    )
}


@dataclass(frozen=True)
class Loss:
    """A function of the last layer's output and of the target.

    Attributes
    ----------
    name : str
    code : int
    output_activation : str
        Activation of the last pre-activations. The loss contains it: with the softmax, 'logistic'
        and 'exp' its gradient is the output minus the target.
    regression, classification : bool
        Estimators with this loss. The loss of rows of probabilities has neither; it replaces
        'log_loss' for such targets.
    class_codes : bool
        Targets are one class number a row, not one value for each output.
    any_activation : bool
        Another activation may take the place of `output_activation`, which is the identity.
    mean_over_outputs : bool
        Reported is the mean over the outputs, as in scikit-learn; all train on the sum.
    probabilities : bool
        Outputs are probabilities, and their targets can be smoothed.
    boundary : float
        Output above which a unit predicts its class, if each class has one unit.
    """

    name: str
    code: int
    output_activation: str = "identity"
    regression: bool = False
    classification: bool = False
    class_codes: bool = False
    any_activation: bool = False
    mean_over_outputs: bool = False
    probabilities: bool = False
    boundary: float = 0.0


def loss_of_values(name: str, code: int, **fields) -> Loss:
    """A loss of the difference of output and target, for regression."""
    return Loss(name, code, regression=True, any_activation=True, mean_over_outputs=True, **fields)


LOSSES = {
    loss.name: loss
    for loss in (
        loss_of_values("squared_error", 0, classification=True, boundary=0.5),
        Loss("log_loss", 1, "softmax", classification=True, class_codes=True, probabilities=True),
        Loss(
            "binary_log_loss", 2, "logistic", classification=True, probabilities=True, boundary=0.5
        ),
        Loss("poisson", 3, "exp", regression=True),
        loss_of_values("absolute_error", 4),
        loss_of_values("huber", 5),
        loss_of_values("minkowski", 6),
        loss_of_values("quantile", 7),
        Loss("hinge", 8, classification=True),
        Loss("squared_hinge", 9, classification=True),
        Loss("perceptron", 10, classification=True),
        Loss("weston_watkins", 11, classification=True, class_codes=True),
        Loss("crammer_singer", 12, classification=True, class_codes=True),
        Loss("soft_log_loss", 13, "softmax", probabilities=True),
        # Targets are the gradient with respect to the outputs: that of any function of them.
        Loss("linear", 14, any_activation=True),
    )
}


class Rule(IntEnum):
    """Update rules of optimizers."""

    SGD = 0
    MOMENTUM = 1
    NESTEROV = 2
    ADAM = 3
    AVERAGED = 4
    ADAGRAD = 5
    ADADELTA = 6
    RMSPROP = 7
    RMSPROP_MOMENTUM = 8
    RMSPROP_CENTERED = 9
    RPROP = 10
    MOMENTS = 11
    AMSGRAD = 12
    LOOK_AHEAD = 13
    LAMB = 14
    NESTEROV_AVERAGED = 15


class Column(IntEnum):
    """Columns of the table that has a row for each step: what may change from step to step.

    The first are the optimizer's: those that all share, then the rule's own.
    """

    LEARNING_RATE = 0
    L2 = 1
    DECAY = 2  # the part of a weight that is taken away at the step, whatever the gradient
    OWN = 3
    DROPOUT = 10  # a factor of all dropout rates
    END_OF_OPTIMIZER = DROPOUT
    MIX_WEIGHT = 11  # the fields of ``Mixing`` in ``program.h``
    MIX_SHIFT = 12
    MIX_FIRST = 13
    MIX_RUN = 14
    MIX_N_RUNS = 15
    MIX_STRIDE = 16
    L1 = 17  # these are of ``regularization.py``
    BIAS_PENALTY = 18
    CLIP_VALUE = 19
    CLIP_NORM = 20
    MAX_NORM = 21
    WEIGHT_NOISE = 22
    SMOOTHING = 23  # of labels
    AVERAGE = 24  # the weight of the new parameters in their average, 0 for none
    GRAD_NORM = 25  # 1 if the norm of the gradient is requested
    SOFT_THRESHOLD = 26  # above 0, of L1, which is not in the gradient then


#: Number of columns, with room for more.
N_COEFFICIENTS = 32

#: Rows of a batch are summed by chunks of ROW_CHUNK, each by one thread; the rows of a weight are
#: handed out by tasks of TASK_ROWS. Neither depends on threads or instruction set, nor do the sums.
#: Both are multiples of every tile.
ROW_CHUNK, TASK_ROWS = 8, 24


def constants() -> dict[str, int]:
    """Return all codes by their names in C."""
    prefixes: dict[str, type[IntEnum]] = {
        "STAGE": Kind,
        "DROPOUT": DropoutForm,
        "STATISTICS": StatisticsForm,
        "ROWS": RowsType,
        "OPT": Rule,
        "COEF": Column,
    }
    names = {
        f"{prefix}_{name}": int(code)
        for prefix, codes in prefixes.items()
        for name, code in codes.__members__.items()
    }
    names |= {f"ACT_{name.upper()}": row.code for name, row in ACTIVATIONS.items()}
    losses = {name.removesuffix("_loss").upper(): row.code for name, row in LOSSES.items()}
    names |= {f"LOSS_{name}": code for name, code in losses.items()}
    return names | {"N_COEFS": N_COEFFICIENTS, "ROW_CHUNK": ROW_CHUNK, "TASK_ROWS": TASK_ROWS}
