"""Types in the signatures of the public interface.

They exist for type checkers only, so that nothing is imported for them: at run time each is `Any`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol, TypeAlias

    import numpy as np
    from numpy.typing import ArrayLike as ArrayLike
    from numpy.typing import NDArray

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

    # What `fit` and `predict` take, and what they return.
    Targets: TypeAlias = ArrayLike | SparseMatrix | Frame | DeviceArray
    Rows: TypeAlias = Targets | Source
    Weights: TypeAlias = ArrayLike | DeviceArray
    ClassLists: TypeAlias = ArrayLike | Sequence[ArrayLike]
    Array: TypeAlias = NDArray[Any]
    #: An array, or a list of arrays for several columns of classes, which no checker tells apart.
    Arrays: TypeAlias = NDArray[Any] | Any
    Path: TypeAlias = str | os.PathLike[str]
    Paths: TypeAlias = Path | Sequence[Path]

    # Parameters of the estimators.
    Seed: TypeAlias = int | np.random.RandomState | None
    Number: TypeAlias = float | Scheduled
    LayerSizes: TypeAlias = ArrayLike
    Layers: TypeAlias = Sequence[Layer | str | Sequence[Any]] | None
    Activation: TypeAlias = str | ActivationSpec
    Activations: TypeAlias = Activation | Sequence[Activation]
    Norm: TypeAlias = str | Normalization | None
    Dropouts: TypeAlias = Number | Sequence[float] | Dropout
    Initial: TypeAlias = str | Initializer | Sequence[ArrayLike] | Callable[..., Any] | None
    Loss: TypeAlias = str | LossSpec
    Solver: TypeAlias = str | Optimizer
    Rate: TypeAlias = str | Schedule | Callable[..., Any]
    Factors: TypeAlias = Mapping[Any, float] | None
    Average: TypeAlias = str | Averaging | None
    Augmentation: TypeAlias = (
        str | Mixing | RowTransform | Callable[..., Any] | Sequence[Any] | None
    )
    Scoring: TypeAlias = str | Callable[..., Any] | Sequence[Any] | Mapping[str, Any] | None
    TrainScore: TypeAlias = bool | str | Sequence[str]
    Callbacks: TypeAlias = Sequence[Callback] | None
    ClassWeight: TypeAlias = Mapping[Any, float] | str | None
else:

    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Any
