"""Rows, targets and weights that a user passes, as arrays that an engine reads."""
