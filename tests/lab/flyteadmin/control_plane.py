# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What flyteadmin's pods do: read their mounted files at start, sync resources to the data planes, select a cluster."""

from __future__ import annotations

import hashlib
import pathlib
import ssl
import threading
import time
import traceback
import typing as t

import requests
import yaml
from generation import Cluster, DataPlane, Generation, seconds
from kubernetes import client, config
from pods import MountFailed, container_status, mounted_files, now, pod_status, report_mount_failure
from resources import Resources

DOMAINS = ("development", "staging", "production")
#: values of app.kubernetes.io/name of the pods that are played
_FLYTEADMIN, _SYNCRESOURCES = "flyteadmin", "flyteclusterresourcesync"
_SYNC_AT_START = "sync-cluster-resources"


class Panic(Exception):
    """The real flyteadmin would panic at start."""


class SyncFailed(Exception):
    """The real init container sync-cluster-resources would fail."""


def _seed_projects(pod: t.Any) -> list[str]:
    """Return the projects that the init container seed-projects is told to create."""
    for container in pod.spec.init_containers or []:
        command = [*(container.command or []), *(container.args or [])]
        if "seed-projects" in command:
            return command[command.index("seed-projects") + 1 :]
    return []


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
        self._projects = projects
        self._seed = seed
        self._scratch = scratch
        self._started: dict[str, Generation] = {}
        #: syncresources' pods, and what ends each of them
        self._syncing: dict[str, threading.Event] = {}
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

    def reached(self) -> list[dict[str, t.Any]]:
        """Return what each data plane answers to each of flyteadmin's pods that runs: to the credentials that it read at its start."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"group": "flyte.lyft.com", "resource": "flyteworkflows", "verb": "create"}},
        }
        found = []
        for pod, generation in list(self._started.items()):
            for cluster in generation.clusters.values():
                status: int | str
                try:
                    status = self.plane(cluster).call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).status_code
                except requests.RequestException as problem:
                    status = type(problem).__name__
                found.append({"pod": pod, "cluster": cluster.name, "status": status})
        return found

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
        pods = self._core.list_pod_for_all_namespaces(label_selector=f"app.kubernetes.io/name in ({_FLYTEADMIN},{_SYNCRESOURCES})").items
        alive = {pod.metadata.uid: pod for pod in pods if pod.metadata.deletion_timestamp is None and pod.spec.node_name}
        for uid, pod in alive.items():
            if uid not in self._started and uid not in self._syncing and self._retry_at.get(uid, 0) <= time.monotonic():
                self._start_pod(pod)
        self._started = {uid: generation for uid, generation in self._started.items() if uid in alive}
        for uid in set(self._syncing) - set(alive):
            self._syncing.pop(uid).set()
        newest = max((alive[uid] for uid in self._started), key=lambda pod: pod.metadata.creation_timestamp, default=None)
        self._current = self._started[newest.metadata.uid] if newest else None

    def _start_pod(self, pod: t.Any) -> None:
        name, uid = pod.metadata.name, pod.metadata.uid
        serves = pod.metadata.labels["app.kubernetes.io/name"] == _FLYTEADMIN
        try:
            generation = self._read(pod, pod.spec.containers[0])
            if serves:
                self._seed(_seed_projects(pod), generation.domains)
                self._sync_at_start(pod)
        except Panic as problem:
            self._crashed(pod, "CrashLoopBackOff", f"panic: {problem}", init=False)
        except MountFailed as problem:
            if uid not in self._retry_at:
                report_mount_failure(self._core, pod, str(problem))
            self._retry_at[uid] = time.monotonic() + 2
            self._patch_status(pod, waiting={"reason": "ContainerCreating"})
        except SyncFailed as problem:
            self._crashed(pod, "CrashLoopBackOff", f"{_SYNC_AT_START}: {problem}", init=True)
        else:
            self._patch_status(pod)
            if serves:
                self._started[uid] = generation
            else:
                self._syncing[uid] = self._sync_for_ever(generation)
            enabled = sorted(cluster.name for cluster in generation.clusters.values() if cluster.enabled)
            print(f"{name}: started, enabled clusters {enabled}, labels {sorted(generation.labels)}", flush=True)

    def _sync_at_start(self, pod: t.Any) -> None:
        """Play the init container, where the pod has it: it fails if any cluster does."""
        container = next((item for item in pod.spec.init_containers or [] if item.name == _SYNC_AT_START), None)
        if container is not None:
            problems = Resources(generation := self._read(pod, container), self.plane).sync(self._of_database(generation))
            if problems:
                raise SyncFailed(problems[0])

    def _of_database(self, generation: Generation) -> dict[str, list[str]]:
        """Return the projects, each with the domains that this process was told."""
        return {project: list(generation.domains) for project in self._projects()}

    def _sync_for_ever(self, generation: Generation) -> threading.Event:
        """Play syncresources: now and after each interval, whatever goes wrong; return what ends it."""
        ended = threading.Event()
        resources = Resources(generation, self.plane)

        def work() -> None:
            while not ended.is_set():
                try:
                    for problem in resources.sync(self._of_database(generation)):
                        print(f"syncresources: {problem}", flush=True)
                except Exception:  # as the real one, it goes on
                    traceback.print_exc()
                ended.wait(seconds(generation.resources.get("refreshInterval")))

        threading.Thread(target=work, daemon=True).start()
        return ended

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

    def _read(self, pod: t.Any, container: t.Any) -> Generation:
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
        for key, entries in (section.get("labelClusterMap") or {}).items():
            label = key if "." in key else key.lower()  # its reader of configuration makes small letters of keys
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
