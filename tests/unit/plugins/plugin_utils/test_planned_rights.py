# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rights the values in use need: of the control plane's templates, or of those of each data plane."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS, rule, same
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import synced_of_chart
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rights import planned_rights
from conftest import Inventory, site_of
from lab_chart import STAND_IN

CHART = Chart(str(STAND_IN), "flyte-core", "x")
LIMITS = {"key": "limits", "value": "apiVersion: v1\nkind: LimitRange\nmetadata: {name: limits}"}
SECRET = {"key": "external", "value": "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}"}
OF_LIMITS = [rule("", "limitranges", ("create",)), rule("", "limitranges", ("get", "patch"), ["limits"])]


def of(*templates: t.Any) -> dict[str, t.Any]:
    return {"flyte_values": {"cluster_resource_manager": {"templates": list(templates)}}}


def planned(inventory: Inventory, *, whole: bool = True, **hosts: dict[str, t.Any]) -> Rights:
    given = {host: {**own, **hosts.get("everywhere", {}), **hosts.get(host, {})} for host, own in inventory.items()}
    reader = ValuesReader(site_of(given), CHART if whole else None, lambda host, name: given[host].get(name))
    return planned_rights(site_of(given), reader, whole=whole)


def test_the_rules_follow_the_control_planes_templates(inventory: Inventory) -> None:
    minimal = {"flyte_dataplane_rbac": "minimal"}
    found = planned(inventory, everywhere=minimal)
    assert same(found.given["dataplane_1"]["flyteadmin"], [FLYTEWORKFLOWS, *synced_of_chart(provider_files=True).rules])
    found = planned(inventory, everywhere=minimal, controlplane=of(LIMITS))
    assert found.given["dataplane_1"]["flyteadmin"] == found.needed == [FLYTEWORKFLOWS, *OF_LIMITS]


def test_each_plane_has_the_rules_of_its_own_templates_where_it_syncs_itself(inventory: Inventory) -> None:
    alone = {"flyte_dataplane_rbac": "minimal", "flyte_sync": "data_plane"}
    found = planned(inventory, everywhere=alone, controlplane=of(LIMITS), dataplane_2=of())
    assert found.needed == [FLYTEWORKFLOWS]
    # What the control plane's values say goes along, below those of the host.
    assert found.given["dataplane_1"] == {"flyteadmin": [FLYTEWORKFLOWS], "syncresources": OF_LIMITS}
    assert found.given["dataplane_2"] == {"flyteadmin": [FLYTEWORKFLOWS], "syncresources": []}


def test_a_template_of_an_unknown_kind_is_refused_where_we_grant_what_it_needs(inventory: Inventory) -> None:
    assert planned(inventory, controlplane=of(LIMITS, SECRET)).given == {}
    with pytest.raises(Refused) as refused:
        planned(inventory, controlplane=of(LIMITS, SECRET), dataplane_2={"flyte_dataplane_rbac": "minimal"})
    (line,) = refused.value.lines
    assert "controlplane: cluster_resource_manager.templates[external]" in line and "is a ExternalSecret" in line and "flyte_dataplane_rbac: chart" in line


def test_without_the_chart_its_templates_are_those_that_are_known(inventory: Inventory) -> None:
    minimal = {"flyte_dataplane_rbac": "minimal"}
    found = planned(inventory, whole=False, everywhere=minimal)
    assert same(found.needed, planned(inventory, everywhere=minimal).needed)
    assert planned(inventory, whole=False, everywhere=minimal, controlplane=of(LIMITS)).needed == [FLYTEWORKFLOWS, *OF_LIMITS]


def test_values_that_turn_it_on_by_hand_are_refused(inventory: Inventory) -> None:
    by_hand = {"flyte_values": {"cluster_resource_manager": {"config": {"cluster_resources": {"standaloneDeployment": True}}}}}
    for sync, said in (("control_plane", ["dataplane_1"]), ("data_plane", [])):
        given = {host: {**own, "flyte_sync": sync, **(by_hand if host in ("dataplane_1", "controlplane") else {})} for host, own in inventory.items()}
        site = site_of(given)
        reader = ValuesReader(site, CHART, lambda host, name, given=given: given[host].get(name))
        faults = [str(fault) for cluster in site.clusters for fault in reader.faults(cluster)]
        assert [fault.partition(":")[0] for fault in faults] == said and all("set that instead" in fault for fault in faults)
