"""The command ``fastnn``: a module for each of its commands.

A module of a command has its help as docstring, `add_arguments`, which declares its arguments, and
`run`, which returns the exit status. Slow imports are in `run`.
"""
