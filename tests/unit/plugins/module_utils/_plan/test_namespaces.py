# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which data planes lack the namespaces of projects, and what may only be young."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import (
    Lacking,
    lacking,
    lacking_failures,
    namespace_of,
    restart_rows,
    seconds_of,
    sync_interval,
)
from conftest import Inventory, site_of

LIVE = {"clusterConfigs": [{"name": "dataplane_1", "enabled": True}, {"name": "dataplane_2", "enabled": True}]}
PLACES = [{"project": "team1", "domain": domain} for domain in ("development", "production")]
BOTH = ["team1-development", "team1-production"]


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return site_of(inventory)


def observed(one: list[str] | None, two: list[str] | None, new: tuple[str, ...] = (), **hub: t.Any) -> dict[str, t.Any]:
    planes = {"dataplane_1": {"namespaces": one, "new_namespaces": list(new)}, "dataplane_2": {"namespaces": two, "new_namespaces": []}}
    planes = {host: {"reachable": True, **found} for host, found in planes.items()}
    return {"controlplane": {"control_plane": {"namespace_mapping": None, **hub}}, **planes}


def test_a_namespace_follows_flyteadmins_template() -> None:
    assert namespace_of(None, "team1", "production") == "team1-production"
    assert namespace_of("{{ domain }}", "team1", "production") == "production"
    assert namespace_of("x-{{ project }}-{{ domain }}-{{ project }}", "a", "b") == "x-a-b-a"


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("90s", 90), ("1.5m", 90), (None, 300), ("soon", 300)])
def test_a_duration_is_read_as_go_writes_it(text: str | None, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_what_other_planes_have_had_for_a_while_is_overdue(site: Site) -> None:
    assert lacking(site, observed(BOTH, BOTH), LIVE, PLACES) == Lacking({}, {})
    assert lacking(site, observed(BOTH, ["team1-development"]), LIVE, PLACES) == Lacking({"dataplane_2": ["team1-production"]}, {})


def test_a_young_project_is_waited_for(site: Site) -> None:
    """Its namespaces are on no plane yet, or new where they are: syncresources goes from plane to plane."""
    assert lacking(site, observed([], []), LIVE, PLACES) == Lacking({}, {"dataplane_1": BOTH, "dataplane_2": BOTH})
    found = lacking(site, observed(BOTH, [], ("team1-production",)), LIVE, PLACES)
    assert found == Lacking({"dataplane_2": ["team1-development"]}, {"dataplane_2": ["team1-production"]})
    assert found.all == {"dataplane_2": BOTH}
    assert sync_interval(site, observed([], [], refresh_interval="10s"), BOTH) == 10 and sync_interval(site, observed([], []), BOTH) == 300


def test_only_enabled_planes_that_answered_are_judged(site: Site) -> None:
    silent = {**observed(BOTH, None), "dataplane_2": {"reachable": False, "namespaces": None}}
    assert lacking(site, silent, LIVE, PLACES) == Lacking({}, {})
    # It had no release when it was asked, and so no namespaces were asked for.
    assert lacking(site, observed(BOTH, None), LIVE, PLACES) == Lacking({"dataplane_2": BOTH}, {})
    assert lacking(site, observed(BOTH, []), {"clusterConfigs": LIVE["clusterConfigs"][:1]}, PLACES) == Lacking({}, {})  # flyteadmin does not know it
    disabled = {"clusterConfigs": [LIVE["clusterConfigs"][0], {"name": "dataplane_2", "enabled": False}]}
    assert lacking(site, observed(BOTH, []), disabled, PLACES) == Lacking({}, {})
    mapped = observed(["development"], ["development"], namespace_mapping="{{ domain }}")
    assert lacking(site, mapped, LIVE, PLACES[:1]) == Lacking({}, {})


def test_what_is_done_and_said(site: Site) -> None:
    many = {"dataplane_2": [f"p{number}-production" for number in range(8)]}
    (row,) = restart_rows(site, many)
    assert (row.host, row.step, row.action) == ("controlplane", "namespaces", "restart syncresources")
    assert "dataplane_2 lacks p0-production, p1-production" in row.reason and "and 2 more" in row.reason
    (failure,) = lacking_failures(site, {"dataplane_2": ["team1-production"]})
    assert failure.host == "dataplane_2" and "team1-production is missing" in failure.problem and "restarts syncresources" in failure.remedy


def test_where_each_plane_syncs_itself_each_is_restarted_for_itself(inventory: Inventory) -> None:
    alone = site_of({host: {**own, "flyte_sync": "data_plane"} for host, own in inventory.items()})
    lacks = {"dataplane_1": ["a-production"], "dataplane_2": ["b-production"]}
    assert [(row.host, row.action, row.reason.partition(" (")[0]) for row in restart_rows(alone, lacks)] == [
        ("dataplane_1", "restart syncresources", "dataplane_1 lacks a-production"),
        ("dataplane_2", "restart syncresources", "dataplane_2 lacks b-production"),
    ]
    assert "(in dataplane_2)" in lacking_failures(alone, lacks)[1].remedy
    seen = observed([], [], refresh_interval="10s")
    seen["dataplane_1"]["refresh_interval"], seen["dataplane_2"]["refresh_interval"] = "20s", "1m"
    # That of the control plane's is of a syncresources that is not there.
    assert sync_interval(alone, seen, ["dataplane_1"]) == 20 and sync_interval(alone, seen, ["dataplane_1", "dataplane_2"]) == 60
