"""Old import paths and pickles of older layouts of the package."""

import importlib
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from support import TESTS

# By module, the names that pickles and users' imports take from it.
NAMES = {
    "activations": "ELU GELU LeakyReLU Maxout PReLU RReLU",
    "augment.colors": "Blur Brightness ChannelJitter Contrast Erase Sharpen",
    "augment.geometry": "Crop Flip Rotate Shift Zoom",
    "augment.mixing": "CutMix Mixing Mixup",
    "augment.randaugment": "RandAugment",
    "augment.rows": "RowTransform",
    "augment.signals": "Gain Stretch TimeMask TimeShift",
    "augment.tables": "LabelMixup Noise SwapNoise",
    "augment.text": ("TokenAugmenter delete_tokens insert_synonyms replace_synonyms swap_tokens "),
    "averaging": "EMA SWA",
    "callbacks.base": "Callback Context",
    "callbacks.checkpoint": "Checkpoint load_checkpoint",
    "callbacks.logs": "CSVLogger MLflow TensorBoard",
    "callbacks.progress": "ProgressBar",
    "callbacks.stopping": "EarlyStopping ReduceLROnPlateau TerminateOnNaN",
    "cleaning": "DuplicateRemover NullColumnRemover NullRemover OutlierRemover",
    "custom": "CustomActivation CustomLoss",
    "datasets": "load_fashion_mnist load_idx load_mnist make_mnist1d",
    "diagnostics.finding": "Finding",
    "diagnostics.gradients": "GradientCheck check_gradients",
    "diagnostics.hessian": "Curvature curvature",
    "diagnostics.inputs": "InputScale input_scale",
    "diagnostics.layers": "LayerHealth activations_of layer_health",
    "diagnostics.rates": "LearningRateRange learning_rate_range",
    "diagnostics.report": "TrainingReport check_training",
    "diagnostics.scores": "Generalization generalization",
    "diagnostics.start": (
        "InitialLoss RegularizationEffect TinySubset initial_loss overfit_tiny_subset "
        "regularization_effect "
    ),
    "estimators": "MLPClassifier MLPRegressor",
    "initializers": (
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Initializer LeCunNormal "
        "LeCunUniform Normal Orthogonal PyTorchDefault ScikitLearn Uniform "
    ),
    "labels": "Labels LabelsOfHeads",
    "layers": "Dense Dropout Residual",
    "losses": "Huber Minkowski Quantile",
    "network": "Network",
    "normalization": "BatchNorm GroupNorm InstanceNorm LayerNorm WeightNorm",
    "optimizers": (
        "AMSGrad Adadelta Adagrad Adam AdamW LAMB LBFGS Momentum NAdam RAdam RMSprop Rprop SGD "
    ),
    "plots.activation_histogram": "ActivationHistogramDisplay",
    "plots.decision_boundary": "DecisionBoundaryDisplay",
    "plots.failure_cases": "FailureCasesDisplay",
    "plots.learning_rate_range": "LearningRateRangeDisplay",
    "plots.training_curve": "TrainingCurveDisplay",
    "plots.validation_curve": "ValidationCurveDisplay",
    "plots.weight_histogram": "WeightHistogramDisplay",
    "removals": "Removals",
    "schedules": (
        "Adaptive Constant CosineDecay CustomSchedule ExponentialDecay InvScaling "
        "InverseDecay LinearDecay OneCycle PolynomialDecay ReduceOnPlateau Scheduled "
        "StepDecay Warmup "
    ),
    "splitting": "train_val_test_split",
    "trainer": "History",
    "tuning": "suggest_params",
}


@pytest.mark.parametrize("module", NAMES)
def test_names_are_found_where_they_were(module):
    found = importlib.import_module(f"fastnn.{module}")
    assert all(hasattr(found, name) for name in NAMES[module].split())


@pytest.mark.parametrize("path", sorted(TESTS.glob("pickles/*.pkl")), ids=lambda path: path.name)
def test_old_pickles_still_load(path):
    """Check files with a fitted model, rows, and the predictions when it was saved."""
    with path.open("rb") as file:
        model, X, expected = pickle.load(file)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-6)
    model.partial_fit(X, model.predict(X))
    assert np.isfinite(model.loss_)


def test_old_pickles_of_cleaners_still_load():
    """The file holds fitted cleaners, and the rows that they were fitted to."""
    with (TESTS / "pickles" / "preprocessing" / "cleaners.pkl").open("rb") as file:
        cleaners, X = pickle.load(file)
    for cleaner in cleaners:
        assert clone(cleaner).fit(X).report_ == cleaner.report_
