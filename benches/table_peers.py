"""What is compared on tables: a class for each library, at its defaults.

All take the same frames: numbers with gaps, and categories as the dtype of pandas with the levels
of the whole table. `frame` makes of them what the library wants, which is part of its fit.
Libraries are imported when they are used: a process that measures one has no other.
"""

import pandas as pd


class Library:
    """Base of the libraries: an estimator with scikit-learn's interface, and what it reads.

    Parameters
    ----------
    classes : bool
        Whether the target has classes rather than values.
    seed : int
    threads : int
    """

    def __init__(self, classes, seed, threads):
        self.model = self.make(classes, seed, threads)

    def make(self, classes, seed, threads):
        raise NotImplementedError

    def frame(self, X):
        return plain(X)

    def fit(self, X, y):
        self.model.fit(self.frame(X), y)

    def predict(self, X):
        return self.model.predict(self.frame(X)).ravel()

    def predict_proba(self, X):
        return self.model.predict_proba(self.frame(X))


def plain(X):
    """Return the frame with short names, and with dates as days."""
    columns = {}
    for i, name in enumerate(X):
        column = X[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = (column - pd.Timestamp(0, tz=column.dt.tz)) / pd.Timedelta(days=1)
        elif not isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(float)
        columns[f"f{i}"] = column
    return pd.DataFrame(columns)


def categories(X):
    return [name for name in X if isinstance(X[name].dtype, pd.CategoricalDtype)]


class Tabular(Library):
    """fastnn's estimators for tables, which read the frame as it is."""

    distributions = ("fastnn",)
    preset = "default"

    def make(self, classes, seed, threads):
        from fastnn import TabularMLPClassifier, TabularMLPRegressor

        estimator = TabularMLPClassifier if classes else TabularMLPRegressor
        return estimator(preset=self.preset, random_state=seed, n_jobs=threads)

    def frame(self, X):
        return X


class TabularFast(Tabular):
    preset = "fast"


class TabularBest(Tabular):
    preset = "best"


class ScikitLearnMLP(Library):
    """scikit-learn's network behind imputing, scaling and one-hot encoding.

    Rows are dense: in sparse ones it takes longer.
    """

    distributions = ("scikit-learn",)

    def make(self, classes, seed, threads):
        from sklearn.compose import TransformedTargetRegressor, make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        network = self.network(classes, seed, threads)
        if not classes:
            network = TransformedTargetRegressor(network, transformer=StandardScaler())
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        return make_pipeline(
            make_column_transformer((levels, categories), remainder=numbers), network
        )

    @staticmethod
    def network(classes, seed, threads):
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        return (MLPClassifier if classes else MLPRegressor)(random_state=seed)


class FastNN(ScikitLearnMLP):
    """fastnn's network with scikit-learn's defaults, behind the same steps."""

    distributions = ("fastnn",)

    @staticmethod
    def network(classes, seed, threads):
        from fastnn import MLPClassifier, MLPRegressor

        return (MLPClassifier if classes else MLPRegressor)(random_state=seed, n_jobs=threads)


class HistGradientBoosting(Library):
    """scikit-learn's boosted trees, of the 254 commonest levels of a category: more are refused."""

    distributions = ("scikit-learn",)

    def make(self, classes, seed, threads):
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        estimator = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        return estimator(random_state=seed)

    def fit(self, X, y):
        self.levels = {name: list(X[name].value_counts().index[:254]) for name in categories(X)}
        super().fit(X, y)

    def frame(self, X):
        cut = {name: X[name].cat.set_categories(levels) for name, levels in self.levels.items()}
        return plain(X.assign(**cut))


class LightGBM(Library):
    distributions = ("lightgbm",)

    def make(self, classes, seed, threads):
        from lightgbm import LGBMClassifier, LGBMRegressor

        estimator = LGBMClassifier if classes else LGBMRegressor
        return estimator(random_state=seed, n_jobs=threads, verbosity=-1)


class XGBoost(Library):
    distributions = ("xgboost",)

    def make(self, classes, seed, threads):
        from xgboost import XGBClassifier, XGBRegressor

        estimator = XGBClassifier if classes else XGBRegressor
        return estimator(random_state=seed, n_jobs=threads, enable_categorical=True)


class CatBoost(Library):
    """CatBoost, which reads a gap of a category as a level named nan."""

    distributions = ("catboost",)

    def make(self, classes, seed, threads):
        from catboost import CatBoostClassifier, CatBoostRegressor

        estimator = CatBoostClassifier if classes else CatBoostRegressor
        quiet = {"verbose": False, "allow_writing_files": False}
        return estimator(random_seed=seed, thread_count=threads, **quiet)

    def frame(self, X):
        X = plain(X)
        return X.assign(**{name: X[name].astype(object).map(str) for name in categories(X)})

    def fit(self, X, y):
        self.model.set_params(cat_features=categories(plain(X)))
        super().fit(X, y)


class PyTabKit(Library):
    """A network of pytabkit, with the means of numbers in their gaps, which it refuses."""

    distributions = ("pytabkit",)

    def make(self, classes, seed, threads):
        import pytabkit

        estimator = getattr(pytabkit, f"{self.name}_{'Classifier' if classes else 'Regressor'}")
        return estimator(random_state=seed, n_threads=threads, device="cpu")

    def fit(self, X, y):
        self.means = plain(X).select_dtypes("number").mean().fillna(0.0)
        super().fit(X, y)

    def frame(self, X):
        return plain(X).fillna(self.means)


class RealMLP(PyTabKit):
    name = "RealMLP_TD"


class TabM(PyTabKit):
    name = "TabM_D"


REFERENCE = "scikit-learn MLP"
MODELS = {
    "TabularMLP fast": TabularFast,
    "TabularMLP": Tabular,
    "TabularMLP best": TabularBest,
    REFERENCE: ScikitLearnMLP,
    "fastnn MLP": FastNN,
    "HistGradientBoosting": HistGradientBoosting,
    "LightGBM": LightGBM,
    "XGBoost": XGBoost,
    "CatBoost": CatBoost,
    "RealMLP-TD": RealMLP,
    "TabM": TabM,
}
