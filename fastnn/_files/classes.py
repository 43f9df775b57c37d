"""Classes that may be in a file, and nothing else is made of what a file says."""

from importlib import import_module
from typing import Any

from .._specs.spec import Spec

_PACKAGE = __name__.partition(".")[0]

#: Public modules whose specs may be in a file.
SPECS = (
    "activations",
    "augment",
    "averaging",
    "custom",
    "heads",
    "initializers",
    "layers",
    "losses",
    "normalization",
    "optimizers",
    "schedules",
)
#: Classes that may be in a file themselves, as values.
CLASSES = {
    "MLPClassifier": "fastnn.estimators.classifier:MLPClassifier",
    "MLPRegressor": "fastnn.estimators.regressor:MLPRegressor",
    "MultiTaskMLP": "fastnn.estimators.multitask:MultiTaskMLP",
    "TabularMLPClassifier": "fastnn.tabular.classifier:TabularMLPClassifier",
    "TabularMLPRegressor": "fastnn.tabular.regressor:TabularMLPRegressor",
    "float": "builtins:float",
    "str": "builtins:str",
}
#: Other classes that may be in a file, by their names there, and where they are now.
RECORDS = {
    "ClassTargets": "tabular.targets:ClassTargets",
    "Column": "tabular.inference:Column",
    "ColumnLabels": "_data.multioutput:_ColumnLabels",
    "Columns": "tabular.columns:Columns",
    "Compression": "tabular.distillation:Compression",
    "Configuration": "tabular.configurations:Configuration",
    "Encoding": "tabular.encodings:Encoding",
    "Ensemble": "tabular.ensemble:Ensemble",
    "HeadTargets": "_data.heads:HeadTargets",
    "History": "_train.history:History",
    "Labels": "_data.labels:Labels",
    "Levels": "tabular.features:Levels",
    "LinearModel": "tabular.intervals:LinearModel",
    "Mark": "callbacks.identity:Mark",
    "Member": "tabular.members:Member",
    "MultioutputLabels": "_data.multioutput:MultioutputLabels",
    "Network": "_network.network:Network",
    "NumberTargets": "tabular.targets:NumberTargets",
    "Numbers": "tabular.features:Numbers",
    "Parts": "tabular.features:Parts",
    "PiecewiseLinear": "tabular.encodings:_Bins",
    "ResidualDistribution": "tabular.intervals:ResidualDistribution",
    "ResidualScale": "tabular.intervals:_Scale",
    "TargetMeans": "tabular.target_means:TargetMeans",
}
#: The reverse of that.
TAGS = {f"{_PACKAGE}.{place}": tag for tag, place in RECORDS.items()}


def imported(place: str) -> Any:
    """Return what there is at a place: ``module:qualified.name``."""
    module, _, qualified = place.partition(":")
    found = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    return found


def record_class(tag: str) -> type:
    """Return the class of `RECORDS` that a tag stands for."""
    return imported(f"{_PACKAGE}.{RECORDS[tag]}")


def public_module(spec: type) -> str | None:
    """Return the module of `SPECS` from which a class is imported; None for one of a user."""
    package, _, module = spec.__module__.partition(".")
    public = module.partition(".")[0]
    return public if package == _PACKAGE and public in SPECS else None


def spec_class(tag: str) -> type:
    """Return the spec that a tag stands for, such as ``"optimizers.Adam"``."""
    module, _, name = tag.partition(".")
    found = imported(f"{_PACKAGE}.{module}:{name}") if module in SPECS else None
    if not (isinstance(found, type) and issubclass(found, Spec)):
        raise ValueError(f"{tag!r} is none of the classes that a file may hold.")
    return found
