from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from fastnn._core.program import Program, State

def isa_info() -> dict[str, Any]: ...
def are_same(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool: ...
def startable_team(n_threads: int, stack_size: int) -> int: ...
def most_openmp_threads() -> int: ...
def train_side_by_side(
    calls: Sequence[tuple[NativeEngine, tuple[Any, ...]]], n_threads: int
) -> list[int]: ...

class NativePredictor:
    @property
    def program(self) -> Program: ...
    @property
    def parameters(self) -> NDArray[Any]: ...
    @property
    def statistics(self) -> NDArray[Any]: ...
    def __init__(
        self,
        program: Program,
        parameters: NDArray[Any],
        statistics: NDArray[Any],
        isa: str | None = None,
    ) -> None: ...
    def __call__(
        self,
        X: Any,
        n_threads: int = 1,
        both_classes: bool = False,
        draw: tuple[int, int] | None = None,
    ) -> tuple[NDArray[Any], bool]: ...

class NativeEngine:
    team: Any
    @property
    def program(self) -> Program: ...
    @property
    def state(self) -> State: ...
    def __init__(
        self,
        program: Program,
        state: State,
        optimizer: int,
        max_batch: int,
        n_threads: int,
        seed: int,
        isa: str | None = None,
    ) -> None: ...
    def train_steps(
        self,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        order: NDArray[Any] | None,
        batch_size: int,
        coefficients: NDArray[Any],
        losses: NDArray[Any],
        grad_norms: NDArray[Any] | None = None,
    ) -> int: ...
