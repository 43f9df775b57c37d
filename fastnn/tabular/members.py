"""Members of an ensemble: each a configuration, with a network for each fold."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .configurations import Configuration


@dataclass(repr=False)
class Member:
    """Networks of a configuration, whose mean output counts.

    Attributes
    ----------
    weight : float
        Weight of the member in the ensemble.
    configuration : Configuration
        Hyperparameters of its networks.
    networks : list of Network
        A network for each fold. `coefs_` and `intercepts_` have their parameters.
    encoding : Encoding
        What makes rows of the networks.
    factor : float
        What predictions are multiplied by, to correct the bias of a transform of the targets.
    """

    weight: float
    configuration: Configuration
    networks: list[Any]
    encoding: Any
    factor: float = 1.0

    def __repr__(self):
        return (
            f"Member(weight={self.weight:.3g}, n_networks={len(self.networks)}, "
            f"configuration={self.configuration})"
        )

    @property
    def coefs_(self):
        """Weights of the layers of each network."""
        return [network.coefs for network in self.networks]

    @property
    def intercepts_(self):
        """Biases of the layers of each network."""
        return [network.intercepts for network in self.networks]

    def decisions(self, values, targets, n_jobs=None):
        """Return the predictions for the values of a table.

        Parameters
        ----------
        values : Values
        targets : ClassTargets or NumberTargets
        n_jobs : int or None
        """
        rows = self.encoding.transform(values)
        outputs = [network.predict(rows, n_jobs)[0] for network in self.networks]
        mean = np.mean(outputs, axis=0)
        return self.factor * targets.decode(mean, self.configuration.target_transform)
