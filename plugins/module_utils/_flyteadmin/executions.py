# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions: launched, waited for, and where they ran. Also the canary, which proves the placement of project-domains."""

from __future__ import annotations

import dataclasses
import secrets
import time
import typing as t
import urllib.parse

from .._labels import rows as _labels
from .._labels.placement import Effective, Placement
from .._flyteadmin.client import AdminError
from .._flyteadmin.literals import LiteralError, literals

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._flyteadmin.client import Admin

#: phases that do not change any more
TERMINAL = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


@dataclasses.dataclass(frozen=True)
class Launch:
    """What to launch, and where."""

    project: str
    domain: str
    launch_plan: str
    version: str | None = None
    inputs: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cluster_label: str | None = None
    name: str | None = None

    @property
    def place(self) -> str:
        """The project-domain, for people."""
        return f"{self.project}/{self.domain}"


def _path(*parts: str) -> str:
    return "/".join(urllib.parse.quote(part, safe="") for part in parts)


def row(execution: Mapping[str, t.Any], console_url: str) -> dict[str, t.Any]:
    """Return an execution as the modules return it."""
    # A message that is not set comes as null.
    identity, closure = execution["id"], execution.get("closure") or {}
    system = ((execution.get("spec") or {}).get("metadata") or {}).get("system_metadata") or {}
    return {
        "project": identity["project"],
        "domain": identity["domain"],
        "name": identity["name"],
        "workflow": (closure.get("workflow_id") or {}).get("name"),
        "phase": closure.get("phase"),
        "cluster": system.get("execution_cluster") or "",
        "namespace": system.get("namespace") or "",
        "error": (closure.get("error") or {}).get("message"),
        "url": f"{console_url.rstrip('/')}/console/projects/{identity['project']}/domains/{identity['domain']}/executions/{identity['name']}",
    }


def launch_plan(admin: Admin, launch: Launch) -> dict[str, t.Any]:
    """Return the launch plan, its newest version where none is given.

    :raises AdminError: it is not registered.
    """
    where = _path(launch.project, launch.domain, launch.launch_plan)
    if launch.version:
        try:
            return t.cast("dict[str, t.Any]", admin.call("GET", f"/api/v1/launch_plans/{where}/{_path(launch.version)}"))
        except AdminError as error:
            if error.status != 404:
                raise
            raise _unregistered(launch, error.message) from error
    query = "limit=1&sort_by.key=created_at&sort_by.direction=DESCENDING"
    found = admin.call("GET", f"/api/v1/launch_plans/{where}?{query}").get("launch_plans") or []
    if not found:
        raise _unregistered(launch, "no version of it is registered")
    return t.cast("dict[str, t.Any]", found[0])


def _unregistered(launch: Launch, reason: str) -> AdminError:
    text = f"launch plan {launch.launch_plan!r}{f' version {launch.version!r}' if launch.version else ''} in {launch.place}: {reason}"
    return AdminError(text, status=404, hint=f"Register it there (pyflyte register --project {launch.project} --domain {launch.domain} …).")


def request(launch: Launch, plan: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the body that creates the execution. Pure but for a name by chance where none is given.

    :raises AdminError: the inputs do not fit the launch plan.
    """
    parameters = ((plan.get("closure") or {}).get("expected_inputs") or {}).get("parameters") or {}
    try:
        given = literals(launch.inputs, parameters)
    except LiteralError as error:
        raise AdminError(f"launch plan {launch.launch_plan!r} in {launch.place}: inputs: {error}.", hint="Nothing was launched.") from error
    identity = {key: plan["id"][key] for key in ("project", "domain", "name", "version")}
    spec: dict[str, t.Any] = {"launch_plan": {"resource_type": "LAUNCH_PLAN", **identity}, "metadata": {"mode": "MANUAL"}}
    if launch.labels:
        spec["labels"] = {"values": dict(launch.labels)}
    if launch.cluster_label:
        spec["execution_cluster_label"] = {"value": launch.cluster_label}
    # With a name that we chose, a request that is repeated after a lost connection starts nothing twice.
    name = launch.name or "f" + secrets.token_hex(10)[:19]
    return {"project": launch.project, "domain": launch.domain, "name": name, "spec": spec, "inputs": {"literals": given}}


def start(admin: Admin, body: Mapping[str, t.Any]) -> bool:
    """Create the execution; return False where one of this name is there already."""
    try:
        admin.call("POST", "/api/v1/executions", body)
    except AdminError as error:
        if error.status == 409:
            return False
        raise
    return True


def read(admin: Admin, project: str, domain: str, name: str) -> dict[str, t.Any] | None:
    """Return an execution, None where there is none."""
    try:
        return t.cast("dict[str, t.Any]", admin.call("GET", f"/api/v1/executions/{_path(project, domain, name)}"))
    except AdminError as error:
        if error.status == 404:
            return None
        raise


def abort(admin: Admin, project: str, domain: str, name: str, cause: str) -> None:
    """Abort an execution."""
    admin.call("DELETE", f"/api/v1/executions/{_path(project, domain, name)}", {"cause": cause})


def wait(admin: Admin, project: str, domain: str, name: str, *, timeout: float, placed_only: bool = False) -> dict[str, t.Any]:
    """Return an execution when its phase is final, or as it is after ``timeout`` seconds.

    :param placed_only: whether it is enough that it has a cluster.
    """
    ended, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while True:
        execution = read(admin, project, domain, name)
        if execution is None:
            raise AdminError(f"the execution {project}/{domain}/{name} is gone", status=404)
        found = row(execution, "")
        left = ended - time.monotonic()
        if found["phase"] in TERMINAL or (placed_only and found["cluster"]) or left <= 0:
            return execution
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


# -- the canary


@dataclasses.dataclass(frozen=True)
class Probe:
    """One launch of the canary and the clusters that its label leads to."""

    launch: Launch
    expected: Effective


def canaries(
    rows: Mapping[_labels.Key, str], places: Sequence[tuple[str, str]], placement: Placement, template: Launch, workflows: Mapping[tuple[str, str], str]
) -> list[Probe]:
    """Return what to launch: one execution in each project-domain for which a label holds.

    :param workflows: the workflow of the launch plan in each project-domain; its own label, if it has one, counts first.
    """
    found = []
    for project, domain in places:
        expected = placement.effective(rows, (project, domain, workflows.get((project, domain), "")))
        if expected.label is not None:
            found.append(Probe(dataclasses.replace(template, project=project, domain=domain), expected))
    return found


def verdict(probe: Probe, found: Mapping[str, t.Any]) -> str | None:
    """Return what is wrong with where, or how, a canary ran; None where nothing is."""
    expected = sorted(probe.expected.clusters)
    if not expected:
        return f"label {probe.expected.label!r} leads to no enabled cluster: it ran on {found['cluster'] or 'none'}"
    if not found["cluster"]:
        return f"was placed on no cluster: {found['error'] or found['phase']}"
    if found["cluster"] not in expected:
        return f"ran on {found['cluster']}, not on {' or '.join(expected)}"
    if found["phase"] == "SUCCEEDED":
        return None
    return f"{found['phase']}: {found['error']}" if found["error"] else f"did not succeed: {found['phase']}"
