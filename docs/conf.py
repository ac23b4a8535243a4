"""Settings of Sphinx for the documentation site; `make docs` builds it."""

import importlib.metadata
import os
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_extensions"))
# Executed tutorials read the scenes of the demo, and run the commands of this environment.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT / "examples"), str(ROOT / "docs" / "_extensions"), os.environ.get("PYTHONPATH")])
)

project = "Landbridge"
copyright = "the authors of Landbridge"  # noqa: A001 - the name of the setting
version = release = importlib.metadata.version("landbridge")
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_external_toc",
    "sphinxcontrib.mermaid",
    "repository_links",
]
external_toc_path = "_toc.yml"
exclude_patterns = ["_templates", "_extensions", "_static"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 6
# Pages are also read on GitHub, which opens the first heading of a page at any level.
# The generated pages of the reference are below their lists, not in the table of contents.
# Words of types such as "files" are no references: several classes have attributes of that name.
suppress_warnings = ["myst.header", "etoc.toctree", "ref.python"]

# "cache" runs what changed, "force" everything, "off" nothing.
nb_execution_mode = os.environ.get("LANDBRIDGE_DOCS_EXECUTE", "cache")
if nb_execution_mode == "off":
    # The language of a cell is known from its execution.
    suppress_warnings.append("myst-nb.lexer")
nb_execution_in_temp = True
nb_execution_timeout = 300

nb_execution_raise_on_error = True
nb_merge_streams = True

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"  # the signatures' types are in the sections of the docstrings
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Shape", "params_style")]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The inventories of other projects need the internet; without it their names are plain text.
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "xarray": ("https://docs.xarray.dev/en/stable", None),
        "shapely": ("https://shapely.readthedocs.io/en/stable", None),
    }
    if os.environ.get("LANDBRIDGE_DOCS_INTERSPHINX")
    else {}
)

html_theme = "pydata_sphinx_theme"
html_title = "Landbridge"
html_static_path = ["_static"]
html_css_files = ["landbridge.css"]
html_show_sourcelink = True
html_theme_options = {
    "show_toc_level": 2,
    "collapse_navigation": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "logo": {"text": "Landbridge"},
}
html_sidebars = {"index": []}


def _mark_code(_app: Sphinx, _what: str, _name: str, _of: Any, _options: Any, lines: list[str]) -> None:
    """Mark what docstrings have in single backticks as code, in the form that Sphinx and napoleon know.

    A key that ends with an underscore, such as "default_", would be a reference.
    """
    lines[:] = [re.sub(r"(?<!`)\"\w+_\"(?!`)", r"``\g<0>``", line) for line in lines]
    lines[:] = [re.sub(r"(?<![`:])`([^`]+)`(?!`)", r"``\1``", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Register the function above to run before napoleon."""
    app.connect("autodoc-process-docstring", _mark_code, priority=400)
