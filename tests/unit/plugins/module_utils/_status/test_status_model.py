# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a status says of clusters and labels, and what a terminal shows of it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import orphan_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._status.collect import Asked, status_of
from ansible_collections.flyte.multicluster.plugins.module_utils._status.model import ClusterStatus, Status
from ansible_collections.flyte.multicluster.plugins.module_utils._status.page import page
from ansible_collections.flyte.multicluster.plugins.module_utils._status.terminal import MOST_PROBLEMS, problem_lines, status_lines, table_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._status.words import clean, columns, percent, shortened
from conftest import Inventory
from status_sites import HOSTILE, NOW, control, dead, hostile, large, observation, small, status_of_site, weighted


def named(status: Status, name: str) -> ClusterStatus:
    return next(cluster for cluster in status.clusters if cluster.name == name)


def test_a_site_that_works(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    status = status_of(site, observed, asked, now=NOW)
    one = named(status, "dataplane_1")
    assert (one.state, one.enabled, one.kubernetes, one.chart, one.token_age) == ("ready", True, "v1.34.2", "flyte-core v1.16.8", 40 * 86400)
    assert (one.rights, one.crd, one.leader, one.deployments, one.deployments_ready) == (True, True, True, 2, 2)
    assert [(share.label, share.weight, share.share) for share in one.labels] == [("label1", 0.7, 0.7)] and (one.running, one.failed) == (3, 0)
    assert not one.problems and status.time == "2026-11-28T15:00:00Z" and named(status, "controlplane").state == "ready"
    assert status.counts() == {"not in the inventory": 1, "ready": 3}


def test_a_cluster_that_left_the_inventory_is_shown_as_what_it_is(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    status = status_of(site, observed, asked, now=NOW)
    old = named(status, "dataplane_old")
    assert (old.state, old.host, old.enabled, old.running) == ("not in the inventory", None, True, 2)
    what = "it is in flyteadmin's configuration and not in the inventory: it is enabled: the labels gpu lead there; 2 execution(s) there have not ended"
    assert old.problems[0].what == what
    live = observed["controlplane"]["control_plane"]["clusters"]
    end = "playbooks/remove.yml -e cluster=dataplane_old removes it, flyte_prune: true all of them"
    assert orphan_lines(site, observed) == [f"controlplane: dataplane_old: {what.split(';', maxsplit=1)[0]}; {end}"]
    live["clusterConfigs"][-1]["enabled"] = False
    assert "it is disabled and gets nothing new" in orphan_lines(site, observed)[0]
    live["clusterConfigs"][-1]["enabled"], live["labelClusterMap"] = True, {}
    assert "what has no label runs on any enabled cluster" in orphan_lines(site, observed)[0]


def test_one_of_which_flyteadmin_has_keys_alone_is_shown_too(inventory: Inventory) -> None:
    """A removal that was stopped leaves it so, or somebody who took it out of the configuration by hand."""
    site, observed, asked = small(inventory)
    known = observed["controlplane"]["control_plane"]
    known["clusters"]["clusterConfigs"] = [entry for entry in known["clusters"]["clusterConfigs"] if entry["name"] != "dataplane_old"]
    old = named(status_of(site, observed, asked, now=NOW), "dataplane_old")
    assert (old.state, old.configured, old.target) == ("not in the inventory", False, False)
    assert old.problems[0].what == "it has keys in the Secret cluster-credentials and is not in the inventory"
    assert "flyte.multicluster.remove" in old.problems[0].remedy


def test_a_dead_plane_is_its_row(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    status = status_of(site, {**observed, "dataplane_1": dead()}, asked, now=NOW)
    one = named(status, "dataplane_1")
    assert (one.state, one.reachable, one.release, one.crd) == ("not ready", False, None, None)
    assert "does not answer" in one.problems[0].what and one.problems[0].remedy and named(status, "dataplane_2").state == "ready"


def test_a_dead_control_plane_leaves_the_others(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    status = status_of(site, {**observed, "controlplane": dead()}, asked, now=NOW)
    assert status.labels is None and named(status, "controlplane").state == "not ready" and len(named(status, "controlplane").problems) == 1
    one = named(status, "dataplane_1")
    # Nobody knows what is stored: nothing is said to be missing there.
    assert (one.state, one.configured, one.enabled, one.problems) == ("ready", None, None, [])
    assert any("not known" in note for note in status.notes)


def test_what_is_wrong_with_a_plane(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    idle = [{"name": "flytepropeller", "reason": "no leader"}]
    size = [{"name": "flytepropeller", "wanted": 1, "found": 3}]
    changes = {"missing": ["the FlyteWorkflow CRD"], "not_working": idle, "deployments": {"total": 3, "not_ready": [], "resized": size}, "namespaces": []}
    denied = {"ok": False, "error": "lacks create namespaces", "hint": "h", "kind": None, "denied": ["create namespaces"]}
    observed["controlplane"]["control_plane"]["probes"]["dataplane_1"] = denied
    status = status_of(site, {**observed, "dataplane_1": observation(**changes)}, asked, now=NOW)
    one = named(status, "dataplane_1")
    assert (one.crd, one.leader, one.rights, one.rights_missing) == (False, False, False, ["create namespaces"])
    assert one.namespaces_missing == ["team1-development", "team1-production", "team1-staging"]
    assert one.drift == ["flytepropeller has 3 pods, the release says 1"] and one.state == "not ready"


def test_drift_of_releases_is_what_a_run_would_do(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    rows = [
        Row("dataplane_1", "dataplane", "Helm release flyte-core-data", "values differ (aaaaaaaa -> bbbbbbbb)"),
        Row("dataplane_1", "credentials", "cluster-credentials", "store"),
    ]
    status = status_of(site, observed, asked, now=NOW, rows=rows)
    assert named(status, "dataplane_1").drift == ["values differ (aaaaaaaa -> bbbbbbbb)"] and named(status, "dataplane_1").state == "ready"


def test_a_token_that_is_due_is_said(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    status = status_of(site, observed, asked, now=NOW, due={"dataplane_1": "flyteadmin-token is 40d old"})
    assert named(status, "dataplane_1").state == "ready" and "40d due" in table_lines(status)[2] and "due" not in table_lines(status)[3]
    assert "dataplane_1: its token is due: flyteadmin-token is 40d old. Run rotate.yml." in problem_lines(status)
    assert "its token is due: flyteadmin-token is 40d old." in page(status)


def test_states_of_clusters_that_do_nothing(inventory: Inventory) -> None:
    site, observed, asked = small(inventory)
    site.data_planes[0].enabled = False
    observed["controlplane"] = control({"dataplane_1": False, "dataplane_2": True}, {"label1": weighted(dataplane_1=0.7, dataplane_2=0.3)})
    status = status_of(site, {key: value for key, value in observed.items() if key != "dataplane_2"}, asked, now=NOW)
    assert named(status, "dataplane_1").state == "drained" and named(status, "dataplane_2").state == "not asked"
    assert [share.share for share in named(status, "dataplane_1").labels] == [0.0]
    fresh = status_of(site, {**observed, "dataplane_2": observation(release=None, token=None, deployments=None)}, asked, now=NOW)
    assert named(fresh, "dataplane_2").state == "not deployed"


def test_labels_and_where_they_lead(inventory: Inventory) -> None:
    status = status_of_site(large(inventory))
    labels = {label.name: label for label in status.labels or []}
    assert labels["no-such-label"].problem == "labelClusterMap has no such label" and not labels["no-such-label"].targets
    drained = [target for target in labels["pool-00"].targets if not target.share]
    assert [target.why for target in drained] == ["drained"] and sum(target.share for target in labels["pool-00"].targets) == pytest.approx(1)
    places = {place.text: place for place in status.places or []}
    assert places["team-60/staging"].label is None and places["team-01/development/pipelines.old.workflow"].level == "workflow"
    assert len(places) == 180 + 26


def test_what_flyteadmin_does_not_say_is_not_known(inventory: Inventory) -> None:
    site, observed, _asked = small(inventory)
    status = status_of(site, observed, Asked(notes=("Executions are unknown: no answer",)), now=NOW)
    assert status.places is None and {cluster.running for cluster in status.clusters} == {None}
    assert problem_lines(status)[-1] == "Executions are unknown: no answer"


def test_the_table(inventory: Inventory) -> None:
    lines = table_lines(status_of_site(small(inventory)))
    assert lines[0].split() == ["CLUSTER", "STATE", "ENABLED", "KUBERNETES", "CHART", "RELEASE", "TOKEN", "READY", "RUNNING", "FAILED", "LABELS"]
    assert lines[3].split() == [
        *"dataplane_2 ready yes v1.34.2 flyte-core v1.16.8 flyte-core-data r3 40d 2/2 1 1".split(),
        "label1=30%,label2=100%",
    ]
    assert lines[1].startswith("controlplane ") and lines[4].startswith("dataplane_old  not in the inventory")


def test_many_problems_are_not_all_in_a_terminal(inventory: Inventory) -> None:
    site, observed, asked = large(inventory)
    status = status_of(site, {host: found if host == "controlplane" else dead() for host, found in observed.items()}, asked, now=NOW)
    lines = problem_lines(status)
    assert sum("does not answer" in line for line in lines) == MOST_PROBLEMS and any("flyte_status_page" in line for line in lines)
    assert len(status.problems()) > 100


def test_nothing_in_a_terminal_is_unseen_or_too_wide(inventory: Inventory) -> None:
    status = status_of_site(hostile(inventory))
    lines = status_lines(status)
    assert all(letter.isprintable() or letter == "\ufffd" for line in lines for letter in line)
    starts = {
        line.index("not in the inventory") for line in lines if line.count("not in the inventory") == 1 and "configuration" not in line and "," not in line
    }
    assert all(columns(line) < 400 for line in table_lines(status)) and starts
    json.dumps(status.as_dict())


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shortened_to_columns(name: str) -> None:
    for most in (1, 5, 20, 300):
        assert columns(shortened(name, most)) <= most
    assert clean(clean(name)) == clean(name)


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.999, "99 %"), (1 / 3, "33 %"), (0.005, "0.5 %"), (0.0001, "<1 %"), (0.0, "0 %")])
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text
