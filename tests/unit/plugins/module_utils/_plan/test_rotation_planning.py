# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tokens are rotated, what is due, what keeps a rotation from being begun; and that site.yml has nothing to do after one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.times import seconds_of
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import credentials_checksum
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration, cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan, plan_rollout
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import Rotation, chosen_hosts, due_hosts, due_lines, due_rows, plan_rotation
from conftest import Inventory, site_of

PLANES = ["dataplane_1", "dataplane_2"]
DAY = 86400


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return t.cast("Site", site_of(inventory))


def token(name: str, *, age: int = 100, replaces: str = "", **more: t.Any) -> dict[str, t.Any]:
    return {"secret": name, "uid": f"uid-{name}", "age": age, "fingerprint": f"fp-{name}", "ca_fingerprint": "ca", "replaces": replaces, **more}


def plane(*tokens: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    found = list(tokens) or [token("flyteadmin-token")]
    base: dict[str, t.Any] = {"reachable": True, "error": None, "server": "https://api", "token": found[0], "tokens": found, "control_plane": None}
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 1, "status": "deployed", "values_digest": "d" * 64, "age": 500, "secret": "s"}
    release["given"] = label_value("d" * 64)
    return {**base, "release": release, "missing": [], "deployments": None, **changes}


def head(stored: str = "flyteadmin-token", **changes: t.Any) -> dict[str, t.Any]:
    pairs = {name: {"token": f"fp-{stored}", "ca_cert": "ca"} for name in PLANES}
    client = {"qps": 100, "burst": 25, "timeout": "10s"}
    labels = {f"label{number}": [{"id": name, "weight": 1}] for number, name in enumerate(PLANES, 1)}
    configs = {"clusterConfigs": [cluster_config(name, "https://api", True, client) for name in PLANES], "labelClusterMap": labels}
    readers = dict.fromkeys(("flyteadmin", "syncresources"), credentials_checksum(pairs))
    known = {"credentials": pairs, "clusters": configs, "probes": {name: {"ok": True} for name in PLANES}, "readers": readers, **changes}
    return plane(control_plane=known)


def observed(*planes: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    found = list(planes) or [plane(), plane()]
    return {"controlplane": head(**changes), **dict(zip(PLANES, found))}


def planned(site: Site, found: dict[str, t.Any], hosts: t.Sequence[str] | None = None) -> Rotation:
    return plan_rotation(site, found, PLANES if hosts is None else hosts)


NEW = token("flyteadmin-token-2", replaces="flyteadmin-token/uid-flyteadmin-token")
OLD = token("flyteadmin-token", age=91 * DAY)


def test_all_planes_with_one_restart(site: Site) -> None:
    plan = planned(site, observed())
    assert plan.batches == [PLANES] and not plan.failures
    assert [(row.host, row.action) for row in plan.rows] == [
        ("dataplane_1", "make the token Secret flyteadmin-token-2"),
        ("dataplane_2", "make the token Secret flyteadmin-token-2"),
        ("controlplane", "restart flyteadmin, then syncresources"),
    ]
    assert planned(site, observed(), ["controlplane", "dataplane_2"]).batches == [["dataplane_2"]]
    site.settings["flyte_rotate_serial"] = 1
    assert planned(site, observed()).batches == [["dataplane_1"], ["dataplane_2"]]


@pytest.mark.parametrize(
    ("tokens", "stored", "action"),
    [
        ([OLD, NEW], "flyteadmin-token", "go on with the token Secret flyteadmin-token-2"),
        ([NEW, OLD], "flyteadmin-token-2", "finish the rotation"),
        # Names are never used twice: Kubernetes would sign the same token again.
        ([token("flyteadmin-token-7")], "flyteadmin-token-7", "make the token Secret flyteadmin-token-8"),
        ([token("by-hand"), token("flyteadmin-token-3")], "by-hand", "make the token Secret flyteadmin-token-4"),
        # It names another Secret, which had that name before.
        ([NEW, token("flyteadmin-token", uid="another")], "flyteadmin-token-2", "make the token Secret flyteadmin-token-3"),
    ],
)
def test_what_there_is_says_how_far_a_rotation_got(site: Site, tokens: list[dict[str, t.Any]], stored: str, action: str) -> None:
    plan = planned(site, observed(plane(*tokens), plane(*tokens), stored=stored))
    assert [row.action for row in plan.rows if row.host == "dataplane_1"] == [action]


def test_what_cannot_be_rotated_is_its_own_failure(site: Site) -> None:
    error = {"message": "it does not answer", "hint": "Start it."}
    plan = planned(site, observed(plane(reachable=False, error=error), plane(token("other"))))
    assert [(row.host, row.problem) for row in plan.failures] == [
        ("dataplane_1", "it does not answer"),
        ("dataplane_2", "dataplane_2_token of the Secret cluster-credentials is none of its tokens: it does not answer to it"),
    ]
    assert not plan.rows and not plan.batches
    plan = planned(site, observed(clusters={"clusterConfigs": []}))
    assert all("flyteadmin's configuration has no cluster" in row.problem and "site.yml" in row.remedy for row in plan.failures)


def test_nothing_is_begun_where_new_pods_would_not_start(site: Site) -> None:
    for kind in ("missing", "unusable"):
        plan = planned(site, observed(probes={"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False, "kind": kind, "error": "no key"}}))
        assert not plan.batches and not plan.rows and "would not start with dataplane_2: no key" in plan.failures[0].problem
    away = {"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False, "kind": "unreachable", "error": "away"}}
    assert planned(site, observed(probes=away), ["dataplane_1"]).batches == [["dataplane_1"]]
    site.settings["flyte_sync_at_start"] = True
    plan = planned(site, observed(probes=away), ["dataplane_1"])
    assert not plan.batches and plan.failures[0].host == "controlplane" and "flyte_cluster_enabled" in plan.failures[0].remedy


def test_what_is_due(site: Site) -> None:
    found = observed(plane(OLD), plane())
    assert due_hosts(site, found, PLANES) == {} and planned(site, found).batches == [PLANES]
    site.settings |= {"flyte_token_max_age": "90d", "flyte_rotate": "due"}
    due = due_hosts(site, found, PLANES)
    assert due == {"dataplane_1": "flyteadmin-token is 91d old, flyte_token_max_age is 90d"} and planned(site, found).batches == [["dataplane_1"]]
    assert due_hosts(site, found, ["dataplane_2"]) == {}
    assert due_lines(site, due) == [f"dataplane_1: due: {due['dataplane_1']}: run rotate.yml, or set flyte_rotate_due: true"] and not due_rows(site, due)
    site.settings["flyte_rotate_due"] = True
    assert due_lines(site, due) == [f"dataplane_1: due: {due['dataplane_1']}"]
    assert [(row.host, row.step) for row in due_rows(site, due)] == [("dataplane_1", "rotate")]


def test_a_clock_that_was_set_back_is_said(site: Site) -> None:
    """A token is renewed by its own words, and by the clock of the API server that gave it."""
    site.settings |= {"flyte_token_kind": "bounded", "flyte_rotate": "due"}
    for ahead, due in ((-9, False), (0, False), (7, False), (8, True), (30, True)):
        own = token("flyteadmin-token", kind="bounded", lifetime=24 * 3600, left=(24 + ahead) * 3600)
        found = due_hosts(site, observed(plane(own), plane(own)), ["dataplane_1"])
        assert bool(found) == (due or ahead == -9), ahead
        assert not due or f"is only issued in {ahead}h: set that clock" in found["dataplane_1"]
    ended = plane(token("flyteadmin-token", kind="bounded", **{"fingerprint": ""}))
    terms = {"dataplane_1": {"uid": "uid-flyteadmin-token", "issued": 1, "expires": 2}}
    plan = planned(site, observed(ended, plane(), terms=terms), ["dataplane_1"])
    assert "is none of its tokens" in plan.failures[0].problem


def test_a_rotation_that_was_stopped_is_due(site: Site) -> None:
    site.settings["flyte_rotate"] = "due"
    found = observed(plane(NEW, OLD), plane(NEW), stored="flyteadmin-token-2")
    assert planned(site, found).batches == [["dataplane_1"]]
    assert due_hosts(site, found, PLANES) == {"dataplane_1": "a rotation was stopped: flyteadmin-token is still there beside flyteadmin-token-2"}
    assert "flyteadmin-token-2 is there and not in use" in due_hosts(site, observed(plane(OLD, NEW), plane()), PLANES)["dataplane_1"]


def test_one_cluster_is_named(site: Site) -> None:
    site.data_planes[0].name = "east"
    assert chosen_hosts(site, ["controlplane", *PLANES], "") == (["controlplane", *PLANES], None)
    assert chosen_hosts(site, PLANES, "east")[0] == chosen_hosts(site, PLANES, "dataplane_1")[0] == ["dataplane_1"]
    hosts, fault = chosen_hosts(site, PLANES, "esat")
    assert not hosts and "Did you mean 'east'?" in str(fault)
    # Nothing would be rotated, and the run would say that all is well.
    hosts, fault = chosen_hosts(site, ["controlplane", "dataplane_2"], "east")
    assert not hosts and "is left out by --limit" in str(fault)


@pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * DAY), ("1d12h", 36 * 3600), ("30m", 1800), ("45s", 45)])
def test_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "1w", "-1d", "1 d", "1.5d", "٣d", "9999999d"])
def test_what_is_no_duration(text: str) -> None:
    assert seconds_of(text) is None


def test_site_has_nothing_to_do_after_a_rotation(site: Site) -> None:
    """A rotation restarts without Helm: the release still has the checksum of before."""
    found = observed(plane(NEW), plane(NEW), stored="flyteadmin-token-2")
    found["controlplane"]["release"]["credentials_checksum"] = "of before"

    def digest(_cluster: Cluster, configuration: Configuration | None) -> str:
        return ("d" if configuration is None or configuration.checksum == "of before" else "e") * 64

    chart = Chart("/chart", "flyte-core", "v1")

    def reasons() -> list[str]:
        return [row.reason for row in make_plan(site, found, chart=chart, digest=digest, aws=None).rows]

    assert not reasons()
    # A restart that was not done, by a rotation that was stopped, is the release's.
    found["controlplane"]["control_plane"]["readers"]["syncresources"] = "of before"
    assert [reason.partition(" (")[0] for reason in reasons()] == ["values differ"]
    known = found["controlplane"]["control_plane"]
    known["readers"] = dict.fromkeys(known["readers"], "new")
    for checksum, due in (("new", False), ("newer", True)):
        configuration = Configuration(known["clusters"]["clusterConfigs"], known["clusters"]["labelClusterMap"], checksum, [], [], [], [])
        assert bool(plan_rollout(site, found["controlplane"], configuration, chart=chart, digest=digest).reason) is due
    # Whatever else differs still is.
    found["controlplane"]["release"]["values_digest"] = "f" * 64
    assert reasons()


def test_a_stopped_rotation_changes_nothing_for_site(site: Site) -> None:
    """Two tokens are there: the one that is stored counts."""
    for tokens, stored in (([OLD, NEW], "flyteadmin-token"), ([NEW, OLD], "flyteadmin-token-2")):
        found = observed(plane(*tokens), plane(*tokens), stored=stored)
        plan = make_plan(site, found, chart=Chart("/chart", "flyte-core", "v1"), digest=lambda _cluster, _configuration: "d" * 64, aws=None)
        assert not plan.rows and not plan.credentials


def test_a_plan_shows_fingerprints_in_short(site: Site) -> None:
    pair = {"token": "0123456789abcdef", "ca_cert": "ca"}
    plan = planned(site, observed(plane(token("flyteadmin-token", fingerprint=pair["token"])), plane(), credentials={"dataplane_1": pair}))
    assert "in the place of flyteadmin-token (01234567, 100s old)" in plan.rows[0].lines()[0] and "0123456789abcdef" not in "".join(plan.rows[0].lines())
