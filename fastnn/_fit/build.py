"""Network of a fit: a new one, or one that continues with fitted parameters."""

import math

from scipy import sparse

from .. import _core
from .._network.architecture import Architecture
from .._network.memory import check_memory
from .._network.network import Network
from .._network.parameter_groups import check_factors
from .._train.regularization import check_weight_norm
from .._warnings import warn
from ..activations import ActivationSpec
from ..heads import MixedLoss
from ..layers import checked
from ..losses import check_output_activation
from ..optimizers import LBFGS
from .resolve import batch_size_of, layers_of, regularization_of


def build_network(
    model,
    optimizer,
    X,
    loss,
    encoder,
    dtype,
    random_state,
    *,
    n_rows=None,
    fitted=None,
    partial=False,
    device="cpu",
):
    """Build a network that can be trained on rows, or refuse what cannot be.

    Parameters
    ----------
    model : estimator
        Its parameters are read.
    optimizer : Optimizer
    X : {ndarray, sparse matrix, DeviceRows}
    loss : str, LossSpec or MixedLoss
    encoder : Labels, MultioutputLabels or RealTargets
    dtype : dtype
    random_state : RandomState
        Draws the parameters of a new network, and its seed.
    n_rows : int, default=None
        Number of all rows, if X has some of them.
    fitted : Network, default=None
        The one whose parameters it goes on with.
    partial : bool, default=False
        Whether these are trained in place, for one epoch.
    device : str

    Returns
    -------
    network : Network
    device : str
        The one to train on, where `device` is "auto".
    """
    network = _with_layers(model, X.shape[1], loss, encoder.n_outputs, dtype, fitted, partial)
    network.encoder = encoder
    if partial and network.program.has_exact_statistics:
        raise ValueError(
            "BatchNorm(statistics='exact') needs all rows, and partial_fit sees some: choose "
            "statistics='moving', or pass all rows to fit, as arrays with warm_start=True or as a "
            "source of fastnn.data."
        )
    check_factors(model.learning_rate_factors or {}, network.program)
    network.check_rows(X)
    check_weight_norm(regularization_of(model), network.program)
    n_rows = X.shape[0] if n_rows is None else n_rows
    batch_size = batch_size_of(model, optimizer, n_rows, network)
    n_steps = math.ceil(n_rows / batch_size) * (1 if partial else model.max_iter)
    device = _core.chosen_device(device, network.program, batch_size, n_steps, trains=True)
    _check_memory(model, optimizer, network, X, batch_size)
    if fitted is None:
        network.initialize(random_state, model.weight_init, model.bias_init)
    _check_solver(model, optimizer, network)
    if network.randomness or model.weight_noise:
        network.draw_seed(random_state)
    return network, device


def _with_layers(model, n_features, loss, n_outputs, dtype, fitted, partial):
    """Compile the layers that the parameters name."""
    output_activation = model.output_activation
    if isinstance(output_activation, ActivationSpec):
        output_activation = checked(output_activation)
    if isinstance(loss, MixedLoss):
        output_activation = loss.output_activations()
    else:
        output_activation = check_output_activation(loss, output_activation)
    layers, input_dropout = layers_of(model, n_outputs, output_activation)
    wanted = dict(
        layers=layers, loss=loss, input_dropout=input_dropout, input_noise=model.input_noise
    )
    if fitted is None:
        rounded = {name: model.precision == name for name in ("bfloat16", "tf32")}
        return Network(Architecture(n_features, dtype=dtype, **wanted, **rounded))
    network = fitted if partial else fitted.copied()
    return network.continued(**wanted)


def _check_memory(model, optimizer, network, X, batch_size):
    """Refuse a network that this machine cannot hold while it is trained."""
    # SciPy's L-BFGS takes up to 38 vectors of float64; an average has three more copies.
    is_lbfgs = isinstance(optimizer, LBFGS)
    n_arrays = 304 // network.dtype.itemsize if is_lbfgs else optimizer.n_slots
    n_arrays += 4 * (model.averaging is not None)
    n_arrays += regularization_of(model).n_arrays(optimizer)
    averages = model.averaging is not None and network.program.n_statistics > 0
    if averages or network.program.has_exact_statistics:
        batch_size = X.shape[0]  # to recompute the statistics
    check_memory(network.program, n_arrays, batch_size, sparse.issparse(X))


def _check_solver(model, optimizer, network):
    """Refuse a network whose loss the solver cannot minimise."""
    architecture = network.architecture
    if (architecture.bfloat16 or architecture.tf32) and isinstance(optimizer, LBFGS):
        raise ValueError(
            f"precision={architecture.precision!r} needs a solver such as 'sgd' or 'adam': "
            f"{model.solver!r} compares losses more precisely than rounded products allow. Or "
            "choose precision='float32'."
        )
    if architecture.bfloat16 and _core.emulates_bfloat16():
        warn(
            "precision='bfloat16' is emulated here, with the same results, and is slower than "
            "precision='float32': the processor has no AVX512_BF16, or FASTNN_ISA rules it "
            "out.",
        )
    if network.randomness and optimizer.full_batch:
        raise ValueError(
            f"{network.randomness} needs a solver such as 'sgd' or 'adam': {model.solver!r} "
            "cannot minimise a loss that changes at random."
        )
