"""Warnings that point at the user's line, and that respect searches of scikit-learn."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

_held: ContextVar[list | None] = ContextVar("held", default=None)


def warn(message, category=UserWarning):
    """Warn at the line outside this package that led here."""
    if (held := _held.get()) is not None:
        held.append((message, category))
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def held_warnings():
    """Context in which warnings are held back: it yields a list of (message, category)."""
    token = _held.set([])
    try:
        yield _held.get()
    finally:
        _held.reset(token)


def is_searched(*names):
    """Return whether a search of scikit-learn sets one of these parameters for the current fit.

    'n_samples' is the resource of a search by halving. A consequence of the values searched, such
    as stopping before convergence, needs no warning: the search compares it.
    """
    frame, found = sys._getframe(1), set()
    while frame:
        if frame.f_code.co_name == "_fit_and_score":  # the candidate's parameters
            found.update(frame.f_locals.get("parameters") or ())
        elif frame.f_code.co_name == "_run_search":  # search by halving, in this process
            found.add(getattr(frame.f_locals.get("self"), "resource", ""))
        frame = frame.f_back
    return not {name.rpartition("__")[2] for name in found}.isdisjoint(names)
