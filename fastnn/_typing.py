"""Types in the signatures of the public interface."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ._specs.spec import Layer
    from .activations import ActivationSpec
    from .augment import Mixing, RowTransform
    from .averaging import Averaging
    from .callbacks import Callback
    from .data import Source
    from .initializers import Initializer
    from .layers import Dropout
    from .losses import LossSpec
    from .normalization import Normalization
    from .optimizers import Optimizer
    from .schedules import Schedule, Scheduled


class SparseMatrix(Protocol):
    """Sparse matrix or array of SciPy."""

    def tocsr(self) -> Any:
        """Return it in compressed rows."""


class Frame(Protocol):
    """Table of pyarrow, polars or another library of columns."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return its columns."""


class DeviceArray(Protocol):
    """Array of PyTorch, CuPy or another library of arrays on a device."""

    def __dlpack__(self) -> object:
        """Return its memory."""


# What is passed to `fit` and `predict`, and what comes back.
Rows: TypeAlias = "ArrayLike | SparseMatrix | Frame | DeviceArray | Source"
Targets: TypeAlias = ArrayLike | SparseMatrix | Frame | DeviceArray
Weights: TypeAlias = ArrayLike | DeviceArray
Array: TypeAlias = NDArray[Any]
#: An array, or for several columns of classes a list of arrays, which no type checker knows.
Arrays: TypeAlias = NDArray[Any] | Any
Path: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = Path | Sequence[Path]

# Parameters.
Seed: TypeAlias = int | np.random.RandomState | None
Number: TypeAlias = "float | Scheduled"
Activation: TypeAlias = "str | ActivationSpec"
Activations: TypeAlias = "Activation | Sequence[Activation]"
Initial: TypeAlias = "str | Initializer | Sequence[ArrayLike] | Callable[..., Any] | None"
LayerSizes: TypeAlias = ArrayLike | str
Layers: TypeAlias = "Sequence[Layer | str | Sequence[Any]] | None"
Loss: TypeAlias = "str | LossSpec"
Rate: TypeAlias = "str | Schedule | Callable[..., Any]"
Solver: TypeAlias = "str | Optimizer"
Norm: TypeAlias = "str | Normalization | None"
Dropouts: TypeAlias = "Number | Sequence[float] | Dropout"
Average: TypeAlias = "str | Averaging | None"
Augmentation: TypeAlias = "str | Mixing | RowTransform | Callable[..., Any] | Sequence[Any] | None"
Callbacks: TypeAlias = "Sequence[Callback] | None"
Factors: TypeAlias = ArrayLike | Mapping[str, float] | None
Scoring: TypeAlias = str | Callable[..., Any] | Sequence[Any] | Mapping[str, Any] | None
ClassLists: TypeAlias = ArrayLike | Sequence[ArrayLike]
ClassWeight: TypeAlias = Mapping[Any, float] | str | None
