"""Comparisons with PyTorch, collected where it is installed: the extra crosscheck."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["*"]
