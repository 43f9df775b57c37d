"""Warnings at the user's line, and not of what a search of scikit-learn brings with it."""

import sys
import warnings


def warn(message, category=UserWarning):
    """Warn at the line outside this package that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def is_searched(parameter):
    """Whether the fit under way is one of a search of scikit-learn's that sets this parameter.

    What comes of its values, an end before convergence say, is what the search compares.
    """
    frame = sys._getframe(1)
    while frame and frame.f_code.co_name != "_fit_and_score":
        frame = frame.f_back
    names = (frame.f_locals.get("parameters") if frame else None) or ()
    return any(name.rpartition("__")[2] == parameter for name in names)
