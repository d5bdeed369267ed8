"""Settings of the documentation's site; `make docs` builds it."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import spurious

project = "spurious"
author = "the spurious authors"
version = release = spurious.__version__
html_title = f"spurious {version}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "claims_table",
    "command_pages",
    "formulas",
    "page_names",
    "reference_pages",
    "theorems",
]
exclude_patterns = ["_build", "pictures"]
root_doc = "index"
nitpicky = True
# Python names in signatures, such as NumPy's types, have no page here. Links between pages do.
nitpick_ignore_regex = [("py:.*", ".*")]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
default_role = "code"
highlight_language = "text"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def escape(_app, _what, _name, _obj, _options, lines):
    """What reStructuredText would read as a substitution or a link: |z|, numpy.str_."""
    lines[:] = [re.sub(r"`[^`]*`|\||\bnumpy\.str_", _escaped, line) for line in lines]


def _escaped(match):
    return {"|": r"\|", "numpy.str_": "str"}.get(match[0], match[0])


def setup(app):
    app.connect("autodoc-process-docstring", escape, priority=600)  # after napoleon
