"""Settings of the documentation; it builds without network: `python -m sphinx -W docs docs/_build`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import vocstats

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

project = "vocstats"
author = "the vocstats developers"
project_copyright = f"2026, {author}"
version = release = vocstats.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser", "mathml", "formulas"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
smartquotes = False  # quotes of the study file are copied as they stand
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"  # types stand in the Parameters section
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
html_title = f"vocstats {release}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "reference/study-file": [], "reference/study-file.zh": []},
}
html_sidebars = {"index": []}
