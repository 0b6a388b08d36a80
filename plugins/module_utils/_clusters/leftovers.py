# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a data plane besides its Helm release, and has to be gone when the plane is: workflows that are being ended, the webhook's registration."""

from __future__ import annotations

import time
import typing as t

from .._helm.identity import AUTH_SECRET
from .credentials import secrets_path
from .errors import reading
from .identity import observe_identity
from .propeller import WEBHOOK

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .client import Kube

WORKFLOWS = "/apis/flyte.lyft.com/v1alpha1/flyteworkflows"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
#: seconds between two looks
_PAUSE = 1.0


def held_workflows(kube: Kube, *, seconds: float) -> list[str]:
    """Return the FlyteWorkflows that flytepropeller has to end still, as ``namespace/name``; they are waited for.

    The CRD goes with the release, and with it all FlyteWorkflows: one that has a finalizer would hold the CRD for ever, since nobody is left to take it away.

    :param seconds: to wait at most.
    """
    ended = time.monotonic() + seconds
    while True:
        with reading("the FlyteWorkflows", "Look at them: kubectl get flyteworkflows --all-namespaces"):
            items = (kube.find(WORKFLOWS, limit="500") or {}).get("items") or []
            held = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in items if item["metadata"].get("finalizers")]
        if not held or time.monotonic() >= ended:
            return held
        time.sleep(min(_PAUSE, max(ended - time.monotonic(), 0.05)))


def delete_secret(kube: Kube, namespace: str, name: str, *, check_mode: bool) -> bool:
    """Delete a Secret; return whether it was there."""
    path = secrets_path(namespace, name)
    there = kube.find(path) is not None
    if there and not check_mode:
        kube.delete(path)
    return there


def delete_identity(kube: Kube, namespace: str, *, check_mode: bool) -> bool:
    """Delete the Secret of flytepropeller's login where it was made here; return whether it was."""
    ours = bool((observe_identity(kube, namespace) or {}).get("managed"))
    return ours and delete_secret(kube, namespace, AUTH_SECRET, check_mode=check_mode)


def delete_webhooks(kube: Kube, namespace: str, *, check_mode: bool) -> list[str]:
    """Delete what the webhook registered at its start, which no release has: left behind, it holds back pods that want a secret.

    :param namespace: of the release. A registration that leads elsewhere is somebody else's.
    :returns: the names of the MutatingWebhookConfigurations.
    """
    with reading("the MutatingWebhookConfigurations", "Look at them: kubectl get mutatingwebhookconfigurations"):
        items = (kube.find(WEBHOOKS) or {}).get("items") or []
        found = [item["metadata"]["name"] for item in items if _leads_to(item, namespace)]
    for name in [] if check_mode else found:
        kube.delete(f"{WEBHOOKS}/{name}")
    return found


def _leads_to(item: dict[str, t.Any], namespace: str) -> bool:
    services = [((entry.get("clientConfig") or {}).get("service") or {}) for entry in item.get("webhooks") or []]
    own = [service for service in services if service.get("namespace") == namespace and service.get("name") == WEBHOOK]
    return bool(services) and len(own) == len(services)


def delete_namespaces(kube: Kube, names: Iterable[str], *, check_mode: bool) -> list[str]:
    """Delete namespaces, which Kubernetes then empties; return those that were there. One that is being deleted is none."""
    with reading("the namespaces", "Look at them: kubectl get namespaces"):
        there = kube.ages("/api/v1/namespaces")
    found = [name for name in names if name in there]
    for name in [] if check_mode else found:
        kube.delete(f"/api/v1/namespaces/{name}")
    return found
