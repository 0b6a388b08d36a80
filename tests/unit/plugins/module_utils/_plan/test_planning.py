# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values, plan and credentials: pure functions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import credentials_checksum
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import table, wrapped
from ansible_collections.flyte.multicluster.plugins.module_utils._helm import overrides as _overrides
from ansible_collections.flyte.multicluster.plugins.module_utils._helm import values as _values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration, cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import differences, predicted_configuration, wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import credentials_due
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan, plan_rollout
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.releases import release_reason
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures
from conftest import Inventory, site_of

DIGEST = "d" * 64


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return site_of(inventory)


def observation(**changes: t.Any) -> dict[str, t.Any]:
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 1, "status": "deployed", "values_digest": DIGEST, "age": 500, "secret": "s"}
    release["given"] = label_value(DIGEST)
    token = {"secret": "flyteadmin-token", "fingerprint": "t", "ca_fingerprint": "c", "age": 5}
    base = {"reachable": True, "error": None, "server": "https://api", "release": release, "token": token}
    base |= {"missing": [], "deployments": None, "control_plane": None}
    return {**base, **changes}


def reason(found: dict[str, t.Any], **changes: t.Any) -> str | None:
    wanted = {"chart": "flyte-core", "version": "v1", "digest": DIGEST, "pending_timeout": 120, **changes}
    return release_reason(found, **wanted)


def test_why_helm_has_to_run() -> None:
    assert reason(observation()) is None
    assert reason(observation(release=None)) == "install flyte-core v1"
    assert reason(observation(), version="v2") == "upgrade flyte-core v1 to flyte-core v2"
    assert "values differ" in str(reason(observation(), digest="e" * 64))
    assert "CRD" in str(reason(observation(missing=["the FlyteWorkflow CRD"])))
    for status, age, said in (("pending-install", 500, "killed"), ("pending-upgrade", 5, "wait for"), ("failed", 5, "repair")):
        release = {**observation()["release"], "status": status, "age": age}
        assert said in str(reason(observation(release=release)))


def control_plane(**changes: t.Any) -> dict[str, t.Any]:
    base = {"credentials": {}, "other_keys": [], "clusters": {}, "probes": {}}
    return observation(control_plane={**base, **changes})


PAIR = {"token": "t", "ca_cert": "c"}
BOTH = {"dataplane_1": PAIR, "dataplane_2": PAIR}
OK = {"dataplane_1": {"ok": True}, "dataplane_2": {"ok": True}}


def test_credentials_are_due_where_the_hub_has_none_or_old_ones(site: Site) -> None:
    configs = {"clusterConfigs": [{"name": name, "endpoint": "https://api"} for name in BOTH]}
    observed = {"controlplane": control_plane(credentials=BOTH, clusters=configs), "dataplane_1": observation(), "dataplane_2": observation()}
    assert credentials_due(site, observed, []) == []
    assert credentials_due(site, observed, ["dataplane_2"]) == ["dataplane_2"]
    observed["controlplane"] = control_plane(credentials={"dataplane_1": PAIR, "dataplane_2": {"token": "old", "ca_cert": "c"}}, clusters=configs)
    assert credentials_due(site, observed, []) == ["dataplane_2"]
    observed["dataplane_2"] = observation(reachable=False)
    assert credentials_due(site, observed, []) == []


def test_credentials_that_were_never_tried_are_tried_before_a_rollout(site: Site) -> None:
    """A run that was killed after it stored them, and an endpoint that changes."""
    first, other = {"name": "dataplane_1", "endpoint": "https://api"}, {"name": "dataplane_2", "endpoint": "https://other"}
    for configs, due in (([first], ["dataplane_2"]), ([first, other], ["dataplane_2"]), ([], ["dataplane_1", "dataplane_2"])):
        found = control_plane(credentials=BOTH, clusters={"clusterConfigs": configs}, probes=OK)
        assert credentials_due(site, {"controlplane": found, "dataplane_1": observation(), "dataplane_2": observation()}, []) == due


def test_a_token_that_is_stored_already_lets_nothing_start_anew(site: Site) -> None:
    """A data plane whose release changes is tried again; its credentials are what they were."""
    configs = {"clusterConfigs": [{"name": name, "endpoint": "https://api"} for name in BOTH]}
    old = {"dataplane_1": PAIR, "dataplane_2": {"token": "old", "ca_cert": "c"}}
    for stored, checksum in ((BOTH, credentials_checksum(BOTH)), (old, credentials_checksum(BOTH))):
        observed = {"controlplane": control_plane(credentials=stored, clusters=configs, probes=OK), "dataplane_1": observation(), "dataplane_2": observation()}
        assert predicted_configuration(site, observed, list(BOTH)).checksum == checksum
    observed["dataplane_2"] = observation(token=None)
    assert predicted_configuration(site, observed, list(BOTH)).checksum != credentials_checksum(BOTH)


def test_the_hub_configures_only_clusters_whose_keys_are_there(site: Site) -> None:
    """flyteadmin panics at start for a configured cluster without its key, even a disabled one."""
    observed = {"controlplane": control_plane(), "dataplane_1": observation(), "dataplane_2": observation(reachable=False)}
    plan = wanted_configuration(site, observed, credentials={"dataplane_1": PAIR}, probes=OK)
    assert [entry["name"] for entry in plan.cluster_configs] == ["dataplane_1"]
    assert plan.left_out == ["dataplane_2"]
    assert plan.label_cluster_map == {"label1": [{"id": "dataplane_1", "weight": 1}]}
    assert plan.cluster_configs[0] == {
        "name": "dataplane_1",
        "endpoint": "https://api",
        "enabled": True,
        "auth": {"type": "file_path", "tokenPath": "/var/run/credentials/dataplane_1_token", "certPath": "/var/run/credentials/dataplane_1_cacert"},
        "kubeClientConfig": {"qps": 100, "burst": 25, "timeout": "10s"},
    }


def test_what_a_dead_cluster_had_stays(site: Site) -> None:
    """But for how long flyteadmin waits for it."""
    client = {"qps": 100, "burst": 25, "timeout": "10s"}
    live = cluster_config("dataplane_2", "https://as-it-was", True)
    observed = {
        "controlplane": control_plane(clusters={"clusterConfigs": [live]}, credentials=BOTH),
        "dataplane_1": observation(),
        "dataplane_2": observation(reachable=False),
    }
    plan = wanted_configuration(site, observed, credentials=BOTH, probes={"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False}})
    assert plan.cluster_configs[1] == {**live, "kubeClientConfig": client} and plan.unreachable == ["dataplane_2"]
    site.data_planes[1].enabled = False
    plan = wanted_configuration(site, observed, credentials=BOTH, probes={"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False}})
    assert plan.cluster_configs[1] == {**live, "enabled": False, "kubeClientConfig": client} and plan.unreachable == []


def test_clusters_and_labels_of_others_stay(site: Site) -> None:
    theirs = cluster_config("by_hand", "https://by-hand", True)
    live = {"clusterConfigs": [theirs], "labelClusterMap": {"old": [{"id": "by_hand", "weight": 1}], "label1": [{"id": "by_hand", "weight": 1}]}}
    observed = {"controlplane": control_plane(clusters=live), "dataplane_1": observation(), "dataplane_2": observation()}
    credentials = {**BOTH, "by_hand": PAIR}
    plan = wanted_configuration(site, observed, credentials=credentials, probes={**OK, "by_hand": {"ok": True}})
    assert theirs in plan.cluster_configs and plan.label_cluster_map["old"] == [{"id": "by_hand", "weight": 1}]
    assert plan.label_cluster_map["label1"] == [{"id": "dataplane_1", "weight": 1}]
    site.settings["flyte_labels_prune"] = True
    assert "old" not in wanted_configuration(site, observed, credentials=credentials, probes=OK).label_cluster_map
    # Without its keys flyteadmin would not start with it: it goes, and that is said.
    without = wanted_configuration(site, observed, credentials=BOTH, probes=OK)
    assert "clusterConfigs: by_hand: removed" in differences(site, observed, without)


def test_the_checksum_is_that_of_the_credentials_in_any_order() -> None:
    one, two = {"token": "1", "ca_cert": "a"}, {"token": "2", "ca_cert": "b"}
    checksum = credentials_checksum({"x": one, "y": two})
    assert checksum == credentials_checksum({"y": two, "x": one}) != credentials_checksum({"x": two, "y": one})


# -- the whole plan: from inventory and observation to rows

CHART = Chart("/chart", "flyte-core", "v1")
CLIENT = {"qps": 100, "burst": 25, "timeout": "10s"}
CONFIGS = {
    "clusterConfigs": [cluster_config(name, "https://api", True, CLIENT) for name in BOTH],
    "labelClusterMap": {f"label{number}": [{"id": f"dataplane_{number}", "weight": 1}] for number in (1, 2)},
}


def rows_of(site: Site, observed: dict[str, t.Any], digest: str = DIGEST) -> list[tuple[str, str, str]]:
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: digest, aws=None)
    return [(row.host, row.step, row.reason) for row in plan.rows]


def test_what_somebody_changed_in_flyteadmins_configuration_is_put_back(site: Site) -> None:
    """Helm's values are as wanted, what flyteadmin mounts is not: its pods may have read it."""
    labels = {**CONFIGS["labelClusterMap"], "label1": [{"id": "dataplane_2", "weight": 1}]}  # type: ignore[dict-item]
    head = control_plane(credentials=BOTH, clusters={**CONFIGS, "labelClusterMap": labels}, probes=OK)
    plan = make_plan(
        site, {"controlplane": head, "dataplane_1": observation(), "dataplane_2": observation()}, chart=CHART, digest=lambda _c, _d: DIGEST, aws=None
    )
    assert plan.rows[0].reason == "flyteadmin's configuration was changed by hand" and plan.rows[0].details == ("labelClusterMap: label1: dataplane_1 1",)
    assert plan.restarts == {"controlplane": ["flyteadmin", "syncresources"]} and plan.controlplane
    assert plan.configuration is not None
    rollout = plan_rollout(site, head, plan.configuration, chart=CHART, digest=lambda _c, _d: DIGEST)
    assert rollout.reason == "flyteadmin's configuration was changed by hand"


def test_nothing_to_do_is_no_row(site: Site) -> None:
    whole = {"controlplane": control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK), "dataplane_1": observation(), "dataplane_2": observation()}
    plan = make_plan(site, whole, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert not plan.rows and not plan.failures and not plan.groups("controlplane", list(whole))


def test_a_first_run_is_rows_in_their_order(site: Site) -> None:
    empty = observation(release=None, token=None)
    observed = {"controlplane": {**control_plane(), "release": None}, "dataplane_1": empty, "dataplane_2": empty}
    assert rows_of(site, observed) == [
        ("dataplane_1", "dataplane", "install flyte-core v1"),
        ("dataplane_2", "dataplane", "install flyte-core v1"),
        ("dataplane_1", "credentials", "make the token Secret flyteadmin-token"),
        ("dataplane_2", "credentials", "make the token Secret flyteadmin-token"),
        ("controlplane", "controlplane", "install flyte-core v1"),
    ]
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    groups = plan.groups("controlplane", list(observed))
    assert {"host": "controlplane", "group": "flyte_todo_credentials"} in groups and {"host": "dataplane_1", "group": "flyte_todo_dataplane"} in groups
    # --limit left the control plane out: nothing is done there.
    assert [group["host"] for group in plan.groups("controlplane", ["dataplane_1", "dataplane_2"])] == ["dataplane_1", "dataplane_2"]
    assert plan.rows[-1].details[0] == "clusterConfigs: dataplane_1: https://api, enabled true"


def test_a_broken_cluster_is_its_own_failure(site: Site) -> None:
    error = {"kind": "api", "message": "Helm's record is damaged", "hint": "Delete it."}
    observed = {
        "controlplane": control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK),
        "dataplane_1": observation(reachable=False, error=error),
        "dataplane_2": observation(missing=["the Deployment flytepropeller"]),
    }
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert [(row.host, row.problem) for row in plan.failures] == [("dataplane_1", "Helm's record is damaged")]
    assert ("dataplane_2", "dataplane", "missing: the Deployment flytepropeller") in [(row.host, row.step, row.reason) for row in plan.rows]


def test_deployments_that_are_not_ready_are_waited_for(site: Site) -> None:
    waiting = {"total": 2, "missing": [], "not_ready": [{"name": "deployment/flytepropeller", "reason": "0 of 1 new pods"}]}
    observed = {
        "controlplane": control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK),
        "dataplane_1": observation(deployments=waiting),
        "dataplane_2": observation(),
    }
    assert rows_of(site, observed) == [("dataplane_1", "dataplane", "deployment/flytepropeller: 0 of 1 new pods")]


def test_a_release_as_wanted_without_our_label_gets_it(site: Site) -> None:
    """Of an older version of this collection, or of a run that was killed after Helm; what somebody changed by hand since is none of them."""
    unlabelled = {**observation()["release"], "given": None}
    observed = {
        "controlplane": {**control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK), "release": unlabelled},
        "dataplane_1": observation(release=unlabelled),
        "dataplane_2": observation(),
    }
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert plan.marks == ["dataplane_1", "controlplane"] and plan.releases == []
    assert {entry["group"]: entry["host"] for entry in plan.groups("controlplane", list(observed))} == {
        "flyte_todo_dataplane": "dataplane_1",
        "flyte_todo_controlplane": "controlplane",
    }
    assert [row.action for row in plan.rows] == ["label of Helm release flyte-core-data", "label of Helm release flyte-core"]
    other = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: "e" * 64, aws=None)
    assert other.marks == [] and set(other.releases) == {"dataplane_1", "dataplane_2"}


def test_what_is_ready_and_does_nothing_is_started_anew(site: Site) -> None:
    idle = [{"name": "flytepropeller", "reason": "it does not lead: there is no Lease flyte/propeller-leader"}]
    observed = {
        "controlplane": control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK),
        "dataplane_1": observation(not_working=idle),
        "dataplane_2": observation(not_working=idle, missing=["the Deployment flyte-pod-webhook"]),
    }
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert plan.restarts == {"dataplane_1": ["flytepropeller"]} and plan.waiting == []  # Helm's run starts the other one anew
    assert [(row.host, row.action) for row in plan.rows if row.host == "dataplane_1"] == [("dataplane_1", "restart flytepropeller")]
    assert {"host": "dataplane_1", "group": "flyte_todo_dataplane"} in plan.groups("controlplane", list(observed))
    # Where its pods are not ready, that is what there is to wait for.
    waiting = {"total": 1, "not_ready": [{"name": "deployment/flytepropeller", "reason": "0 of 1 new pods"}]}
    observed["dataplane_1"] = observation(not_working=idle, deployments=waiting)
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert plan.restarts == {} and plan.waiting == ["dataplane_1"]


def test_what_a_killed_run_was_to_start_anew_is_started_anew(site: Site) -> None:
    """Also beside a rollout, which may have nothing to do with it, and though it is not ready: with what it read that may be why."""
    waiting = {"total": 1, "not_ready": [{"name": "deployment/flytepropeller", "reason": "0 of 1 new pods"}]}
    observed = {
        "controlplane": {**control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK), "restarts_due": ["flyteadmin"]},
        "dataplane_1": observation(restarts_due=["flytepropeller"], deployments=waiting),
        "dataplane_2": observation(restarts_due=["flytepropeller"]),
    }
    for digest in (DIGEST, "e" * 64):
        plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration, digest=digest: digest, aws=None)
        assert plan.restarts == {"controlplane": ["flyteadmin"], "dataplane_1": ["flytepropeller"], "dataplane_2": ["flytepropeller"]}
        groups = {(entry["host"], entry["group"]) for entry in plan.groups("controlplane", list(observed))}
        assert groups >= {("dataplane_2", "flyte_todo_dataplane"), ("controlplane", "flyte_todo_controlplane")}
    said = [failure.problem for failure in cluster_failures(site, observed) if failure.step in ("verify: flyteadmin", "verify: flytepropeller")]
    assert len(said) == 3 and set(said) == {"what it reads was put right, and the run that did it ended before it started it anew"}


def test_what_may_have_read_a_wrong_token_is_started_anew(site: Site) -> None:
    """Its pods were started for the right one once: no rollout starts them anew."""
    observed = {
        "controlplane": control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK),
        "dataplane_1": observation(),
        "dataplane_2": observation(),
    }
    right = predicted_configuration(site, observed, []).checksum
    readers = {"flyteadmin": right, "syncresources": right, "theirs": "of something else"}

    def restarts(stored: dict[str, t.Any], **more: t.Any) -> dict[str, list[str]]:
        known: dict[str, t.Any] = {"clusters": CONFIGS, "probes": OK, "readers": readers, **more}
        observed["controlplane"] = control_plane(credentials=stored, **known)
        return make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None).restarts

    wrong = {**BOTH, "dataplane_1": {"token": "wrong", "ca_cert": "c"}}
    assert restarts(wrong) == {"controlplane": ["flyteadmin", "syncresources"]}
    assert restarts(BOTH) == {} and restarts({"dataplane_2": PAIR}) == {}  # with a key that is missing flyteadmin does not start at all
    assert restarts(wrong, clusters={}) == {} and restarts(wrong, readers={"flyteadmin": "before"}) == {}  # Helm does it


def test_a_control_plane_that_runs_workflows_is_started_anew_too(site: Site) -> None:
    idle = [{"name": "flytepropeller", "reason": "it does not lead"}]
    hub = {**control_plane(credentials=BOTH, clusters=CONFIGS, probes=OK), "not_working": idle}
    observed = {"controlplane": hub, "dataplane_1": observation(), "dataplane_2": observation()}
    plan = make_plan(site, observed, chart=CHART, digest=lambda _cluster, _configuration: DIGEST, aws=None)
    assert plan.restarts == {"controlplane": ["flytepropeller"]}
    assert plan.groups("controlplane", list(observed)) == [{"host": "controlplane", "group": "flyte_todo_controlplane"}]


def test_a_plane_that_does_not_answer_holds_a_rollout_only_where_flyteadmin_waits_for_it(site: Site) -> None:
    configuration = Configuration([cluster_config("dataplane_1", "https://api", True)], {}, "x", [], [], ["dataplane_1"])
    free = plan_rollout(site, control_plane(), configuration, chart=CHART, digest=lambda _cluster, _configuration: "other")
    assert free.failure is None and "values differ" in str(free.reason)
    assert "dataplane_1 does not answer" in "\n".join(differences(site, {"controlplane": control_plane()}, configuration))
    site.settings["flyte_sync_at_start"] = True
    held = plan_rollout(site, control_plane(), configuration, chart=CHART, digest=lambda _cluster, _configuration: "other")
    assert held.reason is None and held.failure is not None and "not rolled out" in held.failure.problem
    quiet = plan_rollout(site, control_plane(), configuration, chart=CHART, digest=lambda _cluster, _configuration: DIGEST)
    assert quiet.reason is None and quiet.failure is None


def test_a_certificate_that_is_none_always_holds_a_rollout(site: Site) -> None:
    """flyteadmin makes a client of each configured cluster at its start, also of a dead or disabled one."""
    observed = {"controlplane": control_plane(clusters=CONFIGS), "dataplane_1": observation(), "dataplane_2": observation()}
    probes = {**OK, "dataplane_2": {"ok": False, "kind": "unusable"}}
    configuration = wanted_configuration(site, observed, credentials=BOTH, probes=probes)
    held = plan_rollout(site, control_plane(), configuration, chart=CHART, digest=lambda _cluster, _configuration: "other")
    assert held.reason is None and held.failure is not None and "CA certificate of the data plane dataplane_2" in held.failure.problem


def test_the_default_execution_label_is_the_inventorys_or_the_one_that_is_there(site: Site) -> None:
    live = {**CONFIGS, "labelClusterMap": {"label1": []}, "defaultExecutionLabel": "label1"}
    observed = {"controlplane": control_plane(clusters=live), "dataplane_1": observation(), "dataplane_2": observation()}

    def default() -> tuple[str | None, list[str]]:
        found = wanted_configuration(site, observed, credentials=BOTH, probes=OK)
        assert found.section().get("defaultExecutionLabel") == found.default_label
        return found.default_label, found.kept

    assert default() == ("label1", ["default execution label label1"])
    site.settings["flyte_default_execution_label"] = "label2"
    assert default() == ("label2", [])
    wanted = wanted_configuration(site, observed, credentials=BOTH, probes=OK)
    assert "defaultExecutionLabel: label2" in differences(site, observed, wanted)
    site.settings.update(flyte_default_execution_label=None, flyte_labels_prune=True)
    assert default() == (None, [])


# -- values


def test_values_are_merged_as_helm_does() -> None:
    assert _values.merge([{"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3], "d": None}}, {"e": {}}]) == {"a": {"b": 1, "c": [3], "d": None}, "e": {}}


def test_a_digest_is_that_of_what_helm_stores() -> None:
    assert _values.digest({"a": 1.0, "b": {"c": [1, "x"]}}) == _values.digest({"b": {"c": [1, "x"]}, "a": 1})
    assert _values.digest({"a": "1"}) != _values.digest({"a": 1}) and _values.digest(None) == _values.digest({})


@pytest.mark.parametrize(("text", "value"), [("a: 2026-01-01", "2026-01-01"), ("a: 1e3", 1000.0), ("a: yes", True), ("a: 0.5", 0.5), ('a: "1e3"', "1e3")])
def test_yaml_is_read_as_helm_reads_it(text: str, value: t.Any) -> None:
    assert _values.parse(text) == {"a": value}


@pytest.mark.parametrize("text", ["- a", "a: [", "text"])
def test_what_is_no_values_file(text: str) -> None:
    with pytest.raises(ValueError, match="no YAML"):
        _values.parse(text)


def test_the_default_role_comes_with_the_quotas_kept() -> None:
    quota = {"projectQuotaCpu": {"value": "5"}}
    custom = [{"production": [quota, {"defaultIamRole": {"value": "old"}}]}, {"staging": [quota]}]
    assert _overrides.custom_data_with(custom, "defaultIamRole", {"*": "new"}) == [
        {"production": [quota, {"defaultIamRole": {"value": "new"}}]},
        {"staging": [quota, {"defaultIamRole": {"value": "new"}}]},
    ]
    by_domain = _overrides.custom_data_with(custom, "defaultIamRole", {"production": "p", "extra": "e"})
    assert by_domain[0]["production"][1] == {"defaultIamRole": {"value": "p"}} and by_domain[1] == {"staging": [quota]}
    assert by_domain[2] == {"extra": [{"defaultIamRole": {"value": "e"}}]}


def test_the_users_lists_are_carried_along_in_the_override() -> None:
    base = {
        "flyteadmin": {
            "additionalVolumes": [{"name": "mine", "emptyDir": {}}, {"name": "cluster-credentials", "secret": {"secretName": "old"}}],
            "additionalVolumeMounts": [{"name": "mine", "mountPath": "/mine"}],
        }
    }
    arguments: dict[str, t.Any] = {
        "cluster_configs": [],
        "label_cluster_map": {},
        "checksum": "x",
        "domain_key": "defaultIamRole",
        "domain_values": {},
        "service_account_annotations": {},
    }
    override = _overrides.control_plane_override(base=base, propeller=None, **arguments)
    volumes = override["flyteadmin"]["additionalVolumes"]
    assert volumes == [{"name": "mine", "emptyDir": {}}, {"name": "cluster-credentials", "secret": {"secretName": "cluster-credentials"}}]
    assert [mount["mountPath"] for mount in override["flyteadmin"]["additionalVolumeMounts"]] == ["/mine", "/var/run/credentials"]
    assert "flytepropeller" not in override
    assert override["cluster_resource_manager"]["standalone_deploy"] is True
    waiting = _overrides.control_plane_override(base=base, propeller=None, sync_at_start=True, **arguments)
    assert waiting["cluster_resource_manager"]["standalone_deploy"] is False
    assert _overrides.control_plane_override(base=base, propeller={}, **arguments)["webhook"] == {"enabled": True}


def test_a_table_fits_on_a_screen() -> None:
    rows = wrapped([{"a": "x", "b": "one two three four"}], {"a": 5, "b": 9})
    assert table(rows, ("a", "b")) == ["A  B", "x  one two", "   three", "   four"]
