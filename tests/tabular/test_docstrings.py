"""Examples of the docstrings of the estimators for tables."""

import doctest

import pytest

from fastnn.tabular import docstrings


@pytest.mark.parametrize("name", ["CLASSIFIER", "REGRESSOR"])
def test_examples_run(name):
    text = getattr(docstrings, name)
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    result = doctest.DocTestRunner().run(example)
    assert result.attempted and not result.failed
