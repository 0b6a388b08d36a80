# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What flyteadmin's pods do: read their mounted files at start, sync resources to the data planes, select a cluster."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import pathlib
import random
import re
import ssl
import threading
import time
import traceback
import typing as t

import requests
import yaml
from kubernetes import client, config
from pods import MountFailed, container_status, mounted_files, now, pod_status, report_mount_failure

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
    task_resources: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    namespace_template: str = "{{ project }}-{{ domain }}"
    event_version: int = 0

    def select(self, label: str | None) -> Cluster:
        """Select a cluster for a label by weight; any enabled one where the label leads to none."""
        entries = [(name, weight) for name, weight in self.labels.get(label or "", []) if name in self.clusters and self.clusters[name].enabled]
        if sum(weight for _name, weight in entries) > 0:
            chosen = random.choices([name for name, _weight in entries], [weight for _name, weight in entries])[0]
            return self.clusters[chosen]
        return random.choice([cluster for cluster in self.clusters.values() if cluster.enabled])

    def namespace(self, project: str, domain: str) -> str:
        """Return the namespace of a project-domain."""
        return re.sub(r"{{\s*(project|domain)\s*}}", lambda match: {"project": project, "domain": domain}[match[1]], self.namespace_template)


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
        pods = self._core.list_pod_for_all_namespaces(label_selector="app.kubernetes.io/name=flyteadmin").items
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
            self._sync(generation)
        except Panic as problem:
            self._crashed(pod, "CrashLoopBackOff", f"panic: {problem}", init=False)
        except MountFailed as problem:
            if uid not in self._retry_at:
                report_mount_failure(self._core, pod, str(problem))
            self._retry_at[uid] = time.monotonic() + 2
            self._patch_status(pod, waiting={"reason": "ContainerCreating"})
        except (SyncFailed, requests.RequestException) as problem:
            self._crashed(pod, "CrashLoopBackOff", f"sync-cluster-resources: {problem}", init=True)
        else:
            self._patch_status(pod)
            self._started[uid] = generation
            enabled = sorted(cluster.name for cluster in generation.clusters.values() if cluster.enabled)
            print(f"{name}: started, enabled clusters {enabled}, labels {sorted(generation.labels)}", flush=True)

    def _crashed(self, pod: t.Any, reason: str, message: str, *, init: bool) -> None:
        print(f"{pod.metadata.name}: {message}", flush=True)
        self._retry_at[pod.metadata.uid] = time.monotonic() + 2
        self._patch_status(pod, waiting={"reason": reason, "message": message[:500]}, init=init)

    def _patch_status(self, pod: t.Any, *, waiting: dict[str, str] | None = None, init: bool = False) -> None:
        """Set a pod's status: it runs, or its containers (or the first that have to come before them) wait for something."""
        done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}}
        state: dict[str, t.Any] = {"waiting": {"reason": "PodInitializing"} if init else waiting} if waiting else {"running": {"startedAt": now()}}
        before: dict[str, t.Any] = {"waiting": waiting} if init else done
        containers = [container_status(item, state, ready=not waiting) for item in pod.spec.containers]
        earlier = [container_status(item, before, ready=not init) for item in pod.spec.init_containers or []]
        pending = init or (waiting or {}).get("reason") == "ContainerCreating"
        status = pod_status("Pending" if pending else "Running", containers, earlier, initialized=not init)
        self._core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, {"status": status})

    # -- files

    def _read(self, pod: t.Any) -> Generation:
        container = next((item for item in pod.spec.containers if item.name == "flyteadmin"), pod.spec.containers[0])
        files = mounted_files(self._core, pod, container)
        merged: dict[str, t.Any] = {}
        templates = {}
        for path, content in sorted(files.items()):
            if "/clusterresource/" in path:
                templates[path] = content.decode()
            elif path.endswith(".yaml") and path.startswith("/etc/flyte"):
                merged.update(yaml.safe_load(content) or {})
        return self._generation(merged, files, templates)

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
        return Generation(
            clusters,
            labels,
            domains,
            settings.get("cluster_resources") or {},
            templates,
            section.get("defaultExecutionLabel") or None,
            settings.get("task_resources") or {},
            (settings.get("namespace_mapping") or {}).get("template") or "{{ project }}-{{ domain }}",
            int((settings.get("flyteadmin") or {}).get("eventVersion") or 0),
        )

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
                self._sync_namespace(self.plane(cluster), generation, generation.namespace(project, domain), {**custom.get(domain, {})})

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
