# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release runs: what counts is the Deployments that it has.

A pod that failed long ago, was evicted or is somebody else's says nothing about the release. Pods are read to explain only.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._common.progress import PROGRESS
from .access import method_of
from .client import Kube
from .each import PATIENCE, each
from .errors import KubeError, reading
from .propeller import not_working
from .releases import Release, Wanted, find_release
from .restarts import is_due

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CRD_PATH = "/apis/flyte.lyft.com/v1alpha1"
#: of a Deployment with many pods, so many are named
_NAMED = 3


@dataclasses.dataclass
class Readiness:
    """The state of a release's Deployments."""

    total: int = 0
    #: those that are not there, or have another size than the release: Helm puts them back
    missing: list[str] = dataclasses.field(default_factory=list)
    #: the others that are not as they should be, each with ``name`` and ``reason``
    not_ready: list[dict[str, str]] = dataclasses.field(default_factory=list)
    #: those that have another size than the release, since an autoscaler made it, each with ``name``, ``wanted`` and ``found``
    resized: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    #: those that a run was to start anew, and was ended before it did
    restarts_due: list[str] = dataclasses.field(default_factory=list)

    def public(self) -> dict[str, t.Any]:
        """Return it as a module's result has it."""
        return {"total": self.total, "not_ready": self.not_ready, "resized": self.resized}


def readiness(kube: Kube, namespace: str, wanted: Sequence[Wanted], *, explain: bool = True) -> Readiness:
    """Return the state of the Deployments of a release.

    :param namespace: of the release.
    :param explain: whether the pods of those that are not ready are asked why.
    """
    found = Readiness(total=len(wanted))
    for place in sorted({entry.namespace or namespace for entry in wanted}):
        own = [entry for entry in wanted if (entry.namespace or namespace) == place]
        with reading(f"the Deployments in the namespace {place}", f"Look at them: kubectl -n {place} get deployments"):
            items = kube.get(f"/apis/apps/v1/namespaces/{place}/deployments").get("items") or []
            present = {item["metadata"]["name"]: item for item in items}
            resized = [entry.name for entry in own if _is_resized(entry, present.get(entry.name))]
            autoscaled = _autoscaled(kube, place, resized) if resized else set[str]()
            problems = {entry: _missing(entry, present.get(entry.name), entry.name in autoscaled) for entry in own}
            waiting = [(entry, present[entry.name]) for entry in own if not problems[entry] and _unrolled(present[entry.name], entry)]
        found.missing += filter(None, problems.values())
        found.restarts_due += [entry.name for entry in own if entry.name in present and is_due(present[entry.name])]
        found.resized += [_resized(entry, present[entry.name]) for entry in own if not problems[entry] and _is_resized(entry, present[entry.name])]
        found.not_ready += _explained(kube, place, waiting, explain=explain)
    return found


def _missing(entry: Wanted, deployment: Mapping[str, t.Any] | None, autoscaled: bool) -> str:
    if deployment is None:
        return f"the Deployment {entry.name}"
    # An autoscaler leaves one that is scaled to 0 alone.
    if _is_resized(entry, deployment) and (_replicas(deployment) == 0 or not autoscaled):
        return f"the Deployment {entry.name} (scaled to {_replicas(deployment)}, the release has {entry.replicas})"
    return ""


def _is_resized(entry: Wanted, deployment: Mapping[str, t.Any] | None) -> bool:
    """Return whether a Deployment has another size than its release."""
    return deployment is not None and bool(entry.replicas) and _replicas(deployment) != entry.replicas


def _autoscaled(kube: Kube, namespace: str, resized: Sequence[str]) -> set[str]:
    """Return the Deployments that an autoscaler keeps: the chart gives them a size all the same. Asked only where a size differs.

    :param resized: those of which it is asked.
    """
    try:
        items = (kube.find(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers") or {}).get("items") or []
    except KubeError as error:
        if error.status != 403:
            raise
        return set(resized)  # who may not ask takes nothing for changed by hand
    targets = [((item.get("spec") or {}).get("scaleTargetRef") or {}) for item in items]
    return {str(target.get("name")) for target in targets if target.get("kind") == "Deployment"}


def _resized(entry: Wanted, deployment: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"name": entry.name, "wanted": entry.replicas, "found": _replicas(deployment)}


def _replicas(deployment: Mapping[str, t.Any]) -> int:
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def _unrolled(deployment: Mapping[str, t.Any], entry: Wanted) -> str:
    """Return what is missing of a Deployment's newest pods, nothing where they are all there and the old ones gone."""
    if _replicas(deployment) == 0 and entry.replicas is None:
        # Helm leaves the number alone where the release does not have it.
        return f"scaled to 0: kubectl scale deployment {entry.name} --replicas=1"
    return unrolled(deployment)


def unrolled(deployment: Mapping[str, t.Any]) -> str:
    """Return what is missing of a Deployment's newest pods, so many as it is to have; nothing where they are all there and the old ones gone."""
    wanted, status = _replicas(deployment), deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(key) or 0 for key in ("updatedReplicas", "readyReplicas", "replicas")]
    if seen and counts == [wanted] * 3:
        return ""
    return f"{counts[0]} of {wanted} new pods, {counts[1]} ready, {counts[2]} in all"


def _explained(kube: Kube, namespace: str, waiting: Sequence[tuple[Wanted, Mapping[str, t.Any]]], *, explain: bool) -> list[dict[str, str]]:
    """Return each Deployment that is not ready with why, as far as its pods say it."""
    with reading(f"the pods in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get pods"):
        pods = _pods(kube, namespace) if waiting and explain else []
        found = []
        for entry, deployment in waiting:
            reasons = [_unrolled(deployment, entry), *_refused(deployment), *_pod_problems(deployment, pods)]
            found.append({"name": f"deployment/{entry.name}", "reason": "; ".join(reasons)})
        return found


def _pods(kube: Kube, namespace: str) -> list[t.Any]:
    try:
        return kube.get(f"/api/v1/namespaces/{namespace}/pods").get("items") or []
    except KubeError as error:
        if error.status != 403:
            raise
        return []  # they only explain


def _refused(deployment: Mapping[str, t.Any]) -> list[str]:
    """Return why no pod can be created, a quota for example."""
    conditions = (deployment.get("status") or {}).get("conditions") or []
    return [str(entry.get("message") or "") for entry in conditions if entry.get("type") == "ReplicaFailure" and entry.get("status") == "True"]


def _pod_problems(deployment: Mapping[str, t.Any], pods: Iterable[Mapping[str, t.Any]]) -> list[str]:
    labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    own = [pod for pod in pods if labels and labels.items() <= (pod["metadata"].get("labels") or {}).items() and _counts(pod)]
    return [f"{pod['metadata']['name']}: {problem}" for pod in own if (problem := pod_problem(pod))][:_NAMED]


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


# -- waiting


def wait_until_ready(specs: Sequence[Mapping[str, t.Any]], *, timeout: float, wait: float) -> dict[str, dict[str, t.Any]]:
    """Wait, all clusters at once, until every Deployment of the release is ready, and a data plane's CRD serves and its flytepropeller leads.

    :returns: by name, ``ok``, ``error`` and ``hint``.
    """
    ended = time.monotonic() + wait

    def one(spec: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return _wait(method_of(spec["access"]).connect(timeout), spec, ended, wait)

    def failed(_spec: Mapping[str, t.Any], why: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {"ok": False, "error": why["message"], "hint": why["hint"]}

    # One that is not ready takes no other one's time: a thread that waits costs nothing else.
    return dict(zip([spec["name"] for spec in specs], each(one, specs, seconds=wait + PATIENCE * timeout, failed=failed)))


def _wait(kube: Kube, spec: Mapping[str, t.Any], ended: float, wait: float) -> dict[str, t.Any]:
    namespace, pause = spec["namespace"], 0.2
    PROGRESS.say(spec["name"], f"is asked for the release {spec['release']}")
    release, since = _found(kube, spec), None
    while True:
        last = time.monotonic() > ended
        state = readiness(kube, namespace, release.deployments, explain=last)
        problems = state.missing + [f"{entry['name']}: {entry['reason']}" for entry in state.not_ready]
        if spec["data_plane"] and kube.find(CRD_PATH) is None:
            problems.append("the FlyteWorkflow CRD does not serve")
        if not problems and spec["data_plane"] and spec["propeller"]:
            # The holder of the Lease may be a pod that is gone: its new pods have to have renewed it.
            since = since or kube.now
            problems = [f"{entry['name']}: {entry['reason']}" for entry in not_working(kube, namespace, release.duties, since=since)]
        PROGRESS.say(spec["name"], f"waits for {problems[0]}" if problems else "is ready")
        if not problems:
            return {"ok": True, "error": None, "hint": None}
        if state.missing and not release.is_pending:
            # They do not come back by themselves.
            return {"ok": False, "error": f"missing: {', '.join(state.missing)}", "hint": "Run site.yml again: Helm puts them back."}
        if last:
            hint = f"kubectl -n {namespace} describe pods; then run again. flyte_wait_timeout sets the time to wait."
            return {"ok": False, "error": f"not ready after {wait:g} s: {'; '.join(problems)}", "hint": hint}
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)
        if release.is_pending:
            release = _found(kube, spec)


def _found(kube: Kube, spec: Mapping[str, t.Any]) -> Release:
    release = find_release(kube, spec["namespace"], spec["release"])
    if release is None:
        hint = "Run site.yml: it installs it."
        raise KubeError("api", f"{kube.server} has no release {spec['release']} in the namespace {spec['namespace']}", hint=hint)
    return release
