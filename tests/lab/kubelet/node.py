# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster's node: it watches the pods that it plays, and runs them."""

from __future__ import annotations

import threading
import time
import traceback
import typing as t

import urllib3
from images import Api, Images
from kubernetes import client, watch
from pod_run import PodRun

#: whose pods are played besides those of executions; kwok leaves the same alone (kwokctl.config)
PLAYED = ("flytepropeller", "flyte-pod-webhook")
#: in data planes too: that of the control plane, which knows every data plane, the flyteadmin double plays
SYNCRESOURCES, _CONTROL_PLANE = "flyteclusterresourcesync", "controlplane"
#: An API server that is gone for so long was stopped, and its cluster's machines with it.
_DEAD = 3.0
#: seconds between two looks at the processes
_PACE = 0.3


class Node:
    """Runs the pods of one cluster until it is stopped."""

    def __init__(self, name: str, api_client: t.Any, images: Images) -> None:
        self.name = name
        settings = api_client.configuration
        self._core = client.CoreV1Api(api_client)
        self._api = Api(self._core, settings.host, settings.ssl_ca_cert)
        self._images = images
        self._runs: dict[str, PodRun] = {}
        #: those that are to run, by uid; None while the cluster is down
        self._pods: dict[str, t.Any] | None = {}
        self._done: set[str] = set()
        self._reached = time.monotonic()
        self._changed, self._stopping = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._watch, self._run)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Begin to end all that runs."""
        self._stopping.set()
        self._changed.set()

    def join(self) -> None:
        """Wait until all has ended."""
        self._threads[1].join()

    # -- what there is to run

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch_once()
            except Exception as problem:  # whatever it is: this thread has to outlive a cluster that is down
                if not isinstance(problem, urllib3.exceptions.HTTPError):
                    traceback.print_exc()
                if time.monotonic() - self._reached > _DEAD:
                    self._pods = None
                    self._changed.set()
                time.sleep(0.5)

    def _watch_once(self) -> None:
        found = self._core.list_pod_for_all_namespaces(_request_timeout=10)
        self._reached = time.monotonic()
        pods = {pod.metadata.uid: pod for pod in found.items if _plays(pod, self.name)}
        self._set(pods)
        version = found.metadata.resource_version
        stream = watch.Watch().stream(self._core.list_pod_for_all_namespaces, resource_version=version, timeout_seconds=60, _request_timeout=70)
        for event in stream:
            pod = event["object"]
            self._reached = time.monotonic()
            if event["type"] == "DELETED" or not _plays(pod, self.name):
                pods = {uid: other for uid, other in pods.items() if uid != pod.metadata.uid}
            else:
                pods = {**pods, pod.metadata.uid: pod}
            self._set(pods)
        self._reached = time.monotonic()

    def _set(self, pods: dict[str, t.Any]) -> None:
        if self._pods is None or pods.keys() != self._pods.keys():
            self._pods = pods
            self._changed.set()

    # -- what runs

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait(_PACE)
            self._changed.clear()
            try:
                self._step()
            except Exception:  # as above
                traceback.print_exc()
                time.sleep(1)
        for run in self._runs.values():
            run.stop()

    def _step(self) -> None:
        pods = self._pods or {}
        for uid in set(self._runs) - set(pods):
            self._runs.pop(uid).stop()
        self._done &= set(pods)
        for uid, pod in pods.items():
            if uid not in self._runs and uid not in self._done:
                self._runs[uid] = PodRun(self._api, pod, self._images, self.name)
        for uid, run in list(self._runs.items()):
            run.step()
            if run.ended:
                self._done.add(uid)
                self._runs.pop(uid).stop()


def _plays(pod: t.Any, cluster: str) -> bool:
    """Whether a pod is one of those that this node runs, and is to run now."""
    labels = pod.metadata.labels or {}
    own = PLAYED if cluster == _CONTROL_PLANE else (*PLAYED, SYNCRESOURCES)
    ours = "execution-id" in labels or labels.get("app.kubernetes.io/name") in own
    over = pod.status.phase in ("Succeeded", "Failed") or pod.metadata.deletion_timestamp is not None
    return bool(ours and pod.spec.node_name and not over)
