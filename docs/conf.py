"""Sphinx configuration. Nothing on the built pages is fetched from the network."""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import make_accuracy
import make_benchmarks
import make_boosting
import make_call
import make_capabilities
import make_gallery
import make_migration

project = "xlosses"
author = "The xlosses authors"
project_copyright = "2026, The xlosses authors"
version = release = version_of("xlosses")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # copies MathJax 3 beside the pages
]
exclude_patterns = ["_build"]

# Docstrings speak of parameters and functions in single backticks: a link where one resolves.
default_role = "py:obj"
nitpicky = False
smartquotes_action = "D"  # dashes only: "none" is a string
autodoc_typehints = "none"  # the docstrings say what each argument is
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_param = False  # parameters described together stay together
napoleon_use_rtype = False
toc_object_entries = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# The menu would load its accessibility parts from a CDN.
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "furo"
html_title = f"xlosses {release}"
html_static_path = ["_static"]
html_css_files = ["xlosses.css"]
html_js_files = [("sortable.js", {"defer": "defer"})]
html_show_sourcelink = False
html_copy_source = False


MAKERS = {
    "accuracy": make_accuracy,
    "benchmarks": make_benchmarks,
    "capabilities": make_capabilities,
    "gallery": make_gallery,
    "how_it_runs": make_call,
    **{f"migration/{peer}": make_migration for peer in make_migration.PEERS},
    "boosting": make_boosting,
}


def keep_initials(app, what, name, obj, options, lines):
    """A reference that begins with an initial ("T. Hastie") is no list item T."""
    lines[:] = [re.sub(r"^([A-Z])\. ", r"\1\\. ", line) for line in lines]


def fill_in_figures(app, name, source):
    """Tables and pictures, from the figures that the tests hold and from those of the benchmark."""
    maker = MAKERS.get(name)
    if maker:
        for path in maker.FILES:
            app.env.note_dependency(str(path))
        source[0] = maker.fill_in(source[0])
        if "{{ " in source[0]:
            raise ValueError(f"{name}.md: what stands in double braces needs a line of its own")


def setup(app):
    app.connect("source-read", fill_in_figures)
    app.connect("autodoc-process-docstring", keep_initials)
