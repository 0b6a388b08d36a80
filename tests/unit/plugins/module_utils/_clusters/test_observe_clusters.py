# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All clusters at once: what a whole one shows, and that a broken one is its own failure."""

from __future__ import annotations

import datetime
import email.utils
import socket
import threading
import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import control_plane as _control_plane
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import observe as _observe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe as _probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from api_server import (
    ACCOUNT,
    CONFIG_MAPS,
    CRD,
    DEPLOYMENTS,
    PODS,
    RECORDS,
    SECRETS,
    TOKENS,
    ApiServer,
    control_plane,
    data_plane,
    deployment,
    encoded,
    helm_record,
    pod,
    token_secret,
    working_plane,
)

SECRET = f"{SECRETS}/cluster-credentials"


def spec(server: ApiServer, name: str = "dataplane_1", **changes: t.Any) -> dict[str, t.Any]:
    base = {"name": name, "access": server.access, "namespace": "flyte", "release": "flyte-core-data", "control_plane": False, "data_plane": True}
    return {**base, "token_secret": "flyteadmin-token", "propeller": True, "rights": False, **changes}


def observed(*specs: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return observe(specs, concurrency=4, timeout=5, rules=[])


def test_a_healthy_data_plane_takes_few_requests() -> None:
    """What a run with nothing to do costs is paid a hundred times a day."""
    with ApiServer(data_plane()) as server, ApiServer(working_plane()) as working:
        found, whole = observed(spec(server), spec(working, "b")).values()
        assert len(server.seen) == 5  # neither a leader nor a webhook is in this release
        assert len(working.seen) == 7
    assert whole["reachable"] and whole["not_working"] == [] and whole["namespaces"] == ["default", "flyte", "team1-development"]
    assert found["reachable"] and found["error"] is None and found["missing"] == [] and found["deployments"] == {"total": 1, "not_ready": [], "resized": []}
    assert found["release"]["status"] == "deployed" and found["token"]["secret"] == "flyteadmin-token" and found["control_plane"] is None
    assert "its-token" not in str(found) and "its-ca" not in str(found)


def test_many_clusters_do_not_take_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may often have 1,024 open ones; a connection to each of a thousand clusters is more."""
    monkeypatch.setattr(_observe, "_OPEN", 2)
    counts, lock = [0, 0], threading.Lock()
    with ApiServer(data_plane()) as server:
        serve = server._server.process_request_thread

        def counted(*request: t.Any) -> None:
            with lock:
                counts[:] = counts[0] + 1, max(counts[0] + 1, counts[1])
            serve(*request)
            with lock:
                counts[0] -= 1

        monkeypatch.setattr(server._server, "process_request_thread", counted)
        found = observed(*(spec(server, f"dataplane_{number}") for number in range(30)))
    assert len(found) == 30 and all(entry["reachable"] for entry in found.values())
    # The server sees a moment later that one was closed.
    assert 1 <= counts[1] <= 10


def test_the_secrets_of_a_cluster_are_forgotten_when_it_is_observed() -> None:
    """All Secrets of a thousand namespaces are more than what is kept of them."""
    with ApiServer(data_plane()) as server:
        opened = _observe._opened(spec(server), 5, server_version=False)
        assert "flyteadmin-token" in opened.secrets
        whole = opened.complete()
    assert whole.found["reachable"] and whole.found["token"] and not whole.secrets and whole.kube is None


def test_many_dead_clusters_that_flyteadmin_knows_are_no_failure_of_the_control_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked so many at once, and each may take its whole time."""
    monkeypatch.setattr(_probe, "WIDE", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        names = [f"dead_{number}" for number in range(10)]
        section = {"clusterConfigs": [{"name": name, "endpoint": endpoint, "enabled": True} for name in names]}
        pairs = encoded(**{f"{name}_{suffix}": "x" for name in names for suffix in ("token", "cacert")})
        config = {"data": {"clusters.yaml": yaml.safe_dump({"clusters": section})}}
        with ApiServer(control_plane(**{f"{CONFIG_MAPS}/config": config, SECRET: {"data": pairs}})) as server:
            found = observe([spec(server, control_plane=True)], concurrency=4, timeout=0.5, rules=[])["dataplane_1"]
    assert found["reachable"] and found["error"] is None
    probes = found["control_plane"]["probes"]
    assert set(probes) == set(names) and not any(probe["ok"] for probe in probes.values())


def test_what_breaks_where_they_are_asked_is_the_control_planes_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe, "stored_pair", lambda *_arguments: 1 / 0)
    with ApiServer(control_plane()) as server:
        found = observed(spec(server, control_plane=True))["dataplane_1"]
    assert not found["reachable"] and found["control_plane"] is None and "clusterConfigs" in found["error"]["message"] and found["error"]["hint"]


@pytest.mark.parametrize("ahead", [-86400, -600, 600, 86400])
def test_ages_are_by_the_clock_of_the_api_server(ahead: int) -> None:
    """A token that is not rotated yet, and a release that another run is at, are as old as their API server says."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead)
    made = (now - datetime.timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = helm_record(status="pending-upgrade")
    record["metadata"]["creationTimestamp"] = made
    answers = {RECORDS: {"items": [record]}, TOKENS: {"items": [token_secret(creationTimestamp=made)]}}
    with ApiServer(data_plane(**answers), date=email.utils.format_datetime(now, usegmt=True)) as server:
        found = observed(spec(server))["dataplane_1"]
    assert 88 <= found["token"]["age"] <= 95 and 88 <= found["release"]["age"] <= 95


def test_the_version_of_kubernetes_is_asked_by_choice() -> None:
    with ApiServer({**data_plane(), "/version": {"gitVersion": "v1.34.2"}}) as server, ApiServer({**data_plane(), "/version": {}}) as odd:
        assert observed(spec(server))["dataplane_1"]["kubernetes"] is None
        specs = [spec(server, "a"), spec(odd, "b")]
        found = observe(specs, concurrency=4, timeout=5, rules=[], server_version=True)
    assert found["a"]["kubernetes"] == "v1.34.2" and found["a"]["reachable"] and "the version" in found["b"]["error"]["message"]


def test_what_a_data_plane_misses_is_named() -> None:
    answers = {CRD: 404, TOKENS: {"items": []}, ACCOUNT: 404, DEPLOYMENTS: {"items": []}}
    with ApiServer(data_plane(**answers)) as server, ApiServer(data_plane(**{RECORDS: {"items": []}})) as empty:
        found = observed(spec(server, "a"), spec(empty, "b"))
    assert found["a"]["missing"] == ["the FlyteWorkflow CRD", "the ServiceAccount flyteadmin", "the Deployment flytepropeller"]
    assert found["b"]["reachable"] and found["b"]["release"] is None and found["b"]["deployments"] is None


def test_a_pod_that_is_nobodys_is_not_seen() -> None:
    pods = [pod("old", phase="Failed", reason="Evicted"), pod("theirs", app="x", phase="Pending")]
    with ApiServer(data_plane(**{PODS: {"items": pods}})) as server:
        found = observed(spec(server))["dataplane_1"]
    assert found["deployments"]["not_ready"] == [] and found["missing"] == []


BROKEN: dict[str, dict[str, t.Any]] = {
    "a list": {RECORDS: b"[]"},
    "a page": {RECORDS: b"<html>"},
    "cut off": {RECORDS: b'{"items": ['},
    "no items": {RECORDS: {"items": 7}},
    "a damaged record": {RECORDS: {"items": [helm_record(raw=b"x")]}},
    "tokens that are none": {TOKENS: {"items": [None]}},
    "CRD that is none": {CRD: b"7"},
    "Deployments that are none": {DEPLOYMENTS: {"items": [{"metadata": {"name": "flytepropeller"}}]}},
    "pods that are none": {DEPLOYMENTS: {"items": [deployment(ready=0)]}, PODS: {"items": ["x"]}},
    "no rights": {RECORDS: 403},
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN)
def test_a_broken_cluster_is_its_own_failure(answers: dict[str, t.Any]) -> None:
    with ApiServer(data_plane()) as good, ApiServer(data_plane(**answers)) as broken:
        found = observed(spec(broken, "a"), spec(good, "b"))
    assert found["b"]["reachable"] and found["b"]["error"] is None
    assert not found["a"]["reachable"] and found["a"]["error"]["message"] and found["a"]["error"]["hint"]


def test_a_damaged_token_is_one_that_has_to_be_made() -> None:
    with ApiServer(data_plane(**{TOKENS: {"items": [token_secret(data=encoded(token="t"))]}})) as server:
        found = observed(spec(server))["dataplane_1"]
    assert found["reachable"] and found["token"] is None and found["missing"] == []


@pytest.mark.parametrize(
    "access",
    [{}, {"host": "https://127.0.0.1:1"}, {"kubeconfig": "/nowhere"}, {"kubeconfig": 7}, {"eks": {"cluster": ""}}, {"host": "https://h", "ca_cert": "/x"}],
)
def test_access_that_does_not_work_is_that_clusters_failure(access: dict[str, t.Any]) -> None:
    with ApiServer(data_plane()) as good:
        found = observed({**spec(good, "a"), "access": access}, spec(good, "b"))
    assert found["b"]["reachable"] and not found["a"]["reachable"]
    assert found["a"]["error"]["kind"] in ("config", "access", "unreachable") and found["a"]["error"]["hint"]


# -- the control plane


def test_what_the_control_plane_has() -> None:
    with ApiServer(control_plane()) as server:
        found = observed(spec(server, "controlplane", control_plane=True, data_plane=False))["controlplane"]
    known = found["control_plane"]
    assert set(known["credentials"]) == {"a"} and known["other_keys"] == ["other"] and known["journal"] == []
    assert known["clusters"]["labelClusterMap"] == {"l": [{"id": "a", "weight": 1}]} and known["probes"]["a"]["kind"] == "unusable"
    assert known["namespace_mapping"] is None
    assert found["token"] is None and found["reachable"]


def test_how_flyteadmin_names_namespaces_and_how_often_it_looks_is_read_too() -> None:
    files = {"namespaces.yaml": "namespace_mapping: {template: '{{ domain }}'}", "r.yaml": "cluster_resources: {refreshInterval: 1m}"}
    found = {}
    for more in (files, {}):
        config_map = control_plane()[f"{CONFIG_MAPS}/config"]["data"]
        with ApiServer(control_plane(**{f"{CONFIG_MAPS}/config": {"data": {**config_map, **more}}})) as server:
            found = observed(spec(server, "controlplane", control_plane=True, data_plane=False))["controlplane"]["control_plane"]
        said = ("{{ domain }}", "1m") if more else (None, None)
        assert (found["namespace_mapping"], found["refresh_interval"]) == said and found["clusters"]["labelClusterMap"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({SECRET: {"data": {"a_token": "!"}}}, "the Secret flyte/cluster-credentials cannot be read"),
        ({f"{CONFIG_MAPS}/config": {"data": {"x.yaml": 7}}}, "the ConfigMap flyte/config cannot be read"),
        ({f"{DEPLOYMENTS}/flyteadmin": {"spec": {}}}, "what the Deployment flyte/flyteadmin mounts cannot be read"),
        ({f"{CONFIG_MAPS}/flyte-multicluster-ecl-journal": {"data": {"rows.json": "{"}}}, "flyte-multicluster-ecl-journal"),
        ({f"{CONFIG_MAPS}/flyte-multicluster-ecl-journal": {"data": [1]}}, "the journal ConfigMap flyte/flyte-multicluster-ecl-journal"),
    ],
)
def test_what_is_damaged_in_the_control_plane_is_named(answers: dict[str, t.Any], said: str) -> None:
    with ApiServer(control_plane(**answers)) as server, ApiServer(data_plane()) as good:
        found = observed(spec(server, "controlplane", control_plane=True, data_plane=False), spec(good))
    assert said in found["controlplane"]["error"]["message"] and found["controlplane"]["error"]["hint"] and found["dataplane_1"]["reachable"]


@pytest.mark.parametrize(
    "section",
    [
        *("labelClusterMap: [a]", "labelClusterMap: {a: {l: []}}", "labelClusterMap: {a: [{id: 7}]}", "clusterConfigs: [{name: [a]}]"),
        *(f"labelClusterMap: {{a: [{{id: a, weight: {weight}}}]}}" for weight in (".nan", ".inf", "much", "[1]", "{a: 1}")),
        "defaultExecutionLabel: [a]",
    ],
)
def test_a_section_clusters_of_another_shape_is_named(section: str) -> None:
    """flyteadmin could not read it either; the plan is made of it."""
    answers = {f"{CONFIG_MAPS}/config": {"data": {"clusters.yaml": f"clusters: {{{section}}}"}}}
    with ApiServer(control_plane(**answers)) as server:
        found = observed(spec(server, "controlplane", control_plane=True, data_plane=False))["controlplane"]
    assert "the section clusters of flyteadmin's configuration cannot be read" in found["error"]["message"] and "ConfigMap" in found["error"]["hint"]


def test_a_config_map_that_is_no_yaml_is_no_configuration_of_clusters() -> None:
    assert _control_plane.section_of("clusters: {{ template }}", "clusters") == {}
    assert _control_plane.section_of("clusters:\n  labelClusterMap: {a: []}", "clusters") == {"labelClusterMap": {"a": []}}


def test_a_control_plane_without_flyteadmin_has_no_configuration() -> None:
    with ApiServer(control_plane(**{f"{DEPLOYMENTS}/flyteadmin": 404, SECRET: 404})) as server:
        found = observed(spec(server, "controlplane", control_plane=True, data_plane=False))["controlplane"]
    assert found["reachable"] and found["control_plane"]["clusters"] == {} and found["control_plane"]["credentials"] == {}


def test_labels_are_what_flyteadmin_reads() -> None:
    """Its reader of configuration makes small letters of keys without a dot: a row with another label leads nowhere."""
    entry = "[{id: A, weight: 1}]"
    text = f"clusters: {{labelClusterMap: {{GPU: {entry}, my.Label: {entry}}}, clusterConfigs: [{{name: A, enabled: true, endpoint: 'https://127.0.0.1:1'}}]}}"
    with ApiServer(control_plane(**{f"{CONFIG_MAPS}/config": {"data": {"clusters.yaml": text}}})) as server:
        known = observed(spec(server, control_plane=True))["dataplane_1"]["control_plane"]["clusters"]
    assert sorted(known["labelClusterMap"]) == ["gpu", "my.Label"] and known["clusterConfigs"][0]["name"] == "A"


def test_one_cluster_by_two_names_has_one_place() -> None:
    """The uid of Helm's record where a data plane has one, which is asked for anyway; else that of kube-system."""
    system = {"/api/v1/namespaces/kube-system": {"metadata": {"uid": "the-cluster"}}}
    record = helm_record()
    record["metadata"]["uid"] = "the-record"
    with ApiServer({**data_plane(**{RECORDS: {"items": [record]}}), **system}) as there, ApiServer({SECRETS: {"items": []}, **system}) as new:
        found = observed(spec(there), spec(there, "hub", control_plane=True, data_plane=False), spec(new, "new"))
        hidden = ApiServer({SECRETS: {"items": []}, "/api/v1/namespaces/kube-system": 403})
        with hidden:
            assert observed(spec(hidden))["dataplane_1"]["place"] is None
    assert [entry["place"] for entry in found.values()] == ["the-record", "the-cluster", "the-cluster"]
