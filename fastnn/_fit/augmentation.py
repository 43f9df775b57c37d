"""Augmentation of a fit: the transforms and the mixing that `augment` names."""

import functools

from scipy import sparse

from .._core.device_arrays import is_on_gpu
from .._data.rows import automatic_precision
from .._specs.spec import resolve
from .._train.datasets import Dataset
from ..augment import Mixing, RowTransform
from ..augment.mixing import MIXINGS


def augmentation_of(model, X, optimizer, batch_size):
    """Return the list of transforms, and the mixing or None, after checking them."""
    given = model.augment
    items = given if isinstance(given, list | tuple) else [] if given is None else [given]
    if not items:
        return [], None
    transforms = [_augmentation(item) for item in items]
    mixing = transforms.pop() if isinstance(transforms[-1], Mixing) else None
    if any(isinstance(one, Mixing) for one in transforms):
        raise ValueError(
            "Mixup and CutMix mix rows in the engine, when all else is done: let one of them be "
            f"the last in augment={given!r}, or RandomChoice([Mixup(), CutMix()])."
        )
    if optimizer.full_batch:
        raise ValueError(
            f"augment needs a solver such as 'sgd' or 'adam': {model.solver!r} cannot minimise "
            "a loss that changes at random."
        )
    if sparse.issparse(X):
        raise ValueError(
            f"augment does not {'change' if transforms else 'mix'} sparse rows, because they "
            "would become dense: pass X.toarray(), or use dropout."
        )
    if transforms and is_on_gpu(X):
        raise ValueError(
            "augment changes rows on the processor, and X is on the GPU: pass an array of the "
            "host, by .cpu() of PyTorch or .get() of CuPy. Only Mixup and CutMix work there."
        )
    if mixing is not None and batch_size < 2:
        raise ValueError(
            "augment mixes the rows of a batch with each other, and this is a batch of one "
            "row: use batch_size=2 or more."
        )
    for one in [*transforms, mixing]:
        if isinstance(one, Mixing | RowTransform):
            one.check(X.shape[1])
    return transforms, mixing


def _augmentation(item):
    """Return a checked spec of augmentation, or a function."""
    if isinstance(item, str | Mixing | RowTransform):
        return resolve("augment", item, MIXINGS)
    if callable(item) and not isinstance(item, type):
        return item
    hint = f": pass an object, {item.__name__}()" if isinstance(item, type) else ""
    raise ValueError(
        "augment must be of names ('mixup', 'cutmix'), specs of fastnn.augment and functions "
        f"(X, y, rng) -> (X, y), and {item!r} is none of them{hint}."
    )


def prepare_augmentation(fit, transforms):
    """Set the augmentation of a fit by transforms: row by row where that is possible."""
    from .._train.row_augmentation import RowAugmentation, is_by_row, name_of

    fit.network.draw_seed(fit.random_state)
    seed, settings, data = fit.network.seed, fit.settings, fit.data
    for one in transforms:
        if isinstance(one, RowTransform):
            one.check_classes(fit.encoder.row_classes)
    of_all_rows = [one for one in transforms if not is_by_row(one)]
    repeat = _repeat_among(transforms, of_all_rows, settings, data)
    if not of_all_rows:
        labels_of = functools.partial(_labels_of, fit.encoder)
        given = transforms, automatic_precision(data.X), seed, labels_of, repeat
        settings.row_augmentation = RowAugmentation(*given)
        return
    if not isinstance(data, Dataset) or settings.shuffle == "blocks":
        raise ValueError(
            f"augment: {name_of(of_all_rows[0])} takes all rows at once, and they are read in "
            "parts: choose transforms that change each row by itself, or pass an array that fits "
            "in memory, with shuffle=True."
        )
    from .._train.background_augmentation import BackgroundAugmentation

    # Not `fit.encode`: the fit holds what holds it.
    encode = functools.partial(fit.encoder.encode, dtype=fit.dtype, loss=fit.loss)
    settings.augmentation = BackgroundAugmentation(
        transforms, data, fit.y, encode, seed, fit.numbers_of_epochs()
    )


def _labels_of(encoder, targets):
    """Return the labels that targets of an engine stand for; None if a row has not one label."""
    classes = encoder.row_classes
    return None if classes is None else classes[encoder.class_numbers(targets)]


def _repeat_among(transforms, of_all_rows, settings, data):
    """Return the transform that adds copies of rows, or None, after checking that it can."""
    repeats = [one for one in transforms if isinstance(one, RowTransform) and one.adds_rows]
    if not repeats:
        return None
    name = type(repeats[0]).__name__
    if len(repeats) > 1:
        raise ValueError(f"augment adds copies of rows once: join the transforms of {repeats}.")
    if of_all_rows:
        from .._train.row_augmentation import name_of

        raise ValueError(
            f"augment: {name} adds rows, and {name_of(of_all_rows[0])} takes all rows at once: "
            "choose transforms that change each row by itself."
        )
    if not isinstance(data, Dataset) or settings.shuffle == "blocks":
        raise ValueError(
            f"augment: {name} adds copies of rows in memory, and they are read in parts: pass an "
            "array that fits in memory, with shuffle=True."
        )
    return repeats[0]
