# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab runs in place of a container's image: the real flytepropeller, or a task by flytekit's own environment."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import sys
import threading
import typing as t

import yaml
from containers import Program
from kubernetes import client
from pods import MountFailed, mounted_files
from processes import LAB_MARK, port_is_free

#: seconds; a kubelet's tokens too are good for an hour
_TOKEN_LIFETIME = 3600
#: what stands in for flyteadmin's image in a data plane
_SYNCRESOURCES = pathlib.Path(__file__).resolve().parents[1] / "flyteadmin" / "clusterresource.py"


class Ports:
    """Ports of the lab for what listens somewhere in a pod."""

    def __init__(self, ports: t.Iterable[int]) -> None:
        self._ports = list(ports)
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def take(self) -> int:
        """Return a free one."""
        with self._lock:
            for port in self._ports:
                if port not in self._taken and port_is_free(port):
                    self._taken.add(port)
                    return port
        raise MountFailed("no port of the lab is free for one more flytepropeller")

    def give_back(self, port: int) -> None:
        """Let others take it."""
        with self._lock:
            self._taken.discard(port)


@dataclasses.dataclass(frozen=True)
class Api:
    """The API server of the pod's own cluster, as a kubelet knows it."""

    core: t.Any
    server: str
    ca_file: str


@dataclasses.dataclass
class Images:
    """The programs and the places of one lab."""

    lab: pathlib.Path
    propeller: pathlib.Path
    flytekit: pathlib.Path
    s3_url: str
    ports: Ports

    def program(self, api: Api, pod: t.Any, container: t.Any, folder: pathlib.Path, ports: list[int]) -> Program:
        """Return what to run for a container.

        :param folder: of the pod, for what it mounts and writes.
        :param ports: the pod's ports so far; those that it needs in addition are added.
        """
        command = [*(container.command or []), *(container.args or [])]
        environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), LAB_MARK: str(self.lab), **_environment(pod, container)}
        if (pod.metadata.labels or {}).get("execution-id"):
            return self._task(command, environment, folder)
        if command[:1] == ["flyteadmin"]:
            return self._syncresources(api, pod, container, Program(command, environment, folder))
        return self._flytepropeller(api, pod, container, Program(command, environment, folder), ports)

    def _task(self, command: list[str], environment: dict[str, str], folder: pathlib.Path) -> Program:
        """Let flytekit's environment run a task; where its object store is, a real node's instance would know."""
        environment |= {
            "PATH": f"{self.flytekit}{os.pathsep}{os.defpath}",
            "FLYTE_AWS_ENDPOINT": self.s3_url,
            "FLYTE_AWS_ACCESS_KEY_ID": "testing",
            "FLYTE_AWS_SECRET_ACCESS_KEY": "testing",
        }
        # As a container does: the program is looked for in the PATH of its own environment, not in ours.
        program = self.flytekit / command[0]
        return Program([str(program) if program.is_file() else command[0], *command[1:]], environment, folder)

    def _syncresources(self, api: Api, pod: t.Any, container: t.Any, program: Program) -> Program:
        """Let the double of a data plane's syncresources run: with the pod's own files and account."""
        root = _laid_down(mounted_files(api.core, pod, container), container, program.folder)
        mounts = [mount.mount_path for mount in container.volume_mounts or []]
        config = _moved_text(program.command[program.command.index("--config") + 1], mounts, root)
        own = [sys.executable, str(_SYNCRESOURCES), "--kubeconfig", str(_kubeconfig(api, pod, program.folder)), "--config", config]
        return Program(own, program.environment, program.folder)

    def _flytepropeller(self, api: Api, pod: t.Any, container: t.Any, program: Program, ports: list[int]) -> Program:
        """Let the real flytepropeller run: with the pod's own files, arguments and account, and what the lab has to add."""
        files = mounted_files(api.core, pod, container)
        mounts = [mount.mount_path for mount in container.volume_mounts or []]
        root = _laid_down(_folded(files), container, program.folder)
        command = [str(self.propeller) if item == "flytepropeller" else _moved_text(item, mounts, root) for item in program.command]
        # The lab has few ports: only what is a webhook listens on a second one.
        wanted = ["PROPELLER.PROF_PORT", *(["WEBHOOK.LISTENPORT"] if "webhook" in command else [])]
        while len(ports) < len(wanted):
            ports.append(self.ports.take())
        # flytepropeller takes each of its settings from its environment too. In a real pod, the first is where every pod has it, and
        # nobody else listens on the others.
        settings = {"PROPELLER.KUBE_CONFIG": str(_kubeconfig(api, pod, program.folder))} | {name: str(port) for name, port in zip(wanted, ports)}
        return Program(command, program.environment | self._instance(files) | settings, program.folder)

    def _instance(self, files: dict[str, bytes]) -> dict[str, str]:
        """Return what a node on AWS would know without being told: credentials, and where S3 is."""
        known = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}
        settings = [yaml.safe_load(content) for path, content in files.items() if path.endswith(".yaml")]
        storage: dict[str, t.Any] = next((entry["storage"] for entry in settings if isinstance(entry, dict) and entry.get("storage")), {})
        if storage.get("type") == "s3" and not (storage.get("connection") or {}).get("endpoint"):
            known["STORAGE.CONNECTION.ENDPOINT"] = self.s3_url
        return known


def _laid_down(files: dict[str, bytes], container: t.Any, folder: pathlib.Path) -> pathlib.Path:
    """Write what a container mounts below its pod's folder; return where that is."""
    mounts, root = [mount.mount_path for mount in container.volume_mounts or []], folder / "root"
    for path, content in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_bytes(_moved(content, mounts, root))
    return root


def _environment(pod: t.Any, container: t.Any) -> dict[str, str]:
    """Return the variables that a container is given; of a field, those that name the pod."""
    fields = {"metadata.name": pod.metadata.name, "metadata.namespace": pod.metadata.namespace, "status.podIP": "127.0.0.1"}
    found = {}
    for variable in container.env or []:
        field = variable.value_from.field_ref if variable.value_from else None
        if field and field.field_path in fields:
            found[variable.name] = fields[field.field_path]
        elif not variable.value_from:
            found[variable.name] = variable.value or ""
    return found


def _folded(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return files in which those of one folder's configuration are one, merged as flytepropeller itself merges them.

    It watches each file with an inotify instance of its own, of which all processes of a user together have 128; without one it ends, silently.
    """
    folders: dict[str, list[str]] = {}
    for path in sorted(files):
        if path.endswith(".yaml"):
            folders.setdefault(path.rpartition("/")[0], []).append(path)
    kept = dict(files)
    for folder, paths in folders.items():
        merged: dict[str, t.Any] = {}
        try:
            for path in paths:
                _merge(merged, yaml.safe_load(files[path]) or {})
        except (yaml.YAMLError, AttributeError):
            continue  # what is wrong with them flytepropeller itself has to say
        kept = {path: content for path, content in kept.items() if path not in paths}
        kept[f"{folder}/config.yaml"] = yaml.safe_dump(merged, sort_keys=False).encode()
    return kept


def _merge(into: dict[str, t.Any], more: dict[str, t.Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _moved(content: bytes, mounts: list[str], root: pathlib.Path) -> bytes:
    try:
        return _moved_text(content.decode(), mounts, root).encode()
    except UnicodeDecodeError:
        return content


def _moved_text(text: str, mounts: list[str], root: pathlib.Path) -> str:
    """Return a text in which every path below a mounted folder is one below the pod's own folder."""
    for mount in mounts:
        path = mount.rstrip("/")
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?=[/\s\"',]|$)", f"{root}{path}", text)
    return text


def _kubeconfig(api: Api, pod: t.Any, folder: pathlib.Path) -> pathlib.Path:
    """Write the kubeconfig of a pod: its own account's token, as a pod finds it mounted."""
    write_token(api, pod, folder)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "pod",
        "clusters": [{"name": "pod", "cluster": {"server": api.server, "certificate-authority": api.ca_file}}],
        "users": [{"name": "pod", "user": {"tokenFile": str(folder / "token")}}],
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod", "namespace": pod.metadata.namespace}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def write_token(api: Api, pod: t.Any, folder: pathlib.Path) -> None:
    """Ask for a token of the pod's account and write it down; client-go reads the file again every minute."""
    bound = client.V1BoundObjectReference(api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)
    request = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], bound_object_ref=bound, expiration_seconds=_TOKEN_LIFETIME)
    )
    account = pod.spec.service_account_name or "default"
    try:
        answer = api.core.create_namespaced_service_account_token(account, pod.metadata.namespace, request)
    except client.ApiException as problem:
        if problem.status not in (403, 404):
            raise
        raise MountFailed(f'MountVolume.SetUp failed for volume "kube-api-access" : failed to fetch token of "{account}": {problem.reason}') from problem
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(answer.status.token, encoding="utf-8")
