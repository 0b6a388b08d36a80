# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation as a site: tests/checks/run_documentation.py puts the pages together and calls Sphinx."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = "flyte.multicluster"
author = "flyte.multicluster contributors"
copyright = "flyte.multicluster contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
pygments_style = "ansible"
default_role = "any"
# GitHub's anchors of headings, which the pages link to.
myst_heading_anchors = 3
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# What has no language is a terminal's.
highlight_language = "none"

_ANSIBLE = "https://docs.ansible.com/ansible/latest"
#: pages of Ansible's own documentation that generated pages refer to; intersphinx would ask the network for each build
_LABELS = {
    "common_return_values": f"{_ANSIBLE}/reference_appendices/common_return_values.html",
    "ansible_configuration_settings": f"{_ANSIBLE}/reference_appendices/config.html",
    "callback_plugins": f"{_ANSIBLE}/plugins/callback.html",
    "action_plugins": f"{_ANSIBLE}/plugins/action.html",
}


def _elsewhere(_app: Sphinx, _environment: object, node: pending_xref, content: nodes.Element) -> nodes.reference | None:
    """Return a link into Ansible's documentation, None for what is to be found here."""
    target = str(node["reftarget"])
    plugin = re.fullmatch(r"ansible_collections\.(\w+)\.(\w+)\.(\w+)", target)
    if plugin and plugin[1] != "flyte":
        return nodes.reference("", "", content, internal=False, refuri=f"{_ANSIBLE}/collections/{plugin[1]}/{plugin[2]}/{plugin[3]}.html")
    if node["reftype"] == "envvar" and target.startswith("ANSIBLE_"):
        return nodes.reference("", "", content, internal=False, refuri=f"{_ANSIBLE}/reference_appendices/config.html#envvar-{target}")
    return nodes.reference("", "", content, internal=False, refuri=_LABELS[target]) if target in _LABELS else None


def setup(app: Sphinx) -> None:
    """Register it."""
    app.connect("missing-reference", _elsewhere)
