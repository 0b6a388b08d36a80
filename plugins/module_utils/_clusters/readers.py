# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads the control plane's Secret of credentials: flyteadmin and syncresources, once, at their start.

An annotation of their pods is the checksum of what the Secret had then. A pod that has the right one was started after the Secret was written.
"""

from __future__ import annotations

import time
import typing as t

from .._common.names import FLYTEADMIN
from .._helm.configuration import CHECKSUM_ANNOTATION, SECRET_NAME
from .client import Kube
from .deployments import pod_problem, unrolled
from .errors import KubeError, reading

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_YET = "it was not started anew since the Secret was written"


def readers_of(kube: Kube, namespace: str) -> dict[str, str]:
    """Return the Deployments whose pods mount the Secret, with the checksum that these have; flyteadmin comes first."""
    found = {}
    with reading(f"the Deployments in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get deployments"):
        for deployment in kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").get("items") or []:
            template = deployment["spec"].get("template") or {}
            if _mounts(template.get("spec") or {}):
                found[str(deployment["metadata"]["name"])] = _checksum(template)
    return dict(sorted(found.items(), key=lambda entry: (entry[0] != FLYTEADMIN, entry[0])))


def _mounts(pod: Mapping[str, t.Any]) -> bool:
    sources = [source for volume in pod.get("volumes") or [] for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]]
    return any(SECRET_NAME in ((source.get("secret") or {}).get("secretName"), (source.get("secret") or {}).get("name")) for source in sources)


def _checksum(pod: Mapping[str, t.Any]) -> str:
    return str(((pod.get("metadata") or {}).get("annotations") or {}).get(CHECKSUM_ANNOTATION) or "")


def switch(kube: Kube, namespace: str, name: str, checksum: str) -> None:
    """Start the pods of a Deployment anew with what the Secret has now; the next release of Helm finds this annotation as it would write it."""
    body = {"spec": {"template": {"metadata": {"annotations": {CHECKSUM_ANNOTATION: checksum}}}}}
    kube.patch(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}", body)


def left_behind(kube: Kube, namespace: str, name: str, checksum: str) -> str:
    """Return what of a Deployment does not run yet with what the Secret has now, nothing where all of it does.

    Pods that are going away count too: they serve until they are gone.
    """
    deployment = kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    with reading(f"the Deployment {namespace}/{name}", f"Look at it: kubectl -n {namespace} get deployment {name}"):
        if _checksum(deployment["spec"]["template"]) != checksum:
            return _NOT_YET
        labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
        waits = unrolled(deployment)
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    with reading(f"the pods of the Deployment {namespace}/{name}", f"Look at them: kubectl -n {namespace} get pods -l {selector}"):
        pods = kube.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector).get("items") or []
        alive = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")]
        former = [str(pod["metadata"]["name"]) for pod in alive if _checksum(pod) != checksum]
        problems = [f"{pod['metadata']['name']}: {problem}" for pod in alive if pod["metadata"]["name"] not in former and (problem := pod_problem(pod))]
    if former:
        return f"{former[0]} still runs, which was started before" + (f"; {problems[0]}" if problems else "")
    return "; ".join(filter(None, [waits, *problems[:1]]))


def start_anew(kube: Kube, namespace: str, name: str, checksum_now: Callable[[], str], *, wait: float) -> bool:
    """Let no pod of a Deployment run that was started before the Secret was written, and wait until the new ones are ready; return whether it was done here.

    :param checksum_now: returns the checksum of what the Secret has.
    :raises KubeError: that was not so in time.
    """
    ended, pause = time.monotonic() + wait, 0.2
    checksum, switched = checksum_now(), False
    while True:
        problem = left_behind(kube, namespace, name, checksum)
        if problem == _NOT_YET:
            # Not at the first look: another run stored something else meanwhile, and starts it anew with that.
            checksum, switched = checksum_now(), True
            switch(kube, namespace, name, checksum)
            problem = left_behind(kube, namespace, name, checksum)
        if not problem:
            return switched
        if time.monotonic() > ended:
            hint = f"kubectl -n {namespace} describe pods; then run again: the former tokens are still valid. flyte_wait_timeout sets the time to wait."
            raise KubeError("api", f"the Deployment {name} does not run with the new credentials after {wait:g} s: {problem}", hint=hint)
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)
