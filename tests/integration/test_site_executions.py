# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workflows really run: on the real flytepropeller of the cluster of their label, their tasks as processes."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import requests
import yaml
from conftest import REPOSITORY, Cluster, SiteUnderTest, until

sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

from lab import FLYTEKIT  # noqa: E402
from processes import LAB_MARK  # noqa: E402
from workflow import execution, launch, outputs, register, wait_for_end  # noqa: E402

pytestmark = pytest.mark.built_site

PYFLYTE = FLYTEKIT / "bin" / "pyflyte"
CONFIG = "/api/v1/namespaces/flyte/configmaps/flyte-propeller-config"
DEPLOYMENT = "/apis/apps/v1/namespaces/flyte/deployments/flytepropeller"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/flyte/leases/propeller-leader"
#: seconds; a new leader alone waits 15 s until the Lease of the one before is over
PATIENCE = 180
WORKFLOWS = '''
import time
from flytekit import task, workflow

@task
def divide(by: int) -> float:
    return 1 / by

@task
def sleep(seconds: int) -> int:
    time.sleep(seconds)
    return seconds

@workflow
def dividing(by: int) -> float:
    return divide(by=by)

@workflow
def sleeping(seconds: int) -> int:
    return sleep(seconds=seconds)
'''

needs_flytekit = pytest.mark.skipif(not PYFLYTE.exists(), reason="flytekit supports no Python of this machine")


@pytest.fixture(name="ran", scope="module")
def _ran(site: SiteUnderTest) -> SiteUnderTest:
    """The site as its inventory says, once syncresources made the namespaces of its projects."""
    result = site.run()
    assert result.code == 0, result.output
    places = [f"/api/v1/namespaces/team1-{domain}/resourcequotas/project-quota" for domain in ("development", "production")]
    until(lambda: all(site.cluster(plane).get(place) for plane in ("dataplane1", "dataplane2") for place in places), "namespaces")
    return site


def _pyflyte(site: SiteUnderTest, file: pathlib.Path, workflow: str, domain: str, *inputs: str, wait: bool = True) -> tuple[int, str, dict[str, t.Any]]:
    """Run a workflow with the real flytekit; return its exit code, what it printed, and the execution."""
    config = site.folder / "flytekit.yaml"
    config.write_text(f"admin:\n  endpoint: dns:///127.0.0.1:{site.lab.admin_grpc_port}\n  insecure: true\n", encoding="utf-8")
    command = [str(PYFLYTE), "-c", str(config), "run", "--remote", *(["--wait", "--poll-interval", "1"] if wait else [])]
    command += ["--image", "cr.flyte.org/flyteorg/flytekit:py3.11-latest", "--project", "team1", "--domain", domain, str(file), workflow, *inputs]
    answer = subprocess.run(
        command, cwd=site.folder, env={**site.environment(), "NO_COLOR": "1", "COLUMNS": "500"}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    said = answer.stdout + answer.stderr
    names = re.findall(r"/executions/([a-z0-9]+)", said)
    assert names, said
    return answer.returncode, said, execution(site.lab.admin_url, "team1", domain, names[-1])


def _cluster_of(found: dict[str, t.Any]) -> str:
    return t.cast(str, found["spec"]["metadata"]["system_metadata"]["execution_cluster"])


@needs_flytekit
@pytest.mark.parametrize(("domain", "cluster"), [("development", "dataplane_1"), ("production", "dataplane_2")])
def test_a_workflow_succeeds_with_its_output_on_the_cluster_of_its_label(ran: SiteUnderTest, domain: str, cluster: str) -> None:
    code, said, found = _pyflyte(ran, REPOSITORY / "tests" / "lab" / "example.py", "training_workflow", domain, "--hyperparameters", '{"C": 0.1}')
    assert code == 0 and "has succeeded" in said, said
    assert _cluster_of(found) == cluster and found["closure"]["phase"] == "SUCCEEDED"
    assert outputs(ran.lab.admin_url, found) == {"o0": "trained with {'C': 0.1}"}


@needs_flytekit
def test_a_task_that_raises_fails_its_execution_with_its_trace(ran: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "flows.py"
    file.write_text(WORKFLOWS, encoding="utf-8")
    code, said, found = _pyflyte(ran, file, "dividing", "development", "--by", "0")
    assert code != 0 and "ZeroDivisionError: division by zero" in said, said
    closure = found["closure"]
    assert closure["phase"] == "FAILED" and closure["error"]["kind"] == "USER" and 'flows.py", line 7, in divide' in closure["error"]["message"]
    pods = ran.cluster("dataplane1").get("/api/v1/namespaces/team1-development/pods")["items"]
    assert [pod["status"]["phase"] for pod in pods if found["id"]["name"] in pod["metadata"]["name"]] == ["Succeeded"]  # flytekit's own way to fail


@needs_flytekit
def test_an_abort_ends_the_tasks_process(ran: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "flows.py"
    file.write_text(WORKFLOWS, encoding="utf-8")
    _code, _said, found = _pyflyte(ran, file, "sleeping", "production", "--seconds", "900", wait=False)
    name, url = found["id"]["name"], f"{ran.lab.admin_url}/api/v1/executions/team1/production/{found['id']['name']}"
    until(lambda: bool(_processes(ran, name)), "the task's process")
    requests.delete(url, json={"cause": "no longer wanted"}, timeout=30).raise_for_status()
    ended = wait_for_end(ran.lab.admin_url, "team1", "production", name, 60)
    assert ended["closure"]["phase"] == "ABORTED" and ended["closure"]["abort_metadata"]["cause"] == "no longer wanted"
    until(lambda: not _processes(ran, name), "the end of the task's process")
    again = requests.delete(url, json={"cause": "again"}, timeout=30)
    assert again.status_code == 400 and "already terminated" in again.text


def _processes(site: SiteUnderTest, text: str) -> list[str]:
    """Return the command lines of the lab's pods that have a text in them."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"{LAB_MARK}={site.lab.folder}".encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if text in line]


def _propellers(cluster: Cluster) -> dict[str, dict[str, t.Any]]:
    """Return flytepropeller's pods that are not being deleted, by name."""
    items = cluster.get("/api/v1/namespaces/flyte/pods?labelSelector=app.kubernetes.io%2Fname%3Dflytepropeller")["items"]
    return {pod["metadata"]["name"]: pod for pod in items if not pod["metadata"].get("deletionTimestamp")}


def _ready(pod: dict[str, t.Any]) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod["status"].get("conditions", []))


def _configure(cluster: Cluster, change: t.Callable[[dict[str, t.Any]], None], stamp: str) -> None:
    """Change flytepropeller's configuration behind everybody's back, and make a new generation of its pods."""
    settings = yaml.safe_load(cluster.get(CONFIG)["data"]["admin.yaml"])
    change(settings)
    cluster.patch(CONFIG, {"data": {"admin.yaml": yaml.safe_dump(settings)}})
    cluster.patch(DEPLOYMENT, {"spec": {"template": {"metadata": {"annotations": {"example.com/generation": stamp}}}}})


def test_flytepropeller_starts_with_its_pods_and_ends_with_what_it_cannot_take(ran: SiteUnderTest) -> None:
    """An endpoint that real life refuses too: pods that are not Ready and say why. Mended, new pods lead and run workflows."""
    plane = ran.cluster("dataplane1")
    before = _propellers(plane)
    endpoint = yaml.safe_load(plane.get(CONFIG)["data"]["admin.yaml"])["admin"]["endpoint"]
    _configure(plane, lambda settings: settings["admin"].update(endpoint="127.0.0.1:81"), "wrong")

    def said() -> list[str]:
        new = [pod for name, pod in _propellers(plane).items() if name not in before]
        return [json.dumps(pod["status"]) for pod in new if not _ready(pod) and "CrashLoopBackOff" in json.dumps(pod["status"])]

    try:
        until(lambda: bool(said()), "flytepropeller that ends by itself")
        assert "'endpoint' expected a map or struct" in said()[0]  # the end of its log: no URL by Go's rule
        deployment = plane.get(DEPLOYMENT)
        assert not any(_ready(pod) for name, pod in _propellers(plane).items() if name not in before) and deployment["status"]["unavailableReplicas"] >= 1
    finally:
        _configure(plane, lambda settings: settings["admin"].update(endpoint=endpoint), "right")
    wanted = plane.get(DEPLOYMENT)["spec"]["replicas"]
    until(lambda: _all_new(plane, before, wanted), "new generation of flytepropeller")
    register(ran.lab.admin_url, "team1", "development", "lab.echo", "v1", echo=True)
    name = launch(ran.lab.admin_url, "team1", "development", "lab.echo", "v1")
    found = wait_for_end(ran.lab.admin_url, "team1", "development", name, PATIENCE)
    assert found["closure"]["phase"] == "SUCCEEDED" and _cluster_of(found) == "dataplane_1", found["closure"]
    assert plane.get(LEASE)["spec"]["holderIdentity"] in _propellers(plane)
    assert not plane.get("/api/v1/namespaces/team1-development/pods?labelSelector=execution-id%3D" + name)["items"]  # echo needs none


def _all_new(plane: Cluster, before: dict[str, t.Any], wanted: int) -> bool:
    now = _propellers(plane)
    return not set(now) & set(before) and len(now) == wanted and all(_ready(pod) for pod in now.values())


def test_with_authentication_events_come_with_a_token(ran: SiteUnderTest) -> None:
    """flytepropeller finds out over gRPC how to log in, and does it with what its Secret has; with another secret nothing is taken."""
    plane, url = ran.cluster("dataplane1"), ran.lab.admin_url
    secret = plane.secret("flyte-secret-auth")["client_secret"]
    session = requests.Session()
    try:
        ran.lab.admin_restart("flyte-automation", "a-secret-of-the-test", others={"flytepropeller": secret})
        form = {"grant_type": "client_credentials", "scope": "all"}
        token = requests.post(f"{url}/oauth2/token", data=form, auth=("flyte-automation", "a-secret-of-the-test"), timeout=10).json()["access_token"]
        session.headers["flyte-authorization"] = f"Bearer {token}"
        register(url, "team1", "development", "lab.echo", "v1", echo=True, session=session)
        name = launch(url, "team1", "development", "lab.echo", "v1", session)
        assert wait_for_end(url, "team1", "development", name, PATIENCE, session)["closure"]["phase"] == "SUCCEEDED"
    finally:
        ran.lab.admin_restart()
