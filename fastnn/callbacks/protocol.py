"""Adapter for callbacks of scikit-learn (SLEP023, version 1.9 or later)."""

from importlib.util import find_spec

from sklearn.utils.metaestimators import available_if

from .base import Callback

#: Attributes that scikit-learn stores in an estimator.
OF_SCIKIT_LEARN = (
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_callback_fit_ctx",
    "_parent_callback_ctx",
)


def _known(estimator) -> bool:
    return find_spec("sklearn.callback") is not None


class TakesCallbacks:
    """Mixin of estimators that provides `set_callbacks`, if scikit-learn has callbacks."""

    @available_if(_known)
    def set_callbacks(self, *callbacks):
        """Set callbacks of scikit-learn, such as `sklearn.callback.ProgressBar`.

        It requires scikit-learn 1.9 or later. The reported tasks are the fit and its epochs, or the
        iterations of 'lbfgs'.

        Parameters
        ----------
        *callbacks : callback instances
            Callbacks with the protocol `sklearn.callback.FitCallback`. Without arguments, the
            current callbacks are removed.

        Returns
        -------
        self : estimator instance
            The estimator itself.
        """
        from sklearn.callback import CallbackSupportMixin  # slow to import

        return CallbackSupportMixin.set_callbacks(self, *callbacks)


def has_callbacks(estimator) -> bool:
    """Return whether scikit-learn's callbacks take part in a fit, or in one that contains it."""
    return "_skl_callbacks" in vars(estimator) or "_parent_callback_ctx" in vars(estimator)


class Bridge(Callback):
    """Callback that reports a fit and its epochs to scikit-learn's callbacks, each as a task.

    Parameters
    ----------
    estimator : estimator instance
    X, y : array-like
        The data passed to `fit`.
    sample_weight : array-like or None
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator, self.X, self.y, self.sample_weight = estimator, X, y, sample_weight
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"X": X, "y": y, "metadata": metadata}
        self._fit = self._epoch = None

    def __repr__(self):
        return "scikit-learn's callbacks"

    def _tell_end(self, task, context):
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=lambda: _fitted_attributes(context.model),
            **self._data,
        )

    def on_fit_begin(self, context):
        from sklearn.callback import CallbackSupportMixin

        self._fit = CallbackSupportMixin._init_callback_context(
            self.estimator,
            task_name="partial_fit" if context.is_partial else "fit",
            max_subtasks=context.n_epochs - context.epoch,
        )
        self._fit.call_on_fit_task_begin(estimator=self.estimator, **self._data)

    def on_epoch_begin(self, context):
        task = "epoch" if context.learning_rate is not None else "iteration"
        self._epoch = self._fit.subcontext(task_name=task)
        self._epoch.call_on_fit_task_begin(estimator=self.estimator, **self._data)

    def on_epoch_end(self, context):
        return self._tell_end(self._epoch, context)

    def on_fit_end(self, context):
        from sklearn.callback import with_callbacks

        def end(estimator):
            if context.error is None:
                self._tell_end(self._fit, context)

        with_callbacks(end)(self.estimator)  # tears them down in any case


def _fitted_attributes(model):
    return {name: value for name, value in vars(model).items() if name not in model.get_params()}
