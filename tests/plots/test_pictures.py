"""The checks of pictures: what they find, and what they let pass."""

import matplotlib.pyplot as plt
import pytest

from support.pictures import faults


@pytest.fixture
def picture():
    """A figure with sound axes, in which there is no fault."""
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.plot([1, 2], [3, 4], label="line")
    axes.set(xlabel="x", ylabel="y", title="a line")
    axes.legend()
    assert faults(figure) == []
    yield figure, axes
    plt.close(figure)


def test_labels_that_are_missing(picture):
    figure, axes = picture
    axes.set_ylabel("")
    assert faults(figure) == ["the axes 'a line' has no label of y."]
    axes.set_xlabel(" ")
    assert faults(figure) == ["the axes 'a line' has no label of x and y."]
    axes.axis("off")
    assert faults(figure) == []


def test_images_need_no_labels(picture):
    figure, axes = picture
    axes.set(xlabel="", ylabel="")
    axes.lines[0].remove()
    axes.imshow([[1.0]])
    assert faults(figure) == []


def test_a_colour_bar_needs_one(picture):
    figure, axes = picture
    bar = figure.colorbar(axes.scatter([1, 2], [3, 4], c=[0, 1]), ax=axes)
    assert len(faults(figure)) == 1
    bar.set_label("value")
    assert faults(figure) == []


def test_a_label_for_many():
    figure, (left, right) = plt.subplots(1, 2, layout="constrained", sharey=True)
    for axes in (left, right):
        axes.plot([1, 2], [3, 4])
        axes.set_xlabel("x")
    assert len(faults(figure)) == 2
    left.set_ylabel("y")
    assert faults(figure) == []
    left.set_ylabel("")
    figure.supylabel("y")
    assert faults(figure) == []
    plt.close(figure)


def test_what_is_cut_off(picture):
    figure, axes = picture
    text = figure.text(0.9, 0.5, "beyond the edge")
    (fault,) = faults(figure)
    assert fault.startswith("'beyond the edge' reaches")
    text.remove()
    figure.set_layout_engine("none")
    axes.set_position((0, 0.2, 0.9, 0.7))
    assert any(fault.startswith("the axes 'a line' reaches") for fault in faults(figure))


def test_texts_that_overlap(picture):
    figure, axes = picture
    text = axes.text(1.5, 3.5, "one")
    axes.text(1.5, 3.5, "another")
    assert faults(figure) == ["'one' and 'another' overlap."]
    text.set_visible(False)
    assert faults(figure) == []
    axes.set_xticks([1, 1.05, 2], ["a long name", "another long name", "far away"])
    assert faults(figure) == ["'a long name' and 'another long name' overlap."]
    axes.set_xlim(1.01, 3)  # the first is not shown any more
    assert faults(figure) == []


def test_ticks_out_of_view(picture):
    """A logarithmic axis makes more than it shows."""
    figure, axes = picture
    axes.set_yscale("log")
    axes.set_ylim(1e-9, 10)
    assert faults(figure) == []
