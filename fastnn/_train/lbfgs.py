"""Training by SciPy's L-BFGS."""

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from .._core.penalties import add_penalty
from .._core.program import aligned_zeros
from .._warnings import is_searched, warn
from .blas import one_thread
from .datasets import Dataset, StreamedDataset
from .history import History
from .settings import Settings
from .training import INTERRUPTED, NOT_FINITE, EpochResult, Training

# SciPy's status after as many iterations as were allowed, and where the callback raised
# StopIteration.
_AT_LIMIT, _STOPPED = 1, 99


class LBFGSTraining(Training):
    """Minimise the loss of all rows by L-BFGS, and keep the best parameters that were seen.

    An iteration is an epoch. The arguments are those of `StochasticTraining`.
    """

    def __init__(
        self,
        engine,
        state,
        data: Dataset | StreamedDataset,
        optimizer,
        settings: Settings,
        history: History,
        callbacks=None,
    ):
        super().__init__(state, settings, history, callbacks)
        self._engine, self._data, self._optimizer = engine, data, optimizer
        self._least_loss, self._total_weight = np.inf, data.total_weight
        self._gradient = aligned_zeros(len(state.parameters), state.parameters.dtype)

    def run(self) -> None:
        """Train until the loss has converged, or for `max_iter` iterations."""
        if not self.begin_epoch():
            return
        settings = self.settings
        try:
            with one_thread():
                result = minimize(
                    self._loss_and_gradient,
                    self.state.parameters.astype(np.float64),
                    method="L-BFGS-B",
                    jac=True,
                    callback=self._after_iteration,
                    options={
                        "maxfun": self._optimizer.max_fun,
                        "maxiter": settings.max_iter,
                        "gtol": settings.tol,
                    },
                )
        except KeyboardInterrupt:
            warn(INTERRUPTED)
        else:
            self.history.n_iter = min(result.nit, settings.max_iter)
            self._warn_unless_converged(result)
        self.best.restore()

    def _loss_and_gradient(self, parameters):
        settings = self.settings
        self.state.parameters[...] = parameters
        data_loss = self._add_gradients()
        penalty = add_penalty(
            self._engine.program,
            self.state.parameters,
            self._gradient,
            settings.alpha / self._total_weight,
            penalize_intercepts=settings.regularization.penalize_intercepts,
        )
        loss = data_loss + penalty
        if not np.isfinite(loss) and self._least_loss == np.inf:
            raise ValueError(NOT_FINITE)
        if loss < self._least_loss:
            self._least_loss = loss
            self.best.update()
            self.history.loss = data_loss / settings.loss_divisor + penalty
        return loss, self._gradient.astype(np.float64)

    def _add_gradients(self):
        """Compute the gradient of the data loss, part by part, and return that loss."""
        self._gradient[...] = 0
        total, smoothing = self._total_weight, self.settings.label_smoothing
        return sum(
            self._engine.add_gradient(*part[:3], total, self._gradient, smoothing)
            for part in self._data.parts()
        )

    def _after_iteration(self, parameters):
        if self.callbacks is not None:
            self.state.parameters[...] = parameters  # that the line search may have gone beyond
        self.end_epoch(EpochResult(self.history.loss, float(np.linalg.norm(self._gradient))))
        # Without callbacks only SciPy ends training, and tells by its status why.
        if not self.begin_epoch() and self.callbacks is not None:
            raise StopIteration

    def _warn_unless_converged(self, result):
        if result.status in (0, _STOPPED):
            return
        if result.status == _AT_LIMIT and is_searched("max_iter"):
            return
        warn(
            f"lbfgs failed to converge after {self.history.n_iter} iteration(s) "
            f"(status={result.status}): {result.message}. Increase max_iter or max_fun, or "
            "scale the data (for example with StandardScaler).",
            ConvergenceWarning,
        )
