"""Views of the parameters of a network, and arrays that users put in their place."""

from collections import UserDict

import numpy as np


def write_into_views(**pairs):
    """Copy in what a user put into lists in place of views: all of it, or nothing.

    Parameters
    ----------
    **pairs : (list of array-like, list of ndarray)
        By the list's name in errors, its items and the views.

    Returns
    -------
    lists : list of list of ndarray
        The views; in the same lists, which a user may hold.
    """
    edits = [_edits(name, *pair) for name, pair in pairs.items()]
    for (given, views), its_edits in zip(pairs.values(), edits, strict=True):
        for i, (one, array) in its_edits.items():
            views[i][...] = array
            if isinstance(given, list) and given[i] is one:
                given[i] = views[i]
    return [given if isinstance(given, list) else list(views) for given, views in pairs.values()]


def _edits(name, given, views):
    """Return items in place of views, by number: as they are, and as checked copies.

    Copies, as an item may be a part of another's view.
    """
    if len(given) != len(views):
        raise ValueError(f"{name} has {len(given)} arrays, but there are {len(views)} layers.")
    return {
        i: (one, fit_to_view(f"{name}[{i}]", one, view))
        for i, (one, view) in enumerate(zip(given, views, strict=True))
        if one is not view
    }


def fit_to_view(name, given, view):
    """Return a copy of an array that can take the place of a view."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be an array of real numbers, and has the type {array.dtype}: convert it, "
            "as by .astype(float)."
        )
    if array.shape != view.shape:
        raise ValueError(f"{name} has shape {array.shape}, but the network needs {view.shape}.")
    with np.errstate(over="ignore"):  # looked at below
        array = array.astype(view.dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite in {view.dtype}, and has NaN or infinity.")
    return array


class Views(UserDict):
    """Views of parameters by name, into which is written what is put in their place."""

    def __init__(self, views):
        self.data = views

    def __setitem__(self, name, array):
        view = self.data[name]
        view[...] = fit_to_view(f"{name!r}", array, view)

    def __delitem__(self, name):
        raise TypeError(f"{name!r} is a part of the network, and cannot be taken away.")

    def copy(self):
        return self.data.copy()


def named_views(arrays, *names):
    """Return the views of these names, or None if there are none."""
    return Views({name: arrays[name] for name in names if name in arrays}) or None
