# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where flyteadmin answers already, a project or a domain that it does not have is said before the first change."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, Plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _stored
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import Stored, place_faults, stored_now
from conftest import REPOSITORY, Double, Inventory, site_of
from scripted import Scripted, as_json, clean_environment  # noqa: F401  pylint: disable=unused-import

CHART = Chart(str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"), "flyte-core", "v1")
DOMAINS = ("development", "staging", "production")
IAM, ROLLOUT = Row("controlplane", "iam", "role", "x"), Row("controlplane", "controlplane", "Helm release flyte-core", "x")


def plan_of(*rows: Row) -> Plan:
    return Plan(list(rows), [], [], [], {}, [], {}, None, None, False, [])


def known_of(site: Site, *, wants_tokens: bool | None = False) -> Known:
    return Known(site, {"controlplane": {"control_plane": {"authentication": wants_tokens}}}, None, CHART)


def nothing(_host: str, _name: str) -> t.Any:
    return None


def initial(*projects: str) -> t.Callable[[str, str], t.Any]:
    return lambda _host, name: {"flyteadmin": {"initialProjects": list(projects)}} if name == "flyte_values" else None


def faults(inventory: Inventory, row: dict[str, t.Any], plan: Plan, read: t.Callable[[str, str], t.Any] = nothing) -> list[str]:
    inventory["controlplane"]["flyte_execution_cluster_labels"] = [row]
    stored = Stored({("gone", "", ""): "label1"}, [("team1", domain) for domain in DOMAINS])
    return [str(fault) for fault in place_faults(known_of(site_of(inventory)), plan, stored, read)]


def test_what_flyteadmin_has_is_no_fault(inventory: Inventory) -> None:
    assert not faults(inventory, {"project": "team1", "domain": "staging", "label": "label1"}, plan_of(IAM))
    # Of an archived project, stored before: it is written only where it changes.
    assert not faults(inventory, {"project": "gone", "label": "label1"}, plan_of(IAM))


def test_what_it_does_not_have_is_said(inventory: Inventory) -> None:
    found = faults(inventory, {"project": "teem1", "domain": "staging", "label": "label1"}, plan_of(IAM))
    assert len(found) == 1
    assert found[0].startswith("controlplane: flyte_execution_cluster_labels: flyteadmin has no active project 'teem1'. Did you mean 'team1'? Create it first")
    for variables in inventory.values():
        variables["flyte_domains"] = [*DOMAINS, "stage"]
    found = faults(inventory, {"project": "team1", "domain": "stage", "label": "label1"}, plan_of(IAM, ROLLOUT))
    assert len(found) == 1 and "the project 'team1' has no domain 'stage'. Did you mean 'staging'?" in found[0]


def test_a_project_that_the_run_itself_makes_is_no_fault(inventory: Inventory) -> None:
    row = {"project": "new", "domain": "staging", "label": "label1"}
    assert not faults(inventory, row, plan_of(IAM, ROLLOUT), initial("new"))
    # flyteadmin's pods do not start anew: it has been made, or never will be.
    assert faults(inventory, row, plan_of(IAM), initial("new"))
    assert faults(inventory, row, plan_of(IAM, ROLLOUT), initial("other"))


def test_it_is_asked_where_a_run_depends_on_it(inventory: Inventory, admin: Double) -> None:
    for variables in inventory.values():
        variables["flyte_admin_url"] = admin.url
    site = site_of(inventory)
    stored = stored_now(known_of(site), plan_of(IAM), nothing)
    assert stored is not None and ("team1", "development") in stored.places and stored.labels == {}
    admin.requests.clear()
    assert stored_now(known_of(site), plan_of(), nothing) is None
    assert stored_now(known_of(site, wants_tokens=None), plan_of(IAM), nothing) is None and not admin.requests
    site.settings["flyte_execution_cluster_labels_purge"] = ["team1"]
    assert stored_now(known_of(site), plan_of(), nothing) is not None and len(admin.requests) == 2


@pytest.mark.parametrize("answer", [None, as_json(200, {}), as_json(200, []), as_json(401, {}), as_json(500, {}), (200, {}, b"<html>")], ids=repr)
def test_whatever_else_answers_keeps_no_run_from_going_on(inventory: Inventory, answer: t.Any) -> None:
    with Scripted(answer) as server:
        for variables in inventory.values():
            variables["flyte_admin_url"] = server.url
        assert stored_now(known_of(site_of(inventory)), plan_of(IAM), nothing) is None


def test_a_flyteadmin_that_does_not_end_its_answer_is_not_waited_for(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stored, "_LONGEST", 0.2)
    monkeypatch.setattr(_stored, "_ask", lambda _settings: time.sleep(5))
    started = time.monotonic()
    assert stored_now(known_of(site_of(inventory)), plan_of(IAM), nothing) is None and time.monotonic() - started < 3
