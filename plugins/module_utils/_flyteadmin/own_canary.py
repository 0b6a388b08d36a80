# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary that this collection brings along: a workflow of one task of the type echo, which flytepropeller itself carries out.

No image, no pod: it succeeds where flyteadmin reached the cluster, flytepropeller took it up, and its events came back. It is registered in
JSON, with the names that flyteidl has.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._labels.placement import Effective
from .errors import AdminError
from .executions import Launch, launch_plan

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._labels.placement import Placement
    from .answers import Json
    from .client import Admin

NAME = "flyte_multicluster.canary"
_NOTHING: dict[str, t.Any] = {"inputs": {"variables": {}}, "outputs": {"variables": {}}}
_TASK: dict[str, t.Any] = {
    "type": "echo",
    "metadata": {"runtime": {"type": "OTHER", "version": "1", "flavor": "flyte.multicluster"}, "retries": {"retries": 0}},
    "interface": _NOTHING,
}
_NODE: dict[str, t.Any] = {"id": "n0", "metadata": {"name": "echo"}}
_WORKFLOW: dict[str, t.Any] = {"metadata": {}, "metadata_defaults": {}, "interface": _NOTHING, "outputs": []}
_PLAN: dict[str, t.Any] = {"entity_metadata": {}, "default_inputs": {"parameters": {}}, "fixed_inputs": {"literals": {}}}


def _version() -> str:
    return hashlib.sha256(json.dumps([_TASK, _NODE, _WORKFLOW, _PLAN], sort_keys=True).encode()).hexdigest()[:16]


#: a new content is a new version, and the same one is there already
VERSION = _version()


def documents(project: str, domain: str) -> list[tuple[str, Json]]:
    """Return what is registered: the path and the body of each request, in their order."""

    def identity(kind: str) -> dict[str, str]:
        return {"resource_type": kind, "project": project, "domain": domain, "name": NAME, "version": VERSION}

    task, workflow, plan = identity("TASK"), identity("WORKFLOW"), identity("LAUNCH_PLAN")
    node = {**_NODE, "task_node": {"reference_id": task}}
    return [
        ("/api/v1/tasks", {"id": task, "spec": {"template": {"id": task, **_TASK}}}),
        ("/api/v1/workflows", {"id": workflow, "spec": {"template": {"id": workflow, **_WORKFLOW, "nodes": [node]}}}),
        ("/api/v1/launch_plans", {"id": plan, "spec": {"workflow_id": workflow, **_PLAN}}),
    ]


def registered(admin: Admin, project: str, domain: str) -> Json | None:
    """Return the launch plan, None where it is not registered."""
    try:
        return launch_plan(admin, Launch(project, domain, NAME, VERSION))
    except AdminError as error:
        if error.status != 404:
            raise
        return None


def register(admin: Admin, project: str, domain: str) -> Json:
    """Register what is missing of it; return the launch plan."""
    found = registered(admin, project, domain)
    if found is not None:
        return found
    for path, body in documents(project, domain):
        try:
            admin.call("POST", path, body)
        except AdminError as error:
            if error.status != 409:  # a run that was killed here registered it
                raise
    return launch_plan(admin, Launch(project, domain, NAME, VERSION))


def launches(own: Mapping[str, t.Any], labels: Mapping[str, str]) -> list[tuple[Launch, Effective]]:
    """Return what is launched: one execution for each cluster, by a label that leads to it alone, and where it has to run."""
    return [
        (Launch(own["project"], own["domain"], NAME, VERSION, {}, labels, entry["label"]), Effective(entry["label"], "execution", {entry["name"]: 1.0}))
        for entry in own["clusters"]
    ]


def guard(expected: Effective, placement: Placement) -> str | None:
    """Return why a label does not prove a cluster, by flyteadmin's own configuration; None where it leads there alone."""
    shares = placement.shares(expected.label)
    if set(shares) == set(expected.clusters):
        return None
    leads = " and ".join(sorted(shares)) or "no enabled cluster"
    return f"label {expected.label!r} leads to {leads}, not to {' or '.join(expected.clusters)} alone: not launched"
