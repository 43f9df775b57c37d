"""Fit on a cluster: the phases of a fit, with rows in the memory of workers."""

import math

import numpy as np
from dask.base import is_dask_collection

from .._fit.from_source import SourceFit
from .._network.batch_statistics import Moments, set_statistics
from .._specs.constraints import check_parameters
from ..data.source import Source
from .cluster import Cluster
from .partitions import PartitionedDataset, PartitionReader
from .rounds import Plan
from .source import DaskRows
from .sums import evaluation_of, evaluation_of_all, moments_of, refuse_quantiles
from .training import Rounds, RoundsTraining, SummedLBFGSTraining

# What workers need to convert rows.
_FOR_WORKERS = "model", "partial", "encoder", "loss", "dtype", "_balance"


class DaskFit(SourceFit):
    """A call of `fit` with collections, or with a source, on a cluster.

    Parameters
    ----------
    estimator : DaskMLPClassifier or DaskMLPRegressor
    """

    stochastic_training = RoundsTraining

    def __init__(self, estimator):
        check_parameters(estimator)
        super().__init__(estimator)
        self.cluster = Cluster(estimator.client, type(estimator).__name__)

    def __getstate__(self):
        state = {name: vars(self)[name] for name in _FOR_WORKERS if name in vars(self)}
        return state | {"model": self.model._twin(callbacks=None)}

    def run(self, *given):
        with self.cluster.held():
            super().run(*given)

    def resolve_parameters(self, *given):
        super().resolve_parameters(*given)
        if any(callback._checkpoint_interval for callback in self.callbacks):
            raise ValueError(
                "Checkpoint(batches=...) is not available on a cluster, which trains in rounds: "
                "leave it out, and the file is written after epochs."
            )

    def read_data(self, X, y, sample_weight, validation, classes):
        if self.model.device == "cuda":
            raise ValueError(
                "device='cuda' is not available on a cluster, whose workers train on their "
                "processors: choose device='cpu'."
            )
        X, y, sample_weight = self._source(X, y, sample_weight)
        if is_dask_collection(validation[0]):
            validation = self._source(*validation, suffix="_val")
        super().read_data(X, y, sample_weight, validation, classes)
        self.device = "cpu"

    def _source(self, X, y, sample_weight, suffix=""):
        """Return the source of collections, in place of what is given."""
        if isinstance(X, Source):
            return X, y, sample_weight
        return DaskRows.of(self.cluster, X, y, sample_weight, suffix), None, None

    def reader(self, source, reset=False):
        return PartitionReader(self.cluster, self, source, reset)

    def _plan(self):
        specs, model, settings, network = self.specs, self.model, self.settings, self.network
        return Plan(
            architecture=network.architecture,
            factors=model.learning_rate_factors,
            optimizer=specs.optimizer.code,
            n_slots=specs.optimizer.n_slots,
            averages=specs.averaging is not None,
            batch_size=settings.batch_size,
            seed=network.seed or 0,
            shuffle=settings.shuffle,
            mixing=settings.mixing,
            loss_divisor=settings.loss_divisor,
            n_jobs=model.n_jobs,
        )

    def prepare_augmentation(self, transforms):
        raise ValueError(
            "augment can be 'mixup' or 'cutmix' on a cluster, and no other transforms: let dask "
            "transform the rows before fit."
        )

    def _epochs(self):
        self.network.draw_seed(self.random_state)
        return Rounds(self.data, self._plan(), self.estimator.steps_per_round)

    def _training(self, engine, epochs, callbacks):
        if self.specs.is_stochastic:
            return super()._training(engine, epochs, callbacks)
        given = engine, self.network.state, self.data, self.specs.optimizer
        return SummedLBFGSTraining(self._plan(), *given, self.settings, self.history, callbacks)

    def _n_batches(self):
        n_steps = math.ceil(max(self.data.n_rows_each) / self.settings.batch_size)
        return math.ceil(n_steps / self.estimator.steps_per_round)

    def evaluation(self, engine, data, with_default):
        if not isinstance(data, PartitionedDataset):
            return super().evaluation(engine, data, with_default)
        if with_default:
            refuse_quantiles(self.loss)
        held = self.cluster.hold(self._plan())

        def evaluate():
            parts = self.cluster.map(
                evaluation_of,
                data.datasets,
                plan=held,
                vector=self.cluster.hold(_weights(self.network)),
                encoder=self.encoder,
                with_score=with_default,
            )
            return evaluation_of_all([part for part in self.cluster.results(parts) if part])

        return evaluate

    def recompute_statistics(self, every_layer, network=None):
        network = self.network if network is None else network
        held = self.cluster.hold(self._plan())

        def moments_of_stage(stage):
            moments, vector = Moments(), self.cluster.hold(_weights(network))
            parts = self.cluster.map(
                moments_of, self.data.datasets, plan=held, vector=vector, stage=stage
            )
            for part in self.cluster.results(parts):
                moments.join(part)
            return moments

        set_statistics(network, every_layer, moments_of_stage)


def _weights(network):
    """Return a vector of what a network predicts with."""
    return np.concatenate([network.state.parameters, network.state.statistics])
