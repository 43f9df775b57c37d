"""Training by SciPy's L-BFGS."""

import time

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from .._core.program import aligned_zeros
from .._warnings import is_searched, warn
from .blas import one_thread
from .history import History
from .settings import Data, Settings
from .snapshot import Snapshot
from .training import NOT_FINITE

# SciPy's status after as many iterations as were allowed, and where the callback raised
# StopIteration.
_AT_LIMIT, _STOPPED = 1, 99


def train_lbfgs(
    engine,
    state,
    data: Data,
    optimizer,
    settings: Settings,
    history: History,
    callbacks=None,
):
    """Minimise the loss of all rows by L-BFGS, and leave the best parameters that were seen.

    The arguments are those of `train`.
    """
    X, y, sample_weight, _ = data
    gradient = aligned_zeros(len(state.parameters), state.parameters.dtype)
    biases_too = settings.regularization.penalize_intercepts
    best, least, began = Snapshot(state), np.inf, time.perf_counter()

    def objective(parameters):
        nonlocal least
        state.parameters[...] = parameters
        data_loss, penalty = engine.loss_and_grad(
            X,
            y,
            sample_weight,
            settings.alpha,
            gradient,
            settings.label_smoothing,
            penalize_intercepts=biases_too,
        )
        loss = data_loss + penalty
        if not np.isfinite(loss) and least == np.inf:
            raise ValueError(NOT_FINITE)
        if loss < least:
            least = loss
            best.update()
            history.loss = data_loss / settings.loss_divisor + penalty
        return loss, gradient.astype(np.float64)

    def after_iteration(parameters):
        nonlocal began
        history.n_iter += 1
        if settings.verbose:
            print(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")
        history.record(
            loss=history.loss,
            grad_norm=float(np.linalg.norm(gradient)),
            seconds=time.perf_counter() - began,
        )
        if callbacks is not None:
            state.parameters[...] = parameters  # that the line search may have gone beyond
            ends = history.n_iter == settings.max_iter
            if callbacks.on_epoch_end(None, ends, lambda stops: {"stops": stops}) or (
                not ends and callbacks.on_epoch_begin()
            ):
                raise StopIteration
        began = time.perf_counter()

    if callbacks is not None and callbacks.on_epoch_begin():
        return
    try:
        with one_thread():
            result = minimize(
                objective,
                state.parameters.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=after_iteration,
                options={
                    "maxfun": optimizer.max_fun,
                    "maxiter": settings.max_iter,
                    "gtol": settings.tol,
                },
            )
    except KeyboardInterrupt:
        warn("Training interrupted by user.")
    else:
        history.n_iter = min(result.nit, settings.max_iter)
        at_limit = result.status == _AT_LIMIT
        if result.status not in (0, _STOPPED) and not (at_limit and is_searched("max_iter")):
            warn(
                f"lbfgs failed to converge after {history.n_iter} iteration(s) "
                f"(status={result.status}): {result.message}. Increase max_iter or max_fun, or "
                "scale the data (for example with StandardScaler).",
                ConvergenceWarning,
            )
    best.restore()
