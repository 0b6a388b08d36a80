# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of an execution in a data plane: no namespace, no leader, events that are refused, a full quota.

flyteadmin says UNDEFINED of an execution of which no event came back, whatever the reason is. The data plane itself knows it.
"""

from __future__ import annotations

import typing as t

from .._common.names import PROPELLER
from .access import access_of, method_of
from .client import Kube
from .deployments import CRD_PATH
from .errors import failure_of, reading
from .propeller import not_working
from .releases import find_release

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: what flytepropeller calls the phases of a FlyteWorkflow
_PHASES = ("Ready", "Running", "Succeeding", "Success", "Failing", "Failed", "Aborted", "HandlingFailureNode")
_LONGEST = 400
#: how it says that an event did not get through
_REFUSED = ("publish event", "RecordingError", "EventSinkError", "sending event")


def obstacles(plane: Mapping[str, t.Any], namespace: str, name: str, *, timeout: float) -> str:
    """Return what stands in the way of an execution, nothing where nothing can be seen.

    :param plane: how the data plane is reached; ``namespace``, ``release`` and ``propeller`` of Flyte there.
    :param namespace: of the execution.
    """
    try:
        kube = method_of(access_of(plane)).connect(timeout)
        return "; ".join(_found(kube, plane, namespace, name))
    except Exception as error:  # pylint: disable=broad-except  # it only explains
        return f"the cluster cannot be asked why: {failure_of(error)['message']}"


def _found(kube: Kube, plane: Mapping[str, t.Any], namespace: str, name: str) -> list[str]:
    if kube.find(f"/api/v1/namespaces/{namespace}") is None:
        return [f"its namespace {namespace} is missing there: run site.yml, it restarts syncresources"]
    return [*_idle(kube, plane), *_workflow(kube, namespace, name), *_quotas(kube, namespace)]


def _idle(kube: Kube, plane: Mapping[str, t.Any]) -> list[str]:
    release = find_release(kube, plane["namespace"], plane["release"])
    if release is None:
        return [f"there is no release {plane['release']}: nothing takes it up"]
    idle = not_working(kube, plane["namespace"], release.duties) if plane["propeller"] else []
    return [f"{entry['name']}: {entry['reason']}" for entry in idle if entry["name"] == PROPELLER]


def _workflow(kube: Kube, namespace: str, name: str) -> list[str]:
    """Return what flytepropeller made of an execution."""
    found = kube.find(f"{CRD_PATH}/namespaces/{namespace}/flyteworkflows/{name}")
    if found is None:
        return [f"there is no FlyteWorkflow {namespace}/{name}: flyteadmin did not make it, or somebody deleted it"]
    with reading(f"the FlyteWorkflow {namespace}/{name}", f"Look at it: kubectl -n {namespace} get flyteworkflow {name} -o yaml"):
        status = found.get("status") or {}
        phase, attempts = int(status.get("phase") or 0), int(status.get("failedAttempts") or 0)
    message = " ".join(str(status.get("message") or "").split())[:_LONGEST]
    if attempts:
        return [f"{_said(message)} ({attempts} attempts): {message}"]
    if phase == 0:
        return ["flytepropeller has not taken it up"]
    shown = _PHASES[phase] if phase < len(_PHASES) else str(phase)
    return [f"flytepropeller has it at {shown}{f' ({message})' if message else ''}"]


def _said(message: str) -> str:
    if any(mark in message for mark in _REFUSED):
        checks = "check its secret (flyte-secret-auth), flyte_admin_endpoint, flyte_propeller_ca_cert, its cluster name"
        return f"flytepropeller took it up, but flyteadmin does not take its events: {checks}"
    return "flytepropeller fails at it"


def _quotas(kube: Kube, namespace: str) -> list[str]:
    """Return the quotas that let nothing more in."""
    from kubernetes.utils.quantity import parse_quantity

    found = []
    with reading(f"the quotas of the namespace {namespace}", f"Look at them: kubectl -n {namespace} get resourcequotas"):
        for quota in kube.get(f"/api/v1/namespaces/{namespace}/resourcequotas").get("items") or []:
            status = quota.get("status") or {}
            hard, used = status.get("hard") or {}, status.get("used") or {}
            full = [f"{key} {used[key]} of {hard[key]}" for key in sorted(hard) if key in used and parse_quantity(used[key]) >= parse_quantity(hard[key])]
            found += [f"the quota {quota['metadata']['name']} is full: {', '.join(full)}"] if full else []
    return found
