"""Warnings at the user's line, and not of what a search of scikit-learn brings with it."""

import sys
import warnings


def warn(message, category=UserWarning):
    """Warn at the line outside this package that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def is_searched(*names):
    """Whether the fit under way is one of a search of scikit-learn's that sets one of these.

    They are parameters, or 'n_samples', a resource. What comes of their values, an end before
    convergence say, is what the search compares.
    """
    frame, found = sys._getframe(1), set()
    while frame:
        if frame.f_code.co_name == "_fit_and_score":  # parameters of the candidate
            found.update(frame.f_locals.get("parameters") or ())
        elif frame.f_code.co_name == "_run_search":  # of a search by halving, in this process
            found.add(getattr(frame.f_locals.get("self"), "resource", ""))
        frame = frame.f_back
    return not {name.rpartition("__")[2] for name in found}.isdisjoint(names)
