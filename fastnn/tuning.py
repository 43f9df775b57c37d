"""Search spaces of hyperparameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from ._fit.resolve import optimizer_of
from ._specs.constraints import Interval, checks_arguments
from .estimators import MLPClassifier, MLPRegressor
from .estimators.base import BaseMLP
from .optimizers import LBFGS, Rprop
from .schedules import Scheduled

_TASKS = {"classification": MLPClassifier, "regression": MLPRegressor}


@dataclass
class _Range:
    """Interval of numbers, uniform or log-uniform, and a few values for a grid."""

    low: float
    high: float
    grid_values: tuple
    log: bool = False

    def distribution(self):
        from scipy import stats  # slow to import

        if self.log:
            return stats.loguniform(self.low, self.high)
        return stats.uniform(self.low, self.high - self.low)

    def grid(self):
        return list(self.grid_values)

    def suggest(self, trial, name):
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass
class _Choice:
    """List of values, and fewer for a grid."""

    values: tuple
    grid_values: tuple

    def distribution(self):
        return list(self.values)

    def grid(self):
        return list(self.grid_values)

    def suggest(self, trial, name):
        # A study stores plain values only, so tuples become strings.
        words = {_word(value): value for value in self.values}
        return words[trial.suggest_categorical(name, list(words))]


def _word(value):
    return "-".join(map(str, value)) if isinstance(value, tuple) else value


_SPACE: dict[str, Any] = {
    "hidden_layer_sizes": _Choice(
        ((50,), (100,), (200,), (50, 50), (100, 100), (200, 100), (100, 100, 100)),
        ((100,), (100, 100), (200, 100)),
    ),
    "activation": _Choice(("relu", "tanh", "silu", "gelu"), ("relu", "tanh")),
    "normalization": _Choice((None, "batch", "layer"), (None, "batch")),
    "dropout": _Range(0.0, 0.5, (0.0, 0.2, 0.4)),
    "alpha": _Range(1e-6, 1e-1, (1e-5, 1e-3, 1e-1), log=True),
    "learning_rate_init": _Range(1e-4, 1e-1, (1e-3, 1e-2), log=True),
    "batch_size": _Choice((32, 64, 128, 256), (32, 128)),
    "momentum": _Range(0.8, 0.99, (0.9, 0.99)),
    "solver__weight_decay": _Range(1e-5, 1e-1, (1e-4, 1e-2), log=True),
    "label_smoothing": _Range(0.0, 0.2, (0.0, 0.1)),
    "solver": _Choice(("adam", "nadam", "radam", "rmsprop", "amsgrad"), ("adam", "rmsprop")),
    "learning_rate": _Choice(
        ("constant", "linear", "cosine", "one_cycle", "plateau"), ("constant", "cosine")
    ),
    "weight_init": _Choice(
        (None, "he_normal", "he_uniform", "glorot_normal", "orthogonal"), (None, "he_normal")
    ),
}
# In the space only where it is asked for by name.
_ON_REQUEST = {"label_smoothing", "solver", "learning_rate", "weight_init"}
# A grid of all would have thousands of points.
_IN_GRIDS = ("hidden_layer_sizes", "alpha", "learning_rate_init", "momentum")
_SET_BY_LAYERS = {"hidden_layer_sizes", "activation", "normalization", "dropout"}


@checks_arguments(
    {
        "grid": ["boolean"],
        "names": [None, str, list, tuple, set],
        "n_samples": [None, Interval(Integral, 1, None, closed="left")],
        "prefix": [None, str],
    }
)
def suggest_params(
    target: Any,
    estimator: Any = None,
    *,
    grid: bool = False,
    names: Sequence[str] | None = None,
    n_samples: int | None = None,
    prefix: str | None = None,
) -> dict[str, Any]:
    """Suggest a search space of the most important hyperparameters.

    The space omits hyperparameters that have no effect with the solver of the estimator, and those
    set by `layers`. It never contains `max_iter`, which is the resource of `HalvingRandomSearchCV`.

    Parameters
    ----------
    target : {'classification', 'regression'}, estimator, Pipeline or optuna.trial.Trial
        The task or the estimator to tune. In a pipeline, this is the step that is an
        `MLPClassifier` or `MLPRegressor`, and names have the prefix of this step. For a trial,
        values are drawn immediately.
    estimator : {'classification', 'regression'}, estimator or Pipeline, default=None
        The task or the estimator to tune, if `target` is a trial.
    grid : bool, default=False
        Whether to return a few values of each hyperparameter, for `GridSearchCV`. Unless `names` is
        given, the grid contains only the layer sizes, the penalty, the learning rate and momentum.
        Not available for a trial.
    names : list of str, default=None
        The hyperparameters to search over, without prefix. None is all that the solver uses, except
        'label_smoothing', 'solver', 'learning_rate' (the schedule) and 'weight_init'.
    n_samples : int, default=None
        Number of training rows. Batch sizes above a quarter of it are removed from the space,
        unless none would remain.
    prefix : str, default=None
        Prefix of the names, such as ``'mlp__'``. None is that of the network found in `target`.

    Returns
    -------
    params : dict
        For each name, a list or a frozen distribution of `scipy.stats`, for `RandomizedSearchCV`
        and similar; with `grid` a list; with a trial a value, for `set_params`. A study stores
        plain values, ``'100-50'`` for the sizes (100, 50), which estimators accept, so its
        `best_params` can be used in ``MLPClassifier(**study.best_params)`` and `set_params`.

    Raises
    ------
    ValueError
        If `target` contains no network, or a name is unknown or without effect.

    Notes
    -----
    Learning rates and penalties are drawn on a logarithmic scale, because ratios matter, not
    differences (Bengio, "Practical recommendations for gradient-based training of deep
    architectures", 2012, section 3.3). Random search finds better values than a grid with as many
    trials, because few of the hyperparameters matter (Bergstra and Bengio, "Random search for
    hyper-parameter optimization", 2012).

    Examples
    --------
    >>> from fastnn import MLPClassifier, suggest_params
    >>> suggest_params(MLPClassifier(solver="lbfgs"), grid=True)
    {'hidden_layer_sizes': [(100,), (100, 100), (200, 100)], 'alpha': [1e-05, 0.001, 0.1]}
    >>> sorted(suggest_params("regression", names=["alpha", "dropout"]))
    ['alpha', 'dropout']
    """
    trial = target if hasattr(target, "suggest_float") else None
    if trial is not None:
        if estimator is None:
            raise ValueError(
                "A trial does not name an estimator: call suggest_params(trial, estimator)."
            )
        if grid:
            raise ValueError("A trial draws values, and grid=True is not available: leave it out.")
    elif estimator is not None:
        raise ValueError("estimator is for a trial only: call suggest_params(estimator).")
    model, found = _network_of(target if trial is None else estimator)
    prefix = found if prefix is None else prefix
    space = _space(model, n_samples)
    if names is None:
        chosen = [name for name in space if name not in _ON_REQUEST]
        chosen = [name for name in chosen if not grid or name in _IN_GRIDS]
    else:
        chosen = [names] if isinstance(names, str) else list(names)
    for name in chosen:
        if name not in [*space]:
            why = "has no effect with these settings" if name in [*_SPACE] else "is not known"
            raise ValueError(
                f"There is no space for {name!r}, which {why}: those there are for this "
                f"{type(model).__name__} are {', '.join(space)}."
            )
    if trial is not None:
        return {prefix + name: space[name].suggest(trial, prefix + name) for name in chosen}
    return {
        prefix + name: space[name].grid() if grid else space[name].distribution() for name in chosen
    }


def _network_of(target):
    """Return the network of a task, an estimator or a pipeline, and its parameters' prefix."""
    if isinstance(target, str) and target in _TASKS:
        return _TASKS[target](), ""
    if isinstance(target, type) and issubclass(target, BaseMLP):
        return target(), ""
    if isinstance(target, BaseMLP):
        return target, ""
    if hasattr(target, "get_params") and not isinstance(target, type):
        parts = target.get_params(deep=True)
        networks = {name: part for name, part in parts.items() if isinstance(part, BaseMLP)}
        if len(networks) == 1:
            [(name, model)] = networks.items()
            return model, f"{name}__"
        if networks:
            raise ValueError(
                f"{type(target).__name__} holds several networks, {', '.join(networks)}: pass one "
                "of them, and its name as prefix, as in prefix='mlp__'."
            )
    raise ValueError(
        f"{target!r} is no network: pass 'classification', 'regression', an MLPClassifier or "
        "MLPRegressor, or a pipeline with one."
    )


def _space(model, n_samples):
    """Return the space of hyperparameters with an effect, compatible with the other parameters."""
    optimizer = optimizer_of(model)
    without = {"momentum", "solver__weight_decay"}
    if model.solver == "sgd":
        without.remove("momentum")
    elif not isinstance(model.solver, str) and "weight_decay" in optimizer.names():
        without.remove("solver__weight_decay")
    if not optimizer.uses_alpha:
        without.add("alpha")
    if model.layers is not None:
        without |= _SET_BY_LAYERS
    if isinstance(optimizer, LBFGS | Rprop):
        without |= {"dropout", "batch_size", "learning_rate_init", "learning_rate"}
    if getattr(model, "loss", None) != "log_loss":
        without.add("label_smoothing")
    space = {name: values for name, values in _SPACE.items() if name not in without}
    # Scheduled parameters are not numbers, and are left unchanged.
    for name in [name for name in space if isinstance(getattr(model, name, None), Scheduled)]:
        del space[name]
    if model.solver == "sgd":  # its steps are not normalised by the gradients
        space["learning_rate_init"] = _Range(1e-3, 1.0, (0.01, 0.1), log=True)
    if n_samples is not None and "batch_size" in space:
        sizes = space["batch_size"]
        fits = [
            tuple(size for size in some if 4 * size <= n_samples) for some in vars(sizes).values()
        ]
        if all(fits):
            space["batch_size"] = replace(sizes, values=fits[0], grid_values=fits[1])
    return space
