"""A fit to the rows of a source, which are read in each epoch."""

from sklearn.base import is_classifier

from .. import _core
from .._data.encoders import read_classes
from .._network.batch_statistics import Moments, inputs_of, set_statistics
from ..data.passes import refuse_beside, side_by_side
from .fit import Fit
from .resolve import dtype_of
from .validation_data import read_validation_data


class SourceFit(Fit):
    """A call of `fit` or `partial_fit` with a source in place of X and y."""

    def read_data(self, X, y, sample_weight, validation, classes):
        """Read the first rows, and count rows and classes where that is needed."""
        model, source = self.model, X
        refuse_beside(source, y, sample_weight)
        if self.specs.early_stopping and validation[0] is None:
            source, held_out = source.split(
                model.validation_fraction, random_state=self.random_state
            )
            validation = held_out, None, None
        self.device = _core.device_of_data(model.device, False)
        self._reader = self.reader(source, self.fresh)
        self.dtype = dtype_of(model, self._reader.X, self.fitted)
        classes = source.classes if classes is None else classes
        classes = None if classes is None else read_classes(classes)
        n_rows, labels = self._count(source, classes)
        self.encoder, self.loss = model._encoder(labels, self.fitted, self.partial, classes)
        self._check_class_weight()
        self.data = self._reader.dataset(n_rows)
        self.held_out = read_validation_data(self, *validation) if validation else None
        if self.keeps_checkpoints:
            self._identify()

    def _count(self, source, classes):
        """Return the number of rows, and labels that have all classes; or some targets."""
        model, reader = self.model, self._reader
        of_classes = is_classifier(model) and (classes is None or self._balances)
        n_rows, labels, self._balance = source.n_rows, None, None
        if n_rows is None or of_classes:
            n_rows, labels, weights = reader.count(of_classes)
            self._balance = labels, weights
        if classes is not None:
            labels = side_by_side(classes) if isinstance(classes, list) else classes
        elif labels is None:
            labels = reader.read_targets(reader.first.y)
        return n_rows, labels

    @property
    def _balances(self):
        return isinstance(self.model.class_weight, str)

    def _check_class_weight(self):
        if self._balances and self._balance[1] is None:
            raise ValueError(
                "class_weight='balanced' is for one label in each row, where they come from a "
                "source: give a dict or a list of dicts of weights."
            )

    def hold_out(self):
        """Do nothing: rows are held out before they are read."""

    def set_up_training(self):
        """Refuse what needs all rows at once, and resolve the settings."""
        optimizer, solver = self.specs.optimizer, self.model.solver
        if not self.specs.is_stochastic and self.network.program.n_statistics:
            raise ValueError(
                f"solver={solver!r} needs all rows at once for batch normalization, and a source "
                "has them in parts: choose a solver such as 'adam', or normalization='layer'."
            )
        if self.specs.is_stochastic and optimizer.full_batch and self.model.batch_size == "auto":
            raise ValueError(
                f"solver={solver!r} takes each step with all rows, and a source has them in parts: "
                "give batch_size, or choose a solver such as 'adam' or 'lbfgs'."
            )
        super().set_up_training()

    def _split_rows(self):
        return None, None

    def _may_fail(self):
        return True  # where rows are read

    def recompute_statistics(self, every_layer, network=None):
        """Set the statistics of batch norm to those of all training rows."""
        model, device = self.model, self.device

        network = self.network if network is None else network

        def moments_of(stage):
            inputs = network.variant(program=inputs_of(network.program, stage))
            moments = Moments()
            for part in self.data.parts():
                moments.add(inputs.predict(part.X, model.n_jobs, device)[0])
            return moments

        set_statistics(network, every_layer, moments_of)
