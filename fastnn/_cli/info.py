"""Print the versions and the machine's capabilities, or what a saved model is.

The versions belong in every report of a bug.
"""


def add_arguments(parser):
    """Declare the arguments."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="file of a saved model")


def run(asked) -> int:
    """Print the versions, or describe the model."""
    if asked.model is None:
        from .._show_versions import show_versions

        show_versions()
    else:
        _describe(asked.model)
    return 0


def _describe(path):
    import os

    from .._files.models import estimator_of
    from .._files.parts import Parts

    parts = Parts(path, "model")
    model = estimator_of(parts)
    size = os.path.getsize(path) / 1e6
    print(f"{path}: {size:.1f} MB, of fastnn {parts.version}\n\n{model!r}\n")
    if hasattr(model, "classes_"):
        print(f"classes: {model.classes_}\n")
    if hasattr(model, "columns_"):
        print(model.columns_, end="\n\n")
        for member in model.networks_:
            layers = ", ".join(map(str, member.configuration.hidden_layer_sizes))
            print(f"weight {member.weight:.3f}: {len(member.networks)} networks of {layers} units")
    else:
        print(model.summary())
