"""Faults of a picture, as far as a program can see them."""

from itertools import combinations

from matplotlib.text import Text

SLACK = 1.0  # pixels, for glyphs that reach beyond their measured box


def faults(figure):
    """Sentences about labels that are missing, and about what is cut off or lies upon another.

    Axes that hold an image only, or are switched off, need no labels; a colour bar needs one.
    """
    figure.draw_without_rendering()
    return [*_unlabelled(figure), *_cut_off(figure), *_covered(figure)]


def _unlabelled(figure):
    for axes in figure.axes:
        drawn = [*axes.lines, *axes.collections, *axes.patches]
        if not axes.axison or not axes.has_data() or (axes.images and not drawn):
            continue
        missing = [side for side in "xy" if not _label(axes, side)]
        is_bar = axes.get_label() == "<colorbar>"
        if missing and not (is_bar and len(missing) == 1):
            yield f"{_named(axes)} has no label of {' and '.join(missing)}."


def _label(axes, side):
    """Return the axis's label, or that of an axis that shares it for a row or a column of axes."""
    shared = getattr(axes, f"get_shared_{side}_axes")().get_siblings(axes)
    labels = [getattr(each, f"get_{side}label")() for each in shared]
    return "".join(labels).strip() or getattr(axes.figure, f"get_sup{side}label")()


def _cut_off(figure):
    """Texts and axes, with all that belongs to them, that reach beyond the figure."""
    renderer = figure.canvas.get_renderer()
    artists = [(axes, axes.get_tightbbox(renderer)) for axes in figure.axes]
    artists += [(text, text.get_window_extent(renderer)) for text in _texts(figure)]
    for artist, box in artists:
        if box is None:
            continue
        beyond = (
            figure.bbox.x0 - box.x0,
            box.x1 - figure.bbox.x1,
            figure.bbox.y0 - box.y0,
            box.y1 - figure.bbox.y1,
        )
        if max(beyond) > SLACK:
            yield f"{_named(artist)} reaches {max(beyond):.0f} pixels beyond the figure."


def _covered(figure):
    """Pairs of texts of which one lies upon the other."""
    renderer = figure.canvas.get_renderer()
    boxes = [(text, text.get_window_extent(renderer).padded(-SLACK)) for text in _texts(figure)]
    for (one, box), (other, other_box) in combinations(boxes, 2):
        if box.overlaps(other_box):
            yield f"{_named(one)} and {_named(other)} overlap."


def _texts(figure):
    """Return all texts that are shown: no labels of ticks outside of their axis."""
    unseen = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            shown = axes.axison and axis.get_visible()
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not (shown and _in_view(axis, tick.get_loc())):
                    unseen |= {tick.label1, tick.label2}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in unseen
    ]


def _in_view(axis, place):
    """Return True where a tick is between the limits, on any scale."""
    low, high, place = axis.get_transform().transform([*axis.get_view_interval(), place])
    slack = 1e-9 * abs(high - low)
    return min(low, high) - slack <= place <= max(low, high) + slack


def _named(artist):
    if isinstance(artist, Text):
        return repr(artist.get_text())
    title = artist.get_title() or artist.get_title("left")
    return f"the axes {title!r}" if title else f"the axes at {artist.get_position().bounds}"
