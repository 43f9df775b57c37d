"""Files of estimators."""

from collections.abc import Collection
from typing import Any

from .. import _typing as t
from .atomic import check_folder, replace_file
from .parts import Parts, check_parameters_fit, packed

#: Attributes that scikit-learn sets, for its own classes that hold estimators.
NOT_SAVED = frozenset(("_metadata_request",))


def parameters_of(estimator) -> dict:
    """Return the parameters that a file holds: all, but callbacks are None."""
    return estimator.get_params(deep=False) | {"callbacks": None}


def set_parameters(estimator, parts: Parts) -> None:
    """Set the parameters of an estimator; those newer than the file have their defaults."""
    known, given = type(estimator)().get_params(deep=False), parts["parameters"]
    if unknown := given.keys() - known.keys():
        raise ValueError(
            f"{type(estimator).__name__} has no parameter {min(unknown)!r} in this version: load "
            f"it with fastnn {parts.version} or later"
        )
    vars(estimator).update(known | given)


def write(path, parts: dict) -> None:
    """Write the parts of an estimator to a file: all of it, or nothing."""
    path = check_folder(path, "save")
    check_parameters_fit(parts["parameters"], "save")
    content = packed("model", parts)
    try:
        replace_file(path, content)
    except OSError as error:
        raise OSError(
            error.errno,
            f"save could not write {str(path)!r} ({error.strerror or error}): there is no new file",
        ) from error


def load(path: t.Path, *, trusted: Collection[str] = ()) -> Any:
    """Load a fitted estimator from a file that its `save` has written.

    Nothing in the file is executed: it has numbers, strings and the names of fastnn's own classes,
    and a checksum of every bit. Functions and classes of users in its parameters are names of what
    is imported, where they are trusted.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : collection of str, default=()
        Names of functions and classes that may be imported, such as ``"my_module:my_function"``.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor, TabularMLPClassifier or TabularMLPRegressor
        It predicts the same bits as the one that was saved. Its parameter `callbacks` is None.

    Raises
    ------
    ValueError
        If the file is no saved model, is damaged, was written by a later fastnn, or names what is
        not trusted.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import fastnn
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = fastnn.MLPClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "iris.fastnn"
    >>> model.save(path)
    >>> bool((fastnn.load(path).predict(X) == model.predict(X)).all())
    True
    """
    return estimator_of(Parts(path, "model", trusted))


def estimator_of(parts: Parts):
    """Return the estimator that the parts of a file are of."""
    with parts.checked():
        cls = parts["estimator"]
        estimator = cls.__new__(cls)
        estimator._set_parts(parts)
    return estimator
