"""Groups of the parameters on the page of an estimator."""

import inspect

import pytest

from fastnn import MLPClassifier, MLPRegressor
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.estimators.parameter_docs import GROUPS
from support import ROOT


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_each_parameter_is_in_a_group(estimator):
    grouped = [name for _, names in GROUPS.values() for name in names.split()]
    assert len(set(grouped)) == len(grouped)
    assert set(inspect.signature(estimator).parameters) <= set(grouped)


def test_groups_link_to_the_guide():
    pages = {page for pages, _ in GROUPS.values() for page in pages}
    assert pages <= {path.stem for path in (ROOT / "docs" / "guide").glob("*.md")}


def test_activations_are_named_and_explained():
    guide = (ROOT / "docs" / "guide" / "outputs.md").read_text("utf-8")
    for name in HIDDEN_ACTIVATIONS:
        assert f"'{name}'" in MLPClassifier.__doc__ and f'`"{name}"`' in guide
