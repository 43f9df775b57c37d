"""Schedules of hyperparameters that change during training, above all of the learning rate.

A schedule is a factor of the initial value as a function of the step. The factors of many steps are
computed at once, in float64; the engine reads them from its table of steps.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from ._specs.constraints import Interval, OneOf
from ._specs.registry import register
from ._specs.spec import Spec, resolve

_FRACTION = Interval(Real, 0, 1, closed="both")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")
_PER = OneOf({"step", "epoch"})


@dataclass(slots=True)
class Steps:
    """Consecutive steps of one epoch, and the state of training before them.

    Attributes
    ----------
    number : ndarray of shape (n,)
        Numbers of the steps, counted from 0 over all calls of `fit`.
    epoch : int or ndarray of shape (n,)
        Number of their epoch, from 0.
    n_steps, n_epochs : int
        Planned numbers of steps and epochs, including those already done: `max_iter` more epochs
        with each call of `fit`, and `max_iter` in all with `partial_fit`.
    steps_per_epoch : int
    ends_epoch : bool
        Whether the last of these steps is the last of its epoch.
    n_seen : int
        Number of training rows seen before the epoch.
    n_reductions : int
        How often training stalled and continued with a lower rate.
    curve : sequence of float
        The validation scores of the epochs so far, or the training losses if there is no validation
        data.
    sign : {1, -1}
        Whether larger (1) or smaller (-1) values of the curve are better.
    """

    number: np.ndarray
    epoch: Any = 0
    n_steps: int = 1
    n_epochs: int = 1
    steps_per_epoch: int = 1
    ends_epoch: bool = True
    n_seen: int = 0
    n_reductions: int = 0
    curve: Sequence[float] = ()
    sign: int = 1

    def after(self, n: int):
        """Return the same steps, counted from step n (and epochs from its epoch)."""
        n_epochs = n // self.steps_per_epoch
        return replace(
            self,
            number=np.maximum(self.number - n, 0),
            epoch=np.maximum(self.epoch - n_epochs, 0),
            n_steps=max(1, self.n_steps - n),
            n_epochs=max(1, self.n_epochs - n_epochs),
        )


class Schedule(Spec):
    """Base class of the schedules.

    In their formulas t is the number of the step or epoch, depending on `per`, from 0, and n is the
    planned number of them. All bounds are relative to the initial value.
    """

    per: str = "epoch"
    last_words: str = "Stopping."

    def factors(self, steps: Steps) -> np.ndarray:
        """Return the factors of the initial value.

        Parameters
        ----------
        steps : Steps

        Returns
        -------
        factors : ndarray of shape (n,)
        """
        if self.per == "step":
            values = self.at(steps.number, steps.n_steps)
        else:
            values = self.at(np.asarray(steps.epoch), steps.n_epochs)
        return np.broadcast_to(np.asarray(values, np.float64), steps.number.shape)

    def at(self, t: np.ndarray, n: int):
        """Return the factors at t of n, for schedules that depend on these only."""
        raise NotImplementedError

    def reduces(self, rate: float) -> bool:
        """Return whether training continues with a lower rate after stalling at this one."""
        return False


@dataclass
class Constant(Schedule):
    """Keep the initial value."""

    def factors(self, steps):
        return np.ones(len(steps.number))


@dataclass
class InvScaling(Schedule):
    """Divide by a power of the number of rows seen before the epoch: 'invscaling'.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent. The factor is ``1 / (n_seen + 1) ** power_t``.
    """

    power_t: float = 0.5

    _parameter_constraints: ClassVar[dict] = {"power_t": [Interval(Real, 0, None, closed="left")]}

    def factors(self, steps):
        return np.full(len(steps.number), 1 / (steps.n_seen + 1) ** self.power_t)


@dataclass
class Adaptive(Schedule):
    """Divide the learning rate whenever training stalls: 'adaptive'.

    Training continues where it would have stopped, after `n_iter_no_change` epochs.

    Parameters
    ----------
    divisor : float, default=5.0
        The divisor of the rate when neither loss nor validation score improves any more.
    minimum : float, default=1e-6
        Training stops when it stalls at this learning rate or a lower one. This is an absolute
        rate, not relative to the initial one.
    """

    divisor: float = 5.0
    minimum: float = 1e-6

    _parameter_constraints: ClassVar[dict] = {
        "divisor": [Interval(Real, 1, None, closed="neither")],
        "minimum": [_POSITIVE],
    }
    last_words = "Learning rate too small. Stopping."

    def factors(self, steps):
        return np.full(len(steps.number), 1 / self.divisor**steps.n_reductions)

    def reduces(self, rate):
        return rate > self.minimum


@dataclass
class LinearDecay(Schedule):
    """Decrease linearly to a floor, and stay there.

    ::

        factor = (1 - a) + a floor,  a = min(t / tau, 1)

    Parameters
    ----------
    floor : float, default=0.01
        The last factor, in [0, 1].
    tau : int or None, default=None
        The step or epoch at which it is reached. None is the end of the planned training.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Goodfellow, I., Bengio, Y. and Courville, A. "Deep learning" (2016), equation 8.14.
    """

    floor: float = 0.01
    tau: int | None = None
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "floor": [_FRACTION],
        "tau": [_COUNT, None],
        "per": [_PER],
    }

    def at(self, t, n):
        a = np.minimum(t / (n if self.tau is None else self.tau), 1)
        return (1 - a) + a * self.floor


@dataclass
class InverseDecay(Schedule):
    """Decay as the inverse of a linear function: ``factor = 1 / (1 + epsilon t)``.

    Parameters
    ----------
    epsilon : float, default=0.01
        The rate of decay.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Robbins, H. and Monro, S. "A stochastic approximation method" (1951): with a rate that decays as
    1 / t noise averages out, and the sum of the steps is unbounded.
    """

    epsilon: float = 0.01
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"epsilon": [_POSITIVE], "per": [_PER]}

    def at(self, t, n):
        return 1 / (1 + self.epsilon * t)


@dataclass
class PolynomialDecay(Schedule):
    """Decay as an inverse power: ``factor = 1 / (t + 1) ** power``.

    `InvScaling` has the same formula, but counts rows.

    Parameters
    ----------
    power : float, default=0.5
        The exponent.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Bottou, L. "Stochastic gradient descent tricks" (2012), section 5.2.
    """

    power: float = 0.5
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"power": [_POSITIVE], "per": [_PER]}

    def at(self, t, n):
        return 1 / (t + 1.0) ** self.power


@dataclass
class ExponentialDecay(Schedule):
    """Decay exponentially: ``factor = gamma ** t``.

    Parameters
    ----------
    gamma : float, default=0.95
        The base, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        The unit of t.

    References
    ----------
    PyTorch's ``ExponentialLR``.
    """

    gamma: float = 0.95
    per: str = "epoch"

    _parameter_constraints: ClassVar[dict] = {
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "per": [_PER],
    }

    def at(self, t, n):
        return float(self.gamma) ** t


@dataclass
class StepDecay(Schedule):
    """Decay by steps: ``factor = gamma ** floor(t / step_size)``.

    Parameters
    ----------
    step_size : int, default=30
        Number of steps or epochs between reductions.
    gamma : float, default=0.1
        The factor of a reduction, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        The unit of t.

    References
    ----------
    PyTorch's ``StepLR``. The defaults are those of He, K. et al. "Deep residual learning for image
    recognition" (2016) for ImageNet.
    """

    step_size: int = 30
    gamma: float = 0.1
    per: str = "epoch"

    _parameter_constraints: ClassVar[dict] = {
        "step_size": [_COUNT],
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "per": [_PER],
    }

    def at(self, t, n):
        return float(self.gamma) ** (t // self.step_size)


@dataclass
class CosineDecay(Schedule):
    """Decrease along half a cosine to a minimum, with optional restarts.

    ::

        factor = minimum + (1 - minimum) (1 + cos(pi t / period)) / 2

    where t is counted from the last restart.

    Parameters
    ----------
    minimum : float, default=0.0
        The factor at the end, in [0, 1].
    period : int or None, default=None
        Length of the first cycle, after which the factor is 1 again. None is one cycle over the
        planned training.
    multiplier : int, default=1
        Ratio of the lengths of successive cycles. Not used without `period`.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Loshchilov, I. and Hutter, F. "SGDR: stochastic gradient descent with warm restarts" (2017),
    equation 5.
    """

    minimum: float = 0.0
    period: int | None = None
    multiplier: int = 1
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "minimum": [_FRACTION],
        "period": [_COUNT, None],
        "multiplier": [_COUNT],
        "per": [_PER],
    }

    def at(self, t, n):
        period = n if self.period is None else self.period
        if self.period is None:
            t = np.minimum(t, n)
        elif self.multiplier == 1:
            t = t % period
        else:
            start, last = 0, int(np.max(t, initial=0))
            lengths = np.full(np.shape(t), period, np.float64)
            begun = np.zeros(np.shape(t))
            while start + period <= last:  # a few times: cycles grow
                start, period = start + period, period * self.multiplier
                begun = np.where(t >= start, start, begun)
                lengths = np.where(t >= start, period, lengths)
            t, period = t - begun, lengths
        return self.minimum + (1 - self.minimum) * 0.5 * (1 + np.cos(np.pi * t / period))


@dataclass
class OneCycle(Schedule):
    """Increase from a low value to the initial one, then decrease to a much lower one.

    `learning_rate_init` is the highest rate. The momentum does not change.

    Parameters
    ----------
    pct_start : float, default=0.3
        The fraction of the cycle in which the value increases, in (0, 1).
    div_factor : float, default=25.0
        The first factor is ``1 / div_factor``.
    final_div_factor : float, default=1e4
        The last factor is ``1 / (div_factor * final_div_factor)``.
    anneal_strategy : {"cos", "linear"}, default="cos"
        Whether to follow half a cosine or a straight line.
    three_phase : bool, default=False
        Whether to decrease to the first factor at the speed of the increase, and then to the last.
    per : {"step", "epoch"}, default="step"
        The unit of t.

    References
    ----------
    Smith, L. N. and Topin, N. "Super-convergence: very fast training of neural networks using large
    learning rates" (2018), with the parameters of PyTorch's ``OneCycleLR``.
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal_strategy: str = "cos"
    three_phase: bool = False
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "pct_start": [Interval(Real, 0, 1, closed="neither")],
        "div_factor": [Interval(Real, 1, None, closed="left")],
        "final_div_factor": [Interval(Real, 1, None, closed="left")],
        "anneal_strategy": [OneOf({"cos", "linear"})],
        "three_phase": ["boolean"],
        "per": [_PER],
    }

    def at(self, t, n):
        first = 1 / self.div_factor
        top = self.pct_start * n - 1
        ends, values = [0.0, top, n - 1.0], [first, 1.0, first / self.final_div_factor]
        if self.three_phase:
            ends, values = [0.0, top, 2 * top, n - 1.0], [first, 1.0, first, values[-1]]
        t = np.minimum(t, n - 1.0)
        factors = np.full(np.shape(t), values[-1])
        for i in reversed(range(len(ends) - 1)):  # the first phase that is not over counts
            length = ends[i + 1] - ends[i]
            part = (t - ends[i]) / length if length else np.ones_like(t)
            if self.anneal_strategy == "cos":
                part = (1 - np.cos(np.pi * part)) / 2
            phase = values[i] + (values[i + 1] - values[i]) * part
            factors = np.where(t <= ends[i + 1], phase, factors)
        return factors


@dataclass
class ReduceOnPlateau(Schedule):
    """Reduce the value when the validation score, or the training loss, no longer improves.

    The validation score is used if there is validation data, otherwise the training loss.
    `early_stopping` and `tol` end training independently of it, and before the first reduction if
    `patience` is not below `n_iter_no_change`.

    Parameters
    ----------
    factor : float, default=0.1
        The factor of a reduction, in (0, 1).
    patience : int, default=5
        The value is reduced after more than this number of epochs without improvement.
    threshold : float, default=1e-4
        The smallest change that counts as an improvement is larger than this.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether `threshold` is relative to the best score or loss, or absolute.
    cooldown : int, default=0
        Number of epochs after a reduction that are not counted.
    minimum : float, default=0.0
        The factor never falls below this, in [0, 1].

    References
    ----------
    PyTorch's ``ReduceLROnPlateau``.
    """

    factor: float = 0.1
    patience: int = 5
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    minimum: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "threshold_mode": [OneOf({"rel", "abs"})],
        "cooldown": [Interval(Integral, 0, None, closed="left")],
        "minimum": [_FRACTION],
    }

    def factors(self, steps):
        # Recomputed from all epochs each time, so that there is no state between calls of `fit`.
        factor, needed, n_bad, n_cool = 1.0, -np.inf, 0, 0
        for value in steps.curve:
            score = steps.sign * value
            if score > needed:
                margin = abs(score) if self.threshold_mode == "rel" else 1.0
                needed, n_bad = score + self.threshold * margin, 0
            else:
                n_bad += 1
            if n_cool > 0:
                n_cool, n_bad = n_cool - 1, 0
            if n_bad > self.patience:
                factor = max(factor * self.factor, self.minimum)
                n_bad, n_cool = 0, self.cooldown
        return np.full(len(steps.number), factor)


@dataclass
class Warmup(Schedule):
    """Increase linearly to the initial value, then follow another schedule.

    ::

        factor = start + (1 - start) t / length  for t < length

    The factor increases at every step. The schedule that follows counts steps and epochs from the
    end of the warm-up.

    Parameters
    ----------
    length : int or float, default=0.1
        Number of steps or epochs; in (0, 1), the fraction of the planned steps.
    then : str, schedule or function, default="constant"
        The schedule that follows.
    start : float, default=0.1
        The first factor, in [0, 1].
    per : {"step", "epoch"}, default="step"
        The unit of a `length` of 1 or more.

    References
    ----------
    Goyal, P. et al. "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017), section
    2.2.
    """

    length: Any = 0.1
    then: Any = "constant"
    start: float = 0.1
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "length": [_COUNT, Interval(Real, 0, 1, closed="neither")],
        "then": [str, Spec, callable],
        "start": [_FRACTION],
        "per": [_PER],
    }

    def validate(self):
        super().validate()
        resolve_schedule("then", self.then)
        return self

    @property
    def _then(self):
        return resolve_schedule("then", self.then)

    @property
    def last_words(self):
        return self._then.last_words

    def reduces(self, rate):
        return self._then.reduces(rate)

    def factors(self, steps):
        if not isinstance(self.length, Integral):
            length = max(1, round(self.length * steps.n_steps))
        else:
            length = int(self.length) * (steps.steps_per_epoch if self.per == "epoch" else 1)
        t = steps.number
        warm = self.start + (1 - self.start) * np.minimum(t / length, 1)
        if t[-1] < length:
            return warm
        return np.where(t < length, warm, self._then.factors(steps.after(length)))


@dataclass
class CustomSchedule(Schedule):
    """Use a function of the step or epoch; a plain function is a `CustomSchedule` per step.

    Parameters
    ----------
    function : callable
        ``function(t, n)`` returns the factor at t, from 0, of n planned.
    per : {"step", "epoch"}, default="step"
        The unit of t and n.
    """

    function: Callable[[int, int], float]
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"function": [callable], "per": [_PER]}

    def validate(self):
        super().validate()
        try:
            inspect.signature(self.function).bind(0, 1)
        except TypeError as error:
            raise ValueError(
                f"The schedule {self.function!r} must be a function of two arguments ({error}): as "
                f"in `lambda t, n: 1 - t / n`, it takes the number of the {self.per} and how many "
                "are planned, and returns a factor of the initial value."
            ) from None
        except ValueError:  # the signature of a builtin may be unknown
            pass
        return self

    def at(self, t, n):
        return np.reshape([self._value(int(i), n) for i in np.ravel(t)], np.shape(t))

    def _value(self, t, n):
        value = self.function(t, n)
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise ValueError(
                f"The schedule {self.function!r} returned {value!r} at {self.per} {t} of {n}: it "
                "must return a finite number >= 0, by which the initial value is multiplied."
            )
        return float(value)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "linear": LinearDecay,
    "inverse": InverseDecay,
    "polynomial": PolynomialDecay,
    "exponential": ExponentialDecay,
    "step": StepDecay,
    "cosine": CosineDecay,
    "one_cycle": OneCycle,
    "plateau": ReduceOnPlateau,
    "warmup": Warmup,
}
register(SCHEDULES, "learning_rate", "schedule", "then")

# Schedules of scikit-learn, which its Adam ignores.
SKLEARN_SCHEDULES = ("constant", "invscaling", "adaptive")


def resolve_schedule(kind: str, value, defaults: dict[str, Any] | None = None) -> Schedule:
    """Return the schedule given by a name, a spec or a function.

    Parameters
    ----------
    kind : str
        Name of the parameter, for the error message.
    value : str, Schedule or callable
    defaults : dict, optional
        Parameters of a schedule that is given by name.
    """
    if inspect.isclass(value) and issubclass(value, Schedule):
        raise ValueError(
            f"{kind}={value.__name__} is a class: give an instance, {value.__name__}()."
        )
    if isinstance(value, Spec) and not isinstance(value, Schedule):
        raise ValueError(f"{kind}={value!r} is no schedule: give one of fastnn.schedules.")
    if callable(value):
        return CustomSchedule(value).validate()
    return resolve(kind, value, SCHEDULES, defaults)


@dataclass
class Scheduled(Spec):
    """Number that follows a schedule.

    Accepted for `alpha`, `dropout`, `label_smoothing`, and the `weight_decay` of optimizers.

    Parameters
    ----------
    value : float
        The initial value.
    schedule : str, schedule or function, default="cosine"
        The schedule. Not `Adaptive`, which is for the learning rate. All values of dropout and
        label smoothing must be below 1.
    """

    value: float
    schedule: Any = "cosine"

    _parameter_constraints: ClassVar[dict] = {
        "value": [Interval(Real, 0, None, closed="left")],
        "schedule": [str, Spec, callable],
    }

    def validate(self):
        super().validate()
        schedule = resolve_schedule("schedule", self.schedule)
        while isinstance(schedule, Warmup):
            schedule = schedule._then
        if isinstance(schedule, Adaptive):
            raise ValueError(
                "Adaptive is a schedule of the learning rate only: in Scheduled, use "
                "ReduceOnPlateau."
            )
        return self

    def factors(self, steps: Steps) -> np.ndarray:
        """Return the value at each step, relative to the initial one."""
        return resolve_schedule("schedule", self.schedule).factors(steps)

    def values(self, steps: Steps) -> np.ndarray:
        """Return the value at each step."""
        return self.value * self.factors(steps)


def value_at(number, steps: Steps):
    """Return a number, or an array with one for each step if it is `Scheduled`."""
    return number.values(steps) if isinstance(number, Scheduled) else number


def spec_at(spec: Spec, steps: Steps):
    """Return a spec whose `Scheduled` numbers are replaced by arrays, with one for each step."""
    own = vars(spec)
    changing = {name: own[name].values(steps) for name in own if isinstance(own[name], Scheduled)}
    return replace(spec, **changing) if changing else spec  # type: ignore[type-var]
