# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a cluster leaves: what stands against it, what flyteadmin reads before and after, and what AWS loses."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration, cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import plan as iam_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import Rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.decommission import Departure, Target, depart, find_target, inventory_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.departure_rows import aws_departure, own_namespaces
from conftest import Inventory, site_of

PAIR = {"token": "t", "ca_cert": "c"}
NAMES = ("dataplane_1", "dataplane_2")
#: label2, which led to dataplane_2 alone
ELSEWHERE = {"label2": [{"cluster": "dataplane_1", "weight": 1}]}


@pytest.fixture(name="site")
def _site(inventory: Inventory) -> Site:
    return site_of(inventory)


def live(site: Site, *more: str, labels: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    configs = [cluster_config(name, f"https://{name}", True, {"qps": 1}) for name in (*NAMES, *more)]
    own = {label: [{"id": entry["cluster"], "weight": entry["weight"]} for entry in entries] for label, entries in site.labels.items()}
    return {"clusterConfigs": configs, "labelClusterMap": {**own, **(labels or {})}}


def target(site: Site, name: str = "dataplane_2", section: dict[str, t.Any] | None = None) -> Target:
    found = find_target(site, name, [entry["name"] for entry in (section or live(site))["clusterConfigs"]], [])
    assert isinstance(found, Target), found
    return found


def left(site: Site, section: dict[str, t.Any], stored: Rows | None = None, name: str = "dataplane_2", **given: t.Any) -> Departure:
    departure, faults = depart(site, target(site, name, section), section, stored or {}, given)
    assert departure is not None, [str(fault) for fault in faults]
    return departure


def refused(site: Site, section: dict[str, t.Any], stored: Rows | None = None, name: str = "dataplane_2", **given: t.Any) -> str:
    departure, faults = depart(site, target(site, name, section), section, stored or {}, given)
    assert departure is None
    return "\n".join(map(str, faults))


def configuration(site: Site, section: dict[str, t.Any], **credentials: dict[str, str]) -> Configuration:
    head = {"reachable": True, "control_plane": {"clusters": section}}
    pairs = {entry["name"]: PAIR for entry in section["clusterConfigs"]}
    return wanted_configuration(site, {"controlplane": head}, credentials=credentials or pairs, probes={})


# -- which cluster


def test_a_cluster_is_named_by_its_host_or_by_its_name(inventory: Inventory) -> None:
    inventory["dataplane_2"]["flyte_cluster_name"] = "blue"
    for host in inventory.values():
        host["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 1}], "label2": [{"cluster": "blue", "weight": 1}]}
    site = site_of(inventory)
    for name in ("dataplane_2", "blue"):
        found = find_target(site, name, [], [])
        assert isinstance(found, Target) and (found.name, found.host) == ("blue", "dataplane_2")
    assert find_target(site, "old", ["old"], []) == Target("old") == find_target(site, "old", [], ["old"])
    assert Target("old").host is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("controlplane", "is the control plane: flyte_control_plane_runs_workflows: false"),
        ("dataplan_2", "is no host of flyte_data_planes"),
        ("dataplan_2", "Did you mean 'dataplane_2'?"),
    ],
)
def test_a_name_that_is_no_data_plane(site: Site, name: str, said: str) -> None:
    found = find_target(site, name, ["old"], [])
    assert isinstance(found, Fault) and said in str(found)


def test_a_name_that_says_two_clusters(inventory: Inventory) -> None:
    site = site_of(inventory)
    site.data_planes[0].name = "dataplane_2"
    site.data_planes[1].name = "other"
    found = find_target(site, "dataplane_2", [], [])
    assert isinstance(found, Fault) and "give 'other' or 'dataplane_1'" in str(found)


# -- labels


def test_a_label_that_would_lead_nowhere_holds_it(site: Site) -> None:
    said = refused(site, live(site))
    assert "flyte_labels.label2" in said and "no enabled cluster without dataplane_2" in said and "team1/production" in said
    assert '-e \'{"labels": {"label2": [{"cluster": "dataplane_1", "weight": 1}]}}\'' in said and "label1" not in said.replace("label1'", "")


def test_a_label_may_lead_elsewhere(site: Site) -> None:
    section = live(site)
    departure = left(site, section, **ELSEWHERE)
    assert departure.drained.labels["label2"] == [{"cluster": "dataplane_1", "weight": 1}] == departure.without.labels["label2"]
    first, second = (configuration(one, section) for one in (departure.drained, departure.without))
    assert {entry["name"]: entry["enabled"] for entry in first.cluster_configs} == {"dataplane_1": True, "dataplane_2": False}
    assert [entry["name"] for entry in second.cluster_configs] == ["dataplane_1"]
    assert first.label_cluster_map == second.label_cluster_map == {label: [{"id": "dataplane_1", "weight": 1}] for label in ("label1", "label2")}
    assert first.cluster_configs[0] == {**section["clusterConfigs"][0], "kubeClientConfig": site.data_planes[0].kube_client}
    # The inventory itself, and what it says of others, is as it was.
    assert [cluster.enabled for cluster in site.data_planes] == [True, True] and len(departure.without.data_planes) == 1
    lines = inventory_lines(site, target(site), departure)
    assert "Take the host dataplane_2 out of the inventory" in lines[0] and lines[1] == "flyte_labels: label2: [{cluster: dataplane_1, weight: 1}]"


def test_a_site_of_before_and_after_goes_through_plain_data(site: Site) -> None:
    departure = left(site, live(site), **ELSEWHERE)
    for one in (departure.drained, departure.without):
        assert Site.from_dict(one.as_dict()) == one


def test_weights_of_what_is_left_sum_to_1_as_the_inventory_has_to_have_them(site: Site) -> None:
    site.labels["label1"] = [{"cluster": name, "weight": weight} for name, weight in (("dataplane_1", 0.25), ("dataplane_2", 0.25), ("dataplane_3", 0.5))]
    section = live(site, "dataplane_3", labels={"label3": [{"id": "dataplane_2", "weight": 0.6}, {"id": "dataplane_1", "weight": 0.4}]})
    departure = left(site, section, **ELSEWHERE)
    assert [entry["weight"] for entry in departure.without.labels["label1"]] == [0.3333, 0.6667]
    # Also of a label that flyteadmin alone has.
    assert configuration(departure.without, section).label_cluster_map["label3"] == [{"id": "dataplane_1", "weight": 1}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label2": [{"cluster": "dataplane_2", "weight": 1}]}, "labels.label2.cluster = 'dataplane_2': is no cluster of the inventory: dataplane_1"),
        ({"label2": [{"cluster": "dataplane_1", "weight": 0.5}]}, "labels.label2 = {'dataplane_1': 0.5}: the weights of a label have to sum to 1"),
        ({"label2": "dataplane_1"}, "labels.label2 = 'dataplane_1': has to be a list"),
        ({**ELSEWHERE, "lable1": [{"cluster": "dataplane_1", "weight": 1}]}, "labels.lable1 = 'lable1': is no label: label1, label2. Did you mean 'label1'?"),
        ({"label2": []}, "labels.label2: the inventory has it for team1/production: take that out of the inventory first"),
    ],
)
def test_what_is_given_for_a_label_is_checked_as_the_inventory_is(site: Site, given: dict[str, t.Any], said: str) -> None:
    assert said in refused(site, live(site), **given)


def test_a_label_that_leads_to_drained_clusters_only_is_no_other_one(site: Site) -> None:
    section = live(site, "dataplane_3")
    site.data_planes[0].enabled = False
    assert "labels.label2" in refused(site, section, **ELSEWHERE) and "leads to no enabled cluster" in refused(site, section, **ELSEWHERE)


def test_the_only_enabled_cluster_stays(site: Site) -> None:
    section = live(site)
    site.data_planes[0].enabled = False
    assert "is the only enabled cluster" in refused(site, section)
    section["clusterConfigs"].pop(0)
    site.data_planes[0].enabled = True
    # The other one is none that flyteadmin has.
    assert "is the only enabled cluster" in refused(site, section)


def test_a_label_that_nobody_uses_goes_along_and_one_that_a_stored_row_has_does_not(site: Site) -> None:
    section = live(site, labels={"old": [{"id": "dataplane_2", "weight": 1}], "flyte-multicluster-canary-dataplane_2": [{"id": "dataplane_2", "weight": 1}]})
    departure = left(site, section, **ELSEWHERE)
    assert departure.labels == ["old"] and not departure.rows
    assert "old" in configuration(departure.drained, section).label_cluster_map
    assert set(configuration(departure.without, section).label_cluster_map) == {"label1", "label2"}
    stored: Rows = {("team9", "", ""): "old", ("team9", "staging", ""): "label1"}
    assert "flyte_labels.old = 'old'" in refused(site, section, stored, **ELSEWHERE) and "team9" in refused(site, section, stored, **ELSEWHERE)
    taken = left(site, section, stored, **ELSEWHERE, old=[])
    assert taken.rows == {("team9", "", ""): "old"} and taken.labels == ["old"]
    # The default label of flyteadmin's own configuration is used by what has no other one.
    assert "executions without a label" in refused(site, {**section, "defaultExecutionLabel": "old"}, **ELSEWHERE)


def test_a_run_that_was_stopped_is_finished_by_the_same_command(site: Site) -> None:
    """Whatever it did by then: with flyteadmin's configuration of each stage the same departure comes out."""
    section = live(site, labels={"old": [{"id": "dataplane_2", "weight": 1}]})
    given = {**ELSEWHERE, "old": []}
    wanted = configuration(left(site, section, **given).without, section).section()
    drained = configuration(left(site, section, **given).drained, section).section()
    again = left(site, drained, **given)
    assert configuration(again.drained, drained).section() == drained and configuration(again.without, drained).section() == wanted
    last = left(site, wanted, **given)
    assert configuration(last.without, wanted).section() == wanted


# -- one that the inventory does not have


def test_an_orphan(site: Site) -> None:
    section = live(site, "old", labels={"label9": [{"id": "old", "weight": 0.5}, {"id": "dataplane_1", "weight": 0.5}]})
    departure = left(site, section, name="old")
    first, second = (configuration(one, section) for one in (departure.drained, departure.without))
    assert {entry["name"]: entry["enabled"] for entry in first.cluster_configs} == {**dict.fromkeys(NAMES, True), "old": False}
    assert [entry["name"] for entry in second.cluster_configs] == list(NAMES)
    assert second.label_cluster_map["label9"] == [{"id": "dataplane_1", "weight": 1}]
    assert not inventory_lines(site, Target("old"), departure)
    others = live(site, "old", "older")
    kept = configuration(left(site, others, name="old").without, others)
    assert "older" in [entry["name"] for entry in kept.cluster_configs]


# -- AWS


def aws_of(site: Site, **changes: t.Any) -> dict[str, t.Any]:
    clusters = {cluster.host: {"status": "ACTIVE", "issuer": f"https://oidc/{cluster.host}", "error": None} for cluster in site.clusters}
    providers = [f"arn:aws:iam::1:oidc-provider/oidc/{cluster.host}" for cluster in site.clusters]
    aws: dict[str, t.Any] = {"account": "1", "partition": "aws", "clusters": clusters, "roles": {}, "policy": None, "oidc_providers": providers, **changes}
    planned = iam_plan(site, aws)
    return {**aws, "roles": {name: {"arn": f"arn:{name}", "trust": role["trust"], "policies": []} for name, role in planned["roles"].items()}}


@pytest.mark.parametrize("compact", [False, True])
def test_trust_policies_lose_the_clusters_accounts_and_nothing_else(site: Site, compact: bool) -> None:
    site.settings["flyte_iam_compact"] = compact
    aws = aws_of(site)
    gone = aws_departure(site, aws, site.data_planes[1])
    assert [role["name"] for role in gone["roles"]] == ["flyte-dataplane-role"] and gone["provider"] == "https://oidc/dataplane_2"
    assert gone["roles"][0]["before"] == aws["roles"]["flyte-dataplane-role"]["trust"]
    without = site_of_one(site)
    assert gone["roles"][0]["trust"] == aws_of(without)["roles"]["flyte-dataplane-role"]["trust"]
    # As a site without it wants it: site.yml has nothing to do.
    after = {**aws, "roles": {**aws["roles"], "flyte-dataplane-role": {**aws["roles"]["flyte-dataplane-role"], "trust": gone["roles"][0]["trust"]}}}
    after["roles"] = {name: {**role, "policies": ["arn:aws:iam::1:policy/flyte-s3"]} for name, role in after["roles"].items()}
    assert not iam_plan(without, after)["roles_due"]
    assert not aws_departure(site, after, site.data_planes[1])["roles"]


def site_of_one(site: Site) -> Site:
    return Site.from_dict({**site.as_dict(), "data_planes": [site.as_dict()["data_planes"][0]]})


def test_subjects_of_others_stay_and_their_provider_too(site: Site) -> None:
    aws = aws_of(site)
    statement = aws["roles"]["flyte-dataplane-role"]["trust"]["Statement"][1]
    key = next(key for key in statement["Condition"]["StringEquals"] if key.endswith(":sub"))
    statement["Condition"]["StringEquals"][key] += ["system:serviceaccount:theirs:builder"]
    gone = aws_departure(site, aws, site.data_planes[1])
    assert gone["roles"][0]["trust"]["Statement"][1]["Condition"]["StringEquals"][key] == "system:serviceaccount:theirs:builder"
    assert gone["provider"] is None and "stays" in gone["notes"][0]


def test_a_policy_that_would_have_no_statement_stays(site: Site) -> None:
    one = site_of_one(site)
    gone = aws_departure(one, aws_of(one), one.data_planes[0])
    assert not gone["roles"] and gone["provider"] is None and "a trust policy has to have a statement" in gone["notes"][0]


def test_an_eks_cluster_that_two_hosts_have_keeps_its_trust(site: Site) -> None:
    aws = aws_of(site)
    aws["clusters"]["controlplane"]["issuer"] = aws["clusters"]["dataplane_2"]["issuer"]
    gone = aws_departure(site, aws, site.data_planes[1])
    assert not gone["roles"] and gone["provider"] is None and "controlplane has the same EKS cluster" in gone["notes"][0]


def test_associations_of_ours_go(site: Site) -> None:
    aws = aws_of(site)
    entry = {"id": "a-1", "namespace": "flyte", "service_account": "flytepropeller", "role_arn": "arn:x", "tags": {"managed-by": "flyte.multicluster"}}
    aws["clusters"]["dataplane_2"]["associations"] = [entry, {**entry, "service_account": "theirs", "tags": {}}]
    assert [row["service_account"] for row in aws_departure(site, aws, site.data_planes[1])["associations"]] == ["flytepropeller"]


def test_nothing_of_aws_where_it_is_not_managed_or_not_known(site: Site) -> None:
    aws = aws_of(site)
    assert not aws_departure(site, None, site.data_planes[1])["roles"] and not aws_departure(site, aws, None)["roles"]
    aws["clusters"]["dataplane_2"]["issuer"] = None
    gone = aws_departure(site, aws, site.data_planes[1])
    assert not gone["roles"] and "flyte_iam_prune" in gone["notes"][0]
    site.settings["flyte_remove_oidc_provider"] = False
    assert aws_departure(site, aws_of(site), site.data_planes[1])["provider"] is None
    site.settings["flyte_iam_manage"] = False
    assert not aws_departure(site, aws_of(site), site.data_planes[1])["roles"]


# -- namespaces


def test_namespaces_of_projects_and_no_others(site: Site) -> None:
    there = {"server": "https://2", "namespaces": ["default", "flyte", "kube-system", "team1-development", "team1-production", "theirs"]}
    observed = {"dataplane_2": there, "controlplane": {"server": "https://0"}}
    places = [("team1", "development"), ("team1", "production"), ("team1", "staging"), ("kube", "system")]
    plane = site.data_planes[1]
    assert own_namespaces(site, plane, observed, places, None) == (["team1-development", "team1-production"], None)
    assert own_namespaces(site, plane, observed, [("flyte", ""), ("default", "")], "{{ project }}")[0] == []
    site.settings["flyte_control_plane_runs_workflows"] = True
    observed["controlplane"] = {"server": "https://2"}
    names, why = own_namespaces(site, plane, observed, places, None)
    assert not names and why and "controlplane runs workflows in the same cluster" in why
