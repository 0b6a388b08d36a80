# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links from a task to its logs. Three programs read braces in them: Ansible, Helm and flytepropeller; who writes one writes ``{podName}``. No I/O."""

from __future__ import annotations

import re
import typing as t

from .values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: what flytepropeller fills in (flyteplugins, pluginmachinery/tasklog); it does not look at case
NAMES = (
    *("logName", "podName", "podUID", "namespace", "containerName", "containerID", "hostname", "nodeName"),
    *("podRFC3339StartTime", "podRFC3339FinishTime", "podUnixStartTime", "podUnixFinishTime"),
    *("taskID", "taskVersion", "taskProject", "taskDomain", "taskRetryAttempt", "nodeID", "generatedName"),
    *("executionName", "executionProject", "executionDomain"),
)
#: keys of a link in the inventory, and in flytepropeller's configuration
KEYS = {"name": "displayName", "uri": "templateUris", "show_while_pending": "showWhilePending", "hide_once_finished": "hideOnceFinished"}
_NAME = re.compile(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_]*)\}(?!\})")
_TEMPLATES = "configmap.task_logs.plugins.logs.templates"


def unknown_names(text: str) -> list[str]:
    """Return what stands in braces and is none of :data:`NAMES`."""
    known = {name.lower() for name in NAMES}
    return [name for name in _NAME.findall(text) if name.lower() not in known]


def escaped(text: str) -> str:
    """Return a text with ``{podName}`` as Helm has to be given it, so that flytepropeller reads ``{{ .podName }}``."""
    filled = _NAME.sub(r"{{ .\1 }}", text)
    # The chart renders its values as templates: what begins one is itself written by a template.
    return filled.replace("{{", "{{`{{`}}")


def override(base: Mapping[str, t.Any], links: Sequence[Mapping[str, t.Any]]) -> Values:
    """Return our values for a cluster's log links; those of the user's values stay beside them, since Helm replaces lists whole."""
    if not links:
        return {}
    own = [_template(link) for link in links]
    names = {template["displayName"] for template in own}
    kept = [dict(template) for template in lookup(base, _TEMPLATES, []) if template.get("displayName") not in names]
    return {"configmap": {"task_logs": {"plugins": {"logs": {"templates": kept + own}}}}}


def _template(link: Mapping[str, t.Any]) -> Values:
    found: Values = {"displayName": escaped(link["name"]), "templateUris": [escaped(link["uri"])]}
    return found | {KEYS[key]: link[key] for key in ("show_while_pending", "hide_once_finished") if key in link}
