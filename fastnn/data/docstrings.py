"""Parts of the docstrings of several sources."""

COMMON = """\
classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        All labels of the target. None finds them by reading the targets once before training.
    shuffle_buffer : int, default=None
        Number of rows among which training shuffles. None is as many as 64 MiB hold."""

PATHS = """\
paths : str, path-like, or list of such
        Files, folders, and patterns such as ``"data/*{suffix}"``."""

_TABLE_PATHS = f"""\
{PATHS} Names of folders such as
        ``year=2024`` below a folder or a pattern are columns."""

_TABLES = f"""\
target : str or list of str, default=None
        Names of the columns of `y`. None has no targets, to predict.
    columns : str or list of str, default=None
        Names of the columns of `X`, in this order. None takes all others.
    sample_weight : str, default=None
        Name of the column of weights.
    output : {{"auto", "array", "pandas", "polars"}}, default="auto"
        Type of the rows: an array, or a frame of a library. "auto" is an array if all columns of
        `X` are numbers, and otherwise a frame of pandas, for transformers; see `map`. An array has
        NaN for nulls. It is uint8 or float32 if that holds all columns exactly, and else float64.
    {COMMON}"""

_RAISES = """\
Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If files differ in the names or types of their columns, or have no rows; while reading, if a
        file has changed.
    ImportError
        If pyarrow is missing."""

PARQUET = f"""Rows of Parquet files.

    A block is a row group, of which a piece at a time is in memory. Training shuffles better if row
    groups are small: write them with ``row_group_size=10_000`` or so. Needs pyarrow
    (``pip install "fastnn-mlp[parquet]"``).

    Parameters
    ----------
    {_TABLE_PATHS.format(suffix=".parquet")}
    {_TABLES}

    {_RAISES}

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pyarrow as pa, pyarrow.parquet
    >>> from fastnn.data import Parquet
    >>> folder, x = tempfile.mkdtemp(), np.linspace(0, 1, 1000)
    >>> table = pa.table({{"x": x, "noise": x % 0.1, "y": x**2}})
    >>> pa.parquet.write_table(table, f"{{folder}}/a.parquet", row_group_size=100)
    >>> source = Parquet(folder, target="y")
    >>> len(source), source.feature_names
    (1000, ['x', 'noise'])
    >>> next(iter(source)).X.shape
    (100, 2)
    """

ARROW = f"""Rows of Arrow IPC files, which are Feather files too (version 2).

    A block is a record batch. Files are mapped into memory, so that a batch that is not compressed
    needs none of its own. Needs pyarrow (``pip install "fastnn-mlp[parquet]"``).

    Parameters
    ----------
    {_TABLE_PATHS.format(suffix=".arrow")}
    {_TABLES}

    {_RAISES}

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pyarrow as pa, pyarrow.feather
    >>> from fastnn.data import Arrow
    >>> folder, x = tempfile.mkdtemp(), np.linspace(0, 1, 1000)
    >>> pa.feather.write_feather(pa.table({{"x": x, "y": x**2}}), f"{{folder}}/a.arrow")
    >>> source = Arrow(f"{{folder}}/*.arrow", target="y")
    >>> len(source), source.feature_names
    (1000, ['x'])
    """

CSV = f"""Rows of CSV files.

    A block is about 1 MiB of lines. They are found, and counted, by a scan of the files before the
    first is read. The first of them tells the types of the columns: those of `X` that hold whole
    numbers there are read as float64, so that decimals and gaps may follow. Values must not have
    line breaks within quotes. Needs pyarrow (``pip install "fastnn-mlp[parquet]"``).

    Parameters
    ----------
    {_TABLE_PATHS.format(suffix=".csv")}
    {_TABLES}
    delimiter : str, default=","
        Character between values.
    names : list of str, default=None
        Names of the columns of files that have no line of names. None takes the first line of each
        file.
    dtype : dict of str to str, default=None
        Types of columns by name, such as ``{{"zip": "string", "y": "float64"}}``, where the first
        rows tell another; names as in :func:`pyarrow.type_for_alias`.

    {_RAISES}

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import CSV
    >>> path = Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("height,weight,label\\n1.8,80,a\\n1.7,,b\\n")
    >>> source = CSV(path, target="label")
    >>> rows = next(iter(source))
    >>> rows.X.tolist(), rows.y.tolist()
    ([[1.8, 80.0], [1.7, nan]], ['a', 'b'])
    """

HDF5 = f"""Rows of data sets in HDF5 files.

    A block is about 1 MiB of rows, or whole chunks. Needs h5py
    (``pip install "fastnn-mlp[hdf5]"``).

    Parameters
    ----------
    {PATHS.format(suffix=".h5")}
    X : str, default="X"
        Name of the data set of features, such as ``"train/images"``. Images of more dimensions are
        flattened in C order. uint8, float32 and float64 are read as they are, others as float32 if
        that holds their values exactly, and else as float64.
    y : str, default=None
        Name of the data set of targets. None has no targets, to predict.
    sample_weight : str, default=None
        Name of the data set of weights.
    {COMMON}

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If data sets are missing, differ in their numbers of rows or columns, are not numbers, or
        have no rows; while reading, if a file has changed.
    ImportError
        If h5py is missing.

    Examples
    --------
    >>> import tempfile
    >>> import h5py
    >>> import numpy as np
    >>> from fastnn.data import HDF5
    >>> path = f"{{tempfile.mkdtemp()}}/a.h5"
    >>> with h5py.File(path, "w") as file:
    ...     file["images"], file["labels"] = np.zeros((50, 8, 8), np.uint8), np.arange(50) % 10
    >>> source = HDF5(path, X="images", y="labels")
    >>> len(source), source.n_features
    (50, 64)
    """
