"""Docstrings of sources, and their common parts."""

COMMON = """\
classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        The labels of the target. None finds them in a pass over the targets before training.
    shuffle_buffer : int, default=None
        Number of rows in the buffer in which training shuffles. None is the number that fits in 64
        MiB."""

PATHS = """\
paths : str, path-like, or list of such
        Files, folders, and patterns such as ``"data/*{suffix}"``."""

_TABLE_PATHS = f"""\
{PATHS} Folders with names such as ``year=2024``, below a folder or a pattern, are columns."""

_TABLES = f"""\
target : str or list of str, default=None
        Names of the columns of `y`. None is for prediction, without targets.
    columns : str or list of str, default=None
        Names of the columns of `X`, in this order. None is all other columns.
    sample_weight : str, default=None
        Name of the column of weights.
    output : {{"auto", "array", "pandas", "polars"}}, default="auto"
        Type of the rows: an array, or a frame of a library. "auto" is an array if all columns of
        `X` are numeric, otherwise a frame of pandas for transformers; see `map`. In an array, nulls
        are NaN. It is uint8 or float32 if this type represents all columns exactly, otherwise
        float64.
    {COMMON}"""

_RAISES = """\
Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If the names or types of columns differ between files, or there are no rows; while reading,
        if a file has changed.
    ImportError
        If pyarrow is not installed."""

PARQUET = f"""Rows of Parquet files.

    A block is a row group, which is read in pieces. Training shuffles better if row groups are
    small: write them with ``row_group_size=10_000``, for example. It requires pyarrow (``pip
    install "fastnn-mlp[parquet]"``).

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

    A block is a record batch. Files are memory-mapped, so that uncompressed batches need no
    additional memory. It requires pyarrow (``pip install "fastnn-mlp[parquet]"``).

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

    A block is about 1 MiB of lines. A scan of the files finds and counts them before the first one
    is read. The first block determines the types of the columns. Columns of `X` that contain
    integers in this block are read as float64, so that decimals and gaps may follow. Values must
    not contain quoted line breaks. It requires pyarrow (``pip install "fastnn-mlp[parquet]"``).

    Parameters
    ----------
    {_TABLE_PATHS.format(suffix=".csv")}
    {_TABLES}
    delimiter : str, default=","
        Character between values.
    names : list of str, default=None
        Names of the columns, for files without a header. None reads the header of each file.
    dtype : dict of str to str, default=None
        Types of columns by name, such as ``{{"zip": "string", "y": "float64"}}``, where the first
        rows suggest another type. The names of types are those of :func:`pyarrow.type_for_alias`.

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

    A block is about 1 MiB of rows, or whole chunks. It requires h5py (``pip install
    "fastnn-mlp[hdf5]"``).

    Parameters
    ----------
    {PATHS.format(suffix=".h5")}
    X : str, default="X"
        Name of the data set of features, such as ``"train/images"``. Images of more dimensions are
        flattened in C order. The types uint8, float32 and float64 are preserved; others are
        converted to float32 if it represents their values exactly, otherwise to float64.
    y : str, default=None
        Name of the data set of targets. None is for prediction, without targets.
    sample_weight : str, default=None
        Name of the data set of weights.
    {COMMON}

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If data sets are missing, differ in their numbers of rows or columns, are not numeric, or
        have no rows; while reading, if a file has changed.
    ImportError
        If h5py is not installed.

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
