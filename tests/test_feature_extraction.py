"""Hidden features of a network, as a transformer."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from fastnn import Dense, FeatureExtractor, Maxout, MLPClassifier, MLPRegressor, Residual
from fastnn.diagnostics import activations_of

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = (X[:, 0] * X[:, 1] > 0).astype(int)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "parameters",
    [
        dict(hidden_layer_sizes=(6, 5), normalization="batch", dropout=0.5),
        dict(hidden_layer_sizes=(6, 4), activation=Maxout(2)),
        dict(layers=[Dense(4), Residual([Dense(3), Dense(4, "identity")]), "tanh"]),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_features_are_the_activations_of_the_layer(parameters, precision):
    for cls in (MLPClassifier, MLPRegressor):
        model = cls(**parameters, precision=precision, max_iter=3, random_state=0).fit(X, y)
        *hidden, _ = activations_of(model, X)
        for layer, expected in enumerate(hidden):
            for number in (layer, layer - len(hidden)):
                extractor = FeatureExtractor(FrozenEstimator(model), layer=number).fit(X)
                for rows in (slice(1), slice(None)):
                    np.testing.assert_array_equal(extractor.transform(X[rows]), expected[rows])
                assert extractor.transform(X).dtype == precision
                assert len(extractor.get_feature_names_out()) == expected.shape[1]


def test_it_fits_a_clone_unless_frozen():
    model = MLPClassifier((5,), max_iter=3, random_state=0)
    extractor = FeatureExtractor(model).fit(X, y)
    assert not hasattr(model, "coefs_") and extractor.n_features_in_ == 4
    frozen = FrozenEstimator(extractor.estimator_)
    again = FeatureExtractor(frozen).fit(X)
    assert again.estimator_ is extractor.estimator_
    np.testing.assert_array_equal(again.transform(X), extractor.transform(X))
    with pytest.raises(NotFittedError):
        clone(extractor).transform(X)


def test_pipelines_frames_and_sparse_rows():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = MLPClassifier((8,), max_iter=3, random_state=0).fit(frame, y)
    extractor = FeatureExtractor(FrozenEstimator(model))
    pipeline = make_pipeline(extractor, LogisticRegression()).set_output(transform="pandas")
    assert pipeline.fit(frame, y).score(frame, y) > 0.5
    assert list(pipeline[0].transform(frame).columns) == list(extractor.get_feature_names_out())
    assert list(pipeline[0].feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        pipeline[0].transform(frame[["a", "b", "d", "c"]])
    plain = FeatureExtractor(MLPClassifier((8,), max_iter=3, random_state=0)).fit(X, y)
    np.testing.assert_allclose(plain.transform(sparse.csr_array(X)), plain.transform(X), rtol=1e-6)


def test_a_network_without_hidden_layers():
    model = MLPClassifier((), max_iter=2)
    with pytest.raises(ValueError, match="is no hidden layer of this network, which has none"):
        FeatureExtractor(model).fit(X, y)


@pytest.mark.parametrize("layer", [1, -2, 0.0, False, "first"])
def test_a_layer_that_does_not_exist(layer):
    with pytest.raises(ValueError, match="is no hidden layer of this network, which has 1"):
        FeatureExtractor(MLPClassifier((5,), max_iter=1), layer=layer).fit(X, y)


def test_no_network():
    for other in (LogisticRegression(), make_pipeline(MLPClassifier())):
        with pytest.raises(TypeError, match="FeatureExtractor needs an MLPClassifier"):
            FeatureExtractor(other).fit(X, y)
    with pytest.raises(NotFittedError):
        FeatureExtractor(FrozenEstimator(MLPClassifier())).fit(X, y)


def test_wrong_rows():
    extractor = FeatureExtractor(MLPClassifier((5,), max_iter=1)).fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features"):
        extractor.transform(X[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        extractor.transform(np.where(X > 1, np.nan, X))
