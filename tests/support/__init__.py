"""Helpers of the tests, and the reference: the whole network in NumPy."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
