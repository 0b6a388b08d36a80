# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody changed by hand, one kind after the other: shown by --check --diff, mended by the next run, and only that."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import shutil
import subprocess
import time
import typing as t

import pytest
import requests
from conftest import REPOSITORY, Cluster, SiteUnderTest, differing, until
from interruption import run_killed_before
from lab_chart import chart_folder

pytestmark = pytest.mark.built_site

HUB, PLANE = "controlplane", "dataplane1"
SECRETS = "/api/v1/namespaces/flyte/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/flyte/deployments"
CONFIG = "/api/v1/namespaces/flyte/configmaps/flyte-admin-clusters-config"
TRUST = "flyte-dataplane-role"
WRONG = base64.b64encode(b"wrong").decode()
#: steps of a plan
_ROW = re.compile(r"^(\w+): (iam|dataplane|credentials|controlplane|ecl): ([^:]+): ", re.MULTILINE)
Rows = set[tuple[str, str, str]]


def _by_hand_started_anew(cluster: Cluster, *names: str) -> None:
    """Let pods start anew, as a node that is drained does: they read what is there."""
    for name in names:
        before = cluster.pods()
        cluster.patch(f"{DEPLOYMENTS}/{name}", {"spec": {"template": {"metadata": {"annotations": {"by-hand": str(time.monotonic_ns())}}}}})
        until(lambda name=name, before=before: _all_new(cluster, name, before), f"new pods of {name}")  # type: ignore[misc]


def _all_new(cluster: Cluster, name: str, before: dict[str, str]) -> bool:
    status = cluster.get(f"{DEPLOYMENTS}/{name}")
    done = status["metadata"]["generation"] == status["status"].get("observedGeneration") and not status["status"].get("unavailableReplicas")
    return bool(done) and not any(pod in before for pod in cluster.pods() if pod.startswith(name))


def _token(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    site.cluster(HUB).patch(f"{SECRETS}/cluster-credentials", {"data": {"dataplane_1_token": WRONG}})
    _by_hand_started_anew(site.cluster(HUB), "flyteadmin", "syncresources")
    assert 401 in _answers(site)


def _client_secret(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    site.cluster(PLANE).patch(f"{SECRETS}/flyte-secret-auth", {"data": {"client_secret": WRONG}})


def _release(site: SiteUnderTest, folder: pathlib.Path) -> None:
    helm = [str(site.lab.folder / "bin" / "helm"), "--kubeconfig", str(site.lab.kubeconfig), "--kube-context", PLANE, "--namespace", "flyte"]
    change = ["--reuse-values", "--set", "configmap.admin.admin.endpoint=dns:///127.0.0.1:1"]
    subprocess.run([*helm, "upgrade", "flyte-core-data", str(chart_folder(folder)), *change], check=True, capture_output=True, timeout=120)


def _size(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    site.cluster(PLANE).patch(f"{DEPLOYMENTS}/flytepropeller", {"spec": {"replicas": 3}})


def _issuer(site: SiteUnderTest) -> str:
    return str(site.lab.aws_client("eks").describe_cluster(name=f"flyte-{PLANE}")["cluster"]["identity"]["oidc"]["issuer"].removeprefix("https://"))


def _trusting(site: SiteUnderTest, statements: list[dict[str, t.Any]]) -> None:
    site.lab.aws_client("iam").update_assume_role_policy(RoleName=TRUST, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))


def _trust(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    left = [statement for statement in site.trust() if _issuer(site) not in json.dumps(statement)]
    assert len(left) == len(site.trust()) - 1
    _trusting(site, left)


def _label(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    body = {"attributes": {"project": "team1", "domain": "development", "matching_attributes": {"execution_cluster_label": {"value": "label2"}}}}
    requests.put(f"{site.lab.admin_url}/api/v1/project_domain_attributes/team1/development", json=body, timeout=10).raise_for_status()


def _configuration(site: SiteUnderTest, _folder: pathlib.Path) -> None:
    text = site.cluster(HUB).get(CONFIG)["data"]["clusters.yaml"]
    site.cluster(HUB).patch(CONFIG, {"data": {"clusters.yaml": text.replace("weight: 1", "weight: 0.5")}})


#: of a plane whose release changes; its token is tried then
_REDONE: Rows = {("dataplane_1", "dataplane", "Helm release flyte-core-data"), ("dataplane_1", "credentials", "cluster-credentials")}
#: what may have read something wrong in the control plane
_RESTARTED: Rows = {("controlplane", "controlplane", "restart flyteadmin"), ("controlplane", "controlplane", "restart syncresources")}
#: how it is changed, what the plan says and nothing else, and the objects of which another generation, or version, is there afterwards
KINDS: dict[str, tuple[t.Callable[[SiteUnderTest, pathlib.Path], None], Rows, dict[str, set[str]]]] = {
    "a key of the Secret": (
        _token,
        {("dataplane_1", "credentials", "cluster-credentials"), *_RESTARTED},
        {HUB: {"secrets/flyte/cluster-credentials", "deployments/flyte/flyteadmin", "deployments/flyte/syncresources"}},
    ),
    "a key of flytepropeller's Secret": (
        _client_secret,
        {("dataplane_1", "dataplane", "Secret flyte-secret-auth")},
        {PLANE: {"secrets/flyte/flyte-secret-auth", "deployments/flyte/flytepropeller"}},
    ),
    "a value in the release": (
        _release,
        _REDONE,
        {PLANE: {"configmaps/flyte/flyte-propeller-config", "deployments/flyte/flytepropeller", "deployments/flyte/flyte-pod-webhook"}},
    ),
    "a Deployment's size": (_size, _REDONE, {PLANE: {"deployments/flyte/flytepropeller"}}),
    "a trust statement": (_trust, {("controlplane", "iam", f"role {TRUST}")}, {}),
    "a label": (_label, set(), {}),
    "flyteadmin's configuration": (
        _configuration,
        {("controlplane", "controlplane", "Helm release flyte-core"), *_RESTARTED},
        {HUB: {"configmaps/flyte/flyte-admin-clusters-config", "deployments/flyte/flyteadmin", "deployments/flyte/syncresources"}},
    ),
}


def _answers(site: SiteUnderTest) -> set[int]:
    """Return how data planes answer to the tokens that the running pods of flyteadmin have."""
    answer = requests.get(f"{site.lab.admin_url}/lab/planes", timeout=20)
    answer.raise_for_status()
    return {entry["status"] for entry in answer.json()}


def _wanted(site: SiteUnderTest) -> dict[str, t.Any]:
    """Return what has to be as it was."""
    specs = {}
    for context in (HUB, PLANE, "dataplane2"):
        for item in site.cluster(context).get(DEPLOYMENTS)["items"]:
            template = item["spec"]["template"]
            annotations = {key: value for key, value in template["metadata"].get("annotations", {}).items() if "restartedAt" not in key and key != "by-hand"}
            specs[f"{context}/{item['metadata']['name']}"] = (item["spec"]["replicas"], annotations, template["spec"], "restart-due" in str(item["metadata"]))
    return {
        "credentials": site.cluster(HUB).secret("cluster-credentials"),
        "identities": [site.cluster(context).secret("flyte-secret-auth") for context in (PLANE, "dataplane2")],
        "trust": sorted(json.dumps(statement, sort_keys=True) for statement in site.trust()),
        "labels": site.labels(),
        "map": site.label_map(),
        "configs": site.configs(),
        "deployments": specs,
        "propeller": site.cluster(PLANE).get("/api/v1/namespaces/flyte/configmaps/flyte-propeller-config")["data"],
    }


def _objects(site: SiteUnderTest) -> dict[str, dict[str, str]]:
    """Return the versions of all objects, without the records of Helm, the copies of what was overwritten, and what the lab's programs write."""
    passing = ("sh.helm.release", "flyte-multicluster-backup-", "flyte-pod-webhook-", "leader")
    found = {}
    for context in (HUB, PLANE, "dataplane2"):
        seen = {"/".join(path.rsplit("/", 3)[1:]): version for path, version in site.cluster(context).snapshot().items()}
        found[context] = {path: version for path, version in seen.items() if not any(mark in path for mark in passing)}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_shown_and_mended_and_only_that(site: SiteUnderTest, tmp_path: pathlib.Path, kind: str) -> None:
    change, rows, objects = KINDS[kind]
    assert site.run().code == 0
    wanted, mended_of = _wanted(site), _objects(site)
    change(site, tmp_path)
    changed, broken_of = _wanted(site), _objects(site)
    assert changed != wanted
    shown = site.run("--check", "--diff")
    assert shown.code == 0 and _wanted(site) == changed and _objects(site) == broken_of, shown.output
    found = {(host, step, action.removesuffix(": dataplane_1_token, dataplane_1_cacert")) for host, step, action in _ROW.findall(shown.output)}
    assert found == rows, shown.output
    assert kind != "a value in the release" or "changed by hand: configmap.admin.admin.endpoint: dns:///127.0.0.1:1 -> " in shown.flat, shown.output
    assert kind != "a label" or ("-team1/development: label2" in shown.flat and "+team1/development: label1" in shown.flat), shown.output
    result = site.run()
    assert result.code == 0, result.output
    assert _wanted(site) == wanted, differing(wanted, _wanted(site))
    after = _objects(site)
    for context, before in broken_of.items():
        assert set(differing(before, after[context])) <= objects.get(context, set()), (context, differing(before, after[context]))
    assert mended_of["dataplane2"] == after["dataplane2"] and _answers(site) == {201}
    assert set(site.run().changed.values()) == {0}


@pytest.mark.parametrize("kind", ["a key of the Secret", "flyteadmin's configuration"])
def test_who_read_it_starts_anew_though_the_run_that_mends_it_is_killed(site: SiteUnderTest, tmp_path: pathlib.Path, kind: str) -> None:
    """Once it is put right nothing shows any more that running pods have read something else."""
    assert site.run().code == 0
    wanted, hub = _wanted(site), site.cluster(HUB)
    KINDS[kind][0](site, tmp_path)
    pods = {name for name in hub.pods() if name.startswith(("flyteadmin", "syncresources"))}
    run_killed_before(site, "kubectl.kubernetes.io/restartedAt")
    assert hub.secret("cluster-credentials") == wanted["credentials"] and site.label_map() == wanted["map"] and pods <= set(hub.pods())
    planned = site.run("--check")
    assert planned.code == 0 and {action for _host, _step, action in _ROW.findall(planned.output)} == {"restart flyteadmin", "restart syncresources"}, planned
    result = site.run()
    assert result.code == 0, result.output
    assert not pods & set(hub.pods()) and _answers(site) == {201}
    assert _wanted(site) == wanted, differing(wanted, _wanted(site))
    assert set(site.run().changed.values()) == {0}


def _newest(site: SiteUnderTest, kind: str) -> str:
    found = site.cluster(HUB).get(f"{SECRETS}?labelSelector=flyte.multicluster%2Fbackup%3D{kind}")["items"]
    return max(str(secret["metadata"]["name"]) for secret in found)


@pytest.mark.skipif(shutil.which("jq") is None or shutil.which("kubectl") is None, reason="the page uses jq and kubectl")
def test_what_was_overwritten_is_got_back_as_the_page_says(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """Here it is what somebody had changed by hand; with AWS the page's command only reads a file, which is compared."""
    assert site.run().code == 0
    wanted = _wanted(site)
    for kind in ("a key of the Secret", "a label"):
        KINDS[kind][0](site, tmp_path)
    _trusting(site, json.loads(json.dumps(site.trust()).replace(f"{_issuer(site)}:", f"{_issuer(site)}.:")))  # as the guide's page has it
    changed, policy = site.cluster(HUB).secret("cluster-credentials"), site.trust()
    assert site.run().code == 0 and _wanted(site) == wanted
    page = (REPOSITORY / "docs" / "remove.md").read_text(encoding="utf-8")
    commands = page.partition("# credentials: all keys as they were\n")[2].partition("```")[0]
    for kind in ("credentials", "trust", "labels"):
        commands, count = re.subn(rf"flyte-multicluster-backup-{kind}-\d+-\d+", _newest(site, kind), commands)
        assert count == 1
    helpers = f'kubectl() {{ command kubectl --kubeconfig "{site.lab.kubeconfig}" --context {HUB} "$@"; }}; aws() {{ echo "aws $*"; }}\n'
    said = subprocess.run(["bash", "-euo", "pipefail", "-c", helpers + commands], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr
    assert site.cluster(HUB).secret("cluster-credentials") == changed
    assert json.loads((tmp_path / "trust.json").read_text(encoding="utf-8"))["Statement"] == policy
    assert "update-assume-role-policy --role-name flyte-dataplane-role --policy-document file://trust.json" in said.stdout
    rows = json.loads(said.stdout[said.stdout.index("\n[") :])
    assert {"project": "team1", "domain": "development", "workflow": "", "label": "label2"} in rows, said.stdout
    assert site.run().code == 0 and _wanted(site) == wanted
