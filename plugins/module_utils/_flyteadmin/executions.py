# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions: launched, waited for, and where they ran."""

from __future__ import annotations

import dataclasses
import secrets
import time
import typing as t

from .._common.progress import PROGRESS
from .answers import Json, listed, part, required, text
from .client import path_of
from .errors import AdminError
from .hints import MISFITS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .client import Admin

#: phases that do not change any more
TERMINAL = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")
#: phases that change still; flyteadmin's of an execution that is aborted is ABORTING until its flytepropeller has ended it
OPEN = ("UNDEFINED", "QUEUED", "RUNNING", "SUCCEEDING", "FAILING", "ABORTING")
#: what flyteadmin answers, with status 400, to aborting one that has a final phase
_ENDED = "already terminated"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
#: what identifies a launch plan
_PLAN = ("project", "domain", "name", "version")


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


def row(execution: Mapping[str, t.Any], console_url: str) -> Json:
    """Return an execution as the modules return it."""
    identity, closure = part(execution, "id"), part(execution, "closure")
    project, domain, name = (required(identity, key) for key in ("project", "domain", "name"))
    system = part(execution, "spec", "metadata", "system_metadata")
    return {
        "project": project,
        "domain": domain,
        "name": name,
        "workflow": text(part(closure, "workflow_id"), "name") or None,
        "phase": text(closure, "phase") or None,
        "cluster": text(system, "execution_cluster"),
        "namespace": text(system, "namespace"),
        "error": text(part(closure, "error"), "message") or None,
        "url": f"{console_url.rstrip('/')}/console/projects/{project}/domains/{domain}/executions/{name}",
    }


def checked(execution: Json) -> Json:
    """Return an execution that has what :func:`row` reads."""
    row(execution, "")
    return execution


def same_plan(execution: Json, body: Json) -> bool:
    """Return whether an execution is of the launch plan that a request names."""
    wanted, present = body["spec"]["launch_plan"], part(execution, "spec", "launch_plan")
    return all(present.get(key) == wanted[key] for key in _PLAN)


def launch_plan(admin: Admin, launch: Launch) -> Json:
    """Return the launch plan, its newest version where none is given.

    :raises AdminError: it is not registered.
    """
    where = path_of(launch.project, launch.domain, launch.launch_plan)
    if launch.version:
        try:
            return admin.get(f"/api/v1/launch_plans/{where}/{path_of(launch.version)}", _plan)
        except AdminError as error:
            if error.status != 404:
                raise
            raise _unregistered(launch, error.message) from error
    query = "limit=1&sort_by.key=created_at&sort_by.direction=DESCENDING"
    found = admin.get(f"/api/v1/launch_plans/{where}?{query}", lambda answer: [_plan(plan) for plan in listed(answer, "launch_plans")])
    if not found:
        raise _unregistered(launch, "no version of it is registered")
    return found[0]


def _plan(plan: Json) -> Json:
    """Return a launch plan that has what launching it needs."""
    for key in _PLAN:
        required(part(plan, "id"), key)
    workflow_of(plan)
    return plan


def workflow_of(plan: Json) -> str:
    """Return the name of a launch plan's workflow."""
    return required(part(plan, "spec", "workflow_id"), "name")


def _unregistered(launch: Launch, reason: str) -> AdminError:
    text = f"launch plan {launch.launch_plan!r}{f' version {launch.version!r}' if launch.version else ''} in {launch.place}: {reason}"
    return AdminError(text, status=404, hint=f"Register it there (pyflyte register --project {launch.project} --domain {launch.domain} …).")


def request(launch: Launch, plan: Mapping[str, t.Any]) -> Json:
    """Return the body that creates the execution. Pure but for a name by chance where none is given.

    :raises AdminError: the inputs do not fit the launch plan.
    """
    # Only launching needs it.
    from .literals import LiteralError, literals

    try:
        given = literals(launch.inputs, part(plan, "closure", "expected_inputs", "parameters"))
    except LiteralError as error:
        raise AdminError(f"launch plan {launch.launch_plan!r} in {launch.place}: {MISFITS} {error}.", hint="Nothing was launched.") from error
    identity = {key: plan["id"][key] for key in _PLAN}
    spec: Json = {"launch_plan": {"resource_type": "LAUNCH_PLAN", **identity}, "metadata": {"mode": "MANUAL"}}
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


def read(admin: Admin, project: str, domain: str, name: str) -> Json | None:
    """Return an execution, None where there is none."""
    try:
        return admin.get(f"/api/v1/executions/{path_of(project, domain, name)}", checked)
    except AdminError as error:
        if error.status == 404:
            return None
        raise


def abort(admin: Admin, project: str, domain: str, name: str, cause: str) -> bool:
    """Abort an execution; return False where it had ended by itself since it was looked at."""
    try:
        admin.call("DELETE", f"/api/v1/executions/{path_of(project, domain, name)}", {"cause": cause})
    except AdminError as error:
        if _ENDED in error.message:
            return False
        raise
    return True


def wait(admin: Admin, project: str, domain: str, name: str, *, timeout: float, placed_only: bool = False) -> Json:
    """Return an execution when its phase is final, or as it is after ``timeout`` seconds.

    :param placed_only: whether it is enough that it has a cluster.
    """
    ended, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while True:
        execution = read(admin, project, domain, name)
        if execution is None:
            raise AdminError(f"the execution {project}/{domain}/{name} is gone", status=404, hint="It was there a moment ago: flyteadmin's own log says more.")
        found = row(execution, "")
        left = ended - time.monotonic()
        PROGRESS.say(found["cluster"] or "flyteadmin", f"the execution {project}/{domain}/{name} is {found['phase']}")
        if found["phase"] in TERMINAL or (placed_only and found["cluster"]) or left <= 0:
            return execution
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
