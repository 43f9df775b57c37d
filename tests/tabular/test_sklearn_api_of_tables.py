"""scikit-learn's checks of the estimators for tables."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnn import TabularMLPClassifier, TabularMLPRegressor

ESTIMATORS = [
    estimator(n_networks=4, n_folds=4, n_jobs=1)
    for estimator in (TabularMLPClassifier, TabularMLPRegressor)
]


def expected_failures(estimator):
    """Rows of weight 0 change nothing, but a row of weight 2 is not two rows of weight 1."""
    reason = "folds and batches are drawn of rows, and several copies of one fall into several"
    return {"check_sample_weight_equivalence_on_dense_data": reason}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
