"""Report of all diagnostics."""

import inspect
import textwrap
from collections.abc import Collection
from time import perf_counter
from typing import Any

from .._fit.resolve import optimizer_of
from .._printed_tables import FAULT, html_table
from ..optimizers import LBFGS, Rprop
from .finding import join_names
from .gradients import GradientCheck, check_gradients
from .hessian import Curvature, curvature
from .inputs import InputScale, input_scale
from .layers import LayerHealth, layer_health
from .parameters import checked
from .probe import unwrap
from .rates import LearningRateRange, learning_rate_range
from .rows import RowGradients, row_gradients
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
    """Result of `check_training`, printed as text or HTML.

    Attributes
    ----------
    findings : dict of str to Finding
        Findings by name of the diagnostic, such as "initial_loss".
    skipped : dict of str to str
        Diagnostics left out, and the reasons.
    seconds : float
        Total time.
    """

    def __init__(self, findings, skipped, seconds):
        self.findings, self.skipped, self.seconds = findings, skipped, seconds

    @property
    def faults(self) -> list[str]:
        """Names of the diagnostics with a fault."""
        return [name for name, finding in self.findings.items() if not finding.ok]

    @property
    def ok(self) -> bool:
        """True if no diagnostic found a fault."""
        return not self.faults

    def __getitem__(self, name):
        return self.findings[name]

    def _lines(self):
        for finding in self.findings.values():
            yield "ok" if finding.ok else FAULT, finding.title, finding.verdict
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
        return html_table([("", "check", "verdict"), *self._lines()], caption=self._summary())


_CHECKS = {
    "input_scale": input_scale,
    "initial_loss": initial_loss,
    "regularization_effect": regularization_effect,
    "overfit_tiny_subset": overfit_tiny_subset,
    "check_gradients": check_gradients,
    "row_gradients": row_gradients,
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
                RowGradients,
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
    estimator: Any,
    X: Any,
    y: Any,
    *,
    X_val: Any = None,
    y_val: Any = None,
    skip: Collection[str] = (),
    max_rows: float = 2000,
    random_state: int | None = 0,
) -> TrainingReport:
    """Run all diagnostics, and report their findings.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted or not; a pipeline ends with either. It is not modified.
    X, y
        As for `fit`. NaN and infinity are reported, and the other checks are then left out.
    X_val, y_val : array-like, default=None
        Validation data for `generalization`. None splits off a quarter of the rows.
    skip : sequence of str, default=()
        Names of diagnostics to leave out, such as "curvature" and "generalization", which take the
        longest.
    max_rows : int, default=2000
        Largest number of rows used; some diagnostics use fewer.
    random_state : int, default=0
        Seed of the subsample.

    Returns
    -------
    report : TrainingReport
        ``report.ok`` and ``report.faults`` summarise it, and ``report["learning_rate_range"]`` is a
        single finding.

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
            f"skip names {join_names(sorted(map(repr, unknown)))}: the diagnostics are "
            f"{join_names(_CHECKS, len(_CHECKS))}."
        )
    start, findings, skipped = perf_counter(), {}, dict.fromkeys(skip, "by skip")

    def run(name, *arguments, **options):
        if name not in skipped:
            check = _CHECKS[name]
            own = inspect.signature(check).parameters["max_rows"].default
            common = dict(max_rows=min(own, max_rows), random_state=random_state)
            findings[name] = check(*arguments, **options, **common)

    model, X, X_val = unwrap(estimator, X, X_val, y=y)
    run("input_scale", X)
    if "input_scale" in findings and findings["input_scale"].missing:
        reason = "X has values that are not finite"
        skipped |= {name: reason for name in _CHECKS if name not in findings | skipped}
        return TrainingReport(findings, skipped, perf_counter() - start)
    if isinstance(optimizer_of(model), LBFGS | Rprop):
        skipped.setdefault("learning_rate_range", f"solver={model.solver!r} has no learning rate")
    for name in list(_CHECKS)[1:-1]:
        run(name, model, X, y)
    run("generalization", model, X, y, X_val=X_val, y_val=y_val)
    return TrainingReport(findings, skipped, perf_counter() - start)
