# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation, killed at each of its requests and run again: at no moment has anything that runs a token that a data plane refuses."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import rotation
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.bounded import Terms
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import Token
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.rotation import make_successor
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from conftest import Inventory, site_of
import rotation_world
from rotation_world import Killed, Run, World, connect, signed

PLANES = ("dataplane_1", "dataplane_2")


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return t.cast("Site", site_of(inventory))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(*PLANES)
    connect(found, monkeypatch)
    return found


def rotated(world: World, number: int, planes: t.Iterable[str] = PLANES) -> None:
    """Let the planes have that token and no other one of ours, and everything run with it."""
    name = f"flyteadmin-token-{number}" if number > 1 else "flyteadmin-token"
    for plane in planes:
        assert world.planes[plane].tokens == sorted(["by-hand", name])
        for has in [world.head.stored, *(pod["read"] for app in ("flyteadmin", "syncresources") for pod in world.head.pods(app).values())]:
            assert has[f"{plane}_token"].decode() == signed(plane, name)
    assert not [path for path in world.head.objects if path.endswith("-next")]


def test_a_rotation_and_another_one(world: World, site: Site) -> None:
    found = Run(world, site).all()
    assert not found["failures"] and found["changed"] and found["rotated"] == list(PLANES)
    rotated(world, 2)
    assert world.changes == ["POST", "POST", "PATCH", "PATCH", "PATCH", "DELETE", "DELETE"]
    assert Run(world, site).all()["rotated"] == list(PLANES)
    rotated(world, 3)


def test_flyteadmin_restarts_before_syncresources_does(world: World, site: Site) -> None:
    order: list[str] = []
    start = world.head.start
    world.head.start = lambda app, annotations: (order.append(app), start(app, annotations))[1]  # type: ignore[method-assign]
    Run(world, site).all()
    assert order == ["flyteadmin", "syncresources"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("probed_from", ["controller", "control_plane", "none"])
@pytest.mark.parametrize("request_number", range(12))
def test_killed_at_any_request_it_is_finished_by_the_next_run(
    world: World, site: Site, request_number: int, probed_from: str, after: bool
) -> None:
    for plane in site.data_planes:
        plane.probe_from = probed_from
    world.kill_at, world.kill_after = request_number, after
    try:
        Run(world, site).all()
        killed = False
    except Killed:
        killed = True
    assert killed == world.dead and (killed or request_number >= 7)
    world.kill_at, world.dead = None, False
    found = Run(world, site).all()
    assert not found.get("failures")
    # What was begun is finished, and what was not is begun: all planes have the second token, or a third one where all was done.
    for plane in PLANES:
        assert len([name for name in world.planes[plane].tokens if name != "by-hand"]) == 1
    numbers = {plane: 3 if signed(plane, "flyteadmin-token-3").encode() == world.head.stored[f"{plane}_token"] else 2 for plane in PLANES}
    for plane in PLANES:
        rotated(world, numbers[plane], [plane])


def of_kind(site: Site, kind: str, lifetime: str = "24h", interval: str = "4h") -> None:
    site.settings |= {"flyte_token_kind": kind, "flyte_token_lifetime": lifetime, "flyte_token_renew_interval": interval}


def in_use(world: World, plane: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", world.observed()[plane]["token"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_number", range(0, 14, 2))
def test_tokens_that_end_come_in_the_place_of_others_and_go_again(world: World, site: Site, request_number: int, after: bool) -> None:
    """From long-lived ones to bounded ones, to newer ones of them, and back, each killed at that request."""
    for kind in ("bounded", "bounded", "long_lived"):
        of_kind(site, kind)
        site.settings["flyte_rotate"] = "all"
        world.kill_at, world.kill_after, world.changes = request_number, after, []
        try:
            Run(world, site).all()
        except Killed:
            pass
        world.kill_at, world.dead = None, False
        site.settings["flyte_rotate"] = "due"
        assert not Run(world, site).all().get("failures")
        for plane in PLANES:
            assert in_use(world, plane)["kind"] == kind and len(world.planes[plane].tokens) == 2
            assert world.planes[plane].accepts(world.head.stored[f"{plane}_token"].decode())


def test_a_bounded_token_is_renewed_when_a_third_of_its_life_is_over(world: World, site: Site) -> None:
    of_kind(site, "bounded")
    site.settings["flyte_rotate"] = "due"
    assert Run(world, site).all()["rotated"] == list(PLANES)  # another kind is wanted now
    names = {in_use(world, plane)["secret"] for plane in PLANES}
    assert names == {"flyteadmin-token-2"} and in_use(world, "dataplane_1")["lifetime"] == 24 * 3600
    world.later = 8 * 3600 - 60
    run = Run(world, site)
    assert run.all().get("rotated") is None and run.plan is not None and not run.plan.rows
    world.later = 8 * 3600 + 60
    former = world.head.stored["dataplane_1_token"].decode()
    assert Run(world, site).all()["rotated"] == list(PLANES)
    # It had two thirds of its life left, and deleting what it was bound to revoked it.
    assert not world.planes["dataplane_1"].accepts(former) and in_use(world, "dataplane_1")["secret"] == "flyteadmin-token-3"


@pytest.mark.parametrize("ahead", [-86400, -600, 600, 86400])
def test_a_token_is_due_by_the_clock_of_the_data_plane_that_gave_it(world: World, site: Site, ahead: int) -> None:
    """That of one data plane is another one than ours, and than the other's: its token is neither ended, nor due too early or too late."""
    world.planes["dataplane_1"].ahead = ahead
    of_kind(site, "bounded")
    site.settings["flyte_rotate"] = "due"
    assert Run(world, site).all()["rotated"] == list(PLANES)
    assert 24 * 3600 - 60 < in_use(world, "dataplane_1")["left"] <= 24 * 3600
    for later, rotated in ((8 * 3600 - 60, None), (8 * 3600 + 60, list(PLANES))):
        world.later = later
        assert Run(world, site).all().get("rotated") == rotated, later


def test_what_the_api_server_really_gives_counts(world: World, site: Site) -> None:
    of_kind(site, "bounded", "24h", "4h")
    world.planes["dataplane_1"].longest = 3600
    world.planes["dataplane_2"].longest = 9 * 3600
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["dataplane_1"]
    assert "gives a token for 3600 s" in found["failures"][0]["problem"] and "flyte_token_renew_interval" in found["failures"][0]["remedy"]
    assert world.planes["dataplane_1"].tokens == ["by-hand", "flyteadmin-token"]
    assert in_use(world, "dataplane_2")["lifetime"] == 9 * 3600
    site.settings["flyte_rotate"] = "due"
    world.later = 3 * 3600 + 60
    assert Run(world, site).all()["rotated"] == ["dataplane_2"]


def test_a_bounded_token_that_has_ended_is_none(world: World, site: Site) -> None:
    of_kind(site, "bounded")
    Run(world, site).all()
    assert in_use(world, "dataplane_1")["kind"] == "bounded"
    site.settings["flyte_rotate"] = "due"
    world.later = 25 * 3600
    monkey = pytest.MonkeyPatch()
    monkey.setattr(world, "look", lambda: None)
    observed = world.observed()
    monkey.undo()
    assert observed["dataplane_1"]["token"]["secret"] == "by-hand" and not observed["dataplane_1"]["tokens"][-1]["fingerprint"]


@pytest.mark.parametrize("request_number", range(7))
def test_killed_again_and_again(world: World, site: Site, request_number: int) -> None:
    """Each run gets one request further than the one before."""
    for number in range(request_number, 12):
        world.kill_at, world.dead, world.changes = number % 7, False, []
        try:
            Run(world, site).all()
        except Killed:
            continue
    world.kill_at, world.dead = None, False
    assert not Run(world, site).all().get("failures")
    assert all(len(world.planes[plane].tokens) == 2 for plane in PLANES)


def test_a_dead_plane_is_its_own_failure(world: World, site: Site) -> None:
    world.planes["dataplane_1"].down = True
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["dataplane_1"] and "stays as it was" in found["failures"][0]["remedy"]
    rotated(world, 2, ["dataplane_2"])
    world.planes["dataplane_1"].down = False
    rotated(world, 1, ["dataplane_1"])
    assert Run(world, site).all()["rotated"] == list(PLANES)
    rotated(world, 2, ["dataplane_1"])


def test_a_plane_that_does_not_take_the_new_token_keeps_the_former(world: World, site: Site) -> None:
    probe = world.probe

    def refusing(endpoint: str, token: str, ca_cert: str, **more: t.Any) -> dict[str, t.Any]:
        found = probe(endpoint, token, ca_cert, **more)
        is_new = endpoint.endswith("_1") and token != signed("dataplane_1", "flyteadmin-token")
        return {**found, "ok": False, "error": "401", "hint": "Look."} if is_new else found

    for probed_from in ("controller", "control_plane"):
        site.data_planes[0].probe_from = probed_from
        with pytest.MonkeyPatch.context() as patch:
            world.probe = refusing  # type: ignore[method-assign]
            connect(world, patch)
            found = Run(world, site).all()
        assert [row["host"] for row in found["failures"]] == ["dataplane_1"] and "is not taken: 401" in found["failures"][0]["problem"]
        assert world.head.stored["dataplane_1_token"].decode() == signed("dataplane_1", "flyteadmin-token")
        assert world.planes["dataplane_1"].tokens == ["by-hand", "flyteadmin-token", "flyteadmin-token-2"]
        assert not [path for path in world.head.objects if path.endswith("-next")]


def test_a_new_token_that_is_not_proven_in_use_leaves_the_former(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored and restarted, and then the data plane is away."""
    site.settings["flyte_wait_timeout"] = 1
    start = world.head.start

    def dying(app: str, annotations: t.Mapping[str, str]) -> None:
        start(app, annotations)
        world.planes["dataplane_2"].down = app == "syncresources"

    monkeypatch.setattr(world.head, "start", dying)
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["dataplane_2"] and found["rotated"] == ["dataplane_1"]
    assert world.planes["dataplane_2"].tokens == ["by-hand", "flyteadmin-token", "flyteadmin-token-2"]
    world.planes["dataplane_2"].down = False
    monkeypatch.undo()
    connect(world, monkeypatch)
    site.settings["flyte_rotate"] = "due"  # what was begun is finished in any case
    found = Run(world, site).all()
    assert not found["failures"] and found["rotated"] == ["dataplane_2"]
    rotated(world, 2)


def test_pods_that_do_not_come_leave_everything_valid(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.settings["flyte_wait_timeout"] = 0
    monkeypatch.setattr(world.head, "roll_out", lambda: None)
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["controlplane"] and "still" in found["failures"][0]["problem"]
    assert all("flyteadmin-token" in world.planes[plane].tokens for plane in PLANES)
    monkeypatch.undo()
    connect(world, monkeypatch)
    site.settings["flyte_wait_timeout"] = 60
    assert Run(world, site).all()["rotated"] == list(PLANES)
    rotated(world, 2)


def test_batches_restart_once_each_and_a_control_plane_that_fails_ends_them(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.settings["flyte_rotate_serial"] = 1
    run = Run(world, site)
    assert run.all()["rotated"] == list(PLANES) and run.plan is not None and run.plan.batches == [["dataplane_1"], ["dataplane_2"]]
    rotated(world, 2)
    assert world.changes.count("PATCH") == 6
    site.settings["flyte_wait_timeout"] = 0
    monkeypatch.setattr(world.head, "roll_out", lambda: None)
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["controlplane", "dataplane_2"] and "not begun" in found["failures"][1]["problem"]
    assert world.planes["dataplane_2"].tokens == ["by-hand", "flyteadmin-token-2"]


def test_check_mode_changes_nothing_and_shows_fingerprints(world: World, site: Site) -> None:
    run = Run(world, site, check=True)
    found = run.all()
    assert found["changed"] and not world.changes
    diff = run.results["rotate_stored"]["diff"]
    assert diff["before"] == {f"{plane}_token": "sha256:" + fingerprint(signed(plane, "flyteadmin-token")) for plane in PLANES}
    assert set(diff["after"].values()) == {"to be made"}


def test_no_result_has_a_token(world: World, site: Site) -> None:
    run = Run(world, site)
    run.all()
    assert run.plan is not None
    said = str(run.results) + str(run.plan.as_dict()) + str([row.lines() for row in run.plan.rows])
    assert not any(signed(plane, name) in said for plane in PLANES for name in ("flyteadmin-token", "flyteadmin-token-2"))
    assert "flyteadmin-token-2" in said


def test_a_token_that_another_run_stored_meanwhile_stays(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody stores the token that was made by hand, in the moment before we would."""
    probe = world.probe

    def slow(endpoint: str, token: str, ca_cert: str, **more: t.Any) -> dict[str, t.Any]:
        world.head.objects["/api/v1/namespaces/flyte/secrets/cluster-credentials"]["data"]["dataplane_1_token"] = _base64(signed("dataplane_1", "by-hand"))
        return probe(endpoint, token, ca_cert, **more)

    world.probe = slow  # type: ignore[method-assign]
    connect(world, monkeypatch)
    found = Run(world, site).all()
    assert [row["host"] for row in found["failures"]] == ["dataplane_1"] and "another run" in found["failures"][0]["problem"]
    assert world.head.stored["dataplane_1_token"].decode() == signed("dataplane_1", "by-hand")
    assert "flyteadmin-token" in world.planes["dataplane_1"].tokens


@pytest.mark.parametrize("kind", ["long_lived", "bounded"])
@pytest.mark.parametrize(("others", "request_number"), [*((1, number) for number in range(0, 42, 5)), *((2, number) for number in range(0, 42, 2))])
def test_other_rotations_in_the_middle_of_one(world: World, site: Site, request_number: int, others: int, kind: str) -> None:
    """Before any request of a run, so many others run to their end: nothing that runs, or is stored, has a token that a data plane refuses."""
    of_kind(site, kind)
    site.settings |= {"flyte_concurrency": 1, "flyte_wait_timeout": 1}
    if kind == "bounded":
        Run(world, site).all()
    world.beside = lambda: [Run(world, site).all() for _number in range(others)]
    world.beside_at = request_number
    Run(world, site).all()
    if world.beside is not None:
        pytest.skip("a run has fewer requests")
    assert not Run(world, site).all().get("failures")
    for plane in PLANES:
        assert len(world.planes[plane].tokens) == 2 and in_use(world, plane)["kind"] == kind


@pytest.mark.parametrize("request_number", range(0, 42, 2))
def test_a_rotation_of_another_data_plane_that_stores_its_token_in_the_middle_of_one(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch, request_number: int
) -> None:
    """Whoever comes first starts flyteadmin anew for both: none of the two has to be run again."""
    site.settings |= {"flyte_concurrency": 1, "flyte_wait_timeout": 5}

    def store() -> None:
        with monkeypatch.context() as other:
            other.setattr(rotation_world, "STEPS", {"rotate_stored": rotation_world.STEPS["rotate_stored"]})
            Run(world, site).all(hosts=["controlplane", "dataplane_2"])

    world.beside, world.beside_at = store, request_number
    found = Run(world, site).all(hosts=["controlplane", "dataplane_1"])
    if world.beside is not None:
        pytest.skip("a run has fewer requests")
    assert not found["failures"] and found["rotated"] == ["dataplane_1"]
    site.settings["flyte_rotate"] = "due"
    assert Run(world, site).all()["rotated"] == ["dataplane_2"]


def test_a_token_that_cannot_be_had_takes_nothing_from_another_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs make one Secret for bounded tokens; the one whose request fails does not revoke what the other one has in use."""
    plane, current, terms = world.planes["dataplane_1"], in_use(world, "dataplane_1"), Terms("bounded", 3600, 0)

    def successor() -> Token:
        return make_successor(plane, "flyte", "flyteadmin", current, "flyteadmin-token-2", terms=terms, timeout=1)

    theirs = successor()

    def failing(_spec: dict[str, t.Any]) -> t.Any:
        raise KubeError("api", "the API server is overloaded", status=503)

    monkeypatch.setattr(plane, "requested", failing)
    with pytest.raises(KubeError, match="overloaded"):
        successor()
    assert plane.accepts(theirs.token)
    # It has looked before the other one made it.
    with monkeypatch.context() as early, pytest.raises(KubeError, match="overloaded"):
        early.setattr(rotation, "find_bound", lambda *_place: [])
        successor()
    assert plane.accepts(theirs.token)


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()
