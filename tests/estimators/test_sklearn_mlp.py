"""scikit-learn's own tests of its multi-layer perceptrons, run on fastnn's.

The file is the one of the installed scikit-learn, with one line changed: the import.
"""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

LINE = "from sklearn.neural_network import MLPClassifier, MLPRegressor"

# Tests of private attributes, and one of an error that fastnn does not raise.
LEFT_OUT = {
    "test_fit": "builds a fitted estimator by hand, out of private attributes",
    "test_gradient": "calls _loss_grad_lbfgs; fastnn's gradients have their own tests",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate",
    "test_n_iter_no_change": "reads _no_improvement_count",
    "test_early_stopping_stratified": "wants an error where fastnn keeps a class in training",
}


def _scikit_learns_tests():
    path = Path(find_spec("sklearn.neural_network").origin).parent / "tests" / "test_mlp.py"
    source = path.read_text(encoding="utf-8")
    assert source.count(LINE) == 1, "scikit-learn's test file is not written as expected"
    source = source.replace(LINE, LINE.replace("sklearn.neural_network", "fastnn"))
    module = module_from_spec(spec_from_file_location("scikit_learns_test_mlp", path))
    sys.modules[module.__name__] = module
    exec(compile(source, str(path), "exec"), module.__dict__)
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


_TESTS = _scikit_learns_tests()
globals().update({name: test for name, test in _TESTS.items() if name not in LEFT_OUT})


@pytest.fixture
def global_random_seed():
    """scikit-learn defines it in its conftest.py."""
    return 42


def test_nothing_is_left_out_that_is_not_there():
    assert set(_TESTS) >= set(LEFT_OUT)
