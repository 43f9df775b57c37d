"""Optional libraries: the command that installs them."""

#: The name on the Python package index, where `fastnn` is another project.
DISTRIBUTION = "fastnn-mlp"


def pip_install(extra: str) -> str:
    """Return the command that installs the libraries of an extra."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'
