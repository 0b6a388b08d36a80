# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks clusters, all at once, what is there: release, token, accounts, CRD, pods; of the hub also what flyteadmin reads."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import datetime
import gzip
import json
import time
import typing as t

from .._clusters import credentials as _credentials
from .._labels import rows as _labels
from .._helm import values as _values
from .._flyteadmin.journal import ConfigMapJournal, JournalError
from .._clusters.client import Kube, KubeError, decode
from .._common.threads import WIDE, in_threads

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCOUNT = "flyteadmin"
CRD_PATH = "/apis/flyte.lyft.com/v1alpha1"
_Spec = t.Mapping[str, t.Any]


def observe(specs: Sequence[_Spec], *, concurrency: int, timeout: float, service_accounts: bool) -> dict[str, dict[str, t.Any]]:
    """Return what was found in each cluster, by ``name`` of its spec. Those that do not answer cost one timeout together.

    The first question goes to all clusters at once, so that dead ones do not wait for one another; the others are bounded. The
    hub, which asks every cluster that flyteadmin knows too, goes on beside them.
    """
    hubs = [spec for spec in specs if spec["hub"]]
    planes = [spec for spec in specs if not spec["hub"]]

    def whole(spec: _Spec) -> _Observed:
        observed = _opened(spec, timeout)
        return observed.complete(lambda kube: _hub(kube, spec["namespace"], timeout=timeout, service_accounts=service_accounts))

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(hubs))) as pool:
        pending = [pool.submit(whole, spec) for spec in hubs]
        opened = in_threads(lambda spec: _opened(spec, timeout), planes, WIDE)
        observed = in_threads(lambda found: found.complete(), opened, concurrency)
        observed = [future.result() for future in pending] + observed
    by_name = {entry.spec["name"]: entry.found for entry in observed}
    return {spec["name"]: by_name[spec["name"]] for spec in specs}


def _error(error: KubeError | JournalError) -> dict[str, t.Any]:
    return {"kind": getattr(error, "kind", "api"), "message": getattr(error, "message", str(error)), "hint": error.hint}


@dataclasses.dataclass
class _Observed:
    """One cluster: what was found so far, and the connection where it answered."""

    spec: _Spec
    found: dict[str, t.Any]
    kube: Kube | None = None

    def complete(self, hub: t.Callable[[Kube], dict[str, t.Any]] | None = None) -> _Observed:
        """Ask the rest of a cluster that answered the first question."""
        if self.kube is None:
            return self
        try:
            self.found.update(_cluster(self.kube, self.spec, self.found["release"]))
            if hub is not None:
                self.found["hub"] = hub(self.kube)
            self.found["reachable"] = True
        except (KubeError, JournalError) as error:
            self.found["error"] = _error(error)
        return self


def _opened(spec: _Spec, timeout: float) -> _Observed:
    """Ask a cluster the first question: which release is there."""
    found: dict[str, t.Any] = {
        "reachable": False, "error": None, "server": None, "release": None, "token": None, "missing": [], "pods": None, "hub": None
    }  # fmt: skip
    try:
        kube = Kube(spec["access"], timeout=timeout)
        found["server"] = kube.server
        found["release"] = find_release(kube, spec["namespace"], spec["release"])
    except KubeError as error:
        found["error"] = _error(error)
        return _Observed(spec, found)
    return _Observed(spec, found, kube)


def _cluster(kube: Kube, spec: _Spec, release: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    namespace = spec["namespace"]
    found: dict[str, t.Any] = {"token": None, "missing": [], "pods": None}
    if release is None:
        return found
    if not spec["hub"]:
        token = _credentials.find_token(kube, namespace, ACCOUNT, spec["token_secret"])
        found["token"] = token.public() if token else None
    if spec["data_plane"]:
        if kube.find(CRD_PATH) is None:
            found["missing"].append("the FlyteWorkflow CRD")
        # A token is there only with its account: the token controller deletes it otherwise.
        if found["token"] is None and token_account_gone(kube, namespace):
            found["missing"].append("the ServiceAccount flyteadmin")
    found["pods"] = pods(kube, namespace)
    return found


def token_account_gone(kube: Kube, namespace: str) -> bool:
    """Return whether the account whose token the hub uses is not there."""
    return kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}") is None


# -- Helm releases


def find_release(kube: Kube, namespace: str, name: str) -> dict[str, t.Any] | None:
    """Return the newest revision of a release from Helm's own Secret, with a digest of its values in their place."""
    # Of the revisions that Helm keeps (ten, each with the whole chart), those that an upgrade replaced are left out.
    selector = f"owner=helm,name={name},status notin (superseded)"
    revisions = kube.get(_credentials.secrets_path(namespace), labelSelector=selector).get("items") or []
    if not revisions:
        return None
    newest = max(revisions, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
    return _release(decode(newest)["release"], newest["metadata"])


def _release(raw: bytes, metadata: Mapping[str, t.Any]) -> dict[str, t.Any]:
    content = json.loads(gzip.decompress(base64.b64decode(raw)))
    chart = content["chart"]["metadata"]
    return {
        "name": content["name"],
        "revision": content["version"],
        "status": content["info"]["status"],
        "chart": chart["name"],
        "version": chart["version"],
        "values_digest": _values.digest(content.get("config")),
        "secret": metadata["name"],
        "age": _release_age(content["info"]),
    }


def _release_age(info: Mapping[str, t.Any]) -> int:
    text = str(info.get("last_deployed") or info.get("first_deployed") or "")
    try:
        # Go writes nanoseconds, Python reads microseconds.
        then = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
        zone = text[19:].lstrip(".0123456789")
        offset = datetime.timedelta()
        if zone and zone != "Z":
            sign = -1 if zone[0] == "-" else 1
            offset = sign * datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    except ValueError:
        return 0
    return max(0, int((datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - (then - offset)).total_seconds()))


# -- pods


def pods(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return how many pods there are, and which of them are not ready and why."""
    items = kube.get(f"/api/v1/namespaces/{namespace}/pods").get("items") or []
    alive = [pod for pod in items if not pod["metadata"].get("deletionTimestamp") and pod.get("status", {}).get("phase") != "Succeeded"]
    waiting = [{"name": pod["metadata"]["name"], "reason": pod_problem(pod)} for pod in alive]
    deployments = kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").get("items") or []
    return {
        "total": len(alive),
        "not_ready": [pod for pod in waiting if pod["reason"]] + _unrolled(deployments),
        "leaving": len(items) - len(alive),
    }


def _unrolled(deployments: Sequence[Mapping[str, t.Any]]) -> list[dict[str, str]]:
    """Return the Deployments whose newest pods are not all there: pods alone do not show one that is not created yet."""
    found = []
    for deployment in deployments:
        wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
        seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        counts = [status.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "replicas")]
        if not seen or counts != [wanted] * 3:
            reason = f"{status.get('updatedReplicas', 0)} of {wanted} new pods, {status.get('readyReplicas', 0)} ready, {status.get('replicas', 0)} in all"
            found.append({"name": f"deployment/{deployment['metadata']['name']}", "reason": reason})
    return found


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


def wait_until_ready(specs: Sequence[_Spec], *, concurrency: int, timeout: float, wait: float) -> dict[str, dict[str, t.Any]]:
    """Wait, all clusters at once, until every pod is ready and the CRD of a data plane serves.

    :returns: by name, ``ok``, ``error`` and ``hint``.
    """
    ended = time.monotonic() + wait

    def one(spec: _Spec) -> dict[str, t.Any]:
        try:
            return _wait(Kube(spec["access"], timeout=timeout), spec, ended, wait)
        except KubeError as error:
            return {"ok": False, "error": error.message, "hint": error.hint}

    return dict(zip([spec["name"] for spec in specs], in_threads(one, specs, concurrency)))


def _wait(kube: Kube, spec: _Spec, ended: float, wait: float) -> dict[str, t.Any]:
    pause = 0.2
    while True:
        problems = [f"{pod['name']}: {pod['reason']}" for pod in pods(kube, spec["namespace"])["not_ready"]]
        if spec["data_plane"] and kube.find(CRD_PATH) is None:
            problems.append("the FlyteWorkflow CRD does not serve")
        if not problems:
            return {"ok": True, "error": None, "hint": None}
        if time.monotonic() > ended:
            hint = f"kubectl -n {spec['namespace']} describe pods; then run again. flyte_wait_timeout sets the time to wait."
            return {"ok": False, "error": f"not ready after {wait:g} s: {'; '.join(problems)}", "hint": hint}
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)


# -- the hub


def _hub(kube: Kube, namespace: str, *, timeout: float, service_accounts: bool) -> dict[str, t.Any]:
    data = decode(kube.find(_credentials.secrets_path(namespace, _values.SECRET_NAME)))
    clusters = flyteadmin_clusters(kube, namespace)
    stored = _credentials.stored_credentials(data)
    pairs = {f"{name}_{suffix}" for name in stored for suffix in ("token", "cacert")}
    probes = probe_all(clusters.get("clusterConfigs") or [], data, timeout=timeout, service_accounts=service_accounts)
    journal = ConfigMapJournal(lambda: kube, namespace).read()
    return {
        "credentials": stored,
        "other_keys": sorted(set(data) - pairs),
        "clusters": clusters,
        "probes": probes,
        "journal": [_labels.as_dict(key, label) for key, label in sorted(journal.items())],
    }


def flyteadmin_clusters(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return the section ``clusters`` of the configuration that flyteadmin's Deployment mounts.

    The ConfigMaps are found through the Deployment, as the pod finds them, not by a name that a chart may change.
    """
    deployment = kube.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/flyteadmin")
    if deployment is None:
        return {}
    merged: dict[str, t.Any] = {}
    for name in config_maps(deployment["spec"]["template"]["spec"]):
        config_map = kube.find(f"/api/v1/namespaces/{namespace}/configmaps/{name}") or {}
        for key, text in sorted((config_map.get("data") or {}).items()):
            if key.endswith((".yaml", ".yml")) and "clusters:" in text:
                merged.update(_clusters_section(text))
    return {key: merged[key] for key in ("labelClusterMap", "clusterConfigs", "defaultExecutionLabel") if merged.get(key)}


def _clusters_section(text: str) -> dict[str, t.Any]:
    try:
        section = _values.parse(text).get("clusters")
    except ValueError:
        return {}  # a template for something else, with the word in it
    return section if isinstance(section, dict) else {}


def config_maps(pod_spec: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod mounts, also through projected volumes."""
    found = []
    for volume in pod_spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found += [source["configMap"]["name"] for source in sources if source.get("configMap")]
    return found


def probe_all(
    configs: Sequence[Mapping[str, t.Any]], data: Mapping[str, bytes], *, timeout: float, service_accounts: bool
) -> dict[str, dict[str, t.Any]]:
    """Ask every configured cluster with the credentials of the hub's Secret."""

    def one(entry: Mapping[str, t.Any]) -> dict[str, t.Any]:
        token, ca_cert = (data.get(f"{entry['name']}_{suffix}") for suffix in ("token", "cacert"))
        if entry.get("inCluster"):
            return {"ok": True, "error": None, "hint": None, "kind": None, "denied": []}
        if token is None or ca_cert is None:
            hint = "Run site.yml with the tag credentials; flyteadmin does not start again before."
            return {"ok": False, "error": f"the Secret {_values.SECRET_NAME} has no key of it", "hint": hint, "kind": "missing", "denied": []}
        if token != token.strip():
            hint = "Run site.yml with the tag credentials."
            return {"ok": False, "error": "its token has white space around it, which flyteadmin sends", "hint": hint, "kind": "token", "denied": []}
        return _credentials.probe(entry.get("endpoint") or "", token.decode(), ca_cert.decode(), service_accounts=service_accounts, timeout=timeout)

    return dict(zip([entry["name"] for entry in configs], in_threads(one, configs, WIDE)))
