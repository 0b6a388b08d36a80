# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is still to be done, as far as it can be seen without the chart: verify never succeeds on nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.complete import label_failures, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures
from conftest import Inventory, site_of

PAIR = {"token": "t", "ca_cert": "c"}
LABELS = {"label1": [{"id": "dataplane_1", "weight": 1}], "label2": [{"id": "dataplane_2", "weight": 1}]}
CLIENT = {"qps": 100, "burst": 25, "timeout": "10s"}
CLUSTERS = {"clusterConfigs": [cluster_config(name, "https://api", True, CLIENT) for name in ("dataplane_1", "dataplane_2")], "labelClusterMap": LABELS}


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return site_of(inventory)


def plane(**changes: t.Any) -> dict[str, t.Any]:
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 3, "status": "deployed", "values_digest": "d", "age": 500, "secret": "s"}
    token = {"secret": "flyteadmin-token", "fingerprint": "t", "ca_fingerprint": "c", "age": 5}
    base = {"reachable": True, "error": None, "server": "https://api", "release": release, "token": token, "missing": [], "deployments": None}
    return {**base, "not_working": [], "namespaces": [], "control_plane": None, **changes}


def hub(**changes: t.Any) -> dict[str, t.Any]:
    known = {"credentials": {"dataplane_1": PAIR, "dataplane_2": PAIR}, "clusters": CLUSTERS, "probes": {}}
    return plane(control_plane={**known, **changes})


def whole(**changes: t.Any) -> dict[str, t.Any]:
    return {"controlplane": hub(), "dataplane_1": plane(), "dataplane_2": plane(), **changes}


def said(site: Site, observed: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(failure.host, failure.problem) for failure in unfinished(site, observed)]


def test_a_whole_site_is_finished(site: Site) -> None:
    assert said(site, whole()) == [] and cluster_failures(site, whole()) == []


def test_an_empty_site_is_none_that_works(site: Site) -> None:
    empty = {host: plane(release=None, token=None, control_plane={} if host == "controlplane" else None) for host in whole()}
    assert said(site, empty) == [
        ("controlplane", "there is no release flyte-core in the namespace flyte"),
        ("dataplane_1", "there is no release flyte-core-data in the namespace flyte"),
        ("dataplane_2", "there is no release flyte-core-data in the namespace flyte"),
    ]


@pytest.mark.parametrize("status", ["failed", "pending-install", "pending-upgrade", "uninstalled"])
def test_what_a_failed_run_left_half_done_is_said(site: Site, status: str) -> None:
    release = {**plane()["release"], "status": status}
    found = said(site, whole(controlplane={**hub(), "release": release}))
    assert found == [("controlplane", f"the release flyte-core in the namespace flyte is {status} (revision 3)")]


def test_a_flyteadmin_without_configuration_is_said(site: Site) -> None:
    assert said(site, whole(controlplane=hub(clusters={}))) == [
        ("dataplane_1", "still to be done: cluster-credentials: dataplane_1_token, dataplane_1_cacert: try the stored token t"),
        ("dataplane_2", "still to be done: cluster-credentials: dataplane_2_token, dataplane_2_cacert: try the stored token t"),
        ("controlplane", "flyteadmin has no clusterConfigs: it knows no data plane"),
    ]


def test_credentials_that_are_not_stored_are_said(site: Site) -> None:
    found = said(site, whole(dataplane_2=plane(token=None)))
    assert found == [
        ("dataplane_2", "still to be done: cluster-credentials: dataplane_2_token, dataplane_2_cacert: make the token Secret flyteadmin-token")
    ]
    one = {**CLUSTERS, "clusterConfigs": CLUSTERS["clusterConfigs"][:1]}
    lacking = said(site, whole(controlplane=hub(credentials={"dataplane_1": PAIR}, clusters=one)))
    assert ("controlplane", "still to be done: clusterConfigs: dataplane_2: https://api, enabled true") in lacking


def test_a_configuration_that_differs_from_the_inventory_is_said(site: Site) -> None:
    site.data_planes[1].enabled = False
    site.labels["label1"] = [{"cluster": "dataplane_1", "weight": 1}, {"cluster": "dataplane_2", "weight": 0}]
    assert said(site, whole()) == [
        ("controlplane", "still to be done: clusterConfigs: dataplane_2: https://api, enabled false"),
        ("controlplane", "still to be done: labelClusterMap: label1: dataplane_1 1, dataplane_2 0"),
    ]


def test_what_others_put_there_is_no_failure(site: Site) -> None:
    theirs = {"clusterConfigs": [*CLUSTERS["clusterConfigs"], {"name": "mine", "inCluster": True, "enabled": True}], "labelClusterMap": {**LABELS, "old": []}}
    assert said(site, whole(controlplane=hub(clusters=theirs))) == []


def test_a_plane_that_does_not_answer_fails_and_one_that_was_not_asked_does_not(site: Site) -> None:
    dead = plane(reachable=False, error={"kind": "unreachable", "message": "https://api does not answer", "hint": "Check it."}, release=None, token=None)
    (failure,) = cluster_failures(site, whole(dataplane_2=dead))
    assert (failure.host, failure.problem, failure.remedy) == ("dataplane_2", "does not answer: https://api does not answer", "Check it.")
    assert said(site, whole(dataplane_2=dead)) == []  # it is said once; what was stored for it stays
    alone = {host: found for host, found in whole().items() if host != "dataplane_2"}
    assert cluster_failures(site, alone) == [] and said(site, alone) == []


def test_a_flytepropeller_that_does_nothing_fails_verify(site: Site) -> None:
    idle = [{"name": "flytepropeller", "reason": "it does not lead: there is no Lease flyte/propeller-leader"}]
    (failure,) = cluster_failures(site, whole(dataplane_1=plane(not_working=idle)))
    assert (failure.host, failure.step) == ("dataplane_1", "verify: flytepropeller") and "does not lead" in failure.problem
    assert "logs deployment/flytepropeller" in failure.remedy
    # One whose pods are not ready says that instead.
    waiting = {"total": 1, "not_ready": [{"name": "deployment/flytepropeller", "reason": "0 of 1 new pods"}]}
    (failure,) = cluster_failures(site, whole(dataplane_1=plane(not_working=idle, deployments=waiting)))
    assert failure.step == "verify: pods"


def test_execution_cluster_labels_that_are_not_stored_are_said(site: Site) -> None:
    rows = [{"project": "team1", "domain": "development", "workflow": "", "label": "label1"}]
    (failure,) = label_failures(site, CLUSTERS, [*rows, {"project": "team1", "domain": "production", "workflow": "", "label": "label1"}])
    assert failure.problem == "team1/production has the label 'label1', not 'label2'"
    (failure,) = label_failures(site, {**CLUSTERS, "labelClusterMap": {}}, rows)
    assert "team1/production has no label, not 'label2', which leads to no enabled cluster: labelClusterMap has no such label" in failure.problem


def test_a_cluster_that_never_answered_is_not_said_twice(site: Site) -> None:
    """It is not configured, since it does not answer: one row of the closing table, not two."""
    known = {"clusterConfigs": CLUSTERS["clusterConfigs"][:1], "labelClusterMap": {"label1": LABELS["label1"]}}
    head = hub(credentials={"dataplane_1": PAIR}, clusters=known)
    dead = plane(reachable=False, release=None, token=None, error={"kind": "unreachable", "message": "it hangs", "hint": "h"})
    assert ("controlplane", "still to be done: clusterConfigs: dataplane_2: is missing") not in said(site, whole(controlplane=head, dataplane_2=dead))
    assert [failure.host for failure in cluster_failures(site, whole(controlplane=head, dataplane_2=dead))] == ["dataplane_2"]
