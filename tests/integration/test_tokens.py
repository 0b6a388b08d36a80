# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens are rotated while flyteadmin is used and workflows run, without one call that a data plane refuses. Each test goes on where the one before ended."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
import typing as t

import binaries
import pytest
import requests
from conftest import REPOSITORY, Cluster, InBackground, SiteUnderTest
from interruption import run_held, tasks_of
from processes import kill_tree
from workflow import launch, register, wait_for_end

pytestmark = pytest.mark.built_site

PLANES = {"dataplane_1": "dataplane1", "dataplane_2": "dataplane2"}
TOKENS = "/api/v1/namespaces/flyte/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"
CREDENTIALS = "cluster-credentials"
SLEEP = "tests.sleep"


def _tokens(plane: Cluster) -> dict[str, str]:
    """Return the tokens of a data plane by the names of their Secrets, those that are filled."""
    found = {item["metadata"]["name"]: (item.get("data") or {}).get("token") for item in plane.get(TOKENS)["items"]}
    return {name: base64.b64decode(token).decode() for name, token in found.items() if token}


def _refuses(plane: Cluster, token: str) -> bool:
    """Return whether a data plane refuses a token: an API server remembers for ten seconds that it took one."""
    ended = time.monotonic() + 15
    while _accepts(plane, token) and time.monotonic() < ended:
        time.sleep(0.5)
    return not _accepts(plane, token)


def _accepts(plane: Cluster, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    with requests.Session() as session:
        session.trust_env = False
        return session.get(plane.server + "/api", headers=headers, verify=t.cast("str", plane._session.verify), timeout=10).status_code != 401


def _token_of(site: SiteUnderTest, host: str) -> str:
    """Return the one token of a data plane, which the control plane has."""
    found = list(_tokens(site.cluster(PLANES[host])).values())
    assert len(found) == 1 and site.cluster("controlplane").secret(CREDENTIALS)[f"{host}_token"] == found[0]
    return found[0]


class Calls(InBackground):
    """Lets each running flyteadmin call each data plane, ten times a second, for as long as it lasts."""

    def __init__(self, site: SiteUnderTest) -> None:
        super().__init__(threads=2)
        self._url = f"{site.lab.admin_url}/lab/planes"
        self.answers: list[dict[str, t.Any]] = []
        self.problems: list[str] = []

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.wait(0.1):
                try:
                    answer = session.get(self._url, timeout=20)
                    answer.raise_for_status()
                    self.answers += answer.json()
                except (requests.RequestException, ValueError) as problem:
                    self.problems.append(str(problem))


@pytest.fixture(name="home", scope="module")
def _home(site: SiteUnderTest) -> SiteUnderTest:
    """The site, with a workflow that takes its time."""
    for domain in ("development", "production"):
        register(site.lab.admin_url, "team1", domain, SLEEP, "v1", args=["sleep", "12"])
    return site


def test_without_one_failure_of_flyteadmin_or_of_a_workflow(home: SiteUnderTest) -> None:
    hub = home.cluster("controlplane")
    hub.patch(f"/api/v1/namespaces/flyte/secrets/{CREDENTIALS}", {"data": {"somebody_elses": "a2VwdA=="}})
    before = {host: _token_of(home, host) for host in PLANES}
    planned = home.run("--check", "--diff", playbook="rotate.yml")
    assert planned.code == 0 and planned.output.count("make the token Secret") == len(home.planes), planned.output
    assert {host: _token_of(home, host) for host in PLANES} == before
    running = {domain: launch(home.lab.admin_url, "team1", domain, SLEEP, "v1") for domain in ("development", "production")}
    with Calls(home) as calls:
        result = home.run("-vvv", playbook="rotate.yml")
        time.sleep(1)
    assert result.code == 0, result.output[-5000:]
    after = {host: _token_of(home, host) for host in PLANES}
    assert hub.secret(CREDENTIALS)["somebody_elses"] == "kept"
    for host, context in PLANES.items():
        plane = home.cluster(context)
        assert after[host] != before[host] and _refuses(plane, before[host]) and _accepts(plane, after[host])
    # Two pods of flyteadmin were asked, and at each moment each data plane took what each of them had.
    assert not calls.problems and {entry["status"] for entry in calls.answers} == {201}, (calls.problems, calls.answers[-5:])
    assert len({entry["pod"] for entry in calls.answers}) >= 2 and len(calls.answers) > 100
    for token in [*before.values(), *after.values()]:
        assert token not in result.output and base64.b64encode(token.encode()).decode() not in result.output
    for domain, name in running.items():
        found = wait_for_end(home.lab.admin_url, "team1", domain, name, 120)
        assert found["closure"]["phase"] == "SUCCEEDED", found["closure"]
    again = home.run()
    assert again.code == 0 and set(again.changed.values()) == {0}, again.output


def test_another_one_of_one_cluster_right_after(home: SiteUnderTest) -> None:
    before = {host: _token_of(home, host) for host in PLANES}
    result = home.run("-e", "cluster=dataplane_1", playbook="rotate.yml")
    assert result.code == 0, result.output
    assert _token_of(home, "dataplane_1") != before["dataplane_1"] and _token_of(home, "dataplane_2") == before["dataplane_2"]


def test_a_dead_plane_is_named_and_the_other_one_rotated(home: SiteUnderTest) -> None:
    before = {host: _token_of(home, host) for host in PLANES}
    home.lab.stop("dataplane2")
    try:
        result = home.run(playbook="rotate.yml")
    finally:
        home.lab.start("dataplane2")
    assert result.code != 0 and re.search(r"dataplane_2 +rotate", result.output), result.output
    assert _token_of(home, "dataplane_1") != before["dataplane_1"] and _token_of(home, "dataplane_2") == before["dataplane_2"]


def test_what_is_due_is_said_or_done_by_site(home: SiteUnderTest) -> None:
    before = {host: _token_of(home, host) for host in PLANES}
    due = ("-e", "flyte_token_max_age=1s")
    said = home.run(*due)
    assert said.code == 0 and said.output.count(": due: ") == len(home.planes) and set(said.changed.values()) == {0}, said.output
    with Calls(home) as calls:
        done = home.run(*due, "-e", "flyte_rotate_due=true", "-e", "flyte_rotate_serial=1")
    assert done.code == 0 and not calls.problems and {entry["status"] for entry in calls.answers} == {201}, done.output
    # One data plane after the other, each with a restart.
    assert len({entry["pod"] for entry in calls.answers}) >= 3
    assert all(_token_of(home, host) != before[host] for host in PLANES)
    again = home.run()
    assert again.code == 0 and set(again.changed.values()) == {0} and home.run(playbook="verify.yml").code == 0


def test_two_at_once(home: SiteUnderTest) -> None:
    """Whichever is overtaken says so; nothing that runs, or is stored, is given up by the other one."""
    before = {host: _token_of(home, host) for host in PLANES}
    with Calls(home) as calls:
        runs = [_started(home) for _number in range(2)]
        try:
            codes = [run.wait(timeout=240) for run in runs]
        finally:
            for run in runs:
                kill_tree(run)
        last = home.run("-e", "flyte_rotate=due", playbook="rotate.yml")
    assert 0 in codes and last.code == 0, (codes, last.output)
    assert not calls.problems and {entry["status"] for entry in calls.answers} == {201}, (calls.problems, calls.answers[-5:])
    for host, context in PLANES.items():
        assert _token_of(home, host) != before[host] and _refuses(home.cluster(context), before[host])


def test_two_of_different_data_planes_at_once(home: SiteUnderTest) -> None:
    """Both get to their end: whoever comes first starts flyteadmin anew for both."""
    before = {host: _token_of(home, host) for host in PLANES}
    with Calls(home) as calls:
        runs = [_started(home, "-e", f"cluster={host}") for host in PLANES]
        try:
            codes = [run.wait(timeout=240) for run in runs]
        finally:
            for run in runs:
                kill_tree(run)
    assert codes == [0, 0] and not calls.problems and {entry["status"] for entry in calls.answers} == {201}, (codes, calls.problems, calls.answers[-5:])
    for host, context in PLANES.items():
        assert _token_of(home, host) != before[host] and _refuses(home.cluster(context), before[host])
    assert set(home.run().changed.values()) == {0}


def test_killed_in_the_middle_it_is_finished(home: SiteUnderTest) -> None:
    """site.yml in between makes nothing wrong, and the next rotation finishes this one."""
    plane, before = home.cluster("dataplane1"), _token_of(home, "dataplane_1")
    with Calls(home) as calls:
        run = _started(home)
        try:
            ended = time.monotonic() + 60
            while len(_tokens(plane)) < 2 and time.monotonic() < ended:
                time.sleep(0.05)
        finally:
            kill_tree(run)
        assert len(_tokens(plane)) == 2 and _accepts(plane, before)
        between = home.run()
        assert between.code == 0 and "a rotation was stopped" in between.flat and len(_tokens(plane)) == 2, between.output
        result = home.run("-e", "flyte_rotate=due", playbook="rotate.yml")
    assert result.code == 0 and not calls.problems and {entry["status"] for entry in calls.answers} == {201}, result.output
    assert _token_of(home, "dataplane_1") != before and _refuses(plane, before)
    assert home.run(playbook="verify.yml").code == 0


def test_killed_where_a_task_begins_it_is_finished(home: SiteUnderTest) -> None:
    """Once while flyteadmin has the former token still, once while both are there; at every task: ``make interruptions``."""
    plane, before = home.cluster("dataplane1"), _token_of(home, "dataplane_1")
    names = tasks_of("rotate")
    with Calls(home) as calls:
        for name in (names[5], names[7]):
            killed = run_held(home, "rotate", at=names.index(name) + 1)
            assert killed.code != 0 and killed.tasks[-1] == name and len(_tokens(plane)) == 2 and _accepts(plane, before), killed
        done = run_held(home, "rotate")
    assert done.code == 0 and not calls.problems and {entry["status"] for entry in calls.answers} == {201}, done.output
    assert _token_of(home, "dataplane_1") != before and _refuses(plane, before)


def test_tokens_that_end_and_long_lived_ones_again(home: SiteUnderTest) -> None:
    hub, plane = home.cluster("controlplane"), home.cluster("dataplane1")
    ending = home.changed_copy()
    ending.variables.update(flyte_token_kind="bounded", flyte_token_lifetime="1h", flyte_token_renew_interval="10m", flyte_rotate="due")
    scheduled = _with_the_documented_rights(ending)
    with Calls(home) as calls:
        result = scheduled.run("-vvv", playbook="rotate.yml")
        bounded = hub.secret(CREDENTIALS)["dataplane_1_token"]
        claims = json.loads(base64.urlsafe_b64decode(bounded.split(".")[1] + "=="))
        again = ending.run()
        back = home.run("-e", "flyte_rotate=due", playbook="rotate.yml")
    assert result.code == 0 and bounded not in result.output, result.output[-5000:]
    assert claims["exp"] - claims["iat"] == 3600 and not [name for name in claims["kubernetes.io"] if name == "pod"]
    assert again.code == 0 and set(again.changed.values()) == {0} and ": due: " not in again.output, again.output
    assert back.code == 0 and not calls.problems and {entry["status"] for entry in calls.answers} == {201}, back.output
    assert _token_of(home, "dataplane_1") != bounded and _refuses(plane, bounded)
    bound = plane.get("/api/v1/namespaces/flyte/secrets?fieldSelector=type%3Dflyte.multicluster%2Fbound-token")["items"]
    assert not bound and home.run().code == 0


def _with_the_documented_rights(home: SiteUnderTest) -> SiteUnderTest:
    """Return the site as the account of docs/rotate.md reaches it, which has the rights that stand there, and access to nothing else."""
    text = (REPOSITORY / "docs" / "rotate.md").read_text(encoding="utf-8")
    in_a_plane, in_the_hub = re.findall(r"^```yaml\n(apiVersion:.*?)^```", text, re.MULTILINE | re.DOTALL)
    limited = home.changed_copy()
    for name in ("flyte_kubeconfig", "flyte_aws_access_key", "flyte_aws_secret_key"):
        del limited.variables[name]
    hub: dict[str, t.Any] = limited.inventory["all"]["children"]["flyte_control_plane"]["hosts"]
    for host, own in {**hub, **limited.planes}.items():
        context = own.pop("flyte_kube_context")
        kubectl = [str(binaries.find("kubectl")), "--kubeconfig", str(home.lab.kubeconfig), "--context", context, "--namespace", "flyte"]
        manifest = (in_the_hub if host in hub else in_a_plane).replace("NAMESPACE", "flyte")
        subprocess.run([*kubectl, "apply", "-f", "-"], input=manifest.encode(), check=True, timeout=60)
        made = subprocess.run([*kubectl, "create", "token", "flyte-token-renewal"], capture_output=True, text=True, check=True, timeout=60)
        cluster = home.cluster(context)
        own.update(flyte_kube_host=cluster.server, flyte_kube_api_key=made.stdout.strip(), flyte_kube_ca_cert=cluster.ca_file)
        may = {**dict.fromkeys(("get secrets -n default", "delete deployments", "get nodes"), "no"), "get deployments": "yes" if host in hub else "no"}
        for question, wanted in may.items():
            asked = [*kubectl, "auth", "can-i", "--as", "system:serviceaccount:flyte:flyte-token-renewal", *question.split()]
            assert subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60).stdout.strip() == wanted, (host, question)
    return limited


def _started(home: SiteUnderTest, *arguments: str, playbook: str = "rotate.yml") -> subprocess.Popen[bytes]:
    silent: dict[str, t.Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(home.command(playbook, *arguments), cwd=REPOSITORY, env=home.environment(), start_new_session=True, **silent)
