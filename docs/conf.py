"""Configuration of the documentation: ``sphinx-build -W --keep-going docs docs/_build``.

The gallery runs every script of ``examples``; with ``FASTNN_FAST_EXAMPLES=1`` as short ones.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for the extension public_api

import fastnn

project = "fastnn"
author = "fastnn developers"
copyright = "fastnn developers, BSD-3-Clause"
release = version = fastnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "public_api",
]
exclude_patterns = ["_build", "_templates", "auto_examples/*.ipynb", "auto_examples/*.py"]
templates_path = ["_templates"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# `name` in a docstring is a link where there is a page, and code where there is none.
default_role = "py:obj"
autodoc_typehints = "none"  # types are in the docstrings
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # autodoc lists them
# What every public docstring has: a summary, and sections in order and with the names of numpydoc;
# no parameter that there is not. That each parameter is told is tested by tests/test_docs.py.
numpydoc_validation_checks = {
    "GL01", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09",
    "SS01", "SS03", "SS04", "PR02", "PR10", "YD01", "SA04",
}  # fmt: skip

numpydoc_validation_exclude = {r"\.__\w+__$"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "within_subsection_order": "public_api.gallery_order",
    "backreferences_dir": "api/gallery",
    "doc_module": ("fastnn",),
    "reference_url": {"fastnn": None},
    "download_all_examples": False,
    "thumbnail_size": (640, 448),  # shown at half the size, sharp on dense screens
    "show_memory": False,
    "min_reported_time": 0,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "fastnn"
html_static_path = ["_static"]
html_css_files = ["fastnn.css"]
html_show_sphinx = False
html_copy_source = False
# Pages without a section need no column for its navigation.
WITHOUT_SECTION = ["index", "start", "course", "guarantees", "cite", "contributing", "changes"]
html_sidebars = {page: [] for page in [*WITHOUT_SECTION, "performance"]}
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
