"""Loss functions, by name. The native code knows them by their codes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """A loss, with the output activation that is its canonical link.

    With it, the gradient of the loss with respect to the last pre-activation is the output minus
    the target.
    """

    name: str
    code: int
    output_activation: str
    class_codes: bool = False  # targets are one class number a row, not one value an output
    mean_over_outputs: bool = False  # scikit-learn reports the mean; all train on the sum


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("squared_error", 0, "identity", mean_over_outputs=True),
        Loss("log_loss", 1, "softmax", class_codes=True),
        Loss("binary_log_loss", 2, "logistic"),
        Loss("poisson", 3, "exp"),
    )
}
