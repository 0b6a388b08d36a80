# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Deployments of a release: which are missing, which are not ready, and why."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .client import Kube


def deployment_states(kube: Kube, namespace: str, wanted: Mapping[str, int]) -> dict[str, t.Any]:
    """Return the state of a release's Deployments: how many (``total``), which are ``not_ready`` and why, and which are ``missing``.

    Only these count: a pod that failed long ago, was evicted or is somebody else's says nothing about the release.
    """
    items = kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").get("items") or []
    present = {item["metadata"]["name"]: item for item in items if item["metadata"]["name"] in wanted}
    missing = [f"the Deployment {name}" for name in wanted if name not in present]
    idle = [name for name, item in present.items() if wanted[name] > 0 and item["spec"].get("replicas", 1) == 0]
    missing += [f"the Deployment {name} (scaled to 0, the release has {wanted[name]})" for name in idle]
    waiting = [item for item in present.values() if _unrolled(item)]
    pods = (kube.get(f"/api/v1/namespaces/{namespace}/pods").get("items") or []) if waiting else []
    not_ready = [{"name": f"deployment/{item['metadata']['name']}", "reason": _why(item, pods)} for item in waiting]
    return {"total": len(wanted), "not_ready": not_ready, "missing": missing}


def _unrolled(deployment: Mapping[str, t.Any]) -> str:
    """Return what is missing of a Deployment's newest pods, nothing where they are all there and the old ones gone."""
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "replicas")]
    if seen and counts == [wanted] * 3:
        return ""
    return f"{counts[0]} of {wanted} new pods, {counts[1]} ready, {counts[2]} in all"


def _why(deployment: Mapping[str, t.Any], pods: Sequence[Mapping[str, t.Any]]) -> str:
    """Return why a Deployment is not ready: what its pods say, as far as they say something."""
    labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    own = [pod for pod in pods if labels.items() <= (pod["metadata"].get("labels") or {}).items() and _counts(pod)]
    reasons = [f"{pod['metadata']['name']}: {problem}" for pod in own if (problem := pod_problem(pod))]
    return "; ".join([_unrolled(deployment), *reasons])


def _counts(pod: Mapping[str, t.Any]) -> bool:
    return not pod["metadata"].get("deletionTimestamp") and (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")


def pod_problem(pod: Mapping[str, t.Any]) -> str:
    """Return why a pod is not ready, nothing where it is."""
    status = pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    if status.get("phase") == "Running" and conditions.get("Ready", {}).get("status") == "True":
        return ""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or []:
            waiting = (container.get("state") or {}).get("waiting")
            if waiting and waiting.get("reason") != "PodInitializing":
                return f"{container['name']}: {waiting.get('reason')}: {waiting.get('message', '')}".rstrip(": ")
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"not scheduled: {scheduled.get('message', '')}"
    return str(status.get("phase") or "Pending")
