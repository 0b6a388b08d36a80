# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes in the releases of a plan: by the real chart's stand-in, an inventory, and an API server with Helm's records."""

from __future__ import annotations

import base64
import gzip
import json
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.records import record_name
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS as SECRETS_IN_USE
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import LABEL, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values, digest, merge
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _release_changes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._release_changes import ReleaseChanges
from api_server import SECRETS, ApiServer
from conftest import REPOSITORY, Inventory, site_of

CHART = Chart(str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"), "flyte-core", "v1")
ROW = Row("dataplane_1", "dataplane", "Helm release flyte-core-data", "values differ")
NAME = record_name("flyte-core-data", 1)
PASSWORD = "hunter2-and-more"


class Case:
    """A data plane with a release, and an inventory."""

    def __init__(self, inventory: Inventory, server: ApiServer) -> None:
        self.inventory, self.server = inventory, server
        for variables in inventory.values():
            variables["flyte_request_timeout"] = 20
        inventory["dataplane_1"].pop("flyte_kube_context")
        inventory["dataplane_1"].update(flyte_kube_host=server.url, flyte_kube_api_key="the-token")

    def changes(self, **variables: t.Any) -> ReleaseChanges:
        self.inventory["dataplane_1"].update({f"flyte_{name}": value for name, value in variables.items()})
        release = {"name": "flyte-core-data", "revision": 1, "secret": NAME, "values_digest": "other", "chart": "flyte-core", "version": "v1"}
        known = Known(site_of(self.inventory), {"dataplane_1": {"release": release}}, None, CHART)
        self.known = known
        found = ReleaseChanges(known, lambda host, name: self.inventory[host].get(name))
        self.wanted = found._layers_of(known.site.cluster("dataplane_1"), None).given
        found(known.site.cluster("dataplane_1"), None)
        return found

    def record(self, values: Values, label: str | None = None) -> None:
        content = base64.b64encode(gzip.compress(json.dumps({"config": values, "manifest": ""}).encode()))
        metadata = {"name": NAME, "uid": "the-uid", "labels": {LABEL: label} if label else {}}
        self.server.answers[f"{SECRETS}/{NAME}"] = {"metadata": metadata, "data": {"release": base64.b64encode(content).decode()}}

    def judged(self, changes: ReleaseChanges, **more: t.Any) -> tuple[Row, list[str]]:
        assert changes.read_records([ROW], ["dataplane_1"], objects=False) == {}
        rows, refused = changes.judged([ROW], ["dataplane_1"], **{"objects": False, "new": False, **more})
        return rows[0], refused


@pytest.fixture
def case(inventory: Inventory) -> t.Iterator[Case]:
    with ApiServer() as server:
        yield Case(inventory, server)


def test_a_change_of_the_inventory_is_said_and_refused_by_nobody(case: Case) -> None:
    before = case.changes(values={"flytepropeller": {"replicaCount": 2}})
    case.record(case.wanted, label_value(digest(case.wanted)))
    assert before is not None
    row, refused = case.judged(case.changes(values={"flytepropeller": {"replicaCount": 3}}))
    assert row.lines() == ["dataplane_1: dataplane: Helm release flyte-core-data: values differ", "    flytepropeller.replicaCount: 2 -> 3"]
    assert refused == [] and case.server.asked == [f"GET {SECRETS}/{NAME}"]


def test_what_is_as_wanted_is_not_asked_for(case: Case) -> None:
    changes = case.changes()
    case.known.observed["dataplane_1"]["release"]["values_digest"] = digest(case.wanted)
    assert changes.read_records([ROW], ["dataplane_1"], objects=False) == {} and case.server.asked == []
    assert changes.read_records([ROW], ["controlplane"], objects=True) == {} and case.server.asked == []


def test_a_release_of_somebody_else_is_refused_until_the_inventory_has_what_it_has(case: Case) -> None:
    changes = case.changes()
    case.record(merge([case.wanted, {"flytepropeller": {"replicaCount": 5}, "mine": {"password": PASSWORD}}]))
    row, refused = case.judged(changes)
    assert refused[0].startswith("dataplane_1: the Helm release flyte-core-data in the namespace flyte: it was not made by this collection")
    assert refused[1] == "  flytepropeller.replicaCount: 5 -> 2" and refused[2].startswith("  mine.password: secret:")
    assert PASSWORD not in repr((row, refused))
    assert case.judged(case.changes(drop_values=["flytepropeller.replicaCount", "mine"]))[1] == []
    assert case.judged(case.changes(drop_values=[], values={"flytepropeller": {"replicaCount": 5}, "mine": {"password": PASSWORD}}))[1] == []


def test_an_entry_that_is_nothing_but_a_name_is_refused_and_not_called_an_order(case: Case) -> None:
    changes = case.changes()
    more: Values = {"flytepropeller": {"imagePullSecrets": [{"name": "regcred"}], "extraVolumes": [{"name": "scratch", "emptyDir": {}}]}}
    case.record(merge([case.wanted, more]))
    row, refused = case.judged(changes)
    assert refused[1:3] == ["  flytepropeller.extraVolumes[scratch].emptyDir: {}", '  flytepropeller.imagePullSecrets[regcred]: {"name": "regcred"}']
    assert "only the order" not in row.reason and len(row.changes) == 2
    assert case.judged(case.changes(drop_values=["flytepropeller.imagePullSecrets[regcred]", "flytepropeller.extraVolumes"]))[1] == []


def test_marked_paths_are_secrets(case: Case) -> None:
    changes = case.changes(secret_values=["mine"], drop_values=["mine"])
    case.record(merge([case.wanted, {"mine": {"word": PASSWORD}}]))
    row, _refused = case.judged(changes)
    assert row.changes[0].path == "mine.word" and str(row.changes[0].before).startswith("secret:") and PASSWORD not in repr(row)


def test_a_marked_path_that_names_nothing_is_refused_before_the_plan_shows_what_was_meant(case: Case) -> None:
    values = {"mine": {"word": PASSWORD}}
    changes = case.changes(secret_values=["mine.wrod", "mine"], drop_values=["mine"], values=values)
    case.known.observed["dataplane_1"]["reachable"] = True
    case.record(case.wanted)
    _row, refused = case.judged(changes)
    assert refused == ["dataplane_1: flyte_secret_values = 'mine.wrod': names nothing in the values: write it as the plan writes paths, or leave it out."]
    # What only the release has is something, and so is what another host of the group has.
    case.record(merge([case.wanted, {"mine": {"wrod": PASSWORD}}]))
    assert case.judged(changes)[1] == []
    case.record(case.wanted)
    case.inventory["controlplane"].update(flyte_secret_values=["mine.wrod"], flyte_values={"mine": {"wrod": "x"}})
    changes = case.changes()
    case.known.observed["controlplane"] = {"reachable": True}
    case.known.observed["dataplane_1"]["reachable"] = True
    assert case.judged(changes)[1] == []


def test_what_stands_at_marked_paths_is_in_no_text(case: Case) -> None:
    changes = case.changes(secret_values=["mine"], values={"mine": {"word": f"{PASSWORD}-of-inventory"}})
    case.record(merge([case.wanted, {"mine": {"word": f"{PASSWORD}-of-release"}}]))
    case.judged(changes)
    assert SECRETS_IN_USE.text(f"Helm: cannot use {PASSWORD}-of-inventory, {PASSWORD}-of-release") == "Helm: cannot use ********, ********"


def test_a_broken_record_is_that_clusters_failure(case: Case) -> None:
    changes = case.changes()
    case.server.answers[f"{SECRETS}/{NAME}"] = {"metadata": {"name": NAME, "uid": "u"}, "data": {"release": "AAAA"}}
    broken = changes.read_records([ROW], ["dataplane_1"], objects=False)
    assert list(broken) == ["dataplane_1"] and NAME in broken["dataplane_1"]["message"] and broken["dataplane_1"]["hint"]
    # What is gone by now was not changed by anybody.
    case.server.answers[f"{SECRETS}/{NAME}"] = 404
    row, refused = case.judged(changes)
    assert row.changes == () and refused == []


def test_a_record_that_does_not_come_costs_two_timeouts_at_most(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for variables in case.inventory.values():
        variables["flyte_request_timeout"] = 1
    changes = case.changes()
    monkeypatch.setattr(_release_changes, "read_record", lambda *_arguments: time.sleep(30))
    started = time.monotonic()
    broken = changes.read_records([ROW], ["dataplane_1"], objects=False)
    assert list(broken) == ["dataplane_1"] and time.monotonic() - started < 10


def test_a_new_release_says_what_it_is_given_where_that_is_wanted(case: Case) -> None:
    changes = case.changes(values={"flytepropeller": {"replicaCount": 4}, "mine": {"password": PASSWORD}})
    case.known.observed["dataplane_1"]["release"] = None
    row, _refused = case.judged(changes)
    assert [change.path for change in row.changes] == ["chart"]
    row, _refused = case.judged(changes, new=True)
    found = {change.path: change.after for change in row.changes}
    assert found["flytepropeller.replicaCount"] == "4" and found["flytepropeller.clusterName"] == "dataplane_1"
    assert found["mine.password"] == "secret:(not shown)" and PASSWORD not in repr(row) and None not in found.values()
