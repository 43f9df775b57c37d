"""Base class of the estimators: fitting, prediction, summary."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr, metaestimators

from .. import _core
from .._data.rows import check_finite, read_rows, read_targets
from .._fit.locking import training_lock
from .._printed_tables import PrintedColumns
from .._specs.constraints import check_parameters
from .._specs.spec import ListsOfSpecs, plain_parameters
from ..callbacks.protocol import TakesCallbacks
from ..data.passes import nameless, placed, rows_of, targets_to_score
from ..data.source import Source
from ..losses import row_and_parameter
from ..optimizers import LBFGS
from .exporting import Exportable
from .persistence import Persistent, views_of

if TYPE_CHECKING:
    from .._network.summary import Summary

Method = TypeVar("Method", bound=Callable)

# What scikit-learn's solvers, given by name, take over from the estimator's parameters.
_OF_SOLVERS = {
    "sgd": {"momentum": "momentum", "nesterov": "nesterovs_momentum"},
    "adam": {name: name for name in ("beta_1", "beta_2", "epsilon")},
    "lbfgs": {"max_fun": "max_fun"},
}
# In place of fitted attributes that there are not.
_ABSENT = object()


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Return scikit-learn's decorator of this name, which keeps the type of a method."""
    return cast(Callable[[Method], Method], metaestimators.available_if(check))


class BaseMLP(Persistent, Exportable, TakesCallbacks, ListsOfSpecs, BaseEstimator):
    """Base class of `MLPClassifier`, `MLPRegressor` and `MultiTaskMLP`."""

    # Parameters that some lack, for code that reads them of all.
    label_smoothing = 0.0
    class_weight = None

    def _set_parameters(self, arguments):
        """Store the arguments of `__init__` unchanged."""
        self.__dict__.update(arguments)
        del self.__dict__["self"]

    # ------------------------------------------------------------------------- fitting

    def _spec_defaults(self, parameter):
        """Return defaults for a spec that is given by name, from the estimator's parameters."""
        own = {"power_t": "power_t"} if parameter == "learning_rate" else {}
        if parameter == "solver" and isinstance(self.solver, str):
            own = _OF_SOLVERS.get(self.solver, {})
        return {name: getattr(self, mine) for name, mine in own.items()}

    def _validate_params(self):
        check_parameters(self)

    def _fit(self, X, y, sample_weight, validation=(), *, partial=False, classes=None):
        with training_lock(self, type(self).__name__):
            if isinstance(X, Source):  # what only training needs is loaded here
                from .._fit.from_source import SourceFit as Fit
            else:
                from .._fit.fit import Fit

            Fit(self, partial).run(X, y, sample_weight, validation, classes)
        return self

    def _twin(self, **changes):
        """Return a copy to work with, with some attributes changed.

        Its parameters are plain numbers; its callbacks are the user's objects.
        """
        twin = object.__new__(type(self))
        own = twin.__dict__
        own.update(self.__dict__)
        changes.setdefault("callbacks", self.callbacks)
        own.update(plain_parameters(own, self._get_param_names()) | changes)
        return twin

    def _twin_of_arrays(self, **changes):
        """Return a twin that predicts for rows already converted by `read`."""
        twin = self._twin(**changes)
        twin.__dict__.pop("feature_names_in_", None)
        if not self._reads_arrays:
            twin.n_features_in_ = self._network.n_features
            twin.read = functools.partial(BaseMLP.read, twin)
        return twin

    def _set_fitted(self, network, history, stochastic):
        """Set the attributes that `fit` leaves; returns their names."""
        attributes = self._fitted_attributes(network, history, stochastic)
        for name, value in attributes.items():
            if value is _ABSENT:
                self.__dict__.pop(name, None)
            else:
                self.__dict__[name] = value
        return attributes.keys()

    def _fitted_attributes(self, network, history, stochastic):
        """Return the attributes that `fit` leaves, by name."""
        out_activation = network.layers[-1].activation
        curves = {
            "loss_curve_": history.loss_curve,
            "best_loss_": None if history.stops_early else history.best_loss,
            "validation_scores_": history.validation_scores if history.validates else None,
            "best_validation_score_": history.best_validation_score if history.validates else None,
            "stopped_": history.stopped,
            "_no_improvement_count": history.n_stalled,
        }
        return {
            "_network": network,
            "_history": history,
            **views_of(network),
            "n_features_in_": self.n_features_in_,
            "n_layers_": len(network.layers) + 1,
            "n_outputs_": network.encoder.shown_outputs,
            "out_activation_": getattr(out_activation, "name", out_activation),
            "loss_": history.loss,
            "n_iter_": history.n_iter,
            "t_": history.n_seen,
            "history_": PrintedColumns(history.columns),
            **(curves if stochastic else dict.fromkeys(curves, _ABSENT)),
        }

    # ------------------------------------------------------------------------- reading

    def read(self, X: Any, *, reset: bool = False, name: str = "X") -> Any:
        """Read the rows of `fit`, `predict` and diagnostics.

        A subclass may override it to convert its input, such as a table with categories, to rows
        for this method. If `reset`, it stores fitted attributes of the conversion in `self`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        reset : bool, default=False
            Whether to store the number and names of the features, for a new training. Otherwise
            they are compared with the stored ones.
        name : str, default="X"
            Name of the rows in error messages.

        Returns
        -------
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
            The rows as the network reads them: an array of numbers of at most 64 bits, or a CSR
            matrix of float32 or float64.
        """
        return read_rows(self, X, reset, name)

    @property
    def _reads_arrays(self):
        """Return whether rows are read by `read` of this class, not by one of a subclass."""
        return type(self).read is BaseMLP.read

    # ------------------------------------------------------------------------- predicting

    def _fitted(self):
        """Return the fitted network, with the arrays that the user has replaced."""
        own = self.__dict__
        while (network := own.get("_network")) is not None:
            coefs, intercepts = self.coefs_, self.intercepts_
            mine = (*coefs, *intercepts)
            if _core.are_same(mine, network.views):
                return network
            if own.get("_network") is network:  # otherwise a fit has ended in the meantime
                self.coefs_, self.intercepts_ = network.adopt(coefs, intercepts)
                return network
        raise NotFittedError(
            f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
            "appropriate arguments before using this estimator."
        )

    def _outputs(self, X, pre_activation=False, both_classes=False):
        """Return the network, and its outputs or pre-activations for rows.

        If `both_classes`, a network of one output has two: 1 minus the output, and the output.
        The caller decodes outputs with this network, because a fit may end in the meantime.
        """
        network = self._fitted()
        if type(X) is not np.ndarray and isinstance(X, Source):
            return network, self._outputs_of_source(X, pre_activation, both_classes)
        X = self.read(X)
        if X.shape[1] != network.program.n_features or type(X) is not np.ndarray:
            network.check_rows(X)
        both_classes = both_classes and network.program.n_outputs == 1
        outputs, finite = network.predict(X, self.n_jobs, self.device, pre_activation, both_classes)
        if not finite and not get_config()["assume_finite"]:
            check_finite(self, X)
            raise ValueError(
                f"Input X contains a value too large for {network.dtype}, the precision of this "
                f"{type(self).__name__}: scale X, or fit with precision='float64'."
            )
        return network, outputs

    def _outputs_of_source(self, source, *how):
        """Return outputs for all rows of a source; a thread reads ahead."""
        from .._train.read_ahead import ReadAhead

        twin, outputs, reader = self._twin(), [], None
        with ReadAhead(rows_of(source)) as pieces:
            for rows in pieces:
                with placed(rows):
                    if reader is None:
                        reader = nameless(twin, source, rows.X, reset=False)
                    outputs.append(reader._outputs(rows.X, *how)[1])
        return np.concatenate(outputs)

    def _targets(self, X, y, sample_weight):
        return targets_to_score(X, y, sample_weight, functools.partial(read_targets, self))

    # ------------------------------------------------------------------------- transfer

    def transfer(self, to: Any = None, *, freeze: bool | Sequence[int] = False) -> Any:
        """Return an estimator whose training starts from the hidden layers of this network.

        The output layer is initialised anew, for other targets. The hidden layers are copied with
        all their parameters and the moving averages of batch norm.

        Parameters
        ----------
        to : MLPClassifier, MLPRegressor or MultiTaskMLP, default=None
            The estimator to clone. None clones this one. The clone gets the hidden layers of this
            network, unless it has `layers`, which must then begin with the same layers.
        freeze : bool or list of int, default=False
            The hidden layers to freeze: True freezes all, a list freezes the layers with these
            numbers. Their learning rates are 0 (`learning_rate_factors`). If all are frozen,
            `FeatureExtractor` is faster, because it computes their activations only once.

        Returns
        -------
        estimator : estimator
            The unfitted estimator. Its `weight_init` is a `fastnn.initializers.Pretrained`, which
            clones, searches and pickles preserve.

        Raises
        ------
        ValueError
            If `freeze` contains the number of a layer that does not exist. `fit` raises one if the
            shapes of the layers differ.

        References
        ----------
        Yosinski, J., Clune, J., Bengio, Y. and Lipson, H. "How transferable are features in deep
        neural networks?" (2014).

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from fastnn import MLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> source = MLPClassifier((50,), max_iter=30, random_state=0).fit(X / 16, y >= 5)
        >>> model = source.transfer(MLPClassifier(max_iter=30, random_state=0), freeze=True)
        >>> (model.fit(X / 16, y).coefs_[0] == source.coefs_[0]).all()
        np.True_
        """
        from .transfer import transferred

        return transferred(self._fitted(), self, to, freeze)

    # ------------------------------------------------------------------------- what is shown

    def summary(self) -> "Summary":
        """Return the stages of the fitted network, with output shapes and numbers of parameters.

        Returns
        -------
        summary : Summary
            A summary that prints as a table, also in notebooks. ``summary.lines`` and
            ``summary.n_parameters`` contain the numbers.
        """
        from .._network.summary import Summary

        network = self._fitted()
        return Summary(network.program, self._output_names(network))

    def _output_names(self, network):
        """Return what a summary calls the output of each head."""
        own_stage = row_and_parameter(network.loss)[0].any_activation
        activation = "identity" if own_stage else self.out_activation_
        n_heads = network.program.n_heads
        if n_heads == 1:
            return [f"output: {activation}"]
        return [f"output {head}: {activation}" for head in range(n_heads)]

    def _repr_html_inner(self):
        html = estimator_html_repr(self)
        return f"{html}{self.summary()._repr_html_()}" if "_network" in vars(self) else html

    def _repr_mimebundle_(self, **kwargs):
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_inner()
        return bundle

    # ------------------------------------------------------------------------- scikit-learn

    def _check_solver(self):
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
