"""All diagnostics, and what they found in words."""

import html
import inspect
import textwrap
from time import perf_counter

from .._fit.resolve import optimizer_of
from ..optimizers import LBFGS, Rprop
from .finding import listed
from .gradients import GradientCheck, check_gradients
from .hessian import Curvature, curvature
from .inputs import InputScale, input_scale
from .layers import LayerHealth, layer_health
from .parameters import checked
from .probe import opened
from .rates import LearningRateRange, learning_rate_range
from .scores import Generalization, generalization
from .start import (
    InitialLoss,
    RegularizationEffect,
    TinySubset,
    initial_loss,
    overfit_tiny_subset,
    regularization_effect,
)


class TrainingReport:
    """What `check_training` found; it prints itself, as text and as HTML.

    Attributes
    ----------
    findings : dict of str to Finding
        By name of the diagnostic, such as "initial_loss".
    skipped : dict of str to str
        Why some were left out.
    seconds : float
        How long all of them took.
    """

    def __init__(self, findings, skipped, seconds):
        self.findings, self.skipped, self.seconds = findings, skipped, seconds

    @property
    def faults(self):
        """Names of the diagnostics that found a fault."""
        return [name for name, finding in self.findings.items() if not finding.ok]

    @property
    def ok(self):
        """Whether none did."""
        return not self.faults

    def __getitem__(self, name):
        return self.findings[name]

    def _lines(self):
        for finding in self.findings.values():
            yield "ok" if finding.ok else "FAULT", finding.title, finding.verdict
        for name, reason in self.skipped.items():
            yield "-", _TITLES[name], f"left out: {reason}"

    def _summary(self):
        n = len(self.faults)
        found = "no fault" if n == 0 else f"{n} fault{'s' * (n > 1)}"
        return f"{found} in {len(self.findings)} checks, {self.seconds:.1f} s"

    def __repr__(self):
        lines = list(self._lines())
        width = max(len(title) for _, title, _ in lines)
        indent = " " * (9 + width)
        text = [
            textwrap.fill(
                verdict, 96, initial_indent=f"{mark:<7}{title:<{width}}  ", subsequent_indent=indent
            )
            for mark, title, verdict in lines
        ]
        return "\n".join([f"check_training: {self._summary()}", "", *text])

    def _repr_html_(self):
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>"
            for line in self._lines()
        )
        head = "<tr><th></th><th>check</th><th>verdict</th></tr>"
        caption = html.escape(self._summary())
        return (
            f"<table><caption>{caption}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"
        )


_CHECKS = {
    "input_scale": input_scale,
    "initial_loss": initial_loss,
    "regularization_effect": regularization_effect,
    "overfit_tiny_subset": overfit_tiny_subset,
    "check_gradients": check_gradients,
    "learning_rate_range": learning_rate_range,
    "layer_health": layer_health,
    "curvature": curvature,
    "generalization": generalization,
}
_TITLES = dict(
    zip(
        _CHECKS,
        (
            found.title
            for found in (
                InputScale,
                InitialLoss,
                RegularizationEffect,
                TinySubset,
                GradientCheck,
                LearningRateRange,
                LayerHealth,
                Curvature,
                Generalization,
            )
        ),
        strict=True,
    )
)


@checked
def check_training(
    estimator, X, y, *, X_val=None, y_val=None, skip=(), max_rows=2000, random_state=0
):
    """Ask all diagnostics, and report in words.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        One that ends with either; fitted or not. It is left as it is.
    X, y
        As for `fit`. A NaN or an infinity is reported, and the other checks are left out.
    X_val, y_val : array-like, default=None
        Validation data for `generalization`; without, a quarter of the rows is.
    skip : sequence of str, default=()
        Names of diagnostics to leave out, such as "curvature" and "generalization", which take
        longest.
    max_rows : int, default=2000
        Most rows that a diagnostic looks at; some take fewer.
    random_state : int, default=0
        Draws them.

    Returns
    -------
    report : TrainingReport
        Prints itself. ``report.ok`` and ``report.faults`` tell what it found, and
        ``report["learning_rate_range"]`` is a single finding.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.diagnostics import check_training
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> report = check_training(MLPClassifier(learning_rate_init=0.2, random_state=0), X / 16, y)
    >>> report.ok, "learning_rate_range" in report.faults
    (False, True)
    """
    if unknown := [name for name in skip if name not in [*_CHECKS]]:
        raise ValueError(
            f"skip names {listed(sorted(map(repr, unknown)))}: the diagnostics are "
            f"{listed(_CHECKS, len(_CHECKS))}."
        )
    start, findings, skipped = perf_counter(), {}, dict.fromkeys(skip, "by skip")

    def ask(name, *arguments, **options):
        if name not in skipped:
            check = _CHECKS[name]
            own = inspect.signature(check).parameters["max_rows"].default
            common = dict(max_rows=min(own, max_rows), random_state=random_state)
            findings[name] = check(*arguments, **options, **common)

    model, X, X_val = opened(estimator, X, X_val, y=y)
    ask("input_scale", X)
    if "input_scale" in findings and findings["input_scale"].missing:
        reason = "X has values that are not finite"
        skipped |= {name: reason for name in _CHECKS if name not in findings | skipped}
        return TrainingReport(findings, skipped, perf_counter() - start)
    if isinstance(optimizer_of(model), LBFGS | Rprop):
        skipped.setdefault("learning_rate_range", f"solver={model.solver!r} has no learning rate")
    for name in list(_CHECKS)[1:-1]:
        ask(name, model, X, y)
    ask("generalization", model, X, y, X_val=X_val, y_val=y_val)
    return TrainingReport(findings, skipped, perf_counter() - start)
