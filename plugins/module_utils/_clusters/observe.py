# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks clusters, all at once, what is there: release, token, accounts, CRD, pods; of the control plane also what flyteadmin reads."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import datetime
import gzip
import json
import re
import time
import typing as t

from .._common.threads import WIDE, in_threads
from .._flyteadmin.journal import ConfigMapJournal, JournalError
from .._helm import values as _values
from .._helm.configuration import SECRET_NAME
from .._labels import rows as _labels
from . import credentials as _credentials
from .access import method_of
from .client import Kube, KubeError, decode

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCOUNT = "flyteadmin"
CRD_PATH = "/apis/flyte.lyft.com/v1alpha1"
_Spec = t.Mapping[str, t.Any]


def observe(specs: Sequence[_Spec], *, concurrency: int, timeout: float, service_accounts: bool) -> dict[str, dict[str, t.Any]]:
    """Return what was found in each cluster, by ``name`` of its spec. Those that do not answer cost one timeout together.

    The first question goes to all clusters at once, so that dead ones do not wait for one another; the others are bounded. The
    control plane, which asks every cluster that flyteadmin knows too, goes on beside them.
    """
    control_planes = [spec for spec in specs if spec["control_plane"]]
    planes = [spec for spec in specs if not spec["control_plane"]]

    def whole(spec: _Spec) -> _Observed:
        observed = _opened(spec, timeout)
        return observed.complete(lambda kube: _control_plane(kube, spec["namespace"], timeout=timeout, service_accounts=service_accounts))

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(control_planes))) as pool:
        pending = [pool.submit(whole, spec) for spec in control_planes]
        opened = in_threads(lambda spec: _opened(spec, timeout), planes, WIDE)
        observed = in_threads(lambda found: found.complete(), opened, concurrency)
        observed = [future.result() for future in pending] + observed
    by_name = {entry.spec["name"]: entry.found for entry in observed}
    return {spec["name"]: by_name[spec["name"]] for spec in specs}


def _error(error: Exception) -> dict[str, t.Any]:
    """Return what went wrong with one cluster. Whatever it is, it is this cluster's failure and never the run's.

    The text of an exception that is not ours is not shown: it may hold what it was given, a token for example.
    """
    if isinstance(error, (KubeError, JournalError)):
        return {"kind": getattr(error, "kind", "api"), "message": getattr(error, "message", str(error)), "hint": error.hint}
    if isinstance(error, ImportError):
        raise error
    hint = "Look at the cluster's objects in Flyte's namespace with kubectl: one of them is not what Kubernetes or Helm writes."
    return {"kind": "api", "message": f"its answer cannot be understood ({type(error).__name__})", "hint": hint}


@dataclasses.dataclass
class _Observed:
    """One cluster: what was found so far, and the connection where it answered."""

    spec: _Spec
    found: dict[str, t.Any]
    kube: Kube | None = None

    def complete(self, control_plane: t.Callable[[Kube], dict[str, t.Any]] | None = None) -> _Observed:
        """Ask the rest of a cluster that answered the first question."""
        if self.kube is None:
            return self
        try:
            self.found.update(_cluster(self.kube, self.spec, self.found["release"]))
            if control_plane is not None:
                self.found["control_plane"] = control_plane(self.kube)
            self.found["reachable"] = True
        except Exception as error:  # pylint: disable=broad-except
            self.found["error"] = _error(error)
        return self


def _opened(spec: _Spec, timeout: float) -> _Observed:
    """Ask a cluster the first question: which release is there."""
    found: dict[str, t.Any] = {
        "reachable": False, "error": None, "server": None, "release": None, "token": None, "missing": [], "deployments": None, "control_plane": None
    }  # fmt: skip
    try:
        kube = method_of(spec["access"]).connect(timeout)
        found["server"] = kube.server
        found["release"] = find_release(kube, spec["namespace"], spec["release"])
    except Exception as error:  # pylint: disable=broad-except
        found["error"] = _error(error)
        return _Observed(spec, found)
    return _Observed(spec, found, kube)


def _cluster(kube: Kube, spec: _Spec, release: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    namespace = spec["namespace"]
    found: dict[str, t.Any] = {"token": None, "missing": [], "deployments": None}
    if release is None:
        return found
    if not spec["control_plane"]:
        token = _credentials.find_token(kube, namespace, ACCOUNT, spec["token_secret"])
        found["token"] = token.public() if token else None
    if spec["data_plane"]:
        if kube.find(CRD_PATH) is None:
            found["missing"].append("the FlyteWorkflow CRD")
        # A token is there only with its account: the token controller deletes it otherwise.
        if found["token"] is None and token_account_gone(kube, namespace):
            found["missing"].append("the ServiceAccount flyteadmin")
    found["deployments"] = states = deployment_states(kube, namespace, release["deployments"])
    found["missing"] += states["missing"]
    return found


def token_account_gone(kube: Kube, namespace: str) -> bool:
    """Return whether the account whose token flyteadmin uses is not there."""
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
    try:
        return _release(decode(newest)["release"], newest["metadata"])
    except Exception as error:
        record = newest["metadata"]["name"]
        hint = (
            f"It is Helm's own record of the newest revision. 'kubectl -n {namespace} delete secret {record}' lets Helm go on from the one before; "
            "the objects stay."
        )
        raise KubeError("api", f"Helm's record {namespace}/{record} is damaged ({type(error).__name__})", hint=hint) from error


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
        "deployments": manifest_deployments(content.get("manifest") or ""),
    }


_DEPLOYMENT = re.compile(r"^kind: *[\"']?Deployment[\"']?\s*$", re.MULTILINE)
_METADATA_NAME = re.compile(r"^metadata:\s*\n(?:^ .*\n|^\s*#.*\n|^\s*\n)*?^  name: *[\"']?([^\s\"']+)", re.MULTILINE)
_REPLICAS = re.compile(r"^  replicas: *[\"']?(\d+)", re.MULTILINE)


def manifest_deployments(manifest: str) -> dict[str, int]:
    """Return the Deployments of a release with their replicas, from its rendered objects.

    By patterns, not by a YAML parser: a hundred manifests of 3,000 lines would take longer than all requests together.
    """
    found = {}
    for document in re.split(r"^---.*$", manifest, flags=re.MULTILINE):
        name = _METADATA_NAME.search(document) if _DEPLOYMENT.search(document) else None
        if name:
            replicas = _REPLICAS.search(document)
            found[name.group(1)] = int(replicas.group(1)) if replicas else 1
    return found


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


# -- Deployments


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


def wait_until_ready(specs: Sequence[_Spec], *, concurrency: int, timeout: float, wait: float) -> dict[str, dict[str, t.Any]]:
    """Wait, all clusters at once, until every pod is ready and the CRD of a data plane serves.

    :returns: by name, ``ok``, ``error`` and ``hint``.
    """
    ended = time.monotonic() + wait

    def one(spec: _Spec) -> dict[str, t.Any]:
        try:
            return _wait(method_of(spec["access"]).connect(timeout), spec, ended, wait)
        except Exception as error:  # pylint: disable=broad-except
            found = _error(error)
            return {"ok": False, "error": found["message"], "hint": found["hint"]}

    return dict(zip([spec["name"] for spec in specs], in_threads(one, specs, concurrency)))


def _wait(kube: Kube, spec: _Spec, ended: float, wait: float) -> dict[str, t.Any]:
    pause = 0.2
    while True:
        release = find_release(kube, spec["namespace"], spec["release"])
        states = deployment_states(kube, spec["namespace"], release["deployments"] if release else {})
        problems = [f"{entry['name']}: {entry['reason']}" for entry in states["not_ready"]] + [f"{what} is missing" for what in states["missing"]]
        if spec["data_plane"] and kube.find(CRD_PATH) is None:
            problems.append("the FlyteWorkflow CRD does not serve")
        if not problems:
            return {"ok": True, "error": None, "hint": None}
        if time.monotonic() > ended:
            hint = f"kubectl -n {spec['namespace']} describe pods; then run again. flyte_wait_timeout sets the time to wait."
            return {"ok": False, "error": f"not ready after {wait:g} s: {'; '.join(problems)}", "hint": hint}
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)


# -- the control plane


def _control_plane(kube: Kube, namespace: str, *, timeout: float, service_accounts: bool) -> dict[str, t.Any]:
    data = decode(kube.find(_credentials.secrets_path(namespace, SECRET_NAME)))
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
    """Ask every configured cluster with the credentials of the control plane's Secret."""

    def one(entry: Mapping[str, t.Any]) -> dict[str, t.Any]:
        token, ca_cert = (data.get(f"{entry['name']}_{suffix}") for suffix in ("token", "cacert"))
        if entry.get("inCluster"):
            return {"ok": True, "error": None, "hint": None, "kind": None, "denied": []}
        if token is None or ca_cert is None:
            hint = "Run site.yml with the tag credentials; flyteadmin does not start again before."
            return {"ok": False, "error": f"the Secret {SECRET_NAME} has no key of it", "hint": hint, "kind": "missing", "denied": []}
        if token != token.strip():
            hint = "Run site.yml with the tag credentials."
            return {"ok": False, "error": "its token has white space around it, which flyteadmin sends", "hint": hint, "kind": "token", "denied": []}
        return _credentials.probe(entry.get("endpoint") or "", token.decode(), ca_cert.decode(), service_accounts=service_accounts, timeout=timeout)

    return dict(zip([entry["name"] for entry in configs], in_threads(one, configs, WIDE)))
