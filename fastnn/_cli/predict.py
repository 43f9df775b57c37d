"""Predict the rows of a table with a saved model.

Predictions are written as CSV, a line for each row in the order of the table, to standard output
or to a file, which is complete or not there. Columns are found by name; others than those of the
training table are ignored.
"""


def add_arguments(parser):
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="file that `fastnn train` or save() wrote")
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet file of rows to predict")
    parser.add_argument("--output", metavar="FILE", help="file to write (standard output)")
    parser.add_argument(
        "--proba", action="store_true", help="write the probability of each class, in its column"
    )


def run(asked) -> int:
    """Predict, and write the predictions."""
    from .._files.atomic import check_folder
    from .._files.models import load
    from .tables import write_csv

    path = None if asked.output is None else check_folder(asked.output, "--output")
    model = load(asked.model)
    if asked.proba and not hasattr(model, "predict_proba"):
        raise ValueError(f"{asked.model} is a {type(model).__name__}, which has no probabilities.")
    X = _read_features(model, asked.table)
    write_csv(path, *(_probabilities(model, X) if asked.proba else _predictions(model, X)))
    return 0


def _predictions(model, X):
    """Return a header and rows: a column for each target."""
    import numpy as np
    from scipy.sparse import issparse

    predicted = model.predict(X)
    if hasattr(model, "heads_"):
        parts = {f"prediction of {name}": np.asarray(predicted[name]) for name in model.heads_}
    else:
        parts = {"prediction": predicted.toarray() if issparse(predicted) else predicted}
    header = []
    for name, part in parts.items():
        header += [name] if part.ndim == 1 else [f"{name} {k}" for k in range(part.shape[1])]
    columns = [part.reshape(len(part), -1).astype(object) for part in parts.values()]
    return header, np.hstack(columns).tolist()


def _probabilities(model, X):
    """Return a header and rows: a column for each class, of each target in turn."""
    import numpy as np

    probabilities = model.predict_proba(X)
    if isinstance(probabilities, np.ndarray):
        return list(map(str, model.classes_)), probabilities.tolist()
    if not probabilities:
        raise ValueError(f"No head of this {type(model).__name__} has probabilities.")
    if isinstance(probabilities, list):
        probabilities = {f"target {k}": part for k, part in enumerate(probabilities)}
        classes = dict(zip(probabilities, model.classes_, strict=True))
    else:
        classes = model.classes_
    header = [f"{label} of {name}" for name in probabilities for label in classes[name]]
    return header, np.hstack(list(probabilities.values())).tolist()


def _read_features(model, path):
    """Return the columns of a table that the model knows, in its order."""
    from .tables import read_table, select

    ensemble = getattr(model, "_ensemble", None)
    # A column of words may hold nothing but numbers in these rows.
    table = read_table(path, () if ensemble is None else ensemble.columns.labels_of_text())
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return table
    return select(table, list(names), path)
