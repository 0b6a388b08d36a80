# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What flyteadmin's pods do: read their mounted files at start, sync resources to the data planes, select a cluster."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import datetime
import hashlib
import pathlib
import random
import ssl
import threading
import time
import traceback
import typing as t

import requests
import yaml
from kubernetes import client, config

NAMESPACE = "flyte"
DOMAINS = ("development", "staging", "production")


class Panic(Exception):
    """The real flyteadmin would panic at start."""


class SyncFailed(Exception):
    """The real init container sync-cluster-resources would fail."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One entry of clusterConfigs, with the credentials that were in its files at start."""

    name: str
    enabled: bool
    endpoint: str
    token: str
    ca_file: str
    in_cluster: bool = False


@dataclasses.dataclass(frozen=True)
class Generation:
    """What one pod of flyteadmin read at its start."""

    clusters: dict[str, Cluster]
    labels: dict[str, list[tuple[str, float]]]
    domains: tuple[str, ...]
    resources: dict[str, t.Any]
    templates: dict[str, str]
    default_label: str | None = None

    def select(self, label: str | None) -> Cluster:
        """Select a cluster for a label by weight; any enabled one where the label leads to none."""
        entries = [(name, weight) for name, weight in self.labels.get(label or "", []) if name in self.clusters and self.clusters[name].enabled]
        if sum(weight for _name, weight in entries) > 0:
            chosen = random.choices([name for name, _weight in entries], [weight for _name, weight in entries])[0]
            return self.clusters[chosen]
        return random.choice([cluster for cluster in self.clusters.values() if cluster.enabled])


class DataPlane:
    """Requests to one cluster with the credentials that flyteadmin has for it."""

    def __init__(self, cluster: Cluster, own: client.ApiClient) -> None:
        self._cluster = cluster
        self._session = requests.Session()
        self._session.trust_env = False
        if cluster.in_cluster:
            settings = own.configuration
            self._base, self._session.verify = settings.host, settings.ssl_ca_cert
            self._session.cert = (settings.cert_file, settings.key_file)
        else:
            self._base, self._session.verify = cluster.endpoint, cluster.ca_file or False
            self._session.headers["Authorization"] = f"Bearer {cluster.token}"

    def call(self, method: str, path: str, body: t.Any = None, content_type: str = "application/json") -> requests.Response:
        """Send one request; errors of the connection come as requests' exceptions."""
        return self._session.request(method, self._base + path, json=body, headers={"Content-Type": content_type}, timeout=10)

    def apply(self, path: str, manifest: dict[str, t.Any]) -> None:
        """Patch an object or create it. (The real one creates first; most are there already.)"""
        answer = self.call("PATCH", f"{path}/{manifest['metadata']['name']}", manifest, "application/merge-patch+json")
        if answer.status_code == 404:
            answer = self.call("POST", path, manifest)
        if answer.status_code == 409:
            # Kubernetes makes the default ServiceAccount of a new namespace itself: it was faster.
            answer = self.call("PATCH", f"{path}/{manifest['metadata']['name']}", manifest, "application/merge-patch+json")
        if answer.status_code >= 300:
            raise SyncFailed(f"{self._cluster.name}: {manifest['kind']} {manifest['metadata']['name']}: HTTP {answer.status_code} {answer.text[:300]}")


def _seed_projects(pod: t.Any) -> list[str]:
    """Return the projects that the init container seed-projects is told to create."""
    for container in pod.spec.init_containers or []:
        command = [*(container.command or []), *(container.args or [])]
        if "seed-projects" in command:
            return command[command.index("seed-projects") + 1 :]
    return []


_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ResourceQuota": "/api/v1/namespaces/{namespace}/resourcequotas",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "LimitRange": "/api/v1/namespaces/{namespace}/limitranges",
}


class ControlPlane:
    """Watches flyteadmin's pods in the control plane and plays their part."""

    def __init__(
        self,
        kubeconfig: str,
        context: str,
        scratch: pathlib.Path,
        projects: t.Callable[[], list[str]],
        seed: t.Callable[[list[str], tuple[str, ...]], None],
    ) -> None:
        self._api = config.new_client_from_config(config_file=kubeconfig, context=context)
        self._core = client.CoreV1Api(self._api)
        self._apps = client.AppsV1Api(self._api)
        self._projects = projects
        self._seed = seed
        self._scratch = scratch
        self._started: dict[str, Generation] = {}
        self._retry_at: dict[str, float] = {}
        self._planes: dict[Cluster, DataPlane] = {}
        self._current: Generation | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def current(self) -> Generation | None:
        """Return what the newest ready pod read, None while no pod is ready."""
        return self._current

    def plane(self, cluster: Cluster) -> DataPlane:
        """Return the connection to a cluster."""
        with self._lock:
            if cluster not in self._planes:
                self._planes[cluster] = DataPlane(cluster, self._api)
            return self._planes[cluster]

    # -- pods

    def _watch(self) -> None:
        while True:
            try:
                self._step()
            except Exception:  # the control plane may be down for a while: this thread has to outlive that
                traceback.print_exc()
                self._current = None
                time.sleep(1)
            time.sleep(0.3)

    def _step(self) -> None:
        pods = self._core.list_namespaced_pod(NAMESPACE, label_selector="app.kubernetes.io/name=flyteadmin").items
        alive = [pod for pod in pods if pod.metadata.deletion_timestamp is None and pod.spec.node_name]
        for pod in alive:
            if pod.metadata.uid not in self._started and self._retry_at.get(pod.metadata.uid, 0) <= time.monotonic():
                self._start_pod(pod)
        uids = {pod.metadata.uid for pod in alive}
        self._started = {uid: generation for uid, generation in self._started.items() if uid in uids}
        newest = max((pod for pod in alive if pod.metadata.uid in self._started), key=lambda pod: pod.metadata.creation_timestamp, default=None)
        self._current = self._started[newest.metadata.uid] if newest else None

    def _start_pod(self, pod: t.Any) -> None:
        name, uid = pod.metadata.name, pod.metadata.uid
        try:
            generation = self._read(pod)
            self._seed(_seed_projects(pod), generation.domains)
            self._sync_for(pod, generation)
        except Panic as problem:
            self._crashed(pod, "CrashLoopBackOff", f"panic: {problem}", init=False)
        except (SyncFailed, requests.RequestException) as problem:
            self._crashed(pod, "CrashLoopBackOff", f"sync-cluster-resources: {problem}", init=True)
        else:
            self._patch_status(pod, ready=True)
            self._started[uid] = generation
            enabled = sorted(cluster.name for cluster in generation.clusters.values() if cluster.enabled)
            print(f"{name}: started, enabled clusters {enabled}, labels {sorted(generation.labels)}", flush=True)

    def _sync_for(self, pod: t.Any, generation: Generation) -> None:
        """Write the namespaces. An init container that does it fails with one dead plane; syncresources, beside flyteadmin, goes on with the others.

        Of a plane that was dead then, it does not try again before it starts anew: it takes what one plane took for applied.
        """
        try:
            self._sync(generation)
        except (SyncFailed, requests.RequestException) as problem:
            if any(container.name == "sync-cluster-resources" for container in pod.spec.init_containers or []):
                raise
            print(f"{pod.metadata.name}: syncresources goes on without one plane: {problem}", flush=True)

    def _crashed(self, pod: t.Any, reason: str, message: str, *, init: bool) -> None:
        print(f"{pod.metadata.name}: {message}", flush=True)
        self._retry_at[pod.metadata.uid] = time.monotonic() + 2
        self._patch_status(pod, ready=False, waiting={"reason": reason, "message": message[:500]}, init=init)

    def _patch_status(self, pod: t.Any, *, ready: bool, waiting: dict[str, str] | None = None, init: bool = False) -> None:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = {"running": {"startedAt": now}} if ready else {"waiting": {"reason": "PodInitializing"} if init else waiting}

        def statuses(containers: list[t.Any], container_state: dict[str, t.Any], is_ready: bool) -> list[dict[str, t.Any]]:
            return [
                {"name": item.name, "image": item.image, "imageID": "", "ready": is_ready, "restartCount": 0, "state": container_state}
                for item in containers or []
            ]

        done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
        status: dict[str, t.Any] = {
            "phase": "Pending" if init else "Running",
            "startTime": now,
            "hostIP": "10.0.0.1",
            "podIP": "10.0.0.2",
            "conditions": [
                {"type": kind, "status": str(value), "lastTransitionTime": now}
                for kind, value in (("Initialized", not init), ("ContainersReady", ready), ("Ready", ready), ("PodScheduled", True))
            ],
            "containerStatuses": statuses(pod.spec.containers, state, ready),
            "initContainerStatuses": statuses(pod.spec.init_containers, {"waiting": waiting} if init else done, not init),
        }
        self._core.patch_namespaced_pod_status(pod.metadata.name, NAMESPACE, {"status": status})

    # -- files

    def _read(self, pod: t.Any) -> Generation:
        files = self._files(pod.spec, "flyteadmin")
        merged: dict[str, t.Any] = {}
        templates = {path: content.decode() for path, content in self._of_syncresources().items() if "/clusterresource/" in path}
        for path, content in sorted(files.items()):
            if path.endswith(".yaml") and path.startswith("/etc/flyte"):
                merged.update(yaml.safe_load(content) or {})
        return self._generation(merged, files, templates)

    def _files(self, spec: t.Any, name: str) -> dict[str, bytes]:
        """Return the files that a container of a pod has mounted, by path."""
        container = next((item for item in spec.containers if item.name == name), spec.containers[0])
        volumes = {volume.name: volume for volume in spec.volumes or []}
        files: dict[str, bytes] = {}
        for mount in container.volume_mounts or []:
            for key, content in self._volume(volumes[mount.name]).items():
                files[mount.mount_path if mount.sub_path == key else f"{mount.mount_path.rstrip('/')}/{key}"] = content
        return files

    def _of_syncresources(self) -> dict[str, bytes]:
        """Return the files of the Deployment that writes the namespaces; flyteadmin's own container has no templates."""
        try:
            deployment = self._apps.read_namespaced_deployment("syncresources", NAMESPACE)
        except client.ApiException as problem:
            if problem.status != 404:
                raise
            return {}
        return self._files(deployment.spec.template.spec, "sync-cluster-resources")

    def _volume(self, volume: t.Any) -> dict[str, bytes]:
        """Return the files of a volume; of a missing Secret or ConfigMap, a pod would wait for ever."""
        sources: list[tuple[str | None, str | None]] = []
        if volume.config_map:
            sources.append((volume.config_map.name, None))
        if volume.secret:
            sources.append((None, volume.secret.secret_name))
        if volume.projected:
            for source in volume.projected.sources:
                sources.append((source.config_map.name if source.config_map else None, source.secret.name if source.secret else None))
        files: dict[str, bytes] = {}
        for config_map, secret in sources:
            try:
                if config_map:
                    data = self._core.read_namespaced_config_map(config_map, NAMESPACE).data or {}
                    files.update({key: value.encode() for key, value in data.items()})
                if secret:
                    raw = self._core.read_namespaced_secret(secret, NAMESPACE).data or {}
                    files.update({key: base64.b64decode(value) for key, value in raw.items()})
            except client.ApiException as problem:
                if problem.status != 404:
                    raise
                raise SyncFailed(f"MountVolume.SetUp failed for volume {volume.name!r}: {config_map or secret} not found") from problem
        return files

    def _generation(self, settings: dict[str, t.Any], files: dict[str, bytes], templates: dict[str, str]) -> Generation:
        section = settings.get("clusters") or {}
        clusters: dict[str, Cluster] = {}
        for entry in section.get("clusterConfigs") or []:
            cluster = self._cluster(entry, files)
            if cluster.name in clusters:
                raise Panic(f"duplicate clusters for name {cluster.name}")
            clusters[cluster.name] = cluster
        labels: dict[str, list[tuple[str, float]]] = {}
        for label, entries in (section.get("labelClusterMap") or {}).items():
            for entry in entries or []:
                weight = float(entry.get("weight", 0))
                if not 0 <= weight <= 1:
                    raise Panic(f"invalid weight {weight} of {entry.get('id')} in label {label}")
                if entry.get("id") not in clusters:
                    raise Panic(f"label {label} names the cluster {entry.get('id')}, which clusterConfigs does not have")
                labels.setdefault(label, []).append((entry["id"], weight))
        if not clusters:
            # Without clusterConfigs flyteadmin serves its own cluster.
            clusters = {"": Cluster("", True, "", "", "", in_cluster=True)}
        if not any(cluster.enabled for cluster in clusters.values()):
            raise Panic("no enabled clusters")
        domains = tuple(domain["id"] for domain in settings.get("domains") or []) or DOMAINS
        return Generation(clusters, labels, domains, settings.get("cluster_resources") or {}, templates, section.get("defaultExecutionLabel") or None)

    def _cluster(self, entry: dict[str, t.Any], files: dict[str, bytes]) -> Cluster:
        name, enabled = str(entry.get("name", "")), bool(entry.get("enabled", False))
        if entry.get("inCluster"):
            return Cluster(name, enabled, "", "", "", in_cluster=True)
        auth = entry.get("auth") or {}
        if auth.get("type") != "file_path":
            raise Panic(f"{name}: auth type {auth.get('type')!r} is not file_path")
        content = {}
        for key in ("tokenPath", "certPath"):
            path = auth.get(key, "")
            if path not in files:
                raise Panic(f"{name}: failed to read {key}: open {path}: no such file or directory")
            content[key] = files[path]
        ca_file = self._scratch / f"{name}-{hashlib.sha256(content['certPath']).hexdigest()[:8]}.crt"
        ca_file.write_bytes(content["certPath"])
        try:
            ssl.create_default_context(cafile=str(ca_file))
        except ssl.SSLError as problem:
            raise Panic(f"{name}: unable to load root certificates: {problem}") from problem
        return Cluster(name, enabled, str(entry.get("endpoint", "")).rstrip("/"), content["tokenPath"].decode(), str(ca_file))

    # -- syncresources

    def _sync(self, generation: Generation) -> None:
        custom = {}
        for of_domains in generation.resources.get("customData") or []:
            for domain, pairs in of_domains.items():
                custom[domain] = {key: value.get("value") for pair in pairs for key, value in pair.items()}
        enabled = [cluster for cluster in generation.clusters.values() if cluster.enabled]
        places = [(project, domain) for project in self._projects() for domain in generation.domains]

        def sync(cluster: Cluster) -> None:
            for project, domain in places:
                self._sync_namespace(self.plane(cluster), generation, f"{project}-{domain}", {**custom.get(domain, {})})

        # Side by side, unlike the real one: how long flyteadmin takes is no subject of the lab.
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(sync, enabled))

    @staticmethod
    def _sync_namespace(plane: DataPlane, generation: Generation, namespace: str, values: dict[str, t.Any]) -> None:
        for _path, template in sorted(generation.templates.items()):
            text = template
            for key, value in {**values, "namespace": namespace}.items():
                text = text.replace("{{ " + key + " }}", str(value))
            try:
                manifest = yaml.safe_load(text) or {}
            except yaml.YAMLError as problem:
                raise SyncFailed(f"template of {namespace} has a value that customData does not set: {problem}") from problem
            path = _PATHS.get(manifest.get("kind", ""))
            if path:
                plane.apply(path.format(namespace=namespace), manifest)
