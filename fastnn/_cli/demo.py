"""Train fastnn and scikit-learn side by side on handwritten digits, and draw the results."""


def add_arguments(parser):
    """Declare no arguments."""


def run(asked) -> int:
    """Run the demo."""
    from .. import _demo

    _demo.run()
    return 0
