"""Activation functions, by name. The native code knows them by their codes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Activation:
    """A function of the pre-activation of a layer."""

    name: str
    code: int
    output_only: bool = False  # it belongs to a loss, and has no gradient of its own


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", 0),
        Activation("logistic", 1),
        Activation("tanh", 2),
        Activation("relu", 3),
        Activation("softmax", 4, output_only=True),
        Activation("exp", 5, output_only=True),
    )
}
HIDDEN_ACTIVATIONS = [name for name, row in ACTIVATIONS.items() if not row.output_only]
