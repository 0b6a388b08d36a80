# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registers and launches a workflow over flyteadmin's HTTP API, for tests: flytekit's import alone takes seconds."""

from __future__ import annotations

import typing as t

import requests

_STRING = {"type": {"simple": "STRING"}, "description": "o0"}


def _call(url: str, method: str, path: str, body: t.Any = None) -> t.Any:
    answer = requests.request(method, url + path, json=body, headers={"Accept": "application/json"}, timeout=15)
    if answer.status_code == 409:
        return {}
    answer.raise_for_status()
    return answer.json()


def register(url: str, project: str, domain: str, name: str, version: str) -> None:
    """Register a workflow of no nodes and its launch plan; one that is there is left."""
    identity = {"project": project, "domain": domain, "name": name, "version": version}
    workflow = {"resource_type": "WORKFLOW", **identity}
    interface = {"inputs": {"variables": {}}, "outputs": {"variables": {"o0": _STRING}}}
    _call(url, "POST", "/api/v1/workflows", {"id": workflow, "spec": {"template": {"id": workflow, "interface": interface}}})
    plan = {"id": {"resource_type": "LAUNCH_PLAN", **identity}, "spec": {"workflow_id": workflow, "default_inputs": {"parameters": {}}}}
    _call(url, "POST", "/api/v1/launch_plans", plan)


def launch(url: str, project: str, domain: str, name: str, version: str) -> str:
    """Launch it; return the execution's name."""
    identity = {"project": project, "domain": domain}
    plan = {"resource_type": "LAUNCH_PLAN", **identity, "name": name, "version": version}
    answer = _call(url, "POST", "/api/v1/executions", {**identity, "spec": {"launch_plan": plan, "metadata": {"mode": "MANUAL"}}, "inputs": {"literals": {}}})
    return str(answer["id"]["name"])


def execution(url: str, project: str, domain: str, name: str) -> dict[str, t.Any]:
    """Return an execution."""
    return t.cast("dict[str, t.Any]", _call(url, "GET", f"/api/v1/executions/{project}/{domain}/{name}"))


def executions_of(url: str, project: str, domain: str, workflow: str) -> list[dict[str, t.Any]]:
    """Return the executions of one workflow."""
    found = _call(url, "GET", f"/api/v1/executions/{project}/{domain}?limit=1000")["executions"]
    return [entry for entry in found if entry["closure"]["workflow_id"]["name"] == workflow]
