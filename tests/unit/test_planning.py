# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values, plan and credentials: pure functions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import table, wrapped
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import credentials as _credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import observe as _observe
from ansible_collections.flyte.multicluster.plugins.module_utils._plan import plan as _plan
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory import site as _site
from ansible_collections.flyte.multicluster.plugins.module_utils._helm import values as _values
from conftest import Inventory

DIGEST = "d" * 64


@pytest.fixture
def site(inventory: Inventory) -> _site.Site:
    planes = ["dataplane_1", "dataplane_2"]
    built, faults = _site.build(["controlplane"], planes, lambda host, name: inventory[host].get(name))
    assert built is not None, faults
    return built


def observation(**changes: t.Any) -> dict[str, t.Any]:
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 1, "status": "deployed", "values_digest": DIGEST, "age": 500, "secret": "s"}
    token = {"secret": "flyteadmin-token", "fingerprint": "t", "ca_fingerprint": "c", "age": 5}
    base = {"reachable": True, "error": None, "server": "https://api", "release": release, "token": token, "missing": [], "pods": None, "hub": None}
    return {**base, **changes}


def reason(found: dict[str, t.Any], **changes: t.Any) -> str | None:
    wanted = {"chart": "flyte-core", "version": "v1", "digest": DIGEST, "pending_timeout": 120, **changes}
    return _plan.release_reason(found, **wanted)


def test_why_helm_has_to_run() -> None:
    assert reason(observation()) is None
    assert reason(observation(release=None)) == "install flyte-core v1"
    assert reason(observation(), version="v2") == "upgrade flyte-core v1 to flyte-core v2"
    assert "values differ" in str(reason(observation(), digest="e" * 64))
    assert "CRD" in str(reason(observation(missing=["the FlyteWorkflow CRD"])))
    for status, age, said in (("pending-install", 500, "killed"), ("pending-upgrade", 5, "wait for"), ("failed", 5, "repair")):
        release = {**observation()["release"], "status": status, "age": age}
        assert said in str(reason(observation(release=release)))


def hub(**changes: t.Any) -> dict[str, t.Any]:
    base = {"credentials": {}, "other_keys": [], "clusters": {}, "probes": {}}
    return observation(hub={**base, **changes})


PAIR = {"token": "t", "ca_cert": "c"}
BOTH = {"dataplane_1": PAIR, "dataplane_2": PAIR}
OK = {"dataplane_1": {"ok": True}, "dataplane_2": {"ok": True}}


def test_credentials_are_due_where_the_hub_has_none_or_old_ones(site: _site.Site) -> None:
    configs = {"clusterConfigs": [{"name": name, "endpoint": "https://api"} for name in BOTH]}
    observed = {"controlplane": hub(credentials=BOTH, clusters=configs), "dataplane_1": observation(), "dataplane_2": observation()}
    assert _plan.credentials_due(site, observed, []) == []
    assert _plan.credentials_due(site, observed, ["dataplane_2"]) == ["dataplane_2"]
    observed["controlplane"] = hub(credentials={"dataplane_1": PAIR, "dataplane_2": {"token": "old", "ca_cert": "c"}}, clusters=configs)
    assert _plan.credentials_due(site, observed, []) == ["dataplane_2"]
    observed["dataplane_2"] = observation(reachable=False)
    assert _plan.credentials_due(site, observed, []) == []


def test_credentials_that_were_never_tried_are_tried_before_a_rollout(site: _site.Site) -> None:
    """A run that was killed after it stored them, and an endpoint that changes."""
    first, other = {"name": "dataplane_1", "endpoint": "https://api"}, {"name": "dataplane_2", "endpoint": "https://other"}
    for configs, due in (([first], ["dataplane_2"]), ([first, other], ["dataplane_2"]), ([], ["dataplane_1", "dataplane_2"])):
        found = hub(credentials=BOTH, clusters={"clusterConfigs": configs}, probes=OK)
        assert _plan.credentials_due(site, {"controlplane": found, "dataplane_1": observation(), "dataplane_2": observation()}, []) == due


def test_the_hub_configures_only_clusters_whose_keys_are_there(site: _site.Site) -> None:
    """flyteadmin panics at start for a configured cluster without its key, even a disabled one."""
    observed = {"controlplane": hub(), "dataplane_1": observation(), "dataplane_2": observation(reachable=False)}
    plan = _plan.hub_plan(site, observed, credentials={"dataplane_1": PAIR}, probes=OK)
    assert [entry["name"] for entry in plan.cluster_configs] == ["dataplane_1"]
    assert (plan.left_out, plan.unserved) == (["dataplane_2"], ["label2"])
    assert plan.label_cluster_map == {"label1": [{"id": "dataplane_1", "weight": 1}]}
    assert plan.cluster_configs[0] == {
        "name": "dataplane_1",
        "endpoint": "https://api",
        "enabled": True,
        "auth": {"type": "file_path", "tokenPath": "/var/run/credentials/dataplane_1_token", "certPath": "/var/run/credentials/dataplane_1_cacert"},
    }


def test_what_a_dead_cluster_had_stays_and_holds_the_rollout(site: _site.Site) -> None:
    live = _values.cluster_config("dataplane_2", "https://as-it-was", True)
    observed = {
        "controlplane": hub(clusters={"clusterConfigs": [live]}, credentials=BOTH),
        "dataplane_1": observation(),
        "dataplane_2": observation(reachable=False),
    }
    plan = _plan.hub_plan(site, observed, credentials=BOTH, probes={"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False}})
    assert plan.cluster_configs[1] == live and plan.unreachable == ["dataplane_2"]
    site.data_planes[1].enabled = False
    plan = _plan.hub_plan(site, observed, credentials=BOTH, probes={"dataplane_1": {"ok": True}, "dataplane_2": {"ok": False}})
    assert plan.cluster_configs[1] == {**live, "enabled": False} and plan.unreachable == []


def test_clusters_and_labels_of_others_stay(site: _site.Site) -> None:
    theirs = _values.cluster_config("by_hand", "https://by-hand", True)
    live = {"clusterConfigs": [theirs], "labelClusterMap": {"old": [{"id": "by_hand", "weight": 1}], "label1": [{"id": "by_hand", "weight": 1}]}}
    observed = {"controlplane": hub(clusters=live), "dataplane_1": observation(), "dataplane_2": observation()}
    credentials = {**BOTH, "by_hand": PAIR}
    plan = _plan.hub_plan(site, observed, credentials=credentials, probes={**OK, "by_hand": {"ok": True}})
    assert theirs in plan.cluster_configs and plan.label_cluster_map["old"] == [{"id": "by_hand", "weight": 1}]
    assert plan.label_cluster_map["label1"] == [{"id": "dataplane_1", "weight": 1}]
    site.settings["flyte_labels_prune"] = True
    assert "old" not in _plan.hub_plan(site, observed, credentials=credentials, probes=OK).label_cluster_map


def test_the_checksum_is_that_of_the_credentials_in_any_order() -> None:
    one, two = {"token": "1", "ca_cert": "a"}, {"token": "2", "ca_cert": "b"}
    checksum = _values.credentials_checksum({"x": one, "y": two})
    assert checksum == _values.credentials_checksum({"y": two, "x": one}) != _values.credentials_checksum({"x": two, "y": one})


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
    assert _values.custom_data_with(custom, "defaultIamRole", {"*": "new"}) == [
        {"production": [quota, {"defaultIamRole": {"value": "new"}}]},
        {"staging": [quota, {"defaultIamRole": {"value": "new"}}]},
    ]
    by_domain = _values.custom_data_with(custom, "defaultIamRole", {"production": "p", "extra": "e"})
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
    override = _values.control_plane_override(base=base, propeller=None, **arguments)
    volumes = override["flyteadmin"]["additionalVolumes"]
    assert volumes == [{"name": "mine", "emptyDir": {}}, {"name": "cluster-credentials", "secret": {"secretName": "cluster-credentials"}}]
    assert [mount["mountPath"] for mount in override["flyteadmin"]["additionalVolumeMounts"]] == ["/mine", "/var/run/credentials"]
    assert "flytepropeller" not in override
    assert _values.control_plane_override(base=base, propeller={}, **arguments)["webhook"] == {"enabled": True}


# -- the Secret


def test_a_patch_of_the_secret_names_only_keys_that_change() -> None:
    data = {"a_token": b"1", "a_cacert": b"ca", "foreign": b"x", "b_token": b"2", "b_cacert": b"ca"}
    assert _credentials.merge_patch(data, {"a": ("1", "ca")}) == {}
    assert set(_credentials.merge_patch(data, {"a": ("2\n", "ca")})) == {"a_token"}
    assert _credentials.merge_patch(data, {}, ["b"]) == {"b_token": None, "b_cacert": None}


def test_a_token_is_stored_without_white_space_around_it() -> None:
    """flyteadmin reads the file untrimmed: a newline in it breaks every call."""
    assert _credentials.merge_patch({"a_token": b"1\n", "a_cacert": b"ca"}, {"a": ("1\n", "ca")}) == {"a_token": "MQ=="}


def test_only_complete_pairs_count_as_credentials() -> None:
    data = {"a_token": b"1", "a_cacert": b"2", "b_token": b"1", "c_cacert": b"1", "d_token": b"", "d_cacert": b"1"}
    assert set(_credentials.stored_credentials(data)) == {"a"}


def test_a_token_shows_no_token() -> None:
    token = _credentials.Token("name", "the-token", "the-ca", "2026-01-01T00:00:00Z")
    assert "the-token" not in str(token.public()) and "the-ca" not in str(token.public())


# -- pods


def test_why_a_pod_is_not_ready() -> None:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    assert _observe.pod_problem({"status": ready}) == ""
    waiting = {"phase": "Pending", "initContainerStatuses": [{"name": "sync", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "no"}}}]}
    assert _observe.pod_problem({"status": waiting}) == "sync: CrashLoopBackOff: no"
    unscheduled = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "too big"}]}
    assert _observe.pod_problem({"status": unscheduled}) == "not scheduled: too big"


def test_a_table_fits_on_a_screen() -> None:
    rows = wrapped([{"a": "x", "b": "one two three four"}], {"a": 5, "b": 9})
    assert table(rows, ("a", "b")) == ["A  B", "x  one two", "   three", "   four"]


def test_a_config_map_that_is_no_yaml_is_no_configuration_of_clusters() -> None:
    assert _observe._clusters_section("clusters: {{ template }}") == {}
    assert _observe._clusters_section("clusters:\n  labelClusterMap: {a: []}") == {"labelClusterMap": {"a": []}}
