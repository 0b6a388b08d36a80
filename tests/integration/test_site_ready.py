# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""That a site works, on one that is built: namespaces of projects, the canary of our own, what is still to be done."""

from __future__ import annotations

import json
import pathlib
import re
import time
import typing as t

import pytest
import requests
from conftest import Cluster, SiteUnderTest, until

pytestmark = pytest.mark.built_site

LACKING = "late-production"
SYNCRESOURCES = "/apis/apps/v1/namespaces/flyte/deployments/syncresources"
CANARY = "flyte_multicluster.canary"
OWN = ("-e", "flyte_canary_project=team1", "-e", "flyte_canary_labels=true")


def _restarted(hub: Cluster) -> str | None:
    found = hub.get(SYNCRESOURCES)["spec"]["template"]["metadata"].get("annotations") or {}
    return t.cast("str | None", found.get("kubectl.kubernetes.io/restartedAt"))


def test_a_plane_that_lacks_a_namespace_is_found_and_mended(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """syncresources takes a template as applied once any data plane took it: one that was dead then gets it by a start only."""
    hub, plane, other = (site.cluster(name) for name in ("controlplane", "dataplane2", "dataplane1"))
    patient = site.changed_copy()
    # A project may be younger than this: it is waited for so long, and no longer.
    patient.inventory["all"]["children"]["flyte_control_plane"]["vars"]["flyte_values"]["cluster_resource_manager"] = {
        "config": {"cluster_resources": {"refreshInterval": "3s"}}
    }
    result = patient.run()
    assert result.code == 0, result.output
    plan = tmp_path / "plan.json"
    assert patient.run("--check", "-e", f"flyte_plan_file={plan}").code == 0 and json.loads(plan.read_text(encoding="utf-8"))["rows"] == []
    site.lab.stop("dataplane2")
    try:
        requests.post(f"{site.lab.admin_url}/api/v1/projects", json={"project": {"id": "late", "name": "late"}}, timeout=10).raise_for_status()
        until(lambda: bool(other.get(f"/api/v1/namespaces/{LACKING}")), "the namespace of the new project on the plane that lives")
    finally:
        site.lab.start("dataplane2")
    time.sleep(8)  # two rounds of syncresources, which do not look at it again
    assert plane.get(f"/api/v1/namespaces/{LACKING}") is None
    found = patient.run(playbook="verify.yml")
    assert found.code != 0 and f"{LACKING}, late-staging is missing: no execution of it can run here" in found.flat, found.output
    assert re.search(r"dataplane_2 +verify: namespaces", found.output), found.output
    before = _restarted(hub)
    planned = patient.run("--check", "--diff")
    assert planned.code == 0 and "restart syncresources: dataplane_2 lacks" in planned.flat, planned.output
    held = patient.run("-e", f"flyte_approved_plan={plan}")
    assert held.code != 0 and "controlplane: namespaces: restart syncresources: is not in the approved plan" in held.flat, held.output
    assert _restarted(hub) == before
    mended = patient.run()
    assert mended.code == 0 and mended.changed["controlplane"] == 1, mended.output
    assert _restarted(hub) != before and plane.get(f"/api/v1/namespaces/{LACKING}")
    again = patient.run()
    assert again.code == 0 and set(again.changed.values()) == {0} and patient.run(playbook="verify.yml").code == 0
    assert site.run().code == 0


def test_our_own_canary_proves_every_cluster(site: SiteUnderTest) -> None:
    hub = site.cluster("controlplane")

    def labels() -> str:
        return str(hub.get("/api/v1/namespaces/flyte/configmaps/flyte-admin-clusters-config")["data"]["clusters.yaml"])

    without = site.run("-e", "flyte_canary_project=team1", playbook="verify.yml")
    proven = re.findall(r"team1/development +(\S+) \(execution\) +(\S+) +(\S+) +SUCCEEDED +proven", without.output)
    # label1 and label2 lead to one cluster each; the third one has no label for itself.
    assert ("label1", "dataplane_1", "dataplane_1") in proven and ("label2", "dataplane_2", "dataplane_2") in proven, without.output
    if "dataplane_3" in site.planes:
        assert without.code != 0 and "no label leads to it alone" in without.flat
    result = site.run(*OWN)
    assert result.code == 0, result.output
    proven = re.findall(r"flyte-multicluster-canary-(\S+) \(execution\) +(\S+) +(\S+) +SUCCEEDED +proven", result.output)
    assert sorted(proven) == [(name, name, name) for name in sorted(site.planes)], result.output
    url = f"{site.lab.admin_url}/api/v1/launch_plans/team1/development/{CANARY}?limit=10"
    assert len(requests.get(url, timeout=10).json()["launchPlans"]) == 1  # registered once
    again = site.run(*OWN)
    assert again.code == 0 and set(again.changed.values()) == {0} and "(execution)" not in again.output  # nothing changed: nothing to prove
    assert site.run(*OWN, playbook="verify.yml").code == 0 and len(requests.get(url, timeout=10).json()["launchPlans"]) == 1
    assert "flyte-multicluster-canary" not in site.run(*OWN, playbook="status.yml").output
    wrong = site.run("-e", "flyte_canary_project=nope", playbook="verify.yml")
    assert wrong.code != 0 and "flyteadmin has no project-domain nope/development to register the canary in" in wrong.flat, wrong.output
    assert "flyte-multicluster-canary-dataplane_1" in labels()
    assert site.run().code == 0 and "flyte-multicluster-canary" not in labels()


def test_what_is_still_to_be_done_is_a_failure_of_verify(site: SiteUnderTest) -> None:
    other = site.changed_copy()
    other.variables["flyte_labels"]["label2"] = [{"cluster": "dataplane_1", "weight": 1}]
    found = other.run(playbook="verify.yml")
    assert found.code != 0 and "still to be done: labelClusterMap: label2: dataplane_1 1" in found.flat, found.output
    # With the chart at hand, values are compared too.
    changed = site.changed_copy()
    changed.planes["dataplane_2"]["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/ready": "yes"}}}
    found = changed.run("--tags", "verify")
    assert found.code != 0 and "still to be done: Helm release flyte-core-data: values differ" in found.flat, found.output
    assert site.run(playbook="verify.yml").code == 0


def _state(path: pathlib.Path) -> dict[str, t.Any]:
    """Return the clusters of flyte_status_json by name."""
    return {cluster["name"]: cluster for cluster in json.loads(path.read_text(encoding="utf-8"))["clusters"]}


def test_a_dead_plane_fails_verify_and_is_named(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    files = ("-e", f"flyte_status_json={tmp_path / 'state.json'}", "-e", f"flyte_status_page={tmp_path / 'page.html'}")
    site.lab.stop("dataplane2")
    try:
        found = site.run(playbook="verify.yml")
        status = site.run(*files, playbook="status.yml")
        assert status.code == 0 and re.search(r"dataplane_2 +not ready +yes +no answer", status.output), status.output
        seen = _state(tmp_path / "state.json")
        assert seen["dataplane_1"]["state"] == "ready" and seen["dataplane_1"]["kubernetes"].startswith("v1.") and seen["dataplane_1"]["rights"]
        assert seen["dataplane_2"]["state"] == "not ready" and "dataplane_2" in (tmp_path / "page.html").read_text(encoding="utf-8")
    finally:
        site.lab.start("dataplane2")
    assert found.code != 0 and re.search(r"dataplane_2\s+verify\s+does not answer", found.output), found.output
    assert site.run("--limit", "dataplane_1", playbook="verify.yml").code == 0  # of the others nothing is asked
    # One that leaves the inventory stays in flyteadmin, and in the status.
    left = site.changed_copy()
    del left.planes["dataplane_2"], left.variables["flyte_labels"]["label2"]
    left.variables["flyte_execution_cluster_labels"] = [row for row in left.variables["flyte_execution_cluster_labels"] if row["label"] != "label2"]
    status = left.run(*files, playbook="status.yml")
    gone = _state(tmp_path / "state.json")["dataplane_2"]
    assert status.code == 0 and gone["state"] == "not in the inventory" and gone["enabled"] and gone["labels"][0]["share"] == 1, status.output
    assert re.search(r"dataplane_2: it is in flyteadmin's configuration and not in the inventory", status.output), status.output
