"""Check that a network with default settings can learn a table, and say what is wrong.

Prints how each column is read, and the report of fastnn.diagnostics.check_training: the scale of
the features, the initial loss, the learning rate and so on. Exit status 1 means that a check found
a fault.
"""

#: Exit status if there is a fault.
FAULT = 1


def add_arguments(parser):
    """Declare the arguments."""
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="column to predict")
    parser.add_argument(
        "--ignore", nargs="+", default=[], metavar="COLUMN", help="columns that are no features"
    )
    parser.add_argument(
        "--task", choices=("auto", "classification", "regression"), default="auto", help="as train"
    )
    parser.add_argument(
        "--scale", action="store_true", help="standardise features and targets of numbers first"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (0)")


def run(asked) -> int:
    """Print the columns and the report."""
    from sklearn.preprocessing import StandardScaler

    from ..diagnostics import check_training
    from ..estimators import MLPClassifier, MLPRegressor
    from ..tabular.columns import Columns
    from .rows import read_rows

    rows = read_rows(asked.table, asked.target, asked.ignore, asked.task)
    print(rows.describe(asked.target), end="\n\n")
    columns = Columns.learn(rows.X)
    print(columns.table(), end="\n\n")
    X, y = _encoded(columns.read(rows.X)), rows.y
    if asked.scale:
        X = StandardScaler().fit_transform(X)
        y = y if rows.are_classes else StandardScaler().fit_transform(y.reshape(-1, 1)).ravel()
    estimator = MLPClassifier if rows.are_classes else MLPRegressor
    report = check_training(estimator(random_state=asked.seed), X, y, random_state=asked.seed)
    print(report)
    return 0 if report.ok else FAULT


def _encoded(values):
    """Return rows of numbers: gaps replaced by means, and a column for each level of a category."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    parts = [
        (SimpleImputer(), values.numbers),
        (OneHotEncoder(sparse_output=False, max_categories=64), values.codes),
    ]
    encoded = [step.fit_transform(part) for step, part in parts if part.shape[1]]
    if not encoded:
        raise ValueError("No column tells rows apart.")
    return np.hstack(encoded)
