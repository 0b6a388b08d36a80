# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of the rights that we give: what is due, what is left over, what verify says without the chart."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights, needs, rights_due, rights_failures, rights_left
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS, rule
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import synced_of_chart
from conftest import Inventory, site_of

SYNCED = synced_of_chart(provider_files=True)
DIGEST = "d" * 64
PAIR = {"token": "t", "ca_cert": "c"}


def minimal(inventory: Inventory, *hosts: str, **everywhere: t.Any) -> Site:
    return site_of({host: {**own, **everywhere, **({"flyte_dataplane_rbac": "minimal"} if host in hosts else {})} for host, own in inventory.items()})


def seen(rules: list[t.Any], **changes: t.Any) -> dict[str, t.Any]:
    return {"rules": rules, "intact": True, "bound": True, "account": None, **changes}


def observation(**changes: t.Any) -> dict[str, t.Any]:
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 1, "status": "deployed", "values_digest": DIGEST, "age": 500, "secret": "s"}
    token = {"secret": "flyteadmin-token", "fingerprint": "t", "ca_fingerprint": "c", "age": 5}
    base = {"reachable": True, "error": None, "server": "https://api", "release": release, "token": token, "missing": [], "deployments": None, "rights": {}}
    return {**base, "control_plane": None, **changes}


def test_who_needs_what(inventory: Inventory) -> None:
    site = minimal(inventory, "dataplane_2")
    found = needs(site, SYNCED, {})
    assert found.needed == [FLYTEWORKFLOWS, *SYNCED.rules] and found.given == {"dataplane_2": {"flyteadmin": [FLYTEWORKFLOWS, *SYNCED.all]}}
    assert found.exact(site) == {"dataplane_2": [FLYTEWORKFLOWS, *SYNCED.all]}
    alone = needs(minimal(inventory, "dataplane_2", flyte_sync="data_plane"), SYNCED, {"dataplane_2": SYNCED})
    # The account whose token the control plane holds may create and delete executions only.
    assert alone.needed == [FLYTEWORKFLOWS] and alone.given == {"dataplane_2": {"flyteadmin": [FLYTEWORKFLOWS], "syncresources": SYNCED.all}}
    assert needs(site_of(inventory), None, {}).given == {} and needs(site_of(inventory), None, {}).needed == [FLYTEWORKFLOWS, *SYNCED.rules]


def test_they_survive_a_registered_result(inventory: Inventory) -> None:
    import dataclasses

    found = needs(minimal(inventory, "dataplane_1"), SYNCED, {})
    assert Rights.from_dict(dataclasses.asdict(found)) == found


RULES = [FLYTEWORKFLOWS, rule("", "namespaces", ("create", "get", "patch"))]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "make them: create flyteworkflows, delete flyteworkflows, create namespaces, get namespaces and 1 more"),
        ({"flyteadmin": seen(RULES[:1])}, "grant create namespaces, get namespaces, patch namespaces"),
        ({"flyteadmin": seen([*RULES, rule("", "secrets", ("*",))])}, "take away * secrets"),
        ({"flyteadmin": seen(RULES, bound=False)}, "its ClusterRoleBinding is missing or leads elsewhere"),
        ({"flyteadmin": seen(RULES, account=False)}, "its ServiceAccount is missing"),
        ({"flyteadmin": seen(RULES)}, None),
    ],
)
def test_what_differs_is_a_row_and_due(inventory: Inventory, there: dict[str, t.Any], said: str | None) -> None:
    site = minimal(inventory, "dataplane_1")
    rights = Rights(RULES, {"dataplane_1": {"flyteadmin": RULES}})
    config = {"clusterConfigs": [{"name": name, "endpoint": "https://api", "enabled": True} for name in ("dataplane_1", "dataplane_2")]}
    known = {"credentials": {"dataplane_1": PAIR, "dataplane_2": PAIR}, "other_keys": [], "clusters": config, "probes": {}}
    observed = {"controlplane": observation(control_plane=known), "dataplane_1": observation(rights=there), "dataplane_2": observation()}
    plan = make_plan(site, observed, chart=Chart("/c", "flyte-core", "v1"), digest=lambda _cluster, _configuration: DIGEST, aws=None, rights=rights)
    rows = [(row.host, row.step, row.action, row.reason) for row in plan.rows if row.action.startswith("rights")]
    assert rows == ([("dataplane_1", "dataplane", "rights of flyteadmin", said)] if said else [])
    # Each right, also where the reason names some of them.
    held = [change.after for row in plan.rows if row.action.startswith("rights") for change in row.held]
    whole = "create flyteworkflows; create namespaces; delete flyteworkflows; get namespaces; patch namespaces"
    assert held == ([whole] if said else [])
    grouped = {"host": "dataplane_1", "group": "flyte_todo_dataplane"} in plan.groups("controlplane", list(observed))
    assert bool(plan.rights) is bool(said) and (grouped or not said)
    # What flyteadmin may do has changed: it is tried again before a rollout depends on it.
    assert ("dataplane_1" in plan.credentials) is bool(said)


def test_what_the_chart_gives_again_is_left_over(inventory: Inventory) -> None:
    site = minimal(inventory, "dataplane_2")
    there = {"flyteadmin": seen(RULES), "syncresources": seen(RULES, account=True)}
    observed = {"dataplane_1": observation(rights=there), "dataplane_2": observation(rights=there)}
    rights = Rights(RULES, {"dataplane_2": {"flyteadmin": RULES}})
    assert rights_left(site, observed, rights) == {"dataplane_1": ["flyteadmin", "syncresources"], "dataplane_2": ["syncresources"]}
    assert rights_due(observed, rights) == {} and rights_due({"dataplane_2": {"reachable": False}}, rights) == {}


def test_verify_says_without_the_chart_what_can_be_said(inventory: Inventory) -> None:
    site = minimal(inventory, "dataplane_1")

    def said(**there: t.Any) -> list[str]:
        return [failure.problem for failure in rights_failures(site, {"dataplane_1": observation(rights=there)})]

    assert said(flyteadmin=seen(RULES[:1])) == []  # of another template: only the chart says what it needs
    assert said(flyteadmin=seen(RULES[:1], intact=False)) == [
        "the rights of flyteadmin (ClusterRole flyte-flyteadmin-minimal): its rules were changed since they were written"
    ]
    assert said() == ["the rights of flyteadmin (ClusterRole flyte-flyteadmin-minimal): it is missing"]
    assert rights_failures(site, {"dataplane_1": observation(release=None)}) == []


def test_too_many_rights_are_a_failure_of_verify(inventory: Inventory) -> None:
    site = minimal(inventory, "dataplane_1")
    probe = {"ok": True, "error": None, "hint": None, "kind": None, "denied": [], "excess": ["* secrets", "get pods"]}
    known = {"clusters": {"clusterConfigs": [{"name": "dataplane_1", "enabled": True}]}, "probes": {"dataplane_1": probe}}
    (failure,) = cluster_failures(site, {"controlplane": observation(control_plane=known), "dataplane_1": observation()})
    assert failure.host == "dataplane_1" and "flyteadmin may more than it uses (flyte_dataplane_rbac: minimal): * secrets, get pods" in failure.problem
