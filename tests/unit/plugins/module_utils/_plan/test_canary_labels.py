# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The canary's labels: one for each cluster, that leads to it alone, in nobody's way."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import cluster_config, in_cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.canary import PREFIX, canary_label, is_canary_label
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import canary_labels, launched_nowhere, own_canaries
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import judge_canaries, judge_labels
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from ansible_collections.flyte.multicluster.plugins.module_utils._status.collect import Asked, status_of
from ansible_collections.flyte.multicluster.plugins.module_utils._status.terminal import status_lines
from conftest import Inventory, site_of

ONE, TWO = canary_label("dataplane_1"), canary_label("dataplane_2")
PAIR = {"token": "t", "ca_cert": "c"}
BOTH = {"dataplane_1": PAIR, "dataplane_2": PAIR}
ANSWERS = {"reachable": True, "server": "https://api", "release": None, "token": None}


@pytest.fixture
def site(inventory: Inventory) -> Site:
    for host in inventory.values():
        host["flyte_canary_labels"] = True
    return site_of(inventory)


def observed(**live: t.Any) -> dict[str, t.Any]:
    known = {"credentials": BOTH, "probes": {name: {"ok": True} for name in BOTH}, "clusters": live}
    return {"controlplane": {**ANSWERS, "control_plane": known}, "dataplane_1": ANSWERS, "dataplane_2": ANSWERS}


def label_map(site: Site, **live: t.Any) -> dict[str, t.Any]:
    found = observed(**live)
    return wanted_configuration(site, found, credentials=BOTH, probes={name: {"ok": True} for name in BOTH}).label_cluster_map


def test_names_of_labels_are_what_flyteadmin_takes_and_differ() -> None:
    assert canary_label("dataplane_1") == "flyte-multicluster-canary-dataplane_1"
    others = [canary_label(name) for name in ("DP.1", "dp.1", "dp-1", "Dp-1")]
    assert len(set(others)) == 4 and all(label == label.lower() and "." not in label and is_canary_label(label) for label in others)


def test_each_enabled_cluster_has_a_label_of_its_own(site: Site) -> None:
    assert label_map(site)[ONE] == [{"id": "dataplane_1", "weight": 1}]
    assert {label for label in label_map(site) if is_canary_label(label)} == {ONE, TWO}
    site.data_planes[1].enabled = False
    assert TWO not in label_map(site) and canary_labels(site, {}, {}) == {}


def test_they_go_when_they_are_not_wanted_any_more(site: Site) -> None:
    """They are nobody else's: that the inventory does not have them does not keep them."""
    live = {"labelClusterMap": {ONE: [{"id": "dataplane_1", "weight": 1}], "theirs": [{"id": "dataplane_1", "weight": 1}]}}
    site.settings["flyte_canary_labels"] = False
    assert set(label_map(site, **live)) == {"label1", "label2", "theirs"}


def test_without_any_label_they_are_there(inventory: Inventory) -> None:
    """The chart gives syncresources the Secret with the credentials only where labelClusterMap is not empty."""
    for host in inventory.values():
        host |= {"flyte_labels": {}, "flyte_execution_cluster_labels": []}
    site = site_of(inventory)
    assert set(label_map(site)) == {ONE, TWO}
    assert set(label_map(site, labelClusterMap={"theirs": [{"id": "dataplane_1", "weight": 1}]})) == {"theirs"}
    # The control plane itself needs no credentials.
    assert canary_labels(site, {"controlplane": in_cluster_config("controlplane", True)}, {}) == {}


def test_a_label_of_the_user_cannot_be_one_of_them(inventory: Inventory) -> None:
    for host in inventory.values():
        host["flyte_labels"] = {**host["flyte_labels"], PREFIX + "x": [{"cluster": "dataplane_1", "weight": 1}]}
    _site, faults = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, name: inventory[host].get(name), declared_variables())
    assert [fault.variable for fault in faults] == [f"flyte_labels.{PREFIX}x"] and "choose another name" in str(faults[0])


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"flyte_canary_project": "Team_1"}, "flyte_canary_project = 'Team_1': is no name of a project"),
        ({"flyte_canary_project": "team1", "flyte_canary_domain": "producton"}, "Did you mean 'production'?"),
    ],
)
def test_where_the_canary_is_registered_is_checked(inventory: Inventory, variables: dict[str, t.Any], said: str) -> None:
    for host in inventory.values():
        host.update(variables)
    _site, (fault,) = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, name: inventory[host].get(name), declared_variables())
    assert said in str(fault)


def test_they_are_in_no_ones_way(site: Site) -> None:
    """Strict labels judge rows, not labelClusterMap; the status names the user's labels only."""
    live = {"clusterConfigs": [cluster_config(name, "https://api", True) for name in BOTH], "labelClusterMap": label_map(site)}
    site.settings["flyte_strict_labels"] = True
    row = {"project": "team1", "domain": "development", "workflow": "", "label": "label1"}
    assert judge_labels(site, live, [row], [{"project": "team1", "domain": "development"}]).failures == []
    text = "\n".join(status_lines(status_of(site, observed(**live), Asked(), now=datetime.datetime.now(datetime.timezone.utc))))
    assert "label1" in text and "canary" not in text


# -- where it is launched


def live(**labels: t.Any) -> dict[str, t.Any]:
    return {"clusterConfigs": [cluster_config(name, "https://api", True) for name in BOTH], "labelClusterMap": labels}


def test_a_label_that_leads_to_a_cluster_alone_takes_the_canary_there(site: Site) -> None:
    to_one, to_both = [{"id": "dataplane_1", "weight": 1}], [{"id": "dataplane_1", "weight": 0.5}, {"id": "dataplane_2", "weight": 0.5}]
    to_two = [{"id": "dataplane_2", "weight": 1}]
    assert own_canaries(site, observed(), live(a=to_one, b=to_two)) == ({"dataplane_1": "a", "dataplane_2": "b"}, [])
    assert own_canaries(site, observed(), live(a=to_one, b=to_two, **{ONE: to_one}))[0]["dataplane_1"] == ONE
    labels, (failure,) = own_canaries(site, observed(), live(a=to_one, b=to_both))
    assert labels == {"dataplane_1": "a"} and failure.host == "dataplane_2" and "flyte_canary_labels: true" in failure.remedy


def test_a_cluster_that_is_drained_or_does_not_answer_gets_none(site: Site) -> None:
    to_one = {ONE: [{"id": "dataplane_1", "weight": 1}]}
    drained = {"clusterConfigs": [cluster_config("dataplane_1", "https://api", True), cluster_config("dataplane_2", "https://api", False)]}
    assert own_canaries(site, observed(), {**drained, "labelClusterMap": to_one}) == ({"dataplane_1": ONE}, [])
    silent = {**observed(), "dataplane_2": {"reachable": False}}
    assert own_canaries(site, silent, live(**to_one)) == ({"dataplane_1": ONE}, [])


def test_a_canary_of_our_own_is_its_clusters_failure() -> None:
    base = {"project": "team1", "domain": "development", "label": "l", "cluster": "dataplane_1", "phase": "UNDEFINED", "url": "https://console"}
    own = {**base, "level": "execution", "expected": ["dataplane_1"], "problem": "never started on dataplane_1"}
    users = {**base, "level": "project", "expected": ["dataplane_1"], "problem": "ran elsewhere"}
    text, failures = judge_canaries([own, users, {**own, "problem": None}], "hub", {"dataplane_1": "host_1"})
    assert [(failure.host, failure.problem) for failure in failures] == [
        ("host_1", "never started on dataplane_1"),
        ("hub", "team1/development: ran elsewhere"),
    ]
    assert "https://console" in failures[0].remedy and text.count("NOT PROVEN") == 2 and text.count(" proven") == 1


def test_a_canary_of_the_user_that_is_launched_nowhere_proves_nothing(site: Site) -> None:
    own, users = {"level": "execution"}, {"level": "project"}
    assert launched_nowhere(site, []) is None and launched_nowhere(site, [own]) is None
    site.settings["flyte_canary_workflow"] = "example.training_workflow"
    assert launched_nowhere(site, [own, users]) is None
    for canaries in ([], [own]):
        failure = launched_nowhere(site, canaries)
        assert failure is not None and failure.host == "controlplane" and "example.training_workflow was launched nowhere: flyteadmin has" in failure.problem
    site.settings["flyte_canary_projects"] = ["team1", "team2"]
    failure = launched_nowhere(site, [])
    assert failure is not None and "the projects team1, team2 have no project-domain for which a label holds" in failure.problem
