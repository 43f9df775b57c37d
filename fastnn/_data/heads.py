"""Targets of heads of several kinds: a record for each row, with a field for each head."""

from collections.abc import Mapping
from contextlib import contextmanager

import narwhals as nw
import numpy as np
from scipy import sparse
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.multiclass import type_of_target

from .._core.program import target_record
from ..heads import Head
from ..losses import REGRESSION_LOSSES
from .encoders import RealTargets
from .labels import Labels
from .pickles import damage_raises_value_error
from .targets import read_labels


def read_heads(y):
    """Return the targets of all heads as an array of records, with a field for each.

    Its type tells what `y` is by ``dtype.metadata["container"]``: 'dict', 'array', or the name of
    the library of a frame.

    Parameters
    ----------
    y : dict of array-like, frame or structured array
        Targets by the name of the head.
    """
    columns, container = _columns_of(y)
    columns = {name: _read_column(values, f"y[{name!r}]") for name, values in columns.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "The heads of y must have targets for the same rows, and their numbers of rows are "
            f"{lengths}."
        )
    return _records(columns, container)


def _records(columns, container):
    fields = [(name, values.dtype, values.shape[1:]) for name, values in columns.items()]
    kind = np.dtype(fields, metadata={"container": container})
    records = np.empty(len(next(iter(columns.values()))), kind)
    for name, values in columns.items():
        records[name] = values
    return records


def _columns_of(y):
    """Return the targets of each head by name, and what they came in."""
    frame = nw.from_native(y, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        columns = {name: frame[name].to_native() for name in frame.columns}
        container = frame.implementation.value
    elif isinstance(y, Mapping):
        columns, container = dict(y), "dict"
    elif isinstance(y, np.ndarray) and y.dtype.names:
        columns = {name: y[name] for name in y.dtype.names}
        container = (y.dtype.metadata or {}).get("container", "array")  # records may be read again
    else:
        raise TypeError(
            "y must be a dict of arrays, {'name of a head': targets}, or a frame with a column for "
            f"each head, and is a {type(y).__name__}."
        )
    if not columns:
        raise ValueError("y has no heads: give targets for one or more.")
    if odd := [name for name in columns if not (isinstance(name, str) and name)]:
        raise ValueError(f"The names of heads must be strings, and one of y is {odd[0]!r}.")
    if taken := columns.keys() & {"train", "val"}:
        name = min(taken)
        raise ValueError(
            f"A head cannot be named {name!r}, as '{name}_loss' of history_ is of other rows: "
            "choose another name."
        )
    return columns, container


def _read_column(values, name):
    """Return the targets of a head as numbers or labels, checked to be finite."""
    if sparse.issparse(values):
        values = values.toarray()
    array = np.asarray(read_labels(values, name))
    if array.dtype.kind == "O":
        array = array.astype(str)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{name} must have the shape (n_samples,) or (n_samples, n), and has {array.shape}."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"{name} must be finite, and has NaN or infinity in row {row}.")
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def frame_of(columns, container, X):
    """Return predictions by head in a container as that of the targets, with the index of X."""
    if container == "dict":
        return columns
    if container == "array":
        return _records(columns, container)
    frame = nw.from_dict(columns, backend=container).to_native()
    rows = nw.from_native(X, pass_through=True)
    index = nw.maybe_get_index(rows) if isinstance(rows, nw.DataFrame) else None
    return frame.set_axis(index) if index is not None and hasattr(frame, "set_axis") else frame


def head_of(values, head, encoder):
    """Return the spec of a head with its loss, which follows from its targets if it is None.

    They are of the kind that `encoder` knows from an earlier call, if there was one.
    """
    loss = head.loss
    if loss is None:
        are_floats = values.dtype.kind == "f"
        are_numbers = are_floats if encoder is None else isinstance(encoder, RealTargets)
        loss = "squared_error" if are_numbers else "log_loss"
    return Head(loss, head.weight, head.output_activation)


def takes_numbers(head):
    """Return whether the targets of a head are numbers, rather than labels."""
    return not isinstance(head.loss, str) or head.loss in REGRESSION_LOSSES


@contextmanager
def of_head(name):
    """Context in which an error names the head that it is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Head {name!r}: {error}") from error


class HeadTargets:
    """Targets of heads of several kinds; the methods are those of `Labels`.

    Parameters
    ----------
    encoders : dict of str to (Labels or RealTargets)
        Encoders of the heads, by name.
    container : str
        Type of the targets that were given, see `read_heads`.
    """

    kind = "heads"
    row_classes = None  # a row has several

    def __init__(self, encoders, container):
        self.encoders, self.container = encoders, container

    def __getstate__(self):
        parts = [
            part.n_outputs if isinstance(part, RealTargets) else part
            for part in self.encoders.values()
        ]
        return {"names": list(self.encoders), "parts": parts, "container": self.container}

    def __setstate__(self, state):
        with damage_raises_value_error("targets of heads"):
            names, parts, container = (state[name] for name in ("names", "parts", "container"))
            if not all(isinstance(part, int | Labels) for part in parts):
                raise ValueError("of parts that are none.")
            if not all(isinstance(name, str) for name in [*names, container]):
                raise ValueError("with names that are no strings.")
            encoders = [RealTargets(part) if isinstance(part, int) else part for part in parts]
            self.__init__(dict(zip(names, encoders, strict=True)), container)

    @property
    def names(self):
        """The names of the heads, in the order of their outputs."""
        return tuple(self.encoders)

    @property
    def classes(self):
        """The classes of each head that has labels."""
        labels = self.encoders.items()
        return {name: part.classes for name, part in labels if isinstance(part, Labels)}

    @property
    def n_outputs(self):
        """Number of units of each head."""
        return tuple(part.n_outputs for part in self.encoders.values())

    @property
    def shown_outputs(self):
        return sum(self.n_outputs)

    def check_names(self, y):
        """Raise a ValueError for records that lack a head, or have another one."""
        for name in self.names:
            if name not in y.dtype.names:
                raise ValueError(f"y lacks the head {name!r}: it has {list(y.dtype.names)}.")
        for name in y.dtype.names:
            if name not in self.names:
                raise ValueError(
                    f"y has targets of {name!r}, which is no head of the network: it has "
                    f"{list(self.names)}."
                )

    def check_same(self, y):
        """Raise a ValueError if labels have other classes than those of the first call."""
        self.check_names(y)
        for name, part in self.encoders.items():
            if isinstance(part, Labels):
                with of_head(name):
                    part.check_same(y[name])

    def same_classes(self, classes):
        """Return whether the classes of each head with labels are equal to these."""
        own = self.classes
        return own.keys() >= classes.keys() and all(
            self.encoders[name].same_classes(part) for name, part in classes.items()
        )

    def encode(self, y, dtype, loss):
        """Encode targets as records of the engine, with a field for each head, by number."""
        self.check_names(y)
        parts = []
        for (name, encoder), head in zip(self.encoders.items(), loss.heads, strict=True):
            values = y[name]
            with of_head(name):
                if isinstance(encoder, RealTargets) and values.dtype.kind not in "biuf":
                    raise ValueError(
                        f"loss={head.loss!r} is of numbers, and its targets are labels such as "
                        f"{str(values.flat[0])!r}: use loss='log_loss', or convert them."
                    )
                parts.append(encoder.encode(values, dtype, head.loss))
        shapes = [None if part.ndim == 1 else part.shape[1] for part in parts]
        targets = np.zeros(len(y), target_record(shapes, dtype))
        for number, part in enumerate(parts):
            targets[str(number)] = part
        return targets

    def class_numbers(self, targets):
        """Return None, because a row has several targets."""

    def split(self, outputs):
        """Split outputs by head."""
        return np.split(outputs, np.cumsum(self.n_outputs)[:-1], axis=1)

    def decode(self, outputs, loss):
        """Decode outputs to the targets of each head, by name."""
        decoded = {}
        parts = zip(self.encoders.items(), self.split(outputs), loss.heads, strict=True)
        for (name, encoder), part, head in parts:
            if isinstance(encoder, Labels):
                decoded[name] = encoder.decode(part, head.loss)
            else:
                decoded[name] = part[:, 0] if part.shape[1] == 1 else part
        return decoded

    def scores(self, loss, targets, outputs, sample_weight):
        """Return the accuracy or R2 of each head, of encoded targets, by name and metric."""
        parts = zip(self.encoders.items(), self.split(outputs), loss.heads, strict=True)
        scores = {}
        for number, ((name, encoder), part, head) in enumerate(parts):
            metric = "accuracy" if isinstance(encoder, Labels) else "r2"
            own = encoder.score(head.loss, targets[str(number)], part, sample_weight)
            scores[f"{name}_{metric}"] = own
        return scores

    def score(self, loss, targets, outputs, sample_weight):
        """Return the mean of the scores of all heads."""
        return float(np.mean(list(self.scores(loss, targets, outputs, sample_weight).values())))

    def scores_of_labels(self, y, predicted, sample_weight):
        """Return the accuracy or R2 of the predictions of each head, by name."""
        scores = {}
        for name, encoder in self.encoders.items():
            is_labels = isinstance(encoder, Labels)
            own = encoder.true_labels(y[name]) if is_labels else y[name]
            score = accuracy_score if is_labels else r2_score
            scores[name] = float(score(own, predicted[name], sample_weight=sample_weight))
        return scores


def new_encoder(y, heads, partial, classes):
    """Return the encoder of targets that are seen for the first time."""
    classes = {} if classes is None else read_classes(classes)
    for name in classes:
        if name not in heads or takes_numbers(heads[name]) or y[name].ndim > 1:
            raise ValueError(
                f"classes names {name!r}, which is no head with one label a row: leave it out."
            )
    encoders = {}
    for name, head in heads.items():
        values = y[name]
        if takes_numbers(head):
            encoders[name] = RealTargets(1 if values.ndim == 1 else values.shape[1])
            continue
        if partial and values.ndim == 1 and name not in classes:
            raise ValueError(
                f"classes must have the labels of head {name!r} on the first call to partial_fit: "
                f"classes={{{name!r}: [...]}}."
            )
        with of_head(name):
            encoders[name] = _new_labels(values, classes.get(name))
    return HeadTargets(encoders, y.dtype.metadata["container"])


def _new_labels(values, classes):
    """Return the labels of a head, of which `classes` are all if `values` may lack some."""
    if type_of_target(values) == "multiclass-multioutput":
        raise ValueError("it has several columns of classes: give each a head of its own.")
    return Labels(values if classes is None or values.ndim == 2 else classes)


def read_classes(classes):
    """Return the user's classes by the name of the head."""
    if not isinstance(classes, dict):
        raise TypeError(
            "classes must be a dict of the labels of each head, {'name of a head': labels}, and is "
            f"a {type(classes).__name__}."
        )
    return {name: read_labels(own, f"classes[{name!r}]") for name, own in classes.items()}
