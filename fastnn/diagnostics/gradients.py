"""Comparison of gradients with finite differences."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..custom import CustomActivation, CustomLoss
from .finding import Finding, fmt, join_names
from .parameters import checked
from .probe import Probe, magnitude, refuse_heads
from .start import target_scale_advice


@dataclass(repr=False)
class GradientCheck(Finding):
    """Result of `check_gradients`.

    Attributes
    ----------
    errors : dict
        For each array of parameters, such as "coefs_[0]", the distance between gradient and finite
        differences, relative to their norm.
    functions : dict
        For each custom function, the largest error of its derivative, relative to the larger of 1
        and the derivative.
    n_checked, n_kinks : int
        Number of elements compared, and of elements skipped because the loss has a kink there.
    """

    errors: dict
    functions: dict
    n_checked: int
    n_kinks: int

    title: ClassVar[str] = "gradients"


@checked
def check_gradients(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_elements: int = 10,
    tolerance: float = 1e-4,
    max_rows: float = 50,
    random_state: int | None = 0,
) -> GradientCheck:
    """Compare gradients with finite differences of the loss.

    Both are computed by the engine in float64, near the initial or the fitted parameters; a little
    noise ensures that no unit is exactly at a kink. A `CustomActivation` and a `CustomLoss` are
    also checked separately, element by element. Targets of a regression that are far from all
    outputs are replaced by closer ones, because rounding hides differences of a large loss.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    n_elements : int, default=10
        Number of elements of each array of parameters that are compared, drawn at random.
    tolerance : float, default=1e-4
        Largest error allowed.
    max_rows : int, default=50
        Largest number of rows used.

    Returns
    -------
    finding : GradientCheck
    """
    probe = Probe(estimator, X, y, max_rows, random_state)
    refuse_heads(probe.model, "check_gradients knows")
    functions, problems = _check_functions(probe, tolerance)
    drawing = np.random.RandomState(random_state)
    arrays = _named_parameters(probe)
    for array in arrays.values():
        array += 0.1 * max(magnitude(array), 0.1) * drawing.standard_normal(array.shape)
    if target_scale_advice(probe):
        outputs = probe.activations()[-1]
        spread = magnitude(outputs) or 1.0
        probe.targets = outputs + spread * drawing.standard_normal(outputs.shape)
    if not math.isfinite(probe.differentiate()[0]):
        verdict = "the loss is not finite: weights or features are far too large."
        return GradientCheck(False, verdict, {}, functions, 0, 0)
    gradients = {name: array.copy() for name, array in _named_parameters(probe, True).items()}
    errors, n_checked, n_kinks = {}, 0, 0
    typical = max(magnitude(np.concatenate([g.ravel() for g in gradients.values()])), 1e-12)
    for name, array in arrays.items():
        flat = [np.unravel_index(i, array.shape) for i in _draw(drawing, array.size, n_elements)]
        found, expected = [], []
        for place in flat:
            difference = _difference(probe, array, place)
            if difference is None:
                n_kinks += 1
                continue
            found.append(gradients[name][place])
            expected.append(difference)
        n_checked += len(found)
        length = max(magnitude(np.array(expected)), magnitude(np.array(found)), 1e-3 * typical)
        errors[name] = magnitude(np.subtract(found, expected)) / length
    wrong = [name for name, error in errors.items() if not error <= tolerance]
    if wrong:
        problems.append(
            f"the gradients by {join_names(wrong)} differ from finite differences of the loss by "
            f"up to {fmt(100 * max(errors[name] for name in wrong))} %"
        )
    if not n_checked:
        problems.append("the loss has a kink wherever it was looked at: nothing could be compared")
    verdict = "; ".join(problems)
    if not problems:
        verdict = (
            f"{n_checked} elements agree with finite differences to "
            f"{fmt(max(errors.values()))} of their length"
        )
    return GradientCheck(not problems, verdict + ".", errors, functions, n_checked, n_kinks)


def _draw(drawing, size, n):
    return drawing.choice(size, int(min(n, size)), replace=False)


def _named_parameters(probe, of_gradient=False):
    """Return views of all trained arrays, or of their gradients, by name."""
    arena = probe.arena if of_gradient else probe.network.state.parameters
    names = {"coef": "coefs_", "intercept": "intercepts_"}
    found, numbers = {}, {}
    for array in probe.network.program.arrays:
        if array.is_statistic:
            continue
        number = numbers[array.name] = numbers.get(array.name, -1) + 1
        name = names.get(array.name, array.name)
        found[f"{name}[{number}]"] = array.view(arena)
    return found


def _difference(probe, array, place):
    """Return the central difference at one element; None at a kink."""
    here, step = array[place], 1e-5 * max(1.0, abs(array[place]))
    losses = []
    for value in (here - step, here, here + step, here - step / 2, here + step / 2):
        array[place] = value
        losses.append(probe.differentiate()[0])
    array[place] = here
    below, middle, above, near_below, near_above = losses
    wide, narrow = (above - below) / (2 * step), (near_above - near_below) / step
    left, right = (middle - below) / step, (above - middle) / step
    # For a smooth function both differences agree, and the sides differ by the curvature only.
    rounding = 1e-14 * abs(middle) / step
    scale = max(abs(wide), abs(narrow))
    if abs(wide - narrow) > 1e-6 * scale + 10 * rounding:
        return None
    if abs(left - right) > 1e-2 * scale + 10 * rounding:
        return None
    return wide


def _check_functions(probe, tolerance):
    """Return the errors of the user's derivatives, and sentences about wrong ones."""
    parts = probe.model.get_params(deep=True).values()
    custom = {id(part): part for part in parts if isinstance(part, CustomActivation | CustomLoss)}
    errors, problems = {}, []
    # Plausible values of units and outputs, from tiny to large.
    x = np.concatenate([np.linspace(-3, 3, 61) + 0.017, [-20.0, -8.0, 8.0, 20.0]])
    y = np.unique(np.asarray(probe.targets, float))
    y = y[np.linspace(0, len(y) - 1, min(len(y), 9)).astype(int)]
    for part in custom.values():
        if isinstance(part, CustomLoss):
            center, spread = probe.targets.mean(), probe.targets.std() or 1.0
            grid = [(center + spread * z, target) for z in x[:61:2] for target in y]
        else:
            grid = [(z,) for z in x]
        name = getattr(part.derivative, "__name__", repr(part.derivative))
        worst, where, values = 0.0, None, None
        for arguments in grid:
            found = _call(part.derivative, *arguments)
            expected = _slope(part.value, *arguments)
            if expected is None or found is None:
                continue
            error = abs(found - expected) / max(1.0, abs(expected))
            if not error <= worst:
                worst, where, values = error, arguments, (found, expected)
        errors[name] = float(worst)
        if not worst <= tolerance:
            at = ", ".join(fmt(argument) for argument in where)
            problems.append(
                f"{name}({at}) is {fmt(values[0])}, but the slope of "
                f"{getattr(part.value, '__name__', repr(part.value))} there is "
                f"{fmt(values[1])}: correct the derivative of {type(part).__name__}"
            )
    return errors, problems


def _call(function, *arguments):
    """Evaluate a function; None if it fails."""
    function = getattr(function, "py_func", function)
    try:
        with np.errstate(all="ignore"):
            value = float(function(*(float(argument) for argument in arguments)))
    except (ArithmeticError, ValueError):
        return None
    return value


def _slope(function, x, *others):
    """Return the slope at x by differences; None at a kink, or if a value is not finite."""
    step = 1e-5 * max(1.0, abs(x))
    values = [_call(function, x + shift * step, *others) for shift in (-1, 0, 1, -0.5, 0.5)]
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    below, middle, above, near_below, near_above = values
    wide, narrow = (above - below) / (2 * step), (near_above - near_below) / step
    if abs(wide - narrow) > 1e-5 * max(1.0, abs(wide)):
        return None
    if abs((above - middle) - (middle - below)) / step > 1e-2 * max(1.0, abs(wide)):
        return None
    return wide
