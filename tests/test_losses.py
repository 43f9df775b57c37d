"""The losses as a user meets them: labels, probabilities, weights of classes, soft targets."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss, mean_absolute_error, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.utils.class_weight import compute_sample_weight

from fastnn import Huber, LeakyReLU, Minkowski, MLPClassifier, MLPRegressor, Quantile
from fastnn.losses import CLASSIFICATION_LOSSES, COMPARING_LOSSES, REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CODES = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NAMES = np.array(["setosa", "versicolor", "virginica"])[CODES]
Y = {
    "binary": NAMES != "virginica",
    "multiclass": NAMES,
    "multilabel": np.stack([CODES > 0, X[:, 0] > 0], axis=1).astype(int),
}


def classifier(**options):
    options = {"hidden_layer_sizes": (8,), "max_iter": 300, "random_state": 0} | options
    return MLPClassifier(learning_rate_init=0.02, **options)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "loss, kind", [(loss, kind) for loss in CLASSIFICATION_LOSSES for kind in Y]
)
def test_every_loss_learns_every_kind_of_labels(loss, kind, solver):
    if loss in COMPARING_LOSSES and kind == "multilabel":
        return
    y = Y[kind]
    model = classifier(loss=loss, solver=solver).fit(X, y)
    # The perceptron stops where all rows are just about right, or units are dead.
    assert model.score(X, y) > (0.6 if loss == "perceptron" else 0.9)
    scores = model.decision_function(X)
    n_classes = y.shape[1] if kind == "multilabel" else 3
    assert scores.shape == ((150,) if kind == "binary" else (150, n_classes))
    assert model.n_outputs_ == (1 if kind == "binary" else n_classes)
    if kind == "multiclass":
        expected = model.classes_[scores.argmax(axis=1)]
    elif kind == "binary":
        expected = model.classes_[(scores > 0).astype(int)]
    else:
        expected = (scores > 0).astype(int)
    np.testing.assert_array_equal(model.predict(X), expected)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.decision_function(X), scores)


@pytest.mark.parametrize("loss", CLASSIFICATION_LOSSES)
def test_only_cross_entropies_give_probabilities(loss):
    for model in (classifier(loss=loss), classifier(loss=loss, max_iter=2).fit(X, NAMES)):
        for method in ("predict_proba", "predict_log_proba"):
            assert hasattr(model, method) == (loss in ("log_loss", "binary_log_loss"))
    if not hasattr(model, "predict_proba"):
        with pytest.raises(AttributeError, match="has no attribute 'predict_proba'") as caught:
            model.predict_proba(X)
        assert "use decision_function, or loss='log_loss'" in str(caught.value.__cause__)


def test_the_logarithm_of_a_probability_of_zero():
    model = classifier(max_iter=2).fit(X, NAMES)
    model.intercepts_[-1][0] = -1e4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (model.predict_log_proba(X)[:, 0] == -np.inf).all()


def test_what_was_fitted_decides_not_what_was_set_since():
    model = classifier(max_iter=5).fit(X, NAMES)
    before = model.predict_proba(X), model.decision_function(X), model.predict(X)
    model.set_params(loss="hinge")
    for actual, expected in zip(
        (model.predict_proba(X), model.decision_function(X), model.predict(X)), before, strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


def test_decision_function_of_a_cross_entropy_is_the_pre_activation():
    from scipy.special import expit, softmax

    model = classifier(max_iter=20).fit(X, NAMES)
    scores = model.decision_function(X)
    np.testing.assert_allclose(softmax(scores, axis=1), model.predict_proba(X), rtol=1e-12)
    model = classifier(max_iter=20).fit(X, Y["binary"])
    probabilities = expit(model.decision_function(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X)[:, 1], rtol=1e-12)


def test_one_logistic_unit_for_each_class():
    """Compare with binary problems, whose probabilities are normalised as in scikit-learn."""
    options = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0, "max_iter": 2000}
    options |= {"loss": "binary_log_loss", "tol": 1e-7}
    model = classifier(**options).fit(X, NAMES)
    each = [
        classifier(**options).fit(X, name == NAMES).predict_proba(X)[:, 1]
        for name in model.classes_
    ]
    expected = np.stack(each, axis=1) / np.sum(each, axis=0)[:, np.newaxis]
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-4)


def test_units_that_all_say_no_leave_every_class_as_likely():
    model = classifier(loss="binary_log_loss", max_iter=2).fit(X, NAMES)
    model.intercepts_[-1][:] = -1e4
    np.testing.assert_array_equal(model.predict_proba(X), np.full((150, 3), 1 / 3))


@pytest.mark.parametrize("loss", COMPARING_LOSSES)
def test_of_two_classes_a_comparing_loss_is_the_hinge(loss):
    expected = classifier(loss="hinge", max_iter=20).fit(X, Y["binary"])
    actual = classifier(loss=loss, max_iter=20).fit(X, Y["binary"])
    assert actual.loss_curve_ == expected.loss_curve_


def test_a_threshold_decides_by_the_first_unit_that_says_one():
    model = classifier(loss="perceptron", max_iter=30).fit(X, NAMES)
    thresholded = classifier(loss="perceptron", output_activation="threshold", max_iter=30)
    thresholded.fit(X, NAMES)
    assert thresholded.out_activation_ == "threshold"
    assert thresholded.loss_curve_ == model.loss_curve_
    scores = thresholded.decision_function(X)
    np.testing.assert_array_equal(scores, model.decision_function(X))
    np.testing.assert_array_equal(
        thresholded.predict(X), model.classes_[(scores > 0).argmax(axis=1)]
    )


@pytest.mark.parametrize("loss", CLASSIFICATION_LOSSES)
@pytest.mark.parametrize("kind", Y)
def test_early_stopping_with_every_loss(loss, kind):
    if loss in COMPARING_LOSSES and kind == "multilabel":
        return
    model = classifier(loss=loss, early_stopping=True, max_iter=100).fit(X, Y[kind])
    assert model.best_validation_score_ == max(model.validation_scores_) > 0.3


def test_a_class_of_a_single_row_is_kept_in_training_with_every_loss():
    y = np.r_[["alone"], NAMES[1:]]
    for loss in ("log_loss", "hinge", "crammer_singer"):
        with pytest.warns(UserWarning, match="single row are kept in training"):
            classifier(loss=loss, early_stopping=True, max_iter=3).fit(X, y)


def test_partial_fit_and_warm_start_with_every_loss():
    for loss in CLASSIFICATION_LOSSES:
        model = classifier(loss=loss)
        for _ in range(40):
            model.partial_fit(X[::2], NAMES[::2], classes=np.unique(NAMES))
        assert model.score(X, NAMES) > 0.7
    # From one loss to the next, with the same parameters.
    model = classifier(max_iter=50, warm_start=True).fit(X, NAMES)
    model.set_params(loss="crammer_singer").fit(X, NAMES)
    assert not hasattr(model, "predict_proba")
    assert model.score(X, NAMES) > 0.9


def test_grid_search_over_losses():
    search = GridSearchCV(classifier(max_iter=30), {"loss": CLASSIFICATION_LOSSES}, cv=2)
    search.fit(X, NAMES)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert (search.cv_results_["mean_test_score"] > 0.6).all()
    grid = {"loss": [Huber()], "loss__delta": [0.1, 1.0]}
    search = GridSearchCV(MLPRegressor(max_iter=30, random_state=0), grid, cv=2).fit(X, X[:, 0])
    assert search.best_params_["loss__delta"] in (0.1, 1.0)


# --- regression -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", [*REGRESSION_LOSSES, Huber(0.3), Minkowski(1.5), Quantile(0.4)])
def test_every_loss_of_regression_learns(loss, solver):
    y = np.abs(X[:, :2] @ [[1.0, 2.0], [0.5, -1.0]])
    max_iter = 500 if solver == "adam" else 100
    model = MLPRegressor(loss, (20,), solver=solver, max_iter=max_iter, random_state=0)
    model.set_params(learning_rate_init=0.01, tol=1e-6).fit(X, y)
    assert model.score(X, y) > 0.8
    assert pickle.loads(pickle.dumps(model)).score(X, y) == model.score(X, y)
    assert clone(model).loss == loss


def test_reported_losses_are_means_over_outputs():
    y = X[:, :2] @ [[1.0, 2.0], [0.5, -1.0]]
    options = {"alpha": 0.0, "hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 3}
    for loss, value in (
        ("absolute_error", mean_absolute_error),
        ("quantile", lambda y, z: mean_pinball_loss(y, z, alpha=0.5)),
        (Quantile(0.8), lambda y, z: mean_pinball_loss(y, z, alpha=0.8)),
    ):
        model = MLPRegressor(loss, **options).fit(X, y)
        assert model.loss_ == pytest.approx(value(y, model.predict(X)))


def test_absolute_error_does_not_mind_an_outlier():
    x = np.linspace(-1, 1, 60)[:, np.newaxis]
    y = x[:, 0].copy()
    y[30] = 1000
    options = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.0, "max_iter": 1000}
    for loss in ("absolute_error", Huber(0.01), Minkowski(1.0), "quantile"):
        assert np.abs(MLPRegressor(loss, **options).fit(x, y).predict(x) - x[:, 0]).max() < 0.1
    assert np.abs(MLPRegressor(**options).fit(x, y).predict(x) - x[:, 0]).max() > 10


def test_quantiles_lie_above_their_part_of_the_targets():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(1000, 1))
    y = x[:, 0] * rng.standard_normal(1000)
    for q in (0.1, 0.5, 0.9):
        model = MLPRegressor(Quantile(q), (10,), max_iter=300, random_state=0).fit(x, y)
        assert np.mean(y < model.predict(x)) == pytest.approx(q, abs=0.05)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", [name for name in REGRESSION_LOSSES if name != "poisson"])
def test_outputs_have_the_range_of_their_activation(loss, solver):
    y = 1 / (1 + np.exp(-3 * X[:, 0]))
    options = {"solver": solver, "random_state": 0, "learning_rate_init": 0.01}
    options["max_iter"] = 300 if solver == "adam" else 50
    model = MLPRegressor(loss, (10,), output_activation="logistic", **options).fit(X, y)
    assert model.out_activation_ == "logistic"
    assert model.score(X, y) > 0.9
    far = model.predict(1000 * X)
    assert far.min() >= 0
    assert far.max() <= 1
    model.set_params(output_activation=LeakyReLU(0.2)).fit(X, y)
    assert model.out_activation_ == "leaky_relu"


def test_a_spec_is_taken_as_it_was_when_fit_was_called():
    huber = Huber(0.1)
    model = MLPRegressor(huber, warm_start=True, max_iter=5, random_state=0).fit(X, X[:, 0])
    other = pickle.loads(pickle.dumps(model))
    huber.delta = 3.0
    assert model._network.loss == Huber(0.1)
    assert model.fit(X, X[:, 0]).loss_curve_[:5] == other.loss_curve_[:5]
    assert model.loss_curve_[5:] != other.fit(X, X[:, 0]).loss_curve_[5:]


# --- soft targets and label smoothing -------------------------------------------------------------


def one_hot(smoothing=0.0):
    return (1 - smoothing) * np.eye(3)[CODES] + smoothing / 3


def test_probabilities_as_targets():
    model = classifier(max_iter=100).fit(X, one_hot(0.3))
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert model.out_activation_ == "softmax"
    assert model.predict(X).dtype.kind == "i"
    assert model.score(X, CODES) == model.score(X, one_hot(0.3)) > 0.9
    # It learns to be as unsure as the targets are.
    assert np.abs(model.predict_proba(X)[CODES == 0] - [0.8, 0.1, 0.1]).max() < 0.1
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_smoothing_labels_is_smoothing_targets(solver):
    smoothed = classifier(label_smoothing=0.3, max_iter=20, solver=solver).fit(X, CODES)
    soft = classifier(max_iter=20, solver=solver).fit(X, one_hot(0.3))
    np.testing.assert_allclose(smoothed.predict_proba(X), soft.predict_proba(X), rtol=1e-6)
    both = classifier(label_smoothing=0.3, max_iter=20, solver=solver).fit(X, one_hot(0.2))
    twice = classifier(max_iter=20, solver=solver).fit(X, 0.7 * one_hot(0.2) + 0.1)
    np.testing.assert_allclose(both.predict_proba(X), twice.predict_proba(X), rtol=1e-6)


def test_smoothed_labels_of_logistic_units():
    for y in (Y["binary"], Y["multilabel"]):
        options = {"hidden_layer_sizes": (), "alpha": 0.0, "solver": "lbfgs", "max_iter": 1000}
        model = classifier(label_smoothing=0.2, **options).fit(X, y)
        z = model.decision_function(X).reshape(150, -1)
        target = 0.8 * y.reshape(150, -1) + 0.1
        expected = np.mean(np.sum(np.logaddexp(0, z) - target * z, axis=1))
        assert model.loss_ == pytest.approx(expected)


def test_the_loss_of_soft_targets_is_a_cross_entropy():
    rng = np.random.default_rng(0)
    y = rng.dirichlet(np.ones(3), 150)
    model = classifier(alpha=0.0, solver="lbfgs", max_iter=50).fit(X, y)
    expected = -np.mean(np.sum(y * model.predict_log_proba(X), axis=1))
    assert model.loss_ == pytest.approx(expected)
    hard = classifier(alpha=0.0, solver="lbfgs", max_iter=5).fit(X, CODES)
    assert hard.loss_ == pytest.approx(log_loss(CODES, hard.predict_proba(X)))


def test_soft_targets_of_two_classes_have_one_decision():
    y = np.stack([0.9 - 0.8 * Y["binary"], 0.1 + 0.8 * Y["binary"]], axis=1)
    model = classifier(max_iter=50).fit(X, y)
    assert model.decision_function(X).shape == (150,)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X) > 0)
    assert model.predict_proba(X).shape == (150, 2)


def test_soft_targets_go_on_and_are_validated():
    soft = one_hot(0.3)
    model = classifier()
    for _ in range(50):
        model.partial_fit(X, soft, classes=[0, 1, 2])
    assert model.score(X, CODES) > 0.8
    model.partial_fit(X, one_hot())  # now they look like labels, and are probabilities still
    for y, message in (
        (soft[:, :2], "probabilities of 3 classes in each row"),
        (CODES, "probabilities of 3 classes in each row"),
        (soft + 0.1, "whose sum is 1: row 0 is"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y)
    with pytest.raises(ValueError, match="probabilities of 3 classes, but 4 were passed"):
        classifier().partial_fit(X, soft, classes=range(4))
    stopped = classifier(early_stopping=True).fit(X, soft)
    assert stopped.best_validation_score_ > 0.8
    warm = classifier(warm_start=True, max_iter=5).fit(X, soft).fit(X, soft)
    assert len(warm.loss_curve_) == 10
    folds = KFold(3, shuffle=True, random_state=0)
    assert cross_val_score(classifier(max_iter=100), X, soft, cv=folds).mean() > 0.8


def test_rounded_probabilities_count_as_probabilities():
    rng = np.random.default_rng(0)
    y = rng.dirichlet(np.ones(3), 150)
    a, b = (classifier(max_iter=5).fit(X, p) for p in (y.round(4), y.astype(np.float32)))
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-3)


# --- weights of classes ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", CLASSIFICATION_LOSSES)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_class_weight_is_a_sample_weight(loss, options):
    y, rows = NAMES[30:], X[30:]
    weights = {"setosa": 5.0, "versicolor": 0.5, "virginica": 1.0}
    own = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for class_weight, sample_weight in ((weights, None), (weights, own), ("balanced", None)):
        model = classifier(loss=loss, max_iter=10, **options)
        expected = compute_sample_weight(class_weight, y)
        expected = expected if sample_weight is None else expected * sample_weight
        model.fit(rows, y, sample_weight=expected)
        weighted = clone(model).set_params(class_weight=class_weight)
        weighted.fit(rows, y, sample_weight=sample_weight)
        np.testing.assert_array_equal(weighted.decision_function(X), model.decision_function(X))


def test_balanced_counts_the_weights_of_rows():
    """A weight of 2 is the row twice, here too."""
    twice = np.r_[0:150, 0:50]
    weight = np.r_[np.full(50, 2.0), np.ones(100)]
    options = {"class_weight": "balanced", "solver": "lbfgs", "max_iter": 20}
    once, repeated = classifier(**options), classifier(**options)
    once.fit(X, NAMES, sample_weight=weight)
    repeated.fit(X[twice], NAMES[twice])
    np.testing.assert_allclose(once.predict_proba(X), repeated.predict_proba(X), rtol=1e-3)


def test_validation_rows_are_weighted_as_those_of_training():
    """Check weights of validation rows, also if they lack a class."""
    options = {"class_weight": "balanced", "scoring": "loss", "max_iter": 2}
    rows = np.r_[0:50, 50:70, 100:140]
    weights = {"setosa": 110 / 150, "versicolor": 110 / 60, "virginica": 110 / 120}
    for y_val in (NAMES[40:120], NAMES[:100]):
        X_val = X[40:120] if len(y_val) == 80 else X[:100]
        curves = [
            classifier(**options | {"class_weight": class_weight})
            .fit(X[rows], NAMES[rows], X_val=X_val, y_val=y_val)
            .validation_scores_
            for class_weight in ("balanced", weights)
        ]
        np.testing.assert_allclose(curves[0], curves[1])


def test_class_weight_of_several_labels():
    y = Y["multilabel"]
    weights = [{0: 1.0, 1: 3.0}, {0: 2.0, 1: 1.0}]
    model = classifier(max_iter=10, class_weight=weights)
    for of in (y, sparse.csr_array(y)):
        model.fit(X, of)
        expected = classifier(max_iter=10).fit(X, y, compute_sample_weight(weights, y))
        np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="list of dicts"):
        model.set_params(class_weight={0: 1.0}).fit(X, y)


def test_class_weight_with_partial_fit():
    weights = {"setosa": 5.0, "virginica": 0.5}
    model, expected = classifier(class_weight=weights), classifier()
    for rows in (slice(0, 60), slice(60, 150), slice(100, 110)):  # not all classes in each
        y = NAMES[rows]
        model.partial_fit(X[rows], y, classes=np.unique(NAMES))
        weight = np.where(y == "setosa", 5.0, np.where(y == "virginica", 0.5, 1.0))
        expected.partial_fit(X[rows], y, sample_weight=weight, classes=np.unique(NAMES))
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="class_weight='balanced' needs the labels of all"):
        classifier(class_weight="balanced").partial_fit(X, NAMES, classes=np.unique(NAMES))


def test_the_activation_of_the_output_does_not_change_what_is_drawn():
    """Check initial weights, also without hidden layers, where scikit-learn draws as for 'relu'."""
    options = {"hidden_layer_sizes": (), "max_iter": 1, "random_state": 0, "alpha": 0.0}
    ours, theirs = (of(**options).fit(X, Y["binary"]) for of in (MLPClassifier, TheirClassifier))
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0])


def test_summary_has_a_line_for_an_output_activation():
    model = MLPRegressor("huber", (3,), output_activation="softplus", max_iter=1).fit(X, CODES)
    names = [line.stage for line in model.summary().lines]
    assert names == ["input", "dense", "relu", "dense", "softplus", "output: identity"]
    model = classifier(loss="perceptron", output_activation="threshold").fit(X, CODES)
    assert model.summary().lines[-1].stage == "output: threshold"
