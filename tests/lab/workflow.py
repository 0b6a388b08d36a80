# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registers, launches and reads a workflow over flyteadmin's HTTP API, for tests: flytekit's import alone takes seconds."""

from __future__ import annotations

import time
import typing as t

import requests

_IMAGE = "cr.flyte.org/flyteorg/flytekit:py3.11-latest"


def _call(url: str, method: str, path: str, body: t.Any = None, session: requests.Session | None = None) -> t.Any:
    sender: t.Any = session or requests
    answer = sender.request(method, url + path, json=body, headers={"Accept": "application/json"}, timeout=15)
    if answer.status_code == 409:
        return {}
    if not answer.ok:
        raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", response=answer)
    return answer.json()


def register(
    url: str,
    project: str,
    domain: str,
    name: str,
    version: str,
    *,
    inputs: dict[str, t.Any] | None = None,
    echo: bool = False,
    args: t.Sequence[str] = ("true",),
    session: requests.Session | None = None,
) -> None:
    """Register a workflow of one task and its launch plan; one that is there is left.

    :param inputs: name to type of the workflow's inputs, all required.
    :param args: what its task runs, where it has a pod.
    :param echo: whether its task is one that flytepropeller carries out itself, without a pod.
    """

    def identity(kind: str, entity: str = name) -> dict[str, str]:
        return {"resource_type": kind, "project": project, "domain": domain, "name": entity, "version": version}

    nothing: dict[str, t.Any] = {"inputs": {"variables": {}}, "outputs": {"variables": {}}}
    task = identity("TASK", f"{name}.task")
    template: dict[str, t.Any] = {
        "id": task,
        "type": "echo" if echo else "python-task",
        "metadata": {"runtime": {"type": "FLYTE_SDK", "version": "1.16.0", "flavor": "python"}, "retries": {"retries": 0}},
        "interface": nothing,
    }
    if not echo:
        template["container"] = {"image": _IMAGE, "args": list(args), "resources": {"requests": [], "limits": []}}
    _call(url, "POST", "/api/v1/tasks", {"id": task, "spec": {"template": template}}, session)
    variables = {key: {"type": kind, "description": key} for key, kind in (inputs or {}).items()}
    node = {"id": "n0", "metadata": {"name": "task"}, "task_node": {"reference_id": task}}
    workflow = {
        "id": identity("WORKFLOW"),
        "metadata": {},
        "metadata_defaults": {},
        "interface": {"inputs": {"variables": variables}, "outputs": {"variables": {}}},
        "nodes": [node],
        "outputs": [],
    }
    _call(url, "POST", "/api/v1/workflows", {"id": identity("WORKFLOW"), "spec": {"template": workflow}}, session)
    parameters = {key: {"var": variable, "required": True} for key, variable in variables.items()}
    plan = {"workflow_id": identity("WORKFLOW"), "entity_metadata": {}, "default_inputs": {"parameters": parameters}, "fixed_inputs": {"literals": {}}}
    _call(url, "POST", "/api/v1/launch_plans", {"id": identity("LAUNCH_PLAN"), "spec": plan}, session)


def launch(url: str, project: str, domain: str, name: str, version: str, session: requests.Session | None = None) -> str:
    """Launch it; return the execution's name."""
    identity = {"project": project, "domain": domain}
    plan = {"resource_type": "LAUNCH_PLAN", **identity, "name": name, "version": version}
    body = {**identity, "spec": {"launch_plan": plan, "metadata": {"mode": "MANUAL"}}, "inputs": {"literals": {}}}
    answer = _call(url, "POST", "/api/v1/executions", body, session)
    return str(answer["id"]["name"])


def execution(url: str, project: str, domain: str, name: str, session: requests.Session | None = None) -> dict[str, t.Any]:
    """Return an execution."""
    return t.cast("dict[str, t.Any]", _call(url, "GET", f"/api/v1/executions/{project}/{domain}/{name}", None, session))


def executions_of(url: str, project: str, domain: str, workflow: str) -> list[dict[str, t.Any]]:
    """Return the executions of one workflow."""
    found = _call(url, "GET", f"/api/v1/executions/{project}/{domain}?limit=1000")["executions"]
    return [entry for entry in found if entry["closure"]["workflow_id"]["name"] == workflow]


def wait_for_end(url: str, project: str, domain: str, name: str, seconds: float, session: requests.Session | None = None) -> dict[str, t.Any]:
    """Return an execution when it ended, or as it is after so many seconds."""
    ended = time.monotonic() + seconds
    while True:
        found = execution(url, project, domain, name, session)
        if found["closure"]["phase"] in ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT") or time.monotonic() > ended:
            return found
        time.sleep(0.5)


def outputs(url: str, found: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what an execution returned, of simple types."""
    place = "/".join(found["id"][key] for key in ("project", "domain", "name"))
    literals = _call(url, "GET", f"/api/v1/data/executions/{place}")["full_outputs"]["literals"]
    return {key: next(iter(literal["scalar"]["primitive"].values())) for key, literal in literals.items()}
