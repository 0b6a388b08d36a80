# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Secret of flytepropeller's identity: written, taken over, copied from API server to API server, proven; never shown."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import identity as _identity
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import identity_proof
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common import redaction
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from api_server import DEPLOYMENTS, SECRETS, ApiServer, encoded
from conftest import Double

AUTH = f"{SECRETS}/flyte-secret-auth"
KEEP = {"helm.sh/resource-policy": "keep"}
OURS = {"labels": {"app.kubernetes.io/managed-by": "flyte.multicluster"}, "annotations": KEEP}
HELMS = {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "flyte"}}
VOLUMES = [{"name": "auth", "secret": {"secretName": "flyte-secret-auth"}}]


def secret(metadata: dict[str, t.Any], **data: str) -> dict[str, t.Any]:
    return {"metadata": metadata, "data": encoded(**data)}


def cluster(server: ApiServer, name: str = "a", **changes: t.Any) -> dict[str, t.Any]:
    return {"name": name, "namespace": "flyte", "client_secret": "the-secret", "certificates": None, "checksum": None, **server.access, **changes}


def run(*clusters: dict[str, t.Any], check_mode: bool = False, head: ApiServer | None = None) -> dict[str, t.Any]:
    control_plane = {**head.access, "namespace": "flyte"} if head else None
    found = _identity.run({"clusters": list(clusters), "control_plane": control_plane, "timeout": 5, "concurrency": 4}, check_mode)
    assert "the-secret" not in json.dumps(found) and base64.b64encode(b"the-secret").decode() not in json.dumps(found)
    return found


def written(server: ApiServer) -> list[tuple[str, str, t.Any]]:
    return [(method, path, json.loads(body or b"null")) for method, path, _headers, body in server.seen if method != "GET"]


def test_what_is_seen_of_it() -> None:
    answers = {AUTH: secret(OURS, client_secret="x", other="y", token_ca__crt="")}
    with ApiServer(answers) as server:
        kube = Kube(server.access)
        assert _identity.observe_identity(kube, "flyte") == {"managed": True, "keys": {"client_secret": fingerprint("x")}}
        for metadata in (HELMS, {}, {"labels": OURS["labels"]}, {"annotations": KEEP}):
            answers[AUTH] = secret(metadata, client_secret="x")
            server.answers = answers
            assert _identity.observe_identity(kube, "flyte") == {"managed": False, "keys": {"client_secret": fingerprint("x")}}
        server.answers = {AUTH: {"data": {"client_secret": "!"}}}
        with pytest.raises(KubeError, match="the Secret flyte/flyte-secret-auth cannot be read"):
            _identity.observe_identity(kube, "flyte")
        server.answers = {}
        assert _identity.observe_identity(kube, "flyte") is None


def test_it_is_made_with_its_namespace() -> None:
    with ApiServer() as server:
        found = run(cluster(server, certificates={"token_ca.crt": "pem"}))
        (_namespace, created) = written(server)
    assert _namespace[:2] == ("POST", "/api/v1/namespaces") and created[:2] == ("POST", SECRETS)
    assert created[2]["metadata"] == {"name": "flyte-secret-auth", "namespace": "flyte", **OURS}
    assert created[2]["data"] == encoded(client_secret="the-secret", token_ca__crt="pem")
    assert found["changed"] and found["identities"] == {"a": {"client_secret": fingerprint("the-secret"), "token_ca.crt": fingerprint("pem")}}
    assert found["diff"] == {"before": {}, "after": {f"a/{key}": f"sha256:{value}" for key, value in found["identities"]["a"].items()}}


def test_one_of_a_release_is_taken_over_and_keys_of_others_stay() -> None:
    with ApiServer({AUTH: secret(HELMS, client_secret="foobar", other="kept", flyteadmin_ca__crt="old")}) as server:
        assert run(cluster(server))["changed"]
        ((method, path, body),) = written(server)
    assert (method, path) == ("PATCH", AUTH)
    assert body["data"] == {**encoded(client_secret="the-secret"), "flyteadmin_ca.crt": None}
    assert body["metadata"]["labels"] == OURS["labels"]
    assert body["metadata"]["annotations"] == {**KEEP, "meta.helm.sh/release-name": None, "meta.helm.sh/release-namespace": None}


def test_the_same_content_is_taken_over_without_its_data_and_then_left_alone() -> None:
    with ApiServer({AUTH: secret(HELMS, client_secret="the-secret")}) as server:
        assert run(cluster(server))["changed"] and "data" not in written(server)[0][2]
        server.answers, server.seen[:] = {AUTH: secret(OURS, client_secret="the-secret")}, []
        assert not run(cluster(server))["changed"] and not written(server)


def test_check_mode_writes_nothing() -> None:
    with ApiServer({AUTH: secret(HELMS, client_secret="foobar")}) as server, ApiServer() as empty:
        found = run(cluster(server), cluster(empty, "b"), check_mode=True)
        assert not written(server) and not written(empty)
    assert found["changed"] and set(found["diff"]["after"]) == {"a/client_secret", "b/client_secret"}


def test_it_is_copied_from_api_server_to_api_server() -> None:
    with ApiServer({AUTH: secret(HELMS, client_secret="the-secret")}) as head, ApiServer() as plane, ApiServer({f"POST {SECRETS}": 403}) as refusing:
        found = run(cluster(plane, client_secret=None), cluster(refusing, "b", client_secret=None), head=head)
        assert written(plane)[-1][2]["data"] == encoded(client_secret="the-secret") and not written(head)
    assert set(found["identities"]) == {"a"} and [entry["name"] for entry in found["failed_clusters"]] == ["b"]
    with ApiServer() as head, pytest.raises(KubeError, match="has no Secret flyte/flyte-secret-auth with the key client_secret"):
        run(cluster(head, client_secret=None), head=head)
    with ApiServer() as head, pytest.raises(KubeError, match="^a: neither client_secret nor control_plane is given"):
        run(cluster(head, client_secret=None))


def test_two_runs_at_the_same_time_both_get_through() -> None:
    steps = iter([404, 404, secret(OURS, client_secret="of another run")])
    with ApiServer({AUTH: lambda _headers: next(steps), f"POST {SECRETS}": 409}) as server:
        assert run(cluster(server))["changed"]
        assert [entry[:2] for entry in written(server)[-2:]] == [("POST", SECRETS), ("PATCH", AUTH)]


def deployment(name: str, checksum: str | None, volumes: list[t.Any]) -> dict[str, t.Any]:
    annotations = {"flyte.multicluster/identity-checksum": checksum} if checksum else None
    return {"metadata": {"name": name}, "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {"volumes": volumes}}}}


def test_what_read_another_secret_is_restarted_unless_its_release_does_it() -> None:
    items = [
        deployment("flytepropeller", "right", VOLUMES),
        deployment("flytescheduler", "old", VOLUMES),  # its release has the new checksum: Helm restarts it
        deployment("webhook", "right", []),
        deployment("theirs", None, VOLUMES),
    ]
    answers = {AUTH: secret(OURS, client_secret="wrong"), DEPLOYMENTS: {"items": items}, f"{DEPLOYMENTS}/flytepropeller": items[0]}
    with ApiServer(answers) as server:
        found = run(cluster(server, checksum="right"))
        noted, stored, started = written(server)
    # A run that is killed in between leaves a note to the next one.
    due = "flyte.multicluster/restart-due"
    assert [path for _method, path, _body in (noted, stored, started)] == [f"{DEPLOYMENTS}/flytepropeller", AUTH, f"{DEPLOYMENTS}/flytepropeller"]
    assert noted[2] == {"metadata": {"annotations": {due: "true"}}} and started[2]["metadata"] == {"annotations": {due: None}}
    assert found["restarted"] == {"a": ["flytepropeller"]}
    assert list(started[2]["spec"]["template"]["metadata"]["annotations"]) == ["kubectl.kubernetes.io/restartedAt"]
    with ApiServer({DEPLOYMENTS: {"items": items}}) as server:
        assert run(cluster(server, checksum="right"))["restarted"] == {}  # nothing has read it yet


# -- the proof

CONFIG = "/api/v1/namespaces/flyte/configmaps/flyte-propeller-config"
MOUNTS = {"spec": {"template": {"spec": {"volumes": [{"projected": {"sources": [{"configMap": {"name": "flyte-propeller-config"}}]}}]}}}}


def plane(secret_text: str, **client: t.Any) -> dict[str, t.Any]:
    section = {"endpoint": "flyteadmin:81", "clientId": "client", "clientSecretLocation": "/etc/secrets/client_secret", **client}
    data = {"admin.yaml": json.dumps({"admin": section, "event": {}}), "core.yaml": "propeller: {}", "odd.yaml": "admin: {{"}
    return {f"{DEPLOYMENTS}/flytepropeller": MOUNTS, CONFIG: {"data": data}, AUTH: secret(OURS, client_secret=secret_text)}


def prove(url: str, *servers: ApiServer) -> tuple[dict[str, t.Any], set[str]]:
    """Return the proofs, and what is known as a secret since."""
    clusters = [{"name": str(number), "namespace": "flyte", **server.access} for number, server in enumerate(servers)]
    before = redaction.SECRETS.known()
    admin = {"url": url, "retry_for": 0.0, "timeout": 5.0, "ca_cert": None}
    found = identity_proof.run({"clusters": clusters, "flyteadmin": admin, "timeout": 5, "concurrency": 4})
    return found, redaction.SECRETS.known() - before


def test_each_pair_logs_in_for_itself(admin_with_auth: Double) -> None:
    answers = [plane("right secret\n"), plane("wrong-4711"), plane("right secret", scopes=["no-such-scope"]), plane("right secret", clientSecretLocation="x")]
    with ApiServer(answers[0]) as right, ApiServer(answers[1]) as wrong, ApiServer(answers[2]) as scopes, ApiServer({**answers[0], AUTH: 404}) as none:
        with ApiServer({**answers[0], f"{DEPLOYMENTS}/flytepropeller": 404}) as gone:
            found, remembered = prove(admin_with_auth.url, right, wrong, scopes, none, gone)
    proofs = found["proofs"]
    assert found["authentication"] is True and proofs["0"] == {"ok": True, "client_id": "client", "error": None, "hint": None}
    assert "invalid_client" in proofs["1"]["error"] and proofs["1"]["hint"] == "Check client_id and client_secret."
    assert "invalid_scope" in proofs["2"]["error"] and "the Secret flyte/flyte-secret-auth has no key client_secret" in proofs["3"]["error"]
    assert "has no Deployment flyte/flytepropeller" in proofs["4"]["error"] and not any(entry["ok"] for key, entry in proofs.items() if key != "0")
    assert {"right secret", "wrong-4711"} <= remembered and "wrong-4711" not in json.dumps(found)


def test_nothing_is_proven_where_flyteadmin_wants_no_tokens_or_does_not_answer(admin: Double) -> None:
    with ApiServer(plane("x")) as server:
        assert prove(admin.url, server) == ({"changed": False, "authentication": False, "proofs": {}}, set()) and not server.seen
        assert prove("http://127.0.0.1:1", server)[0]["authentication"] is None
        assert prove(server.url, server)[0]["authentication"] is None  # something else than flyteadmin
