# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run decides only after its first changes is in a plan that is written, and each step is held to the one that was approved."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.action.flyte_release import ActionModule
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import HIDDEN
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import own_canary_rows, users_canary_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import predicted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.labels import label_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import restart_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, Plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import due_row
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from ansible_collections.flyte.multicluster.plugins.modules import flyte_canary, flyte_ecl, flyte_ecl_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _namespace_steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._canary_steps import prove, prove_hosts
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import Pairs, planned_identities
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._later_rows import later_rows, with_secrets
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._placement_steps import set_labels
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from ansible_collections.flyte.multicluster.plugins.plugin_utils._release_changes import ReleaseChanges
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rotation_plan import rotation_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work
from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import Stored
from conftest import REPOSITORY, Inventory, site_of

CHART = Chart(str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"), "flyte-core", "v1")
KEY = "k" * 24
LIVE: dict[str, t.Any] = {
    "clusterConfigs": [{"name": name, "enabled": True} for name in ("dataplane_1", "dataplane_2")],
    "labelClusterMap": {f"label{number}": [{"id": f"dataplane_{number}", "weight": 1}] for number in (1, 2)},
}
PLACES = [("team1", domain) for domain in ("development", "production")]
NAMESPACES = [f"{project}-{domain}" for project, domain in PLACES]


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return t.cast("Site", site_of(inventory))


def observed(one: t.Sequence[str] = (), two: t.Sequence[str] = (), **head: t.Any) -> dict[str, dict[str, t.Any]]:
    planes = {f"dataplane_{number}": {"reachable": True, "namespaces": list(names), "new_namespaces": []} for number, names in enumerate((one, two), 1)}
    return {"controlplane": {"reachable": True, "control_plane": {"clusters": LIVE, **head}}, **planes}


def nothing(_host: str, _name: str) -> t.Any:
    return None


def approved(site: Site, folder: pathlib.Path, *rows: Row) -> None:
    """Hold a site to a plan of these rows."""
    path = str(folder / "plan.json")
    site.settings |= {"flyte_plan_file": path, "flyte_approved_plan": None}
    PlanFiles(site, nothing).use(rows, [], write=True)
    site.settings |= {"flyte_plan_file": None, "flyte_approved_plan": path}


class Modules:
    """In the place of the modules that steps run: what they answer, and which were run."""

    def __init__(self, **answers: t.Any) -> None:
        self.answers, self.ran = answers, list[str]()

    def __call__(self, operation: t.Any, _arguments: t.Any) -> dict[str, t.Any]:
        name = {id(flyte_ecl.OPERATION): "ecl", id(flyte_ecl_info.OPERATION): "info", id(flyte_canary.OPERATION): "canary"}[id(operation)]
        self.ran.append(name)
        return t.cast("dict[str, t.Any]", self.answers[name])


def work(site: Site, modules: Modules | None = None, seen: dict[str, dict[str, t.Any]] | None = None) -> Work:
    variables = types.SimpleNamespace(read=nothing, result=lambda _host, _name: None)
    action = types.SimpleNamespace(check_mode=False, here=modules, variables=variables)
    known = Known(site, seen or observed(NAMESPACES, NAMESPACES), None, CHART)
    return Work(t.cast("t.Any", action), known, {}, [], Outcomes(t.cast("t.Any", variables), [], []))


# -- the plan


def plan_of(*rows: Row) -> Plan:
    return Plan(list(rows), [], [], [], {}, [], {}, None, None, False, [])


def later(site: Site, seen: dict[str, t.Any], *rows: Row, answers: bool = True) -> list[str]:
    found = later_rows(Known(site, seen, None, CHART), plan_of(*rows), Stored({}, PLACES) if answers else None, [], [], KEY)
    return [f"{row.host}: {row.step}: {row.action}" for row in found]


RESTART = "controlplane: namespaces: restart syncresources"
ROLLOUT, IAM = Row("controlplane", "controlplane", "Helm release flyte-core", "x"), Row("controlplane", "iam", "role r", "x")


def test_a_restart_of_syncresources_is_planned_where_a_namespace_is_missing_or_may_be(site: Site) -> None:
    assert later(site, observed(NAMESPACES, NAMESPACES)) == later(site, observed(NAMESPACES, NAMESPACES), IAM) == []
    assert later(site, observed(NAMESPACES, NAMESPACES[:1])) == [RESTART]
    # A rollout may make projects, and before the first one nobody says which there are.
    assert later(site, observed(NAMESPACES, NAMESPACES), ROLLOUT) == later(site, observed(NAMESPACES, NAMESPACES), answers=False) == [RESTART]
    assert later(site, observed(NAMESPACES, []), ROLLOUT) == [RESTART]


def test_where_each_plane_syncs_itself_each_is_planned(inventory: Inventory) -> None:
    alone = site_of({host: {**own, "flyte_sync": "data_plane"} for host, own in inventory.items()})
    each = [f"dataplane_{number}: namespaces: restart syncresources" for number in (1, 2)]
    assert later(alone, observed(NAMESPACES, [])) == each[1:] and sorted(later(alone, observed(NAMESPACES, []), ROLLOUT)) == each


def test_executions_of_canaries_are_planned(site: Site) -> None:
    site.settings |= {"flyte_canary_workflow": "w", "flyte_canary_version": "v1", "flyte_canary_inputs": {"password": "hunter2", "n": 1}}
    users = ["controlplane: verify: launch w"]
    seen = observed(NAMESPACES, NAMESPACES)
    assert later(site, seen) == users
    (row,) = users_canary_rows(site, KEY)
    shown = {change.path: change.after for change in row.changes}
    assert shown["version"] == "v1" and shown["inputs.n"] == "1" and str(shown["inputs.password"]).startswith("secret:") and "hunter2" not in repr(row)
    site.settings["flyte_canary_project"] = "team1"
    # Ours is launched only where something was changed.
    assert later(site, seen) == users
    assert later(site, seen, IAM) == [*users, *(f"dataplane_{number}: verify: launch the canary" for number in (1, 2))]


def test_clusters_that_nobody_owns_are_planned_with_what_becomes_of_their_executions(site: Site) -> None:
    site.settings["flyte_remove_executions"] = "abort"
    (row,) = later_rows(Known(site, observed(NAMESPACES, NAMESPACES), None, CHART), plan_of(), Stored({}, PLACES), [], ["old"], None)
    assert (row.step, row.action) == ("prune", "remove the cluster old") and "its executions are aborted" in row.reason
    assert {change.path: change.after for change in row.held} == {"flyte_remove_executions": "abort", "flyte_remove_force": "false"}


def test_rows_of_labels_that_a_killed_run_left_are_planned(site: Site) -> None:
    left = {("team1", "development", "w"): "label1"}
    more = {row.action for row in label_rows(site, LIVE, {}, left)} - {row.action for row in label_rows(site, LIVE, {})}
    assert more == {"label of team1/development/w"}
    assert label_rows(site, LIVE, {**left}, left) == label_rows(site, LIVE, {**left})
    site.settings["flyte_execution_cluster_labels_purge"] = ["team1"]
    assert label_rows(site, LIVE, {}, left) == label_rows(site, LIVE, {})


@pytest.mark.parametrize("key", [KEY, None])
def test_which_secret_flytepropeller_gets_is_held_by_a_fingerprint_that_nobody_can_guess_against(site: Site, key: str | None) -> None:
    row = Row("dataplane_1", "dataplane", "Secret flyte-secret-auth", "client_secret 1a2b3c4d")
    one, two = fingerprint("hunter2"), fingerprint("hunter3")

    def held(new: str) -> t.Any:
        known = Known(site, observed(), None, CHART, {"dataplane_1": Identity("c", "x", False, {"client_secret": new}, {})})
        known.observed["dataplane_1"]["identity"] = {"keys": {"client_secret": fingerprint("old")}}
        (found,) = with_secrets([row], known, key)
        return found.held

    (change,) = held(one)
    assert one[:8] not in repr(change)
    if key:
        assert change.after.startswith("secret:") and change.after != change.before and held(one) == (change,) != held(two)
    else:
        assert change.before == change.after == HIDDEN
    assert with_secrets([IAM], Known(site, observed(), None, CHART), key) == [IAM]


# -- a rotation


def rotating(site: Site, *, tokens: t.Sequence[tuple[str, str]], stored: str) -> Known:
    found = [
        {"secret": name, "uid": f"uid-{name}", "age": 100, "fingerprint": f"{name}-fp", "ca_fingerprint": "ca", "replaces": replaces}
        for name, replaces in tokens
    ]  # fmt: skip
    seen = observed(credentials={"dataplane_1": {"token": f"{stored}-fp", "ca_cert": "ca"}}, probes={}, readers={"flyteadmin": "x"})
    seen["dataplane_1"] |= {"tokens": found, "token": found[0], "error": None}
    return Known(site, {host: seen[host] for host in ("controlplane", "dataplane_1")}, None, None)


def rotation(known: Known, *, due: bool = False) -> dict[str, t.Any]:
    return rotation_of(known, ["dataplane_1"], {"cluster": "", "due": due}, PlanFiles(known.site, nothing))


def test_a_rotation_is_held_to_its_plan_until_it_has_ended(site: Site, tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "plan.json")
    site.settings |= {"flyte_plan_file": path, "flyte_canary_project": "team1", "flyte_rotate": "all"}
    first, second = ("flyteadmin-token", ""), ("flyteadmin-token-2", "flyteadmin-token/uid-flyteadmin-token")
    one, two = first[0], second[0]
    rotation(rotating(site, tokens=[first], stored=one))
    site.settings |= {"flyte_plan_file": None, "flyte_approved_plan": path}
    # As it was, as a run leaves it that is killed before the new token is stored, and after that.
    for tokens, stored in (([first], one), ([first, second], one), ([second, first], two)):
        assert rotation(rotating(site, tokens=tokens, stored=stored))["rotation"]["batches"] == [["dataplane_1"]]
    # It is done: by the same plan there is no other one.
    with pytest.raises(Refused, match="make the token Secret flyteadmin-token-3: is not in the approved plan"):
        rotation(rotating(site, tokens=[second], stored=two))
    site.settings["flyte_canary_project"] = None
    rotation(rotating(site, tokens=[first], stored=one))
    # In other batches what reads tokens starts anew more often, or with all of them at once.
    site.settings["flyte_rotate_serial"] = 1
    with pytest.raises(Refused, match='controlplane: rotate: restart flyteadmin: flyte_rotate_serial: .* -> "1"; approved is .* -> "all at once"'):
        rotation(rotating(site, tokens=[first], stored=one))
    site.settings["flyte_rotate_serial"] = None
    approved(site, tmp_path, IAM)
    with pytest.raises(Refused, match="dataplane_1: rotate: make the token Secret flyteadmin-token-2: is not in the approved plan"):
        rotation(rotating(site, tokens=[first], stored=one))


def test_what_is_due_is_held_to_the_plan_of_site(site: Site, tmp_path: pathlib.Path) -> None:
    site.settings["flyte_token_max_age"] = "1s"
    approved(site, tmp_path, due_row(site, "dataplane_1"))
    site.settings["flyte_plan_file"] = str(tmp_path / "other.json")
    assert rotation(rotating(site, tokens=[("t", "")], stored="t"), due=True)["rotation"]["batches"] == [["dataplane_1"]]
    assert not (tmp_path / "other.json").exists()  # site.yml's own plan is there
    for more in ({"flyte_token_kind": "bounded"}, {"flyte_rotate_serial": 1}):
        before = {name: site.settings[name] for name in more}
        site.settings |= more
        with pytest.raises(Refused, match=f"dataplane_1: rotate: rotate the token: {next(iter(more))}: "):
            rotation(rotating(site, tokens=[("t", "")], stored="t"), due=True)
        site.settings |= before
    approved(site, tmp_path, IAM)
    with pytest.raises(Refused, match="dataplane_1: rotate: rotate the token: is not in the approved plan"):
        rotation(rotating(site, tokens=[("t", "")], stored="t"), due=True)


# -- the steps


def test_labels_are_compared_once_more_before_they_are_set(site: Site, tmp_path: pathlib.Path) -> None:
    stored = {"rows": [], "project_domains": []}
    done = {"changed": True, "diff": {}, **stored, "restored": []}
    approved(site, tmp_path, *label_rows(site, LIVE, {}))
    modules = Modules(info=stored, ecl=done)
    assert not set_labels(work(site, modules)).get("failed") and modules.ran == ["info", "ecl"]
    # Somebody stored one meanwhile that would be removed, or would be another one.
    site.settings["flyte_execution_cluster_labels_purge"] = ["team1"]
    modules = Modules(info={**stored, "rows": [{"project": "team1", "domain": "staging", "workflow": "", "label": "label1"}]}, ecl=done)
    found = set_labels(work(site, modules))
    assert found["failed"] and modules.ran == ["info"] and "ecl: label of team1/staging: is not in the approved plan" in found["msg"]
    site.settings["flyte_approved_plan"] = None
    modules.ran.clear()
    assert not set_labels(work(site, modules)).get("failed") and modules.ran == ["ecl"]


def test_syncresources_starts_anew_only_where_the_plan_says_it(site: Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[t.Any] = []
    monkeypatch.setattr(_namespace_steps, "restart_all", lambda _work, hosts: (started.append(hosts), [])[1])
    monkeypatch.setattr(_namespace_steps, "wait_for", lambda _work, _hosts: ([], {}))
    monkeypatch.setattr(_namespace_steps, "until_there", lambda _work, missing, _seconds: dict(missing))
    places = [{"project": project, "domain": domain} for project, domain in PLACES]
    lacks = observed(NAMESPACES, NAMESPACES[:1])
    approved(site, tmp_path, IAM)
    found = _namespace_steps.restart_syncresources(work(site, seen=lacks), LIVE, places)
    assert found["failed"] and not started and "restart syncresources: is not in the approved plan" in found["msg"]
    approved(site, tmp_path, *restart_rows(site, {"dataplane_1": ["x"]}))
    found = _namespace_steps.restart_syncresources(work(site, seen=lacks), LIVE, places)
    assert not found.get("failed") and started == [{"controlplane": ["syncresources"]}]


def test_canaries_are_launched_only_where_the_plan_says_it(site: Site, tmp_path: pathlib.Path) -> None:
    site.settings |= {"flyte_canary_workflow": "w", "flyte_canary_project": "team1"}
    own, users = own_canary_rows(site, ["dataplane_1", "dataplane_2"]), users_canary_rows(site, None)
    modules = Modules(canary={"canaries": []})
    for rows, missing in (([], "launch w"), (own, "launch w"), ([*users, own[0]], "dataplane_2: verify: launch the canary")):
        approved(site, tmp_path, *rows)
        found = prove(work(site, modules))
        assert found["failed"] and not modules.ran and missing in found["msg"], missing
    approved(site, tmp_path, *users, *own)
    prove(work(site, modules))
    assert modules.ran == ["canary"]
    approved(site, tmp_path, *own[:1])
    found = prove_hosts(work(site, modules), ["dataplane_1", "dataplane_2"])
    assert set(found) == {"dataplane_1", "dataplane_2"} and len(modules.ran) == 1
    assert prove_hosts(work(site, modules), ["dataplane_1"]) == {} and len(modules.ran) == 2


def test_the_control_planes_release_is_compared_once_more_with_the_credentials_that_could_be_stored(
    inventory: Inventory, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One label leads to the plane whose credentials fail: without any label flyteadmin gets one of ours, which nobody approved."""
    for own in inventory.values():
        own |= {"flyte_labels": {"label2": [{"cluster": "dataplane_2", "weight": 1}]}, "flyte_execution_cluster_labels": []}
    inventory["controlplane"]["flyte_user_settings"] = {"certificateArn": "arn:aws:acm:us-east-2:1:certificate/y", "rdsHost": "db", "dbPassword": "pw"}
    site = site_of(inventory)
    seen: dict[str, dict[str, t.Any]] = {host: {"reachable": True, "server": f"https://{host}", "release": None} for host in inventory}
    seen["controlplane"]["control_plane"] = {"credentials": {}, "clusters": None, "probes": {}}

    def read(host: str, name: str) -> t.Any:
        return KEY if name == "flyte_plan_key" else inventory[host].get(name)

    changes = ReleaseChanges(known := Known(site, seen, None, CHART), read)
    changes(site.control_plane, predicted_configuration(site, seen, ["dataplane_1", "dataplane_2"]))
    (planned,), _lost = changes.judged([ROLLOUT], ["controlplane"], objects=False, new=True, key=KEY)
    approved(site, tmp_path, dataclasses.replace(planned, action=f"Helm release {site.control_plane.release}"))
    action = ActionModule.__new__(ActionModule)
    action.variables = types.SimpleNamespace(read=read)
    action.task_vars = {"inventory_hostname": "controlplane", "groups": {"flyte_control_plane": ["controlplane"]}}
    action._task = types.SimpleNamespace(check_mode=False, environment=[])
    deployed: list[list[str]] = []
    held_to: list[str | None] = []
    expected: list[list[str] | None] = []

    def deploy(_known: Known, _cluster: t.Any, configuration: t.Any, planned: str | None, **also: t.Any) -> dict[str, t.Any]:
        held_to.append(planned)
        expected.append(also["expected"])
        deployed.append([entry["name"] for entry in configuration.cluster_configs])
        return {"changed": True, "failures": []}

    monkeypatch.setattr(action, "_deployed", deploy)
    pairs = {name: {"token": name, "ca_cert": "c"} for name in ("dataplane_1", "dataplane_2")}

    def run(*names: str) -> dict[str, t.Any]:
        plan = {**known.as_dict(), "releases": ["controlplane"], "marks": [], "restarts": {}}
        credentials = {"credentials": {name: pairs[name] for name in names}, "probes": {name: {"ok": True} for name in names}}
        action.task_vars["found"] = plan
        return t.cast("dict[str, t.Any]", action.act({"plan": "found", "credentials": credentials}))

    found = run("dataplane_1")
    assert found["failed"] and not deployed and "flyte_approved_plan does not say it" in found["msg"] and "labelClusterMap" in found["msg"]
    assert run("dataplane_1", "dataplane_2")["changed"] and deployed == [["dataplane_1", "dataplane_2"]]
    # A removal is not compared anew: its values have to be those of its plan.
    removal = {"digests": {"controlplane": "d"}, "removal": {"releases": ["c"]}}
    action.task_vars["found"] = {**known.as_dict(), "releases": [], "marks": [], "restarts": {}, **removal}
    both = {"credentials": pairs, "probes": {name: {"ok": True} for name in pairs}}
    assert action.act({"plan": "found", "credentials": both})["changed"] and held_to == [None, "d"] and expected == [None, ["c"]]
    # Fewer are a part of what was approved, where labels are there.
    assert run("dataplane_2")["changed"] and deployed[-1] == ["dataplane_2"]
    site.settings["flyte_approved_plan"] = None
    assert run("dataplane_1")["changed"]


def test_a_secret_that_became_another_one_since_the_plan_is_not_written(inventory: Inventory) -> None:
    inventory["dataplane_1"]["flyte_propeller_client_secret"] = "first-secret-4711"
    seen = {host: {"reachable": True, "control_plane": {}} for host in inventory}
    known = Known(site_of(inventory), seen, None, CHART)

    def read(host: str, name: str) -> t.Any:
        return inventory[host].get(name)

    plane, identity = known.site.cluster("dataplane_1"), planned_identities(known, read)["dataplane_1"]
    assert Pairs(known, read).texts(plane, identity) == {"client_secret": "first-secret-4711"}
    inventory["dataplane_1"]["flyte_propeller_client_secret"] = "second-secret-4711"
    with pytest.raises(ModuleFailed, match="the Secret flyte-secret-auth of dataplane_1: not written: .* gives another secret") as error:
        Pairs(known, read).texts(plane, identity)
    assert "4711" not in str(error.value)
