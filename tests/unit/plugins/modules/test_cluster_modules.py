# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules that talk to clusters, run as Ansible runs them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.explain import NOTES
from ansible_collections.flyte.multicluster.plugins.module_utils._options import control_plane_of, placement_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.modules import (
    flyte_cluster_credentials,
    flyte_cluster_info,
    flyte_cluster_probe,
    flyte_propeller_identity,
    flyte_propeller_identity_info,
    flyte_sa_token,
)
from conftest import Double
from api_server import ACCOUNT, CRD, DEPLOYMENTS, PODS, RECORDS, SECRETS, TOKENS, ApiServer, data_plane, deployment, encoded, token_secret
from module_arguments import patch_module_args

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(name="run_module")
def _run_module(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a module as Ansible does and returns its result."""
    def run(module: t.Any, *, check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run


def test_clusters_are_observed(run_module: Run) -> None:
    with ApiServer(data_plane()) as server:
        clusters = [{"name": "a", **server.access}, {"name": "b", **server.access, "control_plane": True, "data_plane": False}, {"name": "c"}]
        found = run_module(flyte_cluster_info, clusters=clusters)
    assert not found["changed"] and list(found["clusters"]) == ["a", "b", "c"]
    parts = {"reachable", "error", "server", "kubernetes", "release", "token", "tokens", "missing", "deployments", "not_working"}
    parts |= {"namespaces", "new_namespaces", "identity", "place", "restarts_due"}
    assert set(found["clusters"]["a"]) == {*parts, "control_plane", "rights", "refresh_interval"}
    assert found["clusters"]["a"]["reachable"] and found["clusters"]["a"]["control_plane"] is None
    assert set(found["clusters"]["b"]["control_plane"]) == {
        "credentials", "terms", "other_keys", "clusters", "namespace_mapping", "refresh_interval", "probes", "journal", "readers", "authentication"
    }  # fmt: skip
    assert found["clusters"]["c"]["error"]["kind"] == "config"


def test_flyteadmin_says_itself_whether_it_wants_tokens(run_module: Run, admin: Double, admin_with_auth: Double) -> None:
    mounts = {"template": {"spec": {"volumes": [{"configMap": {"name": "c"}}]}}}
    text = "clusters: {labelClusterMap: {l: [{id: a, weight: 1}]}, clusterConfigs: [{name: a, enabled: true, endpoint: 'http://127.0.0.1:1'}]}"
    config = {f"{DEPLOYMENTS}/flyteadmin": {**deployment("flyteadmin"), "spec": mounts}, "/api/v1/namespaces/flyte/configmaps/c": {"data": {"c.yaml": text}}}
    stored = {f"{SECRETS}/cluster-credentials": {"data": encoded(a_token="t", a_cacert="c")}}
    with ApiServer(data_plane(**config, **stored)) as server:
        head = {"name": "hub", **server.access, "control_plane": True, "data_plane": False}
        for url, said in ((admin.url, False), (admin_with_auth.url, True), ("http://127.0.0.1:1", None), (server.url, None)):
            found = run_module(flyte_cluster_info, clusters=[head], flyteadmin={"url": url}, unprobed=["a"])["clusters"]["hub"]["control_plane"]
            nothing = {"error": None, "hint": None, "denied": [], "excess": []}
            assert found["authentication"] is said and found["probes"]["a"] == {"ok": True, "kind": "unprobed", **nothing}


def test_what_flyteadmin_trusts_may_be_another_ca_than_the_token_secrets(run_module: Run) -> None:
    with ApiServer(data_plane()) as plane, ApiServer() as home:
        found = run_module(flyte_cluster_info, clusters=[{"name": "a", **plane.access, "ca_data": "another ca"}])["clusters"]["a"]
        stored = run_module(flyte_cluster_credentials, clusters=[{"name": "a", **plane.access, "ca_data": "another ca"}], **home.access)
    assert stored["credentials"]["a"]["ca_cert"] == found["token"]["ca_fingerprint"] and stored["credentials"]["a"]["token"] == found["token"]["fingerprint"]


def test_flytepropeller_gets_its_secret(run_module: Run) -> None:
    with ApiServer({f"{SECRETS}/flyte-secret-auth": {"metadata": {}, "data": encoded(client_secret="secret-4711")}}) as head, ApiServer() as plane:
        clusters = [{"name": "a", **plane.access}, {"name": "b", **plane.access, "client_secret": "secret-0815"}, {"name": "c", "host": "http://127.0.0.1:1"}]
        found = run_module(flyte_propeller_identity, clusters=clusters, control_plane=head.access)
    assert found["changed"] and set(found["identities"]) == {"a", "b"} and [entry["name"] for entry in found["failed_clusters"]] == ["c"]
    assert not [text for text in ("secret-4711", "secret-0815") if text in json.dumps({**found, "invocation": None})]


def test_flytepropellers_login_is_proven(run_module: Run, admin_with_auth: Double) -> None:
    pod = {"spec": {"template": {"spec": {"volumes": [{"configMap": {"name": "c"}}]}}}}
    answers = {
        f"{DEPLOYMENTS}/flytepropeller": pod,
        "/api/v1/namespaces/flyte/configmaps/c": {"data": {"admin.yaml": "admin: {clientId: client}"}},
        f"{SECRETS}/flyte-secret-auth": {"data": encoded(client_secret="right secret")},
    }
    with ApiServer(answers) as plane:
        found = run_module(flyte_propeller_identity_info, clusters=[{"name": "a", **plane.access}], flyteadmin={"url": admin_with_auth.url})
    assert found["proofs"]["a"]["ok"] and not found["changed"] and "right secret" not in json.dumps(found)


def test_a_private_endpoint_is_tried(run_module: Run) -> None:
    ended = {"items": [{"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 0, "message": "status 401\n"}}}]}}]}
    with ApiServer({f"{SECRETS}/cluster-credentials": {"data": encoded(a_token="t", a_cacert="c")}, PODS: ended}) as home:
        clusters = [{"name": "a", "endpoint": "https://10.0.0.1"}]
        found = run_module(flyte_cluster_probe, clusters=clusters, **home.access)
        assert run_module(flyte_cluster_probe, check=True, clusters=clusters, **home.access)["probes"] == {}
    assert found["probes"]["a"]["error"] == "https://10.0.0.1 answers the control plane with HTTP 401" and not found["changed"]


def test_clusters_are_waited_for(run_module: Run) -> None:
    with ApiServer(data_plane()) as server, ApiServer(data_plane(**{DEPLOYMENTS: {"items": [deployment(ready=0)]}, PODS: 403})) as waiting:
        found = run_module(flyte_cluster_info, clusters=[{"name": "a", **server.access}, {"name": "b", **waiting.access}], wait=0.3)
    assert found["ready"]["a"]["ok"] and "not ready after 0.3 s" in found["ready"]["b"]["error"]


def test_the_suboptions_of_eks_are_amazons_names(run_module: Run) -> None:
    cluster = {"name": "a", "eks": {"cluster": "flyte-1", "endpoint_url": "http://127.0.0.1:1", "access_key": "AKIA", "secret_key": "secret-4711"}}
    found = run_module(flyte_cluster_info, clusters=[{**cluster, "openshift": False}])
    assert found["clusters"]["a"]["error"]["kind"] == "unreachable" and "secret-4711" not in json.dumps({**found, "invocation": None})
    wrong = run_module(flyte_cluster_info, clusters=[{"name": "a", "eks": {"region": "us-east-2"}}])
    assert wrong["failed"] and "cluster" in wrong["msg"]


def test_credentials_are_stored(run_module: Run) -> None:
    with ApiServer() as home, ApiServer(data_plane()) as plane:
        found = run_module(flyte_cluster_credentials, clusters=[{"name": "a", **plane.access}], **home.access)
        assert f"POST {SECRETS}" in home.asked
        failed = run_module(flyte_cluster_credentials, clusters=[{"name": "a", "host": "http://127.0.0.1:1"}], **home.access)
    assert found["changed"] and found["changed_keys"] == ["a_cacert", "a_token"] and "its-token" not in json.dumps(found)
    assert failed["failed"] and failed["msg"].startswith("a: http://127.0.0.1:1 does not answer") and failed["failed_clusters"]


def test_a_token_of_one_data_plane(run_module: Run) -> None:
    with ApiServer(data_plane()) as server:
        there = run_module(flyte_sa_token, **server.access)
    assert not there["changed"] and there["token"]["secret"] == "flyteadmin-token" and "its-token" not in json.dumps(there)
    steps = iter([404, token_secret()])
    answers = {TOKENS: {"items": []}, ACCOUNT: {}, f"{SECRETS}/flyteadmin-token": lambda _headers: next(steps)}
    with ApiServer(answers) as server:
        assert run_module(flyte_sa_token, check=True, **server.access)["token"] == {} and f"POST {SECRETS}" not in server.asked
        made = run_module(flyte_sa_token, **server.access)
        assert made["changed"] and f"POST {SECRETS}" in server.asked and made["diff"] == {"before": {}, "after": {"secret": "flyteadmin-token"}}


def test_a_token_secret_goes(run_module: Run) -> None:
    with ApiServer({f"{SECRETS}/flyteadmin-token": token_secret()}) as server:
        assert run_module(flyte_sa_token, state="absent", check=True, **server.access)["changed"]
        assert server.asked == [f"GET {SECRETS}/flyteadmin-token"]
        assert run_module(flyte_sa_token, state="absent", **server.access)["changed"] and server.asked[-1] == f"DELETE {SECRETS}/flyteadmin-token"
        server.answers.clear()
        assert not run_module(flyte_sa_token, state="absent", **server.access)["changed"]


def test_what_fails_reads_as_a_sentence(run_module: Run) -> None:
    assert run_module(flyte_sa_token)["msg"].startswith("no explicit access to the cluster is given. Set flyte_kube_context")
    with ApiServer({TOKENS: {"items": []}}) as server:
        assert "has no ServiceAccount flyteadmin in the namespace flyte. Install" in run_module(flyte_sa_token, **server.access)["msg"]


def test_the_control_plane_of_modules_that_talk_to_flyteadmin() -> None:
    assert control_plane_of({}) is None and placement_of({}) is None
    with ApiServer() as server:
        given = {"control_plane": {**server.access, "namespace": "flyte", "eks": None, "openshift": False}}
        found = control_plane_of(given)
        assert found is not None and (found[0].server, found[1]) == (server.url, "flyte")
        with pytest.raises(KubeError, match="mounts no configuration with clusters"):
            placement_of(given)
        volumes = [{"configMap": {"name": "c"}}]
        server.answers[f"{DEPLOYMENTS}/flyteadmin"] = {"spec": {"template": {"spec": {"volumes": volumes}}}}
        text = "clusters: {labelClusterMap: {l: [{id: a, weight: 1}]}, clusterConfigs: [{name: a, enabled: true}]}"
        server.answers["/api/v1/namespaces/flyte/configmaps/c"] = {"data": {"clusters.yaml": text}}
        placement = placement_of(given)
    assert placement is not None and list(placement.label_map) == ["l"]


def test_a_run_beside_another_one_merges(run_module: Run) -> None:
    """The same Secret is made by another run between our look and our write."""
    steps = iter([404, 404, {"data": encoded(b_token="tb", b_cacert="cb")}])
    answers = {f"{SECRETS}/cluster-credentials": lambda _headers: next(steps), f"POST {SECRETS}": 409}
    with ApiServer(answers) as home, ApiServer(data_plane()) as plane:
        found = run_module(flyte_cluster_credentials, clusters=[{"name": "a", **plane.access}], **home.access)
        assert home.asked[-1] == f"PATCH {SECRETS}/cluster-credentials"
    assert set(found["credentials"]) == {"a", "b"} and found["changed_keys"] == ["a_cacert", "a_token"]


TOKEN = "the-token-4711"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_module_explains_what_it_caught(run_module: Run, monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    monkeypatch.setattr(NOTES, "wanted", wanted)
    with ApiServer(data_plane(**{RECORDS: {"items": [TOKEN]}, CRD: {}})) as server:
        clusters = [{"name": "a", "host": server.url, "api_key": TOKEN}]
        found = run_module(flyte_cluster_info, clusters=clusters)
    assert "cannot be read" in found["clusters"]["a"]["error"]["message"]
    texts: t.Any = found.get("explanations", [])
    assert bool(texts) is wanted and TOKEN not in json.dumps(texts)
    assert not wanted or "Traceback (most recent call last)" in texts[0]


def test_the_path_of_a_kubeconfig_is_shown_and_its_content_is_not(run_module: Run) -> None:
    content = {"users": [{"name": "x", "user": {"token": TOKEN}}], "contexts": TOKEN}
    clusters = [{"name": "a", "kubeconfig": "/nowhere/kubeconfig-of-a"}, {"name": "b", "kubeconfig": content}]
    found = run_module(flyte_cluster_info, clusters=clusters)["clusters"]
    assert "/nowhere/kubeconfig-of-a" in found["a"]["error"]["message"] and found["a"]["error"]["hint"]
    assert TOKEN not in json.dumps(found) and found["b"]["error"]["hint"]
