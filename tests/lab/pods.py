# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What whoever plays a pod's part needs of it: the files that it mounts, and its status."""

from __future__ import annotations

import base64
import datetime
import typing as t

from kubernetes import client


class MountFailed(Exception):
    """A volume cannot be mounted: a real pod waits until it can."""


def mounted_files(core: t.Any, pod: t.Any, container: t.Any) -> dict[str, bytes]:
    """Return the content of the files that a container mounts, by their paths."""
    files: dict[str, bytes] = {}
    volumes = {volume.name: volume for volume in pod.spec.volumes or []}
    for mount in container.volume_mounts or []:
        for name, content in _volume(core, pod.metadata.namespace, volumes[mount.name]).items():
            if not mount.sub_path:
                files[f"{mount.mount_path.rstrip('/')}/{name}"] = content
            elif mount.sub_path == name:
                files[mount.mount_path] = content
    return files


def _volume(core: t.Any, namespace: str, volume: t.Any) -> dict[str, bytes]:
    sources: list[tuple[str, t.Any]] = []
    if volume.config_map:
        sources.append(("ConfigMap", volume.config_map))
    if volume.secret:
        sources.append(("Secret", volume.secret))
    for source in volume.projected.sources if volume.projected else []:
        sources += [(kind, found) for kind, found in (("ConfigMap", source.config_map), ("Secret", source.secret)) if found]
    files: dict[str, bytes] = {}
    for kind, source in sources:
        name = source.name if kind == "ConfigMap" or hasattr(source, "name") else source.secret_name
        try:
            data = _data(core, kind, namespace, name)
        except client.ApiException as problem:
            if problem.status != 404:
                raise
            if source.optional:
                continue
            raise MountFailed(f'MountVolume.SetUp failed for volume "{volume.name}" : {kind.lower()} "{name}" not found') from problem
        if source.items:
            data = {item.path: data[item.key] for item in source.items if item.key in data}
        files |= data
    return files


def _data(core: t.Any, kind: str, namespace: str, name: str) -> dict[str, bytes]:
    if kind == "ConfigMap":
        found = core.read_namespaced_config_map(name, namespace).data or {}
        return {key: value.encode() for key, value in found.items()}
    return {key: base64.b64decode(value) for key, value in (core.read_namespaced_secret(name, namespace).data or {}).items()}


def now() -> str:
    """Return this moment as Kubernetes writes it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def container_status(container: t.Any, state: dict[str, t.Any], *, ready: bool, restarts: int = 0, last: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Return the status of one container: its state, and how the one before it ended."""
    return {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "ready": ready,
        "started": "running" in state,
        "restartCount": restarts,
        # All three: a patch that names only one would leave the one of before beside it.
        "state": {kind: state.get(kind) for kind in ("waiting", "running", "terminated")},
        "lastState": {"terminated": last},
    }


def pod_status(
    phase: str, containers: list[dict[str, t.Any]], init_containers: list[dict[str, t.Any]], *, initialized: bool = True, reason: str | None = None
) -> dict[str, t.Any]:
    """Return the status of a pod from those of its containers."""
    ready = initialized and bool(containers) and all(item["ready"] for item in containers)
    moment = now()
    conditions = (("PodScheduled", True), ("Initialized", initialized), ("ContainersReady", ready), ("Ready", ready))
    return {
        "phase": phase,
        "hostIP": "10.0.0.1",
        "podIP": "10.0.0.2",
        "conditions": [
            {"type": kind, "status": str(value), "lastTransitionTime": moment, "reason": reason if kind in ("Ready", "ContainersReady") and not value else None}
            for kind, value in conditions
        ],
        "containerStatuses": containers,
        "initContainerStatuses": init_containers,
    }


def report_mount_failure(core: t.Any, pod: t.Any, message: str) -> None:
    """Say in an Event, as a kubelet does, why a pod's containers are not created: its status says only that they are not."""
    involved = client.V1ObjectReference(api_version="v1", kind="Pod", name=pod.metadata.name, namespace=pod.metadata.namespace, uid=pod.metadata.uid)
    core.create_namespaced_event(
        pod.metadata.namespace,
        client.CoreV1Event(
            metadata=client.V1ObjectMeta(generate_name=f"{pod.metadata.name}.", namespace=pod.metadata.namespace),
            involved_object=involved,
            type="Warning",
            reason="FailedMount",
            message=message,
            source=client.V1EventSource(component="kubelet"),
            first_timestamp=now(),
            last_timestamp=now(),
            count=1,
        ),
    )
