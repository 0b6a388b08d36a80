# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One pod that runs: its containers one after the other and side by side, and its status."""

from __future__ import annotations

import json
import shutil
import time
import typing as t

from containers import Container
from images import Api, Images, write_token
from kubernetes import client
from pods import MountFailed, container_status, pod_status, report_mount_failure

#: seconds until a volume that could not be mounted is tried again
_MOUNT_AGAIN = 2.0
#: before its hour is over, a token is replaced
_TOKEN_AGE = 2400.0


class PodRun:
    """A pod of one cluster as processes of this machine."""

    def __init__(self, api: Api, pod: t.Any, images: Images, cluster: str) -> None:
        self._api, self._pod, self._images = api, pod, images
        name = f"{pod.metadata.namespace}_{pod.metadata.name}"
        self._folder = images.lab / "pods" / cluster / name
        self._logs = images.lab / "logs" / "pods" / cluster / name
        for folder in (self._folder, self._logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._specs = {item.name: item for item in [*(pod.spec.init_containers or []), *pod.spec.containers]}
        self._init = [self._container(item) for item in pod.spec.init_containers or []]
        self._main = [self._container(item) for item in pod.spec.containers]
        self._ports: list[int] = []
        self._token_at = time.monotonic()
        self._mount_at = 0.0
        self._mount_problem = ""
        self._told = ""

    def _container(self, spec: t.Any) -> Container:
        from_log = spec.termination_message_policy == "FallbackToLogsOnError"
        return Container(spec.name, self._logs / f"{spec.name}.log", message_from_log=from_log)

    @property
    def _restarts(self) -> bool:
        return self._pod.spec.restart_policy != "Never"

    @property
    def ended(self) -> bool:
        """Whether its containers ended for good."""
        return not self._restarts and all(item.last and not item.running for item in self._main)

    def step(self) -> None:
        """Do what is due, and say it in the pod's status."""
        for container in (*self._init, *self._main):
            container.look()
        if not self.ended:
            self._start_due()
        if time.monotonic() - self._token_at > _TOKEN_AGE and (self._folder / "token").exists():
            write_token(self._api, self._pod, self._folder)
            self._token_at = time.monotonic()
        self._tell()

    def _start_due(self) -> None:
        waiting = [item for item in self._init if item.running or item.last is None or item.last["exitCode"] != 0]
        for container in waiting[:1] or self._main:
            may = container.last is None or self._restarts or container in self._init
            if may and container.due and time.monotonic() >= self._mount_at:
                self._start(container)

    def _start(self, container: Container) -> None:
        try:
            program = self._images.program(self._api, self._pod, self._specs[container.name], self._folder, self._ports)
        except MountFailed as problem:
            self._mount_at = time.monotonic() + _MOUNT_AGAIN
            if str(problem) != self._mount_problem:
                self._mount_problem = str(problem)
                report_mount_failure(self._api.core, self._pod, self._mount_problem)
        else:
            container.start(program)

    def _tell(self) -> None:
        """Patch the pod's status where it is another than last time."""
        name = f"{self._pod.metadata.name}_{self._pod.metadata.namespace}({self._pod.metadata.uid})"

        def statuses(containers: list[Container], initial: bool) -> list[dict[str, t.Any]]:
            found = []
            for item in containers:
                done = initial and item.last is not None and item.last["exitCode"] == 0 and not item.running
                state = {"terminated": item.last} if done or (item.last and self.ended) else item.state(name)
                last = item.last if "terminated" not in state else None
                ready = done if initial else item.settled
                found.append(container_status(self._specs[item.name], state, ready=ready, restarts=item.restarts, last=last))
            return found

        main, init = statuses(self._main, False), statuses(self._init, True)
        phase = self._phase()
        status = pod_status(phase, main, init, initialized=all(item["ready"] for item in init), reason="PodCompleted" if phase == "Succeeded" else None)
        told = json.dumps([phase, main, init])
        if told != self._told:
            try:
                self._api.core.patch_namespaced_pod_status(self._pod.metadata.name, self._pod.metadata.namespace, {"status": status})
            except client.ApiException as problem:
                if problem.status != 404:
                    raise
            self._told = told

    def _phase(self) -> str:
        if self.ended:
            return "Succeeded" if all(item.last and item.last["exitCode"] == 0 for item in self._main) else "Failed"
        return "Running" if any(item.settled or item.last for item in self._main) else "Pending"

    def stop(self) -> None:
        """End what runs of it, and remove what it was given and wrote; its logs stay."""
        for container in (*self._init, *self._main):
            container.stop()
        for port in self._ports:
            self._images.ports.give_back(port)
        shutil.rmtree(self._folder, ignore_errors=True)
