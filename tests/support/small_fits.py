"""Small data of digits and of a regression, and estimators that are fitted to them soon."""

from sklearn.datasets import load_digits, make_regression

from fastnn import MLPClassifier, MLPRegressor

X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
X_DIGITS, Y_DIGITS = X_DIGITS[:300] / 16, Y_DIGITS[:300]
X_REGRESSION, Y_REGRESSION = make_regression(200, 10, random_state=0)
Y_REGRESSION /= Y_REGRESSION.std()
ALL = [
    (MLPClassifier, X_DIGITS, Y_DIGITS),
    (MLPRegressor, X_REGRESSION, Y_REGRESSION),
]


def classifier(**options):
    options = {"hidden_layer_sizes": (20,), "max_iter": 5, "random_state": 0} | options
    return MLPClassifier(**options)


def regressor(**options):
    options = {"hidden_layer_sizes": (20,), "max_iter": 5, "random_state": 0} | options
    return MLPRegressor(**options)
