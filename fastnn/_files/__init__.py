"""Files of models and checkpoints, which nothing in them can make run code.

models.py    an estimator -> a dict of its parts
trees.py     plain values, specs and arrays -> JSON, and arrays beside it
archive.py   JSON and arrays -> the bytes of one zip archive with a checksum
atomic.py    bytes -> a file, all of them or none
"""
