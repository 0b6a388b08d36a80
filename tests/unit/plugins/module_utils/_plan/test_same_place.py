# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two contexts that lead to one API server are one cluster to flyteadmin."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.same_place import same_places
from conftest import Inventory, site_of

SERVERS: dict[str, t.Any] = {
    "dataplane_1": {"reachable": True, "server": "https://api:6443"},
    "dataplane_2": {"reachable": True, "server": "https://API:6443/"},
}


def test_two_hosts_at_one_address(inventory: Inventory) -> None:
    (said,) = map(str, same_places(site_of(inventory), SERVERS))
    assert said.startswith("dataplane_2: flyte_api_endpoint = 'https://API:6443/': is what flyteadmin would call for dataplane_1 already")


@pytest.mark.parametrize("change", [{"flyte_api_endpoint": "https://other"}, {"flyte_namespace": "flyte-2"}])
def test_two_clusters_behind_one_address(inventory: Inventory, change: dict[str, str]) -> None:
    inventory["dataplane_2"].update(change)
    assert not same_places(site_of(inventory), SERVERS)
    assert not same_places(site_of(inventory), {"dataplane_1": SERVERS["dataplane_1"], "dataplane_2": {"server": None}})


@pytest.mark.parametrize("first", ["controlplane", "dataplane_1"])
def test_one_cluster_by_two_names_is_told_by_what_is_in_it(inventory: Inventory, first: str) -> None:
    found: dict[str, t.Any] = {host: {"server": f"https://{host}", "place": host} for host in inventory}
    assert not same_places(site_of(inventory), found)
    found["dataplane_2"]["place"] = found[first]["place"]
    (said,) = map(str, same_places(site_of(inventory), found))
    assert f"dataplane_2: flyte_namespace = 'flyte': is the namespace of {first} in this cluster (https://dataplane_2) already" in said
    inventory["dataplane_2"]["flyte_namespace"] = "another"
    assert not same_places(site_of(inventory), found)
    assert not same_places(site_of(inventory), {host: {**entry, "place": None} for host, entry in found.items()})
