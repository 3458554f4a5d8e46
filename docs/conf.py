"""Sphinx settings; pages about recipes, parts and tasks are made from the code first."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

generate.write_pages(Path(__file__).parent / "generated")

project = "selftaught"
author = "the selftaught contributors"
release = version = installed("selftaught")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "generated/sprout_skills.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
napoleon_use_ivar = True
html_theme = "furo"
html_title = "selftaught"
