"""Locking of estimators, so that no two calls train one at the same time."""

import os

# Ids of objects being trained and of their locks; an attribute would be pickled and copied.
_trained: dict[int, int] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_trained.clear)  # no other thread exists there


class training_lock:
    """Context that locks an object for training; entering raises if another call trains it."""

    def __init__(self, trained, name):
        self._key, self._name = id(trained), name

    def __enter__(self):
        if _trained.setdefault(self._key, id(self)) != id(self):
            raise RuntimeError(
                f"This {self._name} is being fitted by another call, of a thread, a callback or a "
                "signal handler: let one wait for the other, or fit a clone (sklearn.base.clone)."
            )

    def __exit__(self, *exception):
        if _trained.get(self._key) == id(self):
            del _trained[self._key]

    __del__ = __exit__  # if a signal arrives before `__exit__`
