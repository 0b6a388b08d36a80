# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last of the story: a data plane with two running executions is removed, then site.yml without its host changes nothing; an orphan is pruned.

The removal is killed at some of its tasks here; at every one in interruptions.py, at every change in tests/unit/plugins/plugin_utils/test_removal.py.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import requests
import yaml
from conftest import SiteUnderTest, until
from interruption import run_held, tasks_of
from workflow import execution, launch, register

PLANE = "dataplane3"
ELSEWHERE = json.dumps({"labels": {"label3": [{"cluster": "dataplane_1", "weight": 1}]}})
TRUST = "flyte-dataplane-role"


@pytest.fixture(name="three", scope="module")
def _three(site: SiteUnderTest) -> SiteUnderTest:
    """The site with a third data plane, which alone has a label."""
    found = site.changed_copy()
    found.lab.up(3)
    found.planes["dataplane_3"] = {"flyte_kube_context": PLANE, "flyte_eks_cluster": "flyte-dataplane3"}
    found.variables["flyte_labels"]["label3"] = [{"cluster": "dataplane_3", "weight": 1}]
    found.variables["flyte_execution_cluster_labels"].append({"project": "team1", "domain": "staging", "label": "label3"})
    result = found.run()
    assert result.code == 0, result.output[-6000:]
    return found


def _phase(site: SiteUnderTest, name: str) -> str:
    return t.cast(str, execution(site.lab.admin_url, "team1", "staging", name)["closure"]["phase"])


@pytest.fixture(name="running", scope="module")
def _running(three: SiteUnderTest) -> list[str]:
    """Two executions whose tasks run on the third data plane."""
    url, plane = three.lab.admin_url, three.cluster(PLANE)
    until(lambda: bool(plane.get("/api/v1/namespaces/team1-staging/resourcequotas/project-quota")), "namespaces")
    register(url, "team1", "staging", "lab.sleep", "v1", args=["sleep", "900"])
    names = [launch(url, "team1", "staging", "lab.sleep", "v1") for _number in range(2)]
    until(lambda: all(_phase(three, name) == "RUNNING" for name in names), "running executions")
    return names


def test_a_label_that_would_lead_nowhere_and_executions_that_run_hold_it(three: SiteUnderTest, running: list[str]) -> None:
    refused = three.run("-e", "cluster=dataplane_3", playbook="remove.yml")
    assert refused.code != 0 and "no enabled cluster without dataplane_3" in refused.flat and "team1/staging" in refused.flat, refused.output
    before = three.configs(), three.cluster(PLANE).snapshot()
    shown = three.run("-e", "cluster=dataplane_3", "-e", ELSEWHERE, "--check", "--diff", playbook="remove.yml")
    assert shown.code == 0 and (three.configs(), three.cluster(PLANE).snapshot()) == before, shown.output
    parts = ("clusterConfigs: dataplane_3: https://127.0.0.1", "enabled false", "wait for executions: dataplane_3: 2 executions", "delete the token Secret")
    assert all(part in shown.flat for part in parts), shown.output
    waited = three.run("-e", "cluster=dataplane_3", "-e", ELSEWHERE, "-e", "flyte_remove_timeout=3", playbook="remove.yml")
    assert waited.code != 0 and "dataplane_3: waiting for 2 executions" in waited.output and "after 3 s" in waited.flat, waited.output
    assert three.configs()["dataplane_3"]["enabled"] is False and "dataplane_3_token" in three.cluster("controlplane").secret("cluster-credentials")
    assert three.label_map()["label3"] == [{"id": "dataplane_1", "weight": 1}] and [_phase(three, name) for name in running] == ["RUNNING"] * 2
    # It stays drained where the inventory says so, and that is a state like any other.
    drained = three.changed_copy()
    drained.planes["dataplane_3"]["flyte_cluster_enabled"] = False
    drained.variables["flyte_labels"]["label3"] = [{"cluster": "dataplane_1", "weight": 1}]
    result = drained.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output
    assert "dataplane_3: drained (flyte_cluster_enabled: false): 2 executions (team1/staging/" in result.flat, result.output


def test_a_plane_with_two_running_executions_is_removed(three: SiteUnderTest, running: list[str]) -> None:
    hub, plane = three.cluster("controlplane"), three.cluster(PLANE)
    stored = hub.secret("cluster-credentials")
    given = ("-e", "cluster=dataplane_3", "-e", ELSEWHERE, "-e", "flyte_remove_executions=abort", "-e", "flyte_remove_namespaces=true")
    # Killed where these tasks begin, it goes on there; at every task: make interruptions.
    names = tasks_of("remove")
    for name in (names[6], names[10], names[12]):  # it is disabled; not configured any more; gone but for AWS
        killed = run_held(three, "remove", *given, at=names.index(name) + 1)
        assert killed.code != 0 and killed.tasks[-1] == name, killed
        assert {f"{configured}_token" for configured in three.configs()} <= set(hub.secret("cluster-credentials"))
    result = three.run(*given, playbook="remove.yml")
    assert result.code == 0, result.output
    assert [_phase(three, name) for name in running] == ["ABORTED"] * 2
    assert "dataplane_3" not in three.configs()
    after = hub.secret("cluster-credentials")
    assert set(stored) - set(after) == {"dataplane_3_token", "dataplane_3_cacert"} and after.items() <= stored.items()
    backups = hub.get("/api/v1/namespaces/flyte/secrets?labelSelector=flyte.multicluster%2Fbackup%3Dcredentials")["items"]
    assert stored in [hub.secret(secret["metadata"]["name"]) for secret in backups]
    # Nothing of ours is left in it.
    assert not plane.revisions("flyte-core-data") and not plane.secret("flyteadmin-token") and not plane.secret("flyte-secret-auth")
    assert not plane.get("/apis/apps/v1/namespaces/flyte/deployments")["items"]
    assert plane.get("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/flyte-pod-webhook") is None
    until(lambda: plane.get("/apis/flyte.lyft.com/v1alpha1") is None, "end of the FlyteWorkflow CRD")
    until(lambda: plane.get("/api/v1/namespaces/team1-staging") is None, "end of the namespaces")
    providers = three.lab.aws_client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = _issuer(three, PLANE)
    assert not any(entry["Arn"].endswith(issuer) for entry in providers) and issuer not in json.dumps(three.trust(TRUST))
    assert "Take the host dataplane_3 out of the inventory" in result.flat and "label3: [{cluster: dataplane_1, weight: 1}]" in result.flat, result.output
    again = three.run("-e", "cluster=dataplane_3", "-e", ELSEWHERE, playbook="remove.yml")
    assert again.code == 0 and set(again.changed.values()) == {0} and "Nothing of dataplane_3 is left." in again.output, again.output


def test_a_site_without_the_host_changes_nothing(three: SiteUnderTest, running: list[str]) -> None:
    assert running
    del three.planes["dataplane_3"]
    three.variables["flyte_labels"]["label3"] = [{"cluster": "dataplane_1", "weight": 1}]
    result = three.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output


def _issuer(site: SiteUnderTest, plane: str) -> str:
    cluster = site.lab.aws_client("eks").describe_cluster(name=f"flyte-{plane}")["cluster"]
    return str(cluster["identity"]["oidc"]["issuer"]).removeprefix("https://")


HAUNTED = "project1/staging"


def _row(label: str) -> dict[str, t.Any]:
    project, domain = HAUNTED.split("/")
    wanted = {"execution_cluster_label": {"value": label}}
    return {
        "project": project,
        "domain": domain,
        "resource_type": "EXECUTION_CLUSTER_LABEL",
        "attributes": {"project": project, "domain": domain, "matching_attributes": wanted},
    }


def _nobodys(site: SiteUnderTest) -> str:
    """Let flyteadmin have another cluster, the first one of all, to which alone a label leads that a stored row has; return its name."""
    hub, config = site.cluster("controlplane"), "/api/v1/namespaces/flyte/configmaps/flyte-admin-clusters-config"
    content = yaml.safe_load(hub.get(config)["data"]["clusters.yaml"])
    section = content["clusters"]
    section["clusterConfigs"].insert(0, json.loads(json.dumps(site.configs()["dataplane_1"]).replace("dataplane_1", "ghost")))
    section["labelClusterMap"]["haunted"] = [{"id": "ghost", "weight": 1}]
    stored = hub.get("/api/v1/namespaces/flyte/secrets/cluster-credentials")["data"]
    keys = {f"ghost_{kind}": stored[f"dataplane_1_{kind}"] for kind in ("token", "cacert")}
    hub.patch("/api/v1/namespaces/flyte/secrets/cluster-credentials", {"data": keys})
    hub.patch(config, {"data": {"clusters.yaml": yaml.safe_dump(content)}})
    requests.put(f"{site.lab.admin_url}/api/v1/project_domain_attributes/{HAUNTED}", json=_row("haunted"), timeout=10).raise_for_status()
    return "ghost"


def test_an_orphan_is_said_and_pruned_as_the_plan_said(three: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    smaller = three.changed_copy()
    del smaller.planes["dataplane_2"]
    smaller.variables["flyte_labels"]["label2"] = [{"cluster": "dataplane_1", "weight": 1}]
    said = smaller.run("--check")
    assert "dataplane_2: it is in flyteadmin's configuration and not in the inventory: it is enabled" in said.flat, said.output
    ghost = _nobodys(three)
    # Two of the four that flyteadmin has.
    prune, path = ("-e", "flyte_prune=true", "-e", "flyte_removal_limit=1"), tmp_path / "plan.json"
    assert smaller.run("--check", "-e", f"flyte_plan_file={path}").code == 0
    refused = smaller.run(*prune, "-e", f"flyte_approved_plan={path}")
    assert refused.code != 0 and "controlplane: prune: remove the cluster dataplane_2: is not in the approved plan" in refused.flat, refused.output
    assert "dataplane_2" in smaller.configs()
    shown = smaller.run("--check", *prune, "-e", f"flyte_plan_file={path}")
    assert shown.code != 0 and f"Not removed: {ghost}." in shown.flat and "dataplane_2" in smaller.configs(), shown.output
    written = path.read_bytes()
    result = smaller.run(*prune, "-e", f"flyte_plan_file={path}", "-e", f"flyte_approved_plan={path}")
    # What stands against one of them keeps no other one.
    assert result.code != 0 and f"Not removed: {ghost}." in result.flat and path.read_bytes() == written, result.output
    assert "would lead to no enabled cluster without ghost" in result.flat and ghost in smaller.configs(), result.output
    assert "dataplane_2" not in smaller.configs() and "dataplane_1" in smaller.configs() and "label2" in smaller.label_map()
    assert not any(key.startswith("dataplane_2_") for key in smaller.cluster("controlplane").secret("cluster-credentials"))
    requests.delete(f"{three.lab.admin_url}/api/v1/project_domain_attributes/{HAUNTED}", json=_row("haunted"), timeout=10).raise_for_status()
    result = smaller.run(*prune)
    assert result.code == 0 and ghost not in smaller.configs() and "haunted" not in smaller.label_map(), result.output
    assert set(smaller.run(*prune).changed.values()) == {0}
