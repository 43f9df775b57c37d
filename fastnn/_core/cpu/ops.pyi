from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

def rows_of(a: NDArray[Any]) -> NDArray[Any]: ...
def matmul(
    a: NDArray[Any],
    b: NDArray[Any],
    bias: NDArray[Any] | None = None,
    c: NDArray[Any] | None = None,
    order: NDArray[np.int64] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def matmul_transposed(
    a: NDArray[Any],
    b: NDArray[Any],
    c: NDArray[Any] | None = None,
    order: NDArray[np.int64] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def transpose(w: NDArray[Any], first: int, last: int, isa: str | None = None) -> NDArray[Any]: ...
def bfloat16_layouts(
    x: NDArray[Any], isa: str | None = None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def bfloat16_matmul(
    a: NDArray[Any],
    b: NDArray[Any],
    bias: NDArray[Any] | None = None,
    c: NDArray[Any] | None = None,
    kind: str = "forward",
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def activation(
    x: NDArray[Any],
    code: int,
    parameter: float = 0.0,
    in_place: bool = False,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def activation_with_derivative(
    x: NDArray[Any], code: int, isa: str | None = None, repeat: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def activation_gradient(
    y: NDArray[Any],
    gradient: NDArray[Any],
    code: int,
    parameter: float = 0.0,
    derivative: NDArray[Any] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def dropout(
    x: NDArray[Any],
    rate: float,
    seed: int,
    step: int = 0,
    stage: int = 0,
    first_row: int = 0,
    inverted: bool = True,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def dropout_csr(
    X: Any,
    rate: float,
    seed: int,
    step: int = 0,
    stage: int = 0,
    first_row: int = 0,
    inverted: bool = True,
    isa: str | None = None,
) -> NDArray[Any]: ...
def scaled(x: NDArray[Any], factor: float, isa: str | None = None) -> NDArray[Any]: ...
def rrelu(
    x: NDArray[Any],
    lower: float,
    upper: float,
    seed: int,
    step: int = 0,
    stage: int = 0,
    first_row: int = 0,
    gradient: NDArray[Any] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def residual(
    skip: NDArray[Any] | None,
    branch: NDArray[Any],
    rate: float,
    seed: int,
    step: int = 0,
    stage: int = 0,
    first_row: int = 0,
    isa: str | None = None,
) -> NDArray[Any]: ...
def normal_noise(
    x: NDArray[Any],
    deviation: float,
    seed: int,
    step: int = 0,
    stage: int = 0,
    first_row: int = 0,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def batchnorm_statistics(
    x: NDArray[Any], isa: str | None = None
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def batchnorm(
    x: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    scale: NDArray[Any],
    shift: NDArray[Any],
    epsilon: float,
    isa: str | None = None,
) -> NDArray[Any]: ...
def batchnorm_gradient(
    x: NDArray[Any],
    dy: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    scale: NDArray[Any],
    epsilon: float,
    constant_statistics: bool = False,
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def batchnorm_moving(
    moving_mean: NDArray[Any],
    moving_variance: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    n_rows: int,
    momentum: float,
    correction: float = 1.0,
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def rownorm(
    x: NDArray[Any],
    groups: int,
    epsilon: float,
    scale: NDArray[Any] | None = None,
    shift: NDArray[Any] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def rownorm_gradient(
    x: NDArray[Any],
    dy: NDArray[Any],
    groups: int,
    epsilon: float,
    scale: NDArray[Any] | None = None,
    isa: str | None = None,
    repeat: int = 1,
) -> Any: ...
def prelu(x: NDArray[Any], slope: NDArray[Any], isa: str | None = None) -> NDArray[Any]: ...
def prelu_gradient(
    x: NDArray[Any], dy: NDArray[Any], slope: NDArray[Any], isa: str | None = None
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def maxout(x: NDArray[Any], k: int, isa: str | None = None) -> NDArray[Any]: ...
def maxout_gradient(
    x: NDArray[Any], dy: NDArray[Any], k: int, isa: str | None = None
) -> NDArray[Any]: ...
def weightnorm(
    xv: NDArray[Any],
    v: NDArray[Any],
    g: NDArray[Any],
    bias: NDArray[Any],
    isa: str | None = None,
) -> NDArray[Any]: ...
def weightnorm_gradient(
    xv: NDArray[Any],
    dy: NDArray[Any],
    v: NDArray[Any],
    g: NDArray[Any],
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def loss(
    z: NDArray[Any],
    targets: NDArray[Any],
    code: int,
    order: NDArray[np.int64] | None = None,
    weights: NDArray[Any] | None = None,
    scale: float = 1.0,
    parameter: float = 0.0,
    smoothing: float = 0.0,
    isa: str | None = None,
    repeat: int = 1,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def average(
    w: NDArray[Any], average: NDArray[Any], weight: float, isa: str | None = None, repeat: int = 1
) -> NDArray[Any]: ...
def loss_of_user(
    z: NDArray[Any],
    targets: NDArray[Any],
    value: int,
    derivative: int,
    order: NDArray[np.int64] | None = None,
    weights: NDArray[Any] | None = None,
    scale: float = 1.0,
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def output(
    z: NDArray[Any], code: int, parameter: float = 0.0, isa: str | None = None
) -> NDArray[Any]: ...
def optimize(
    w: NDArray[Any],
    g: NDArray[Any],
    slots: NDArray[Any],
    code: int,
    coefficients: NDArray[Any],
    l2: float = 0.0,
    decay: float = 0.0,
    factor: float = 1.0,
    isa: str | None = None,
    repeat: int = 1,
) -> tuple[NDArray[Any], NDArray[Any], float]: ...
def soft_threshold(
    w: NDArray[Any],
    slots: NDArray[Any],
    code: int,
    coefficients: NDArray[Any],
    threshold: float,
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def finish_gradient(
    w: NDArray[Any],
    g: NDArray[Any],
    l2: float,
    l1: float,
    limit: float,
    isa: str | None = None,
    repeat: int = 1,
) -> tuple[NDArray[Any], float, float]: ...
def gradient_squares(
    w: NDArray[Any], g: NDArray[Any], l2: float, l1: float, isa: str | None = None
) -> float: ...
def sum_squares(x: NDArray[Any], isa: str | None = None) -> float: ...
def multiply(x: NDArray[Any], factor: float, isa: str | None = None) -> NDArray[Any]: ...
def look_ahead(
    w: NDArray[Any], velocity: NDArray[Any], momentum: float, isa: str | None = None
) -> NDArray[Any]: ...
def limit_columns(
    w: NDArray[Any], most: float, rows_per_part: int = 24, isa: str | None = None
) -> NDArray[Any]: ...
def gather(
    X: NDArray[Any],
    dtype: DTypeLike,
    order: NDArray[np.int64] | None = None,
    first_row: int = 0,
    n_rows: int | None = None,
    isa: str | None = None,
) -> NDArray[Any]: ...
def mix_rows(
    X: NDArray[Any],
    dtype: Any,
    mixing: tuple[Any, ...],
    order: NDArray[Any] | None = None,
    start: int = 0,
    n_rows: int | None = None,
    first_row: int = 0,
    isa: str | None = None,
    repeat: int = 1,
) -> NDArray[Any]: ...
def mix_losses(
    delta: NDArray[Any],
    row_loss: NDArray[Any],
    other_delta: NDArray[Any],
    other_loss: NDArray[Any],
    mix_weight: float,
    weights: NDArray[Any] | None = None,
    order: NDArray[Any] | None = None,
    isa: str | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def csr_matmul(
    X: Any, w: NDArray[Any], bias: NDArray[Any], isa: str | None = None
) -> NDArray[Any]: ...
def csr_weight_gradient(
    X: Any, dz: NDArray[Any], first: int = 0, last: int | None = None, isa: str | None = None
) -> NDArray[Any]: ...
def head_weight(
    log_variance: NDArray[Any], weight: float, terms: float, isa: str | None = None
) -> NDArray[Any]: ...
def log_variance_gradient(
    gradient: NDArray[Any],
    weight: float,
    terms: float,
    part: float,
    factor: float,
    loss: float,
    accumulate: bool = False,
    isa: str | None = None,
) -> NDArray[Any]: ...
def weighted_sum(
    values: NDArray[Any],
    weights: NDArray[Any] | None = None,
    order: NDArray[np.int64] | None = None,
    isa: str | None = None,
) -> float: ...
def fma_chain(n: int, dtype: DTypeLike = ..., isa: str | None = None) -> int: ...
def stage_bytes(fields: dict[str, float]) -> bytes: ...
def constants() -> dict[str, int]: ...
