"""Files and pickles of the estimators."""

from sklearn.base import is_regressor

from .. import _typing as t
from .._data.encoders import RealTargets
from .._data.pickles import damage_raises_value_error
from .._files import models
from .._network.network import Network
from .._printed_tables import PrintedColumns
from .._specs.constraints import defaults_of
from .._train.history import History
from ..losses import quantiles_of

#: Raised when a pickle of this version could not be read by older ones.
PICKLE_FORMAT = 2
# Those of the fitted attributes that the network holds.
_ARRAYS = ("coefs_", "intercepts_", "normalizations_", "activation_parameters_")


def views_of(network):
    """Return views of the network's arrays, by the names of the attributes."""
    arrays = (
        network.coefs,
        network.intercepts,
        network.normalizations,
        network.activation_parameters,
    )
    return dict(zip(_ARRAYS, map(list, arrays), strict=True))


def _targets_of(network):
    """Return the encoder of the targets of a regressor."""
    quantiles = quantiles_of(network.loss)
    return RealTargets(network.program.n_outputs // max(1, len(quantiles)), quantiles)


class Persistent:
    """Mixin of estimators that are saved and pickled."""

    def save(self, path: t.Path, *, training: bool = False) -> None:
        """Save the fitted estimator to a file, which `fastnn.load` loads.

        The file contains the parameters of the estimator and of the network, the classes, the names
        of the features and the history, but no data. Loading it executes no code. If writing fails,
        no incomplete file remains. `callbacks` are not saved.

        Parameters
        ----------
        path : str or path-like
            The file. An existing file is replaced when the new one is complete.
        training : bool, default=False
            Whether to save the state of the optimizer and of the averages too, so that
            `partial_fit` and `warm_start` continue bit for bit. The file is then two to three times
            as large. Otherwise they start with a new state.

        Raises
        ------
        ValueError
            If a parameter is an object or a function that cannot be imported by its name.
        OSError
            If the file cannot be written.
        """
        models.write(path, self._get_parts(training))

    @property
    def _keeps_encoder(self):
        """Return whether the network alone does not tell what the targets are."""
        return not is_regressor(self)

    def _get_parts(self, training):
        """Return the parts of a file by name; if `training`, all that training needs to go on."""
        network, own = self._fitted(), vars(self)
        parameters = models.parameters_of(self)
        derived = self._fitted_attributes(network, self._history, True).keys() - {"n_features_in_"}
        known = {*parameters, *derived, *models.NOT_SAVED}
        return {
            "estimator": type(self),
            "parameters": parameters,
            "network": network if training else network.bare(),
            "labels": network.encoder if self._keeps_encoder else None,
            "history": self._history,
            "attributes": {name: value for name, value in own.items() if name not in known},
            "is_stochastic": "loss_curve_" in own,
            "reads_arrays": self._reads_arrays,
        }

    def _set_parts(self, parts):
        """Set the attributes by the parts of a file, after checking that they fit together."""
        models.set_parameters(self, parts)
        self.__dict__.update(parts["attributes"])
        self._network, self._history = parts["network"], parts["history"]
        self._check_fitted(parts["labels"])
        self._set_fitted(self._network, self._history, parts["is_stochastic"])

    def __getstate__(self):
        from .. import __version__

        if "_network" in self.__dict__:
            self._fitted()
        state = dict(super().__getstate__())
        if "_network" in state:
            for name in _ARRAYS:
                state.pop(name, None)  # the network holds them
            state["history_"] = self._history.columns
            if self._keeps_encoder:  # that of the state, as a fit may end in the meantime
                state["_labels"] = state["_network"].encoder
        return state | {"_fastnn_version": __version__, "_fastnn_format": PICKLE_FORMAT}

    def __setstate__(self, state):
        from .. import __version__

        with damage_raises_value_error(type(self).__name__):
            state = dict(state)
            version, number = state.pop("_fastnn_version"), state.pop("_fastnn_format")
            is_known = number <= PICKLE_FORMAT
        if not is_known:
            raise ValueError(
                f"This {type(self).__name__} was saved by fastnn {version}, in a format that "
                f"fastnn {__version__} does not know: load it with fastnn {version} or later."
            )
        with damage_raises_value_error(type(self).__name__):
            # Parameters newer than the pickle have their defaults.
            labels = state.pop("_labels", None)
            super().__setstate__(defaults_of(type(self)) | state)
            if "_network" in state:
                self._check_fitted(labels)
                self.__dict__.update(views_of(self._network))
                self.history_ = PrintedColumns(self._history.columns)

    def _check_fitted(self, labels):
        """Set the encoder of an unpickled network, after checking that the parts are consistent."""
        network = self._network
        if not isinstance(network, Network) or not isinstance(self._history, History):
            raise ValueError("it has no network, or no history.")
        if (labels is None) == self._keeps_encoder:
            raise ValueError("it has no labels." if labels is None else "it has labels.")
        network.use_encoder(_targets_of(network) if labels is None else labels)
        if self.n_features_in_ != network.n_features:
            raise ValueError(
                f"n_features_in_ is {self.n_features_in_}, and its network has "
                f"{network.n_features}."
            )
