# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's kubelet: a pod runs as processes, and its status says what they do."""

from __future__ import annotations

import base64
import pathlib
import sys
import time
import types
import typing as t

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "lab" / "kubelet"))

pytest.importorskip("kubernetes", reason="kubernetes is one of tests/requirements.txt")

import containers  # noqa: E402
from images import Api, Images, Ports, _folded, _moved_text  # noqa: E402
from kubernetes import client  # noqa: E402
from node import _plays  # noqa: E402
from pod_run import PodRun  # noqa: E402
from processes import LAB_MARK, _marked, kill_all_of  # noqa: E402

NAMESPACE = "flyte"


class Core:
    """An API server with one ConfigMap and one Secret, which notes what is patched and created."""

    def __init__(self) -> None:
        self.config_maps = {"config": {"admin.yaml": "admin:\n  clientSecretLocation: /etc/secrets/client_secret\n"}}
        self.secrets = {"auth": {"client_secret": base64.b64encode(b"x").decode()}}
        self.accounts = ["flytepropeller"]
        self.statuses: list[dict[str, t.Any]] = []
        self.events: list[str] = []

    @staticmethod
    def _data(found: dict[str, t.Any], name: str) -> t.Any:
        if name not in found:
            raise client.ApiException(status=404)
        return types.SimpleNamespace(data=found[name])

    def read_namespaced_config_map(self, name: str, _namespace: str) -> t.Any:
        return self._data(self.config_maps, name)

    def read_namespaced_secret(self, name: str, _namespace: str) -> t.Any:
        return self._data(self.secrets, name)

    def create_namespaced_service_account_token(self, name: str, _namespace: str, _request: t.Any) -> t.Any:
        if name not in self.accounts:
            raise client.ApiException(status=404, reason="Not Found")
        return types.SimpleNamespace(status=types.SimpleNamespace(token=f"token of {name}"))

    def create_namespaced_event(self, _namespace: str, event: t.Any) -> None:
        self.events.append(f"{event.reason}: {event.message}")

    def patch_namespaced_pod_status(self, _name: str, _namespace: str, body: dict[str, t.Any]) -> None:
        self.statuses.append(body["status"])

    @property
    def status(self) -> dict[str, t.Any]:
        """The last status, flat."""
        last = self.statuses[-1]
        container = last["containerStatuses"][0]
        (state,) = [(kind, value) for kind, value in container["state"].items() if value]
        ready = next(item["status"] for item in last["conditions"] if item["type"] == "Ready")
        before = container["lastState"]["terminated"]
        return {"phase": last["phase"], "ready": ready, "state": state[0], "restarts": container["restartCount"], **state[1], "last": before}


def _pod(command: list[str], labels: dict[str, str], *, restarts: bool) -> t.Any:
    """Return a pod that mounts what the API server has."""
    mounts = [client.V1VolumeMount(name=name, mount_path=path) for name, path in (("config", "/etc/flyte/config"), ("auth", "/etc/secrets/"))]
    container = client.V1Container(
        name="main",
        image="some",
        command=command,
        volume_mounts=mounts,
        termination_message_policy="FallbackToLogsOnError",
        env=[client.V1EnvVar(name="POD_NAME", value_from=client.V1EnvVarSource(field_ref=client.V1ObjectFieldSelector(field_path="metadata.name")))],
    )
    projection = client.V1VolumeProjection(config_map=client.V1ConfigMapProjection(name="config"))
    volumes = [
        client.V1Volume(name="config", projected=client.V1ProjectedVolumeSource(sources=[projection])),
        client.V1Volume(name="auth", secret=client.V1SecretVolumeSource(secret_name="auth")),
    ]
    spec = client.V1PodSpec(
        containers=[container], volumes=volumes, service_account_name="flytepropeller", restart_policy="Always" if restarts else "Never", node_name="node-0"
    )
    metadata = client.V1ObjectMeta(name="p", namespace=NAMESPACE, uid="u", labels=labels)
    return client.V1Pod(metadata=metadata, spec=spec, status=client.V1PodStatus(phase="Pending"))


@pytest.fixture(name="core")
def _core() -> Core:
    return Core()


@pytest.fixture(name="play")
def _play(core: Core, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[..., PodRun]]:
    """Runs a pod whose flytepropeller is a shell script; a task's programs are those of /bin."""
    monkeypatch.setattr(containers, "SETTLED", 0.2)
    monkeypatch.setattr(containers, "_BACK_OFF", 0.4)
    started: list[PodRun] = []

    def play(script: str, *, task: bool = False) -> PodRun:
        program = tmp_path / "bin" / "flytepropeller"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        images = Images(tmp_path, program, pathlib.Path("/bin"), "http://127.0.0.1:1", Ports(range(19300, 19310)))
        command = ["sh", "-c", script] if task else ["flytepropeller", "--config", "/etc/flyte/config/*.yaml"]
        labels = {"execution-id": "f1"} if task else {"app.kubernetes.io/name": "flytepropeller"}
        started.append(PodRun(Api(t.cast(t.Any, core), "https://127.0.0.1:6443", "/ca.crt"), _pod(command, labels, restarts=not task), images, "plane"))
        return started[-1]

    yield play
    for run in started:
        run.stop()


def _until(run: PodRun, core: Core, **wanted: t.Any) -> dict[str, t.Any]:
    ended = time.monotonic() + 10
    while time.monotonic() < ended:
        run.step()
        if wanted.items() <= core.status.items():
            return core.status
        time.sleep(0.02)
    raise AssertionError(f"{core.statuses[-3:]}")


def test_a_pod_has_its_files_and_its_accounts_token(core: Core, play: t.Callable[..., PodRun], tmp_path: pathlib.Path) -> None:
    run = play('echo "$@"; cat $(dirname "$2")/config.yaml; sleep 60')
    assert _until(run, core, state="running", ready="True")["phase"] == "Running"
    folder = tmp_path / "pods" / "plane" / "flyte_p"
    said = (tmp_path / "logs" / "pods" / "plane" / "flyte_p" / "main.log").read_text(encoding="utf-8")
    assert f"--config {folder}/root/etc/flyte/config/*.yaml\n" in said
    assert f"clientSecretLocation: {folder}/root/etc/secrets/client_secret" in said
    assert (folder / "root/etc/secrets/client_secret").read_bytes() == b"x"
    environment = pathlib.Path(f"/proc/{run._main[0]._process.pid}/environ").read_text(encoding="utf-8").split("\0")  # type: ignore[union-attr]
    assert {"POD_NAME=p", f"PROPELLER.KUBE_CONFIG={folder}/kubeconfig", "PROPELLER.PROF_PORT=19300"} <= set(environment)
    assert not any(entry.startswith("PYTEST") for entry in environment)
    assert (folder / "token").read_text(encoding="utf-8") == "token of flytepropeller"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "token", folder / "root/etc/secrets/client_secret"))
    run.stop()
    assert not folder.exists()


def test_one_that_ends_by_itself_is_not_ready_says_why_and_is_started_again(core: Core, play: t.Callable[..., PodRun]) -> None:
    run = play("echo first path segment in URL cannot contain colon; exit 1")
    found = _until(run, core, state="waiting", reason="CrashLoopBackOff")
    assert found["ready"] == "False" and found["message"].startswith("back-off 0.4s restarting failed container=main pod=p_flyte(u)")
    assert found["last"]["exitCode"] == 1 and "first path segment in URL" in found["last"]["message"]
    assert _until(run, core, restarts=2)["restarts"] == 2
    assert not any(status["conditions"][-1]["status"] == "True" for status in core.statuses)


def test_what_it_mounts_and_is_not_there_is_said_in_an_event_and_waited_for(core: Core, play: t.Callable[..., PodRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pod_run._MOUNT_AGAIN", 0.1)
    secret = core.secrets.pop("auth")
    run = play("sleep 60")
    assert _until(run, core, reason="ContainerCreating")["phase"] == "Pending"
    assert core.events == ['FailedMount: MountVolume.SetUp failed for volume "auth" : secret "auth" not found']
    core.secrets["auth"] = secret
    core.accounts.clear()
    time.sleep(0.15)
    run.step()
    assert "failed to fetch token" in core.events[-1]
    core.accounts.append("flytepropeller")
    _until(run, core, state="running", ready="True")


@pytest.mark.parametrize(("script", "phase", "reason", "code"), [("echo fine", "Succeeded", "Completed", 0), ("echo bad; exit 3", "Failed", "Error", 3)])
def test_a_tasks_pod_runs_once(core: Core, play: t.Callable[..., PodRun], script: str, phase: str, reason: str, code: int) -> None:
    run = play(script, task=True)
    found = _until(run, core, phase=phase)
    assert (found["state"], found["reason"], found["exitCode"], found["ready"]) == ("terminated", reason, code, "False")
    assert run.ended and found["message"].strip() == script.partition(";")[0].removeprefix("echo ")


def test_a_program_that_is_not_there_fails_the_task(core: Core, play: t.Callable[..., PodRun]) -> None:
    run = play("", task=True)
    run._pod.spec.containers[0].command = ["pyflyte-fast-execute"]
    assert _until(run, core, phase="Failed")["reason"] == "StartError"


def test_the_end_of_a_pod_is_the_end_of_all_its_processes(core: Core, play: t.Callable[..., PodRun], tmp_path: pathlib.Path) -> None:
    run = play(f"sleep 61 & echo $! > {tmp_path}/child; wait", task=True)
    _until(run, core, state="running")
    child = pathlib.Path("/proc") / (tmp_path / "child").read_text(encoding="utf-8").strip()
    assert child.exists()
    run.stop()
    ended = time.monotonic() + 5
    while child.exists() and "Z" not in child.joinpath("stat").read_text(encoding="utf-8") and time.monotonic() < ended:
        time.sleep(0.02)
    assert not child.exists() or ") Z" in child.joinpath("stat").read_text(encoding="utf-8")


def test_what_a_killed_kubelet_left_behind_ends_with_the_lab(core: Core, play: t.Callable[..., PodRun], tmp_path: pathlib.Path) -> None:
    run = play("sleep 62 & wait", task=True)
    _until(run, core, state="running")
    environment = pathlib.Path(f"/proc/{run._main[0]._process.pid}/environ").read_bytes()  # type: ignore[union-attr]
    assert f"{LAB_MARK}={tmp_path}".encode() in environment.split(b"\0")
    kill_all_of(tmp_path / "other")
    assert run._main[0].running and not run._main[0].look()
    kill_all_of(tmp_path)
    assert run._main[0].look() and not _marked(tmp_path)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/etc/secrets/client_secret", "/r/etc/secrets/client_secret"),
        ('path: "/etc/secrets"', 'path: "/r/etc/secrets"'),
        ("/etc/secrets-of-another /opt/etc/secrets https://host/etc/secrets", "/etc/secrets-of-another /opt/etc/secrets https://host/etc/secrets"),
    ],
)
def test_only_paths_below_a_mounted_folder_are_moved(text: str, moved: str) -> None:
    assert _moved_text(text, ["/etc/secrets/"], pathlib.Path("/r")) == moved


def test_configuration_is_merged_as_flytepropeller_does() -> None:
    files = {"/c/a.yaml": b"p: {x: 1, y: [1]}", "/c/b.yaml": b"p: {y: [2], z: 3}\nq: 4", "/s/secret": b"x"}
    assert _folded(files) == {"/c/config.yaml": b"p:\n  x: 1\n  y:\n  - 2\n  z: 3\nq: 4\n", "/s/secret": b"x"}
    broken = {"/c/a.yaml": b"p: {", "/c/b.yaml": b"q: 4"}
    assert _folded(broken) == broken


def test_the_same_pods_are_played_that_kwok_leaves_alone() -> None:
    config = (pathlib.Path(__file__).resolve().parents[2] / "lab" / "kwokctl.config").read_text(encoding="utf-8")
    name = "app.kubernetes.io/name"
    # That of the control plane the flyteadmin double plays, which knows every data plane.
    assert not _plays(_pod([], {name: "flyteclusterresourcesync"}, restarts=True), "controlplane")
    ours = [{name: "flyteclusterresourcesync"}, {name: "flytepropeller"}, {"execution-id": "f1"}]
    for labels, played in [*((labels, True) for labels in ours), ({name: "datacatalog"}, False)]:
        assert _plays(_pod([], labels, restarts=True), "dataplane1") == played
        assert (f" {labels.get(name, 'execution-id')}," in config or '["execution-id"]' in config and "execution-id" in labels) == played
