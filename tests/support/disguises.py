"""Disguises and damages of data: the same values in other containers, and spoiled ones."""

import array
import collections
import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse


class Subclass(np.ndarray):
    pass


def strided(values):
    twice = np.repeat(values, 2)
    return twice[::2]


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def unaligned(values):
    room = np.zeros(values.nbytes + 1, np.uint8)
    found = room[1:].view(values.dtype)
    found[...] = values
    return found


DISGUISES = {
    "list": np.ndarray.tolist,
    "tuple": lambda v: tuple(v.tolist()),
    "deque": lambda v: collections.deque(v.tolist()),
    "list of scalars": list,
    "objects": lambda v: v.astype(object),
    "strided": strided,
    "reversed": lambda v: v[::-1].copy()[::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "subclass": lambda v: v.view(Subclass),
    "unmasked": np.ma.array,
    "series": pd.Series,
    "series of another index": lambda v: pd.Series(v, index=np.arange(len(v))[::-1]),
    "index": pd.Index,
    "polars": pl.Series,
    "extension": pd.array,
    "memory": lambda v: memoryview(v) if v.dtype.kind != "U" else v.tolist(),
}
OF_NUMBERS = {
    "big-endian": lambda v: v.astype(v.dtype.newbyteorder(">")),
    "float32": lambda v: v.astype(np.float32),
    "float16": lambda v: v.astype(np.float16),
    "longdouble": lambda v: v.astype(np.longdouble),
    "int8": lambda v: v.astype(np.int8),
    "uint64": lambda v: v.astype(np.uint64),
    "nullable": lambda v: pd.array(v.astype(int), dtype="Int64"),
    "array": lambda v: array.array("d", v),
    "decimals": lambda v: [decimal.Decimal(int(one)) for one in v],
    "fractions": lambda v: [fractions.Fraction(int(one)) for one in v],
    "sparse pandas": lambda v: pd.arrays.SparseArray(v),
    "category": lambda v: pd.Categorical(v),
}
OF_LETTERS = {
    "category": pd.Categorical,
    "string": lambda v: pd.array(v, dtype="string"),
    "StringDType": lambda v: v.astype(np.dtypes.StringDType()),
    "enum": lambda v: pl.Series(v, dtype=pl.Enum(sorted(set(v.tolist())))),
    "category of polars": lambda v: pl.Series(v, dtype=pl.Categorical),
}


MAY_BE_REFUSED = ("category", "memory", "decimals", "fractions")


def with_one(value):
    def spoil(values, rng):
        values = values.astype(object)
        values[rng.integers(len(values))] = value
        return values if rng.integers(2) else values.tolist()

    return spoil


def always(make):
    return lambda values, rng: make(values)


SPOILED = {
    "nan": with_one(np.nan),
    "None": with_one(None),
    "NA": with_one(pd.NA),
    "NaT": with_one(pd.NaT),
    "nan decimal": with_one(decimal.Decimal("nan")),
    "date": with_one(datetime.date(2020, 1, 1)),
    "complex": with_one(1j),
    "a list": with_one([1]),
    "an array": with_one(np.ones(2)),
    "a dict": with_one({}),
    "an object": with_one(object()),
    "bytes": with_one(b"a"),
    "huge": with_one(10**400),
    "complex array": always(lambda v: np.ones(len(v)) + 1j),
    "records": always(lambda v: np.zeros(len(v), [("a", int), ("b", float)])),
    "recarray": always(lambda v: np.rec.fromarrays([np.ones(len(v))], names="a")),
    "masked": always(lambda v: np.ma.array(v, mask=np.arange(len(v)) == 3)),
    "shorter": always(lambda v: v[:-1]),
    "longer": always(lambda v: np.concatenate([v, v[:1]])),
    "one": always(lambda v: v[:1]),
    "empty": always(lambda v: v[:0]),
    "empty list": always(lambda v: []),
    "number": always(lambda v: np.array("a")),
    "3-D": always(lambda v: v.reshape(-1, 1, 1)),
    "row": always(lambda v: v[np.newaxis]),
    "ragged": always(lambda v: [[1], [1, 2]] * (len(v) // 2)),
    "generator": always(iter),
    "map": always(lambda v: map(float, range(len(v)))),
    "set": always(lambda v: {*range(len(v))}),
    "dict": always(lambda v: dict(enumerate(v))),
    "string": always(lambda v: "a" * len(v)),
    "bytes of it": always(lambda v: b"a" * len(v)),
    "function": always(lambda v: len),
    "class": always(lambda v: list),
    "object": always(lambda v: object()),
    "sparse of one dimension": always(lambda v: sparse.coo_array(np.ones(len(v)))),
    "lazy": always(lambda v: pl.LazyFrame({"a": v})),
    "multi": always(lambda v: pd.MultiIndex.from_arrays([v, v])),
    "lists": always(lambda v: pl.Series([[1.0]] * len(v))),
    "structs": always(lambda v: pl.Series([{"a": 1}] * len(v))),
}
NO_NUMBERS = {
    "infinite": with_one(np.inf),
    "string": with_one("1"),
    "strings": always(lambda v: v.astype(str)),
    "dates": always(lambda v: v.astype("M8[D]")),
    "durations": always(lambda v: pd.to_timedelta(v, unit="s")),
    "periods": always(lambda v: pd.period_range("2020", periods=len(v), freq="D")),
}
