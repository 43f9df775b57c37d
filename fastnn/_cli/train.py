"""Train an ensemble of networks on a table, and save it.

The table is a CSV or Parquet file with named columns: numbers, words, dates, truth values, gaps.
All columns but the target are features; nothing has to be encoded or scaled. Rows without a target
are left out. Each training row is predicted by networks that have not seen it, which gives the
score; --test scores the rows of another table too.
"""


def add_arguments(parser):
    """Declare the arguments."""
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet file to train on")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="column to predict")
    parser.add_argument("--output", required=True, metavar="MODEL", help="file to save to")
    parser.add_argument(
        "--ignore",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns that are no features, such as the number of a row",
    )
    parser.add_argument(
        "--task",
        choices=("auto", "classification", "regression"),
        default="auto",
        help="auto is regression for numbers, but for whole ones of at most 20 different values",
    )
    parser.add_argument(
        "--preset",
        choices=("fast", "default", "best"),
        default="default",
        help="number of networks: more take longer, and are more accurate",
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="time after which no network is begun"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (0)")
    parser.add_argument("--test", metavar="TABLE", help="other rows to score")


def run(asked) -> int:
    """Train, score and save."""
    from .._files.atomic import check_folder
    from ..callbacks import ProgressBar
    from ..tabular import TabularMLPClassifier, TabularMLPRegressor
    from .rows import read_rows, score_held_out

    path = check_folder(asked.output, "--output")
    rows = read_rows(asked.table, asked.target, asked.ignore, asked.task)
    if asked.test is not None:
        test = read_rows(asked.test, asked.target, task=rows.task, like=rows)
    print(rows.describe(asked.target))
    estimator = TabularMLPClassifier if rows.are_classes else TabularMLPRegressor
    model = estimator(
        asked.preset,
        time_limit=asked.time_limit,
        callbacks=[ProgressBar()],
        random_state=asked.seed,
    )
    model.fit(rows.X, rows.y)
    print(f"rows held out: {score_held_out(model, rows)}")
    if asked.test is not None:
        print(f"rows of {asked.test}: {test.score(model.predict(test.X))}")
    model.save(path)
    n_networks = sum(len(member.networks) for member in model.networks_)
    print(f"saved {path}: {n_networks} networks, {path.stat().st_size / 1e6:.1f} MB")
    return 0
