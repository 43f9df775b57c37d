"""Members of an ensemble: a configuration with a network for each fold."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .configurations import Configuration


@dataclass(repr=False)
class Member:
    """Networks of a configuration, whose outputs are averaged.

    Attributes
    ----------
    weight : float
        Weight of the member in the ensemble.
    configuration : Configuration
        Hyperparameters of its networks.
    networks : list of Network
        A network for each fold. Their parameters are in `coefs_` and `intercepts_`.
    encoding : Encoding
        Encoding of the rows of the networks.
    factor : float
        Factor of the predictions, which corrects the bias of a transform of the targets.
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

    def outputs(self, values, n_jobs=None):
        """Return the outputs of each network for the values of a table."""
        rows = self.encoding.transform(values)
        return np.array([network.predict(rows, n_jobs)[0] for network in self.networks])

    def decode(self, outputs, targets):
        """Return predictions for outputs.

        Parameters
        ----------
        outputs : ndarray of shape (.., n_rows, n_outputs)
        targets : ClassTargets or NumberTargets
        """
        return self.factor * targets.decode(outputs, self.configuration.target_transform)
