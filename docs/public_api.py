"""A Sphinx extension: pages of all public names, made from ``__all__``, and the gallery's order.

A name that is added to ``__all__`` is in the reference at once, below the file that it is from.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

from sphinx.util.inspect import stringify_signature

import fastnn
from fastnn._specs.spec import Spec
from fastnn.callbacks import Callback
from fastnn.estimators.parameter_docs import GROUPS as PARAMETER_GROUPS

# Pages of the names that are imported from `fastnn`, by the files that define them. Names of other
# files are on the last page.
GROUPS = {
    "Estimators": {"estimators", "feature_extraction", "heads"},
    "Estimators for tables": {"tabular"},
    "Layers": {"layers"},
    "Activations": {"activations"},
    "Losses": {"losses"},
    "Normalization": {"normalization"},
    "Optimizers": {"optimizers"},
    "Schedules": {"schedules"},
    "Averages of the weights": {"averaging"},
    "Augmentation in the engine": {"augment"},
    "User-defined functions": {"custom"},
    "Functions": set(),
}
#: Modules of the estimators whose parameters are in groups on their pages.
GROUPED = ("fastnn.estimators.classifier", "fastnn.estimators.regressor")
FOR_ROUTING = re.compile("set_[a-z_]+_request|get_metadata_routing|set_output")

# From what is simple to what takes some knowledge; scripts that are not named come at the end.
GALLERY = [
    "perceptron_to_softmax",
    "watch_training",
    "gradient_descent",
    "gradient_clipping",
    "schedules",
    "activation_functions",
    "initialization",
    "gradient_histograms",
    "batch_norm",
    "loss_landscape",
    "robust_losses",
    "quantile_band",
    "two_tasks",
    "polynomial",
    "bias_variance",
    "polynomial_steps",
    "penalty_contours",
    "regularization_paths",
    "dropout_as_bagging",
    "mc_dropout",
    "augmentation",
    "image_operations",
    "random_labels",
    "double_descent",
    "check_training",
    "grid_search",
    "tuning",
    "fashion_mnist",
    "c_program",
    "parquet_files",
    "tables_churn",
    "tables_houses",
    "tables_dates",
]


def public_modules():
    """The package, and all its modules that say what is public in them."""
    modules = [fastnn]
    for found in pkgutil.iter_modules(fastnn.__path__, "fastnn."):
        if not found.name.startswith("fastnn._"):
            modules.append(importlib.import_module(found.name))
    return [module for module in modules if hasattr(module, "__all__")]


def public_names(module):
    """Return the public names of a module, except for modules, which have separate pages."""
    return [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]


def file_of(module, name):
    """Return the file or folder of a module that defines a public name."""
    path = getattr(module, name).__module__.removeprefix(f"{module.__name__}.")
    return path.partition(".")[0]


def groups_of_package():
    """Titles of pages, and the names of the package that belong there."""
    groups = {title: [] for title in GROUPS}
    for name in public_names(fastnn):
        file = file_of(fastnn, name)
        groups[next((t for t, files in GROUPS.items() if file in files), "Functions")].append(name)
    return {title: names for title, names in groups.items() if names}


def groups_of(module):
    """Titles of sections of a page, and the names that belong below them."""
    names = public_names(module)
    if module.__name__ != "fastnn.augment":
        return {"": names}
    groups = {}
    for name in names:
        groups.setdefault(file_of(module, name).capitalize(), []).append(name)
    return dict(sorted(groups.items()))


def is_in_package(module, name):
    """Return whether a name is also exported by the package, which has its page."""
    public = name in fastnn.__all__ and getattr(fastnn, name) is getattr(module, name)
    return module is not fastnn and public


def heading(title, line="="):
    return [title, line * len(title), ""]


def table_of(module, names):
    """Lines of a table that links to a page for each name."""
    lines = []
    again = [each for each in names if is_in_package(module, each)]
    own = [each for each in names if each not in again]
    if own:
        lines += [".. autosummary::", "   :toctree: generated", "   :nosignatures:", ""]
        lines += [f"   {each}" for each in own] + [""]
    if again:
        lines += [".. autosummary::", "   :nosignatures:", ""]
        lines += [f"   ~fastnn.{each}" for each in again] + [""]
    return lines


def page_of(module):
    """The page of a module: its docstring, and tables of its names."""
    name = module.__name__
    lines = [*heading(name), f".. automodule:: {name}", "", f".. currentmodule:: {name}", ""]
    for title, names in groups_of(module).items():
        if title:
            lines += heading(title, "-")
        lines += table_of(module, names)
    return "\n".join(lines)


def page_of_group(title, names):
    """The page of some names of the package."""
    lines = [*heading(title), "Names to import from ``fastnn``.", ""]
    return "\n".join([*lines, ".. currentmodule:: fastnn", "", *table_of(fastnn, names)])


def file_name(title):
    return title.lower().replace(" ", "_")


def index_of(groups, modules):
    """The page that leads to those of the package's groups and of the modules."""
    lines = [*heading("API reference"), ".. automodule:: fastnn", ""]
    lines += ["All public names, by the module to import them from.", ""]
    lines += heading("fastnn", "-")
    for title, names in groups.items():
        links = ", ".join(f":py:obj:`~fastnn.{name}`" for name in names)
        lines += [f":doc:`{title} <{file_name(title)}>`", f"   {links}", ""]
    lines += heading("Modules", "-")
    for module in modules:
        lines += [f":doc:`{module.__name__}`", f"   {module.__doc__.splitlines()[0]}", ""]
    pages = {"fastnn": map(file_name, groups), "Modules": [module.__name__ for module in modules]}
    for caption, names in pages.items():
        lines += [".. toctree::", "   :hidden:", f"   :caption: {caption}", ""]
        lines += [*(f"   {name}" for name in names), ""]
    return "\n".join(lines)


def write_pages(app, config):
    """Write the reference, before Sphinx looks which pages there are."""
    folder = Path(app.srcdir, "api")
    folder.mkdir(exist_ok=True)
    groups, modules = groups_of_package(), public_modules()[1:]
    pages = {"index": index_of(groups, modules)} | {m.__name__: page_of(m) for m in modules}
    pages |= {file_name(title): page_of_group(title, names) for title, names in groups.items()}
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if (
            not path.exists() or path.read_text() != text
        ):  # a page that is not new is not read again
            path.write_text(text)


def is_not_for_users(app, what, name, obj, skip, options):
    """Leave out what scikit-learn adds to all estimators, and the members of specs.

    Specs have methods by which they are compiled; of callbacks only the base shows its hooks, and
    of sources only the base what a new kind of source has.
    """
    if FOR_ROUTING.fullmatch(name):
        return True
    function = obj.fget if isinstance(obj, property) else obj
    if inspect.isfunction(function) and function.__doc__ is None:
        return True  # the base class tells about it
    module = sys.modules.get(getattr(function, "__module__", None))
    owner = getattr(module, getattr(function, "__qualname__", "").partition(".")[0], None)
    if not (inspect.isclass(owner) and issubclass(owner, Spec)):
        return None
    return None if owner is Callback else True


def signature_of_class(app, what, name, obj, options, signature, returns):
    """Show the parameters of a class, also if its `__new__` accepts any."""
    if what == "class" and signature == "(*args, **kwargs)":
        return stringify_signature(inspect.signature(obj), show_annotation=False), None
    return None


def group_parameters(app, what, name, obj, options, lines):
    """Put the parameters of an estimator below headings that link to the user guide."""
    if what != "class" or ":Parameters:" not in lines or obj.__module__ not in GROUPED:
        return
    begin = lines.index(":Parameters:") + 1
    end = next(i for i in range(begin, len(lines)) if lines[i].startswith(":"))
    parameters, names = {}, []
    for line in lines[begin:end]:
        if found := re.match(r"    \*\*(.*?)\*\* :", line):
            names = found[1].split(", ")
            parameters[names[0]] = []
        if names:
            parameters[names[0]].append(line)
    grouped = []
    for title, (pages, of_group) in PARAMETER_GROUPS.items():
        links = ", ".join(f":doc:`/guide/{page}`" for page in pages)
        grouped += ["", f"    .. rubric:: {title}", "", f"    Guide: {links}", ""]
        grouped += [line for each in of_group.split() for line in parameters.get(each, ())]
    lines[begin:end] = [*grouped, ""]


def gallery_order(file):
    """The key by which scripts are sorted."""
    name = file.removesuffix(".py")
    return (GALLERY.index(name) if name in GALLERY else len(GALLERY), name)


#: Pages that include a file of their own.
PAGES_OF_FILES = {
    "benches/README": "measuring",
    "benches/results/gpu": "gpu_runs",
    "CONTRIBUTING": "contributing",
}


def links_of_the_site(app, path, parent, text):
    """Links of files that pages include lead to pages, where the site has one."""
    text[0] = re.sub(r"\]\(docs/(.*?)\)", r"](/\1)", text[0])
    text[0] = re.sub(r"\]\(examples/(\w+)\.py\)", r"](/auto_examples/\1.rst)", text[0])
    text[0] = text[0].replace("](examples)", "](/auto_examples/index.rst)")
    for file, page in PAGES_OF_FILES.items():
        text[0] = text[0].replace(f"]({file}.md)", f"](/{page}.md)")


def setup(app):
    app.connect("config-inited", write_pages)
    app.connect("include-read", links_of_the_site)
    app.connect("autodoc-skip-member", is_not_for_users)
    app.connect("autodoc-process-signature", signature_of_class)
    app.connect("autodoc-process-docstring", group_parameters, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}
