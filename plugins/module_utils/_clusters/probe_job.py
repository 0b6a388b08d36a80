# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries data planes as flyteadmin uses them from where flyteadmin is: by a short-lived Job in the control plane's cluster for each.

The Job mounts the cluster's two keys of a Secret of the control plane, so that no credential is in its spec, and asks by curl what flyteadmin may do. What
it found stands in the termination message of its pod, in words of ours; the Job is removed then, and Kubernetes itself removes that of a killed run.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from .._common.names import LABELS
from .._rights.rules import questions
from .access import method_of
from .client import Kube, KubeError
from .deployments import pod_problem
from .each import each
from .errors import reading
from .probe import probe_result, rights_missing, stored_pair
from .secrets import read_secret

if t.TYPE_CHECKING:
    from collections.abc import Mapping

FILES = "/var/run/flyte-probe"
_PREFIX = "flyte-multicluster-probe"
#: seconds after which Kubernetes removes a Job that a killed run left
_LEFT_BEHIND = 300
#: longest message that Kubernetes keeps of a container's end
_MESSAGE = 4096
#: curl reads the token from a pipe of the shell's own printf: it is in no process' arguments. -w and -o keep the answer out of the message.
SCRIPT = r"""
set -u
say() { printf '%s\n' "$1" >> "$RESULT"; }
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$(cat "$FILES/token")" |
    curl --config - --silent --show-error --max-time "$SECONDS_EACH" --cacert "$FILES/ca.crt" --user-agent flyte.multicluster \
      --header 'Content-Type: application/json' --header 'Accept: application/json' --data-binary "$1" --output "$SCRATCH/answer" \
      --write-out '%{http_code}' "$ENDPOINT/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" 2> "$SCRATCH/error"
}
printf '%s\n' "$RIGHTS" | while read -r group resource verb name; do
  [ "$group" != - ] || group=''
  [ "$name" != - ] || name=''
  body='{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{'
  body="$body\"group\":\"$group\",\"resource\":\"$resource\",\"verb\":\"$verb\",\"name\":\"$name\"}}}"
  status=$(ask "$body") || { say "curl $(head -c 500 "$SCRATCH/error" | tr '\n' ' ')"; exit 0; }
  [ "$status" = 201 ] || { say "status $status"; exit 0; }
  grep -q '"allowed": *true' "$SCRATCH/answer" || say "denied $verb $resource${name:+/$name}"
done
say end
"""
#: so many timeouts of one answer the control plane has for all that concerns one Job
_PATIENCE = 4
_SET_IMAGE = "Its image has to have sh and curl: flyte_probe_image sets it, flyte_probe_timeout the seconds to wait for it."
_HINTS = {
    "401": "The token is not accepted: run site.yml with the tag credentials; a proxy in front of the API server has to pass it on.",
    "403": "Something in front of the API server refuses the request: every account may ask what it may do.",
}


def run(params: Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Try each cluster; return the module's result. In check mode no Job is made, and nothing is known."""
    if check_mode:
        return {"changed": False, "probes": {}}
    kube = method_of(params).connect(params["timeout"])
    data = read_secret(kube, params["namespace"], params["secret"])[1]

    def one(cluster: Mapping[str, t.Any]) -> dict[str, t.Any]:
        pair, problem = stored_pair(cluster["name"], data)
        return problem if pair is None else _tried(kube, cluster, params)

    def failed(_cluster: Mapping[str, t.Any], why: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return probe_result(why["message"], why["hint"], "job")

    limit = params["wait_timeout"] + _PATIENCE * params["timeout"]
    found = each(one, params["clusters"], concurrency=params["concurrency"], seconds=limit, failed=failed)
    # Not changed: nothing of what it makes stays.
    return {"changed": False, "probes": dict(zip([entry["name"] for entry in params["clusters"]], found))}


def _tried(kube: Kube, cluster: Mapping[str, t.Any], params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    jobs = f"/apis/batch/v1/namespaces/{params['namespace']}/jobs"
    name = f"{_PREFIX}-{secrets.token_hex(5)}"
    kube.create(jobs, job(name, cluster, params))
    try:
        return verdict(_message(kube, name, params), cluster["endpoint"])
    finally:
        # A failure to remove it takes nobody anything: Kubernetes does it later.
        with contextlib.suppress(KubeError):
            kube.request("DELETE", f"{jobs}/{name}", query={"propagationPolicy": "Background"})


def job(name: str, cluster: Mapping[str, t.Any], params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the Job that tries a cluster. It holds no credential."""
    rights = [(group or "-", resource, verb, name or "-") for group, resource, verb, name in questions(params["rules"])]
    environment = {
        "ENDPOINT": cluster["endpoint"].rstrip("/"),
        "RIGHTS": "\n".join(" ".join(right) for right in rights),
        "SECONDS_EACH": f"{params['timeout']:g}",
        "FILES": FILES,
        "SCRATCH": "/tmp",
        "RESULT": "/dev/termination-log",
    }
    keys = [{"key": f"{cluster['name']}_{suffix}", "path": path} for suffix, path in (("token", "token"), ("cacert", "ca.crt"))]
    container = {
        "name": "probe",
        "image": params["image"],
        "command": ["sh", "-c", SCRIPT],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "credentials", "mountPath": FILES, "readOnly": True}, {"name": "scratch", "mountPath": "/tmp"}],
    }
    # OpenShift gives each namespace user ids of its own.
    user = {} if params["openshift_pods"] else {"runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
        "containers": [container],
        "volumes": [{"name": "credentials", "secret": {"secretName": params["secret"], "items": keys}}, {"name": "scratch", "emptyDir": {}}],
    }
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": int(params["wait_timeout"]),
        "ttlSecondsAfterFinished": _LEFT_BEHIND,
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": LABELS}, "spec": spec}


def _message(kube: Kube, name: str, params: Mapping[str, t.Any]) -> str:
    """Return what the Job's pod said at its end.

    :raises KubeError: it did not end in time, or said nothing.
    """
    path = f"/api/v1/namespaces/{params['namespace']}/pods"
    ended, pause = time.monotonic() + params["wait_timeout"], 0.2
    while True:
        pods = kube.get(path, labelSelector=f"job-name={name}").get("items") or []
        with reading(f"the pod of the Job {params['namespace']}/{name}", f"Look at it: kubectl -n {params['namespace']} get pods -l job-name={name}"):
            states = [(entry.get("state") or {}).get("terminated") for pod in pods for entry in (pod.get("status") or {}).get("containerStatuses") or []]
            done = [state for state in states if state]
            problems = [problem for pod in pods if (problem := pod_problem(pod))]
        if done:
            message = str(done[0].get("message") or "")
            if not message:
                what = f"ended with exit code {done[0].get('exitCode')} and said nothing"
                raise KubeError("job", f"the Job that tries it in the control plane {what}", hint=_SET_IMAGE)
            return message
        if time.monotonic() > ended:
            why = "; ".join(problems) or "it has no pod"
            raise KubeError("job", f"the Job that tries it in the control plane did not end within {params['wait_timeout']:g} s: {why}", hint=_SET_IMAGE)
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)


def verdict(message: str, endpoint: str) -> dict[str, t.Any]:
    """Return what the pod's words mean."""
    denied = []
    for line in message[:_MESSAGE].splitlines():
        kind, _space, rest = line.partition(" ")
        if kind == "curl":
            hint = "Check flyte_api_endpoint and flyte_api_ca_cert, and that the control plane's network reaches it."
            return probe_result(f"{endpoint} does not answer from the control plane: {rest.strip()}", hint, "unreachable")
        if kind == "status":
            hint = _HINTS.get(rest, "Check that it is an API server of Kubernetes: a proxy or a login page may stand in front of it.")
            return probe_result(f"{endpoint} answers the control plane with HTTP {rest}", hint, "api")
        if kind == "denied":
            denied.append(rest)
        if kind == "end":
            return rights_missing(denied) if denied else probe_result()
    hint = "Its image has to have sh, curl, grep, head and tr: flyte_probe_image."
    return probe_result(f"the Job that tries {endpoint} in the control plane broke off", hint, "job")
