"""Numbers that change in the course of a training: the learning rate, above all.

A schedule is a factor of the initial value as a function of the step. It is computed here, in
float64, for the steps of many batches at once; the engine reads the result from its table.
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
    """Some steps of one epoch, and what is known before they are taken.

    Attributes
    ----------
    number : ndarray of shape (n,)
        The numbers of the steps. The first of the training, in all calls of `fit`, is 0.
    epoch : int or ndarray of shape (n,)
        The number of their epoch, from 0.
    n_steps, n_epochs : int
        How many are planned, those already taken included: `max_iter` epochs more with each call
        of `fit`, and `max_iter` in all with `partial_fit`.
    steps_per_epoch : int
    ends_epoch : bool
        Whether the last of the steps is the last of its epoch.
    n_seen : int
        Training rows seen before the epoch.
    n_reductions : int
        How often training stalled and went on at a lower rate.
    curve : sequence of float
        What the epochs so far were worth: the scores of the validation data, or where there is none
        the losses of training.
    sign : {1, -1}
        Whether more of it is better, or less.
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
        """The same steps, where the first n of all are not counted, nor their whole epochs."""
        n_epochs = n // self.steps_per_epoch
        return replace(
            self,
            number=np.maximum(self.number - n, 0),
            epoch=np.maximum(self.epoch - n_epochs, 0),
            n_steps=max(1, self.n_steps - n),
            n_epochs=max(1, self.n_epochs - n_epochs),
        )


class Schedule(Spec):
    """Base of the schedules.

    In their formulas t is the number of the step or of the epoch, as `per` says, from 0; and n how
    many are planned. All bounds are parts of the initial value.
    """

    per: str = "epoch"
    last_words: str = "Stopping."

    def factors(self, steps: Steps) -> np.ndarray:
        """What the initial value is multiplied by.

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
        """The factors at t of n, for those that depend on nothing else."""
        raise NotImplementedError

    def reduces(self, rate: float) -> bool:
        """Whether training goes on at a lower rate, where it stalled at this rate."""
        return False


@dataclass
class Constant(Schedule):
    """The initial value, always."""

    def factors(self, steps):
        return np.ones(len(steps.number))


@dataclass
class InvScaling(Schedule):
    """scikit-learn's 'invscaling': divide by a power of the rows seen before the epoch.

    Parameters
    ----------
    power_t : float, default=0.5
        The power: the factor is ``1 / (n_seen + 1) ** power_t``.
    """

    power_t: float = 0.5

    _parameter_constraints: ClassVar[dict] = {"power_t": [Interval(Real, 0, None, closed="left")]}

    def factors(self, steps):
        return np.full(len(steps.number), 1 / (steps.n_seen + 1) ** self.power_t)


@dataclass
class Adaptive(Schedule):
    """scikit-learn's 'adaptive': divide the learning rate whenever training stalls.

    Training goes on where it would have stopped, after `n_iter_no_change` epochs.

    Parameters
    ----------
    divisor : float, default=5.0
        What the rate is divided by when neither loss nor validation score improve any more.
    minimum : float, default=1e-6
        Training stops when it stalls at this learning rate, or a lower one. It is the rate itself,
        not a part of the initial one.
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
    """Linear down to a floor, which is kept from there on.

    ::

        factor = (1 - a) + a floor,  a = min(t / tau, 1)

    Parameters
    ----------
    floor : float, default=0.01
        The last factor, in [0, 1].
    tau : int or None, default=None
        When it is reached; None is the end of what is planned.
    per : {"step", "epoch"}, default="step"
        What t counts.

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
    """The inverse of a linear function: ``factor = 1 / (1 + epsilon t)``.

    Parameters
    ----------
    epsilon : float, default=0.01
        How fast it decays.
    per : {"step", "epoch"}, default="step"
        What t counts.

    References
    ----------
    Robbins, H. and Monro, S. "A stochastic approximation method" (1951): a rate that falls as 1 / t
    lets noise average out, and still goes any distance.
    """

    epsilon: float = 0.01
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"epsilon": [_POSITIVE], "per": [_PER]}

    def at(self, t, n):
        return 1 / (1 + self.epsilon * t)


@dataclass
class PolynomialDecay(Schedule):
    """The inverse of a power: ``factor = 1 / (t + 1) ** power``.

    `InvScaling` has the same formula, and counts rows.

    Parameters
    ----------
    power : float, default=0.5
        The power.
    per : {"step", "epoch"}, default="step"
        What t counts.

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
    """A constant part of what is left: ``factor = gamma ** t``.

    Parameters
    ----------
    gamma : float, default=0.95
        The part that is kept, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        What t counts.

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
    """Stairs: ``factor = gamma ** floor(t / step_size)``.

    Parameters
    ----------
    step_size : int, default=30
        Width of a stair.
    gamma : float, default=0.1
        What the value is multiplied by at each stair, in (0, 1].
    per : {"step", "epoch"}, default="epoch"
        What t counts.

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
    """Half a cosine down to a minimum, with restarts if wanted.

    ::

        factor = minimum + (1 - minimum) (1 + cos(pi t / period)) / 2

    where t counts from the last restart.

    Parameters
    ----------
    minimum : float, default=0.0
        The factor at the end, in [0, 1].
    period : int or None, default=None
        Length of the first cycle, after which the factor is 1 again. None is one cycle over all
        that is planned.
    multiplier : int, default=1
        How much longer each cycle is than the one before. Not used without `period`.
    per : {"step", "epoch"}, default="step"
        What t counts.

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
    """Up from a low value to the initial one, and down to a much lower: one cycle in all.

    `learning_rate_init` is the highest rate. The momentum does not change.

    Parameters
    ----------
    pct_start : float, default=0.3
        The part of the cycle that goes up, in (0, 1).
    div_factor : float, default=25.0
        The first factor is ``1 / div_factor``.
    final_div_factor : float, default=1e4
        The last factor is ``1 / (div_factor * final_div_factor)``.
    anneal_strategy : {"cos", "linear"}, default="cos"
        Whether it moves along half a cosine or a straight line.
    three_phase : bool, default=False
        Whether to go down to the first factor as fast as up, and then to the last.
    per : {"step", "epoch"}, default="step"
        What t counts.

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
    """Reduce whenever the epochs bring no progress any more.

    What counts is the score of the validation data, if there is any, and else the loss of training.
    `early_stopping` and `tol` decide by themselves when training ends: it is over before the first
    reduction if `patience` is not below `n_iter_no_change`.

    Parameters
    ----------
    factor : float, default=0.1
        What the value is multiplied by, in (0, 1).
    patience : int, default=5
        It is reduced in the epoch after more than this number of epochs without progress.
    threshold : float, default=1e-4
        Progress is a score that is better than the best by more than this,
    threshold_mode : {"rel", "abs"}, default="rel"
        as a part of the best score or loss, or as it is.
    cooldown : int, default=0
        Number of epochs after a reduction that do not count.
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
        # All epochs anew each time: so there is nothing to remember between calls of `fit`.
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
    """Linear from a lower value to the initial one, and then any other schedule.

    ::

        factor = start + (1 - start) t / length  for t < length

    It grows with every step. The schedule that follows counts steps and epochs from the end of the
    warm-up.

    Parameters
    ----------
    length : int or float, default=0.1
        The number of steps or epochs; in (0, 1) the part of all steps that are planned.
    then : str, schedule or function, default="constant"
        What follows.
    start : float, default=0.1
        The first factor, in [0, 1].
    per : {"step", "epoch"}, default="step"
        What a `length` of 1 or more counts.

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
    """Any function of the step. A plain function stands for a `CustomSchedule` per step.

    Parameters
    ----------
    function : callable
        ``function(t, n)`` returns the factor at t, from 0, of the n that are planned.
    per : {"step", "epoch"}, default="step"
        What t and n count.
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
                f"in `lambda t, n: 1 - t / n`, it is given a {self.per} and how many are planned, "
                "and returns a factor of the initial value."
            ) from None
        except ValueError:  # of a function that does not tell
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

# Those of scikit-learn, which its Adam does not use.
SKLEARN_SCHEDULES = ("constant", "invscaling", "adaptive")


def resolve_schedule(kind: str, value, defaults: dict[str, Any] | None = None) -> Schedule:
    """The schedule that a user means by a name, a spec or a function.

    Parameters
    ----------
    kind : str
        What is looked for, for the error message.
    value : str, Schedule or callable
    defaults : dict, optional
        Values for the parameters of a schedule that was named only.
    """
    if inspect.isclass(value) and issubclass(value, Schedule):
        raise ValueError(
            f"{kind}={value.__name__} is a class: give one of its kind, {value.__name__}()."
        )
    if isinstance(value, Spec) and not isinstance(value, Schedule):
        raise ValueError(f"{kind}={value!r} is no schedule: give one of fastnn.schedules.")
    if callable(value):
        return CustomSchedule(value).validate()
    return resolve(kind, value, SCHEDULES, defaults)


@dataclass
class Scheduled(Spec):
    """A number that follows a schedule, in place of a number that stays.

    Accepted for `alpha`, `dropout`, `label_smoothing`, and the `weight_decay` of optimizers.

    Parameters
    ----------
    value : float
        The initial value.
    schedule : str, schedule or function, default="cosine"
        How it changes. Not `Adaptive`, which is about the learning rate. Of dropout and label
        smoothing all values must stay below 1.
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
        """The value at each step, as a part of the initial one."""
        return resolve_schedule("schedule", self.schedule).factors(steps)

    def values(self, steps: Steps) -> np.ndarray:
        """The value at each step."""
        return self.value * self.factors(steps)


def value_at(number, steps: Steps):
    """A number, or an array of one for each step where it is `Scheduled`."""
    return number.values(steps) if isinstance(number, Scheduled) else number


def spec_at(spec: Spec, steps: Steps):
    """A spec whose numbers that are `Scheduled` are arrays, of one for each step."""
    own = vars(spec)
    changing = {name: own[name].values(steps) for name in own if isinstance(own[name], Scheduled)}
    return replace(spec, **changing) if changing else spec  # type: ignore[type-var]
