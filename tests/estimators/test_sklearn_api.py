"""scikit-learn's checks of estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnn import Huber, LeakyReLU, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [
    estimator(**{"max_iter": 100, "hidden_layer_sizes": (20,), "n_jobs": 1} | options)
    for estimator in (MLPClassifier, MLPRegressor)
    for options in (
        {"hidden_layer_sizes": (100,)},
        # Of large pre-activations, probabilities are 1, and have no order that could be compared.
        {"solver": "lbfgs", "max_iter": 30, "alpha": 1.0},
        {"normalization": "batch", "dropout": 0.1},
    )
]
ESTIMATORS += [
    estimator(max_iter=100, hidden_layer_sizes=(20,), n_jobs=1, **options)
    for estimator, options in (
        (MLPClassifier, {"loss": "hinge"}),
        (MLPClassifier, {"loss": "crammer_singer"}),
        (MLPClassifier, {"loss": "binary_log_loss", "label_smoothing": 0.1}),
        (MLPClassifier, {"loss": "squared_error", "output_activation": "logistic"}),
        (MLPRegressor, {"loss": Huber(2.0)}),
        (
            MLPRegressor,
            {
                "loss": "absolute_error",
                "output_activation": LeakyReLU(0.5),
                "learning_rate_init": 0.01,
            },
        ),
    )
]


def expected_failures(estimator):
    """A row of weight 0 is no row left out where rows meet in a batch, or are dropped at random."""
    if estimator.normalization is None:
        return {}
    reason = "the statistics of a batch count its rows, whatever their weights"
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
