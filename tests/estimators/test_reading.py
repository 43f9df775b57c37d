"""A subclass that reads rows in its own way: all that takes rows reads them so."""

import pickle

import numpy as np
import pandas as pd
import pytest

from fastnn import MLPClassifier, MLPRegressor, diagnostics
from fastnn.plots import (
    ActivationHistogramDisplay,
    FailureCasesDisplay,
    TrainingCurveDisplay,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SIZES = "small", "middling", "large"
OPTIONS = dict(hidden_layer_sizes=(5,), max_iter=3, random_state=0)


class OneHotSizes:
    """Reads a frame whose column "size" is of strings, by a column for each of them."""

    def read(self, X, *, reset=False, name="X"):
        if reset:
            self.sizes_ = sorted(set(X["size"]))
        elif unknown := set(X["size"]) - set(self.sizes_):
            raise ValueError(f"{name} has the unknown sizes {unknown}.")
        columns = [X["size"] == size for size in self.sizes_]
        rows = np.column_stack([X["weight"], *columns]).astype(np.float32)
        return super().read(rows, reset=reset, name=name)


class Classifier(OneHotSizes, MLPClassifier):
    pass


class Regressor(OneHotSizes, MLPRegressor):
    pass


def table(n_rows, seed=0, sizes=SIZES):
    rng = np.random.RandomState(seed)
    X = pd.DataFrame({"weight": rng.normal(size=n_rows), "size": rng.choice(sizes, n_rows)})
    return X, (X["weight"] + (X["size"] == "large") > 0.5).astype(int)


def encoded(X):
    """Return the same rows for an estimator that reads arrays."""
    columns = [X["size"] == size for size in sorted(SIZES)]
    return np.column_stack([X["weight"], *columns]).astype(np.float32)


X, Y = table(80)
X_VAL, Y_VAL = table(40, seed=1)


def assert_same(model, plain):
    for mine, theirs in zip(model.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert vars(model).get("validation_scores_") == vars(plain).get("validation_scores_")
    np.testing.assert_array_equal(model.predict(X_VAL), plain.predict(encoded(X_VAL)))
    assert model.score(X_VAL, Y_VAL) == plain.score(encoded(X_VAL), Y_VAL)


@pytest.mark.parametrize(("cls", "base"), [(Classifier, MLPClassifier), (Regressor, MLPRegressor)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True},
        {"early_stopping": True, "scoring": "neg_mean_squared_error"},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
def test_fit_and_predict(cls, base, options):
    model, plain = cls(**OPTIONS, **options), base(**OPTIONS, **options)
    assert_same(model.fit(X, Y), plain.fit(encoded(X), Y))
    assert model.sizes_ == sorted(SIZES)


@pytest.mark.parametrize("scoring", [None, "balanced_accuracy", lambda m, X, y: m.score(X, y)])
def test_validation_rows(scoring):
    options = OPTIONS | {"scoring": scoring}
    model = Classifier(**options).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    plain = MLPClassifier(**options).fit(encoded(X), Y, X_val=encoded(X_VAL), y_val=Y_VAL)
    assert_same(model, plain)
    with pytest.raises(ValueError, match="X_val has the unknown sizes"):
        model.fit(X, Y, X_val=X_VAL.assign(size="huge"), y_val=Y_VAL)
    assert_same(model, plain)


def test_further_training_and_pickles():
    """Check that the conversion is fitted by `fit`, but not by further training."""
    model = Classifier(**OPTIONS).fit(*table(50, sizes=SIZES[:2]))
    assert len(model.sizes_) == model.n_features_in_ - 1 == 2
    model.fit(X, Y)
    assert model.sizes_ == sorted(SIZES)
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    plain = MLPClassifier(**OPTIONS).fit(encoded(X), Y).partial_fit(encoded(X), Y)
    assert_same(model, plain)
    with pytest.raises(ValueError, match="X has the unknown sizes"):
        model.predict(X.assign(size="huge"))
    with pytest.raises(KeyError):
        model.fit(X.drop(columns="size"), Y)
    assert_same(model, plain)


@pytest.mark.parametrize("cls", [Classifier, Regressor])
@pytest.mark.parametrize("fitted", [False, True])
def test_diagnostics(cls, fitted):
    model, plain = cls(**OPTIONS), cls.__mro__[2](**OPTIONS)
    if fitted:
        model.fit(X, Y), plain.fit(encoded(X), Y)
    for look in (diagnostics.initial_loss, diagnostics.layer_health, diagnostics.check_gradients):
        assert repr(look(model, X, Y)) == repr(look(plain, encoded(X), Y))
    validation = dict(X_val=X_VAL, y_val=Y_VAL)
    mine = diagnostics.generalization(model, X, Y, **validation)
    validation["X_val"] = encoded(X_VAL)
    assert repr(mine) == repr(diagnostics.generalization(plain, encoded(X), Y, **validation))
    if fitted:
        for values, others in zip(
            diagnostics.activations_of(model, X),
            diagnostics.activations_of(plain, encoded(X)),
            strict=True,
        ):
            np.testing.assert_array_equal(values, others)


def test_plots():
    pytest.importorskip("matplotlib").use("agg")
    models = (
        Classifier(**OPTIONS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL),
        MLPClassifier(**OPTIONS).fit(encoded(X), Y, X_val=encoded(X_VAL), y_val=Y_VAL),
    )
    mine, theirs = (
        [
            TrainingCurveDisplay.from_estimator(model).history,
            FailureCasesDisplay.from_estimator(model, rows, Y).y_pred,
            *ActivationHistogramDisplay.from_estimator(model, rows).activations,
        ]
        for model, rows in zip(models, [X, encoded(X)], strict=True)
    )
    mine[0].pop("seconds"), theirs[0].pop("seconds")
    np.testing.assert_equal(mine, theirs)
