"""Scripts of `examples/` in their fast mode: they run, and their plots have no faults."""

import ast
import runpy

import matplotlib.pyplot as plt
import pytest

from support import ROOT
from support.pictures import faults

FOLDER = ROOT / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
SAYS = {
    "augmentation": ["'mixup'", "test digits wrong"],
    "bias_variance": ["order 3: squared bias", "alpha 10"],
    "c_program": ["$ cc", "% right"],
    "check_training": ["no fault in 10 checks", "FAULT  scale of the inputs"],
    "double_descent": ["test error"],
    "fashion_mnist": ["digits: 1797 images"],
    "grid_search": ["best:"],
    "image_operations": ["AutoAugment"],
    "initialization": ["gradient"],
    "parquet_files": ["R2 of the rows held out"],
    "perceptron_to_softmax": ["XOR"],
    "random_labels": ["100% shuffled"],
    "robust_losses": ["between the quantiles"],
    "tables_churn": ["contract", "AUC"],
    "tables_dates": ["weekday", "in hail"],
    "tables_houses": ["90% intervals", "one network"],
    "tuning": ["halving", "test accuracy"],
}

if not EXAMPLES:  # the installed package is tested, without its sources
    pytest.skip("there are no examples here", allow_module_level=True)


@pytest.fixture
def pictures(monkeypatch):
    """A place for figures of its own; the list of those that were shown."""
    shown = []
    monkeypatch.setenv("FASTNN_FAST_EXAMPLES", "1")
    monkeypatch.setattr(plt, "show", lambda: shown.extend(map(plt.figure, plt.get_fignums())))
    with plt.rc_context():
        plt.close("all")
        yield shown
        plt.close("all")


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, pictures, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert pictures, "it ends in no picture"
    assert [fault for figure in pictures for fault in faults(figure)] == []
    printed = capsys.readouterr().out
    assert printed, "it says nothing"
    for words in SAYS.get(path.stem, []):
        assert words in printed


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_form(path):
    """A title with a line under it, a fast mode, and the pictures last."""
    source = path.read_text(encoding="utf-8")
    title, line = ast.get_docstring(ast.parse(source)).splitlines()[:2]
    assert line == "=" * len(title)
    assert "FASTNN_FAST_EXAMPLES" in source
    assert source.endswith("\nplt.show()\n")
