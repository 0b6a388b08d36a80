# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control plane's Secret of credentials: merged, never overwritten; one broken data plane is its own failure."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe as _probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import store as _store
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError, decode
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS
from api_server import BOUNDS, SECRETS, TOKENS, ApiServer, data_plane, encoded, token_secret
from rotation_world import bounded_token, signed

PATH = f"{SECRETS}/cluster-credentials"


class Scripted:
    """A control plane whose Secret is what other runs make of it: before each of our writes, one of them is first."""

    def __init__(self, data: dict[str, str] | None, *others: dict[str, str] | None) -> None:
        self.data = data
        self.others = list(others)
        self.writes: list[str] = []

    @property
    def version(self) -> str:
        return str(sorted((self.data or {}).items()))

    def _another_run(self) -> None:
        if self.others:
            self.data = self.others.pop(0)

    def find(self, path: str) -> t.Any:
        if path == PATH:
            return None if self.data is None else {"data": dict(self.data), "metadata": {"resourceVersion": self.version}}
        return {}

    def create(self, path: str, body: t.Any) -> None:
        self.writes.append("create")
        self._another_run()
        if self.data is not None:
            raise KubeError("api", f"POST {path}: 409", status=409)
        self.data = dict(body["data"])

    def patch(self, path: str, body: t.Any) -> None:
        self.writes.append("patch")
        self._another_run()
        if self.data is None:
            raise KubeError("api", f"PATCH {path}: 404", status=404)
        if body["metadata"]["resourceVersion"] != self.version:
            raise KubeError("api", f"PATCH {path}: 409", status=409)
        self.data = {key: value for key, value in {**self.data, **body["data"]}.items() if value is not None}


def store(server: Scripted, gone: t.Sequence[str] = (), before: dict[str, bytes] | None = None, **pairs: tuple[str, str]) -> t.Any:
    return _store.store(t.cast(Kube, server), "flyte", "cluster-credentials", pairs, gone, create_namespace=True, before=before)


def test_of_two_first_runs_neither_loses_anything() -> None:
    server = Scripted(None, encoded(b_token="tb", b_cacert="cb", foreign="x"))
    stored = store(server, a=("ta", "ca"))
    assert server.writes == ["create", "patch"]
    assert decode({"data": server.data}) == {"a_token": b"ta", "a_cacert": b"ca", "b_token": b"tb", "b_cacert": b"cb", "foreign": b"x"} == stored.after()
    assert set(stored.patch) == {"a_token", "a_cacert"}


def test_of_two_first_runs_with_the_same_cluster_one_writes() -> None:
    server = Scripted(None, encoded(a_token="ta", a_cacert="ca"))
    assert store(server, a=("ta", "ca")).patch == {} and server.writes == ["create"]


def test_a_secret_that_is_deleted_in_between_is_made_anew() -> None:
    server = Scripted(encoded(b_token="tb"), None)
    store(server, a=("ta", "ca"))
    assert server.writes == ["patch", "create"] and decode({"data": server.data}) == {"a_token": b"ta", "a_cacert": b"ca"}


def test_nothing_is_written_that_is_already_so() -> None:
    server = Scripted(encoded(a_token="ta", a_cacert="ca", b_token="x"))
    assert store(server, a=("ta", "ca")).patch == {} and server.writes == []
    assert store(server, ["b"]).patch == {"b_token": None} and "b_token" not in (server.data or {})


def test_a_token_that_a_rotation_stored_meanwhile_stays() -> None:
    """What was found before is given up by now: flyteadmin's next pods would have a token that the data plane refuses."""
    first = encoded(a_token="first", a_cacert="ca", b_token="tb", b_cacert="old")
    server = Scripted(first, {**first, **encoded(a_token="second")})
    stored = store(server, before=decode({"data": first}), a=("first", "ca"), b=("tb", "new"))
    assert server.writes == ["patch", "patch"] and set(stored.patch) == {"b_cacert"}
    assert decode({"data": server.data}) == {"a_token": b"second", "a_cacert": b"ca", "b_token": b"tb", "b_cacert": b"new"} == stored.after()


def test_two_runs_that_fight_for_ever_end() -> None:
    server = Scripted(None, *[encoded(x="1"), None] * 10)
    with pytest.raises(KubeError, match="409|404"):
        store(server, a=("ta", "ca"))
    assert len(server.writes) == 5


def test_another_error_is_not_repeated() -> None:
    class Refusing(Scripted):
        def create(self, path: str, body: t.Any) -> None:
            self.writes.append("create")
            raise KubeError("api", "403", status=403)

    server = Refusing(None)
    with pytest.raises(KubeError, match="403"):
        store(server, a=("ta", "ca"))
    assert server.writes == ["create"]


# -- the whole module


def cluster(server: ApiServer, name: str, **changes: t.Any) -> dict[str, t.Any]:
    base = {"name": name, "state": "present", "token": None, "ca_data": None, "endpoint": None, "namespace": "flyte", "service_account": "flyteadmin"}
    base |= {"token_kind": "long_lived", "token_lifetime": 0, "token_least": 0}
    return {**base, "token_secret": "flyteadmin-token", **server.access, **changes}


def run(server: ApiServer, *clusters: dict[str, t.Any], check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    base = {"namespace": "flyte", "name": "cluster-credentials", "create_namespace": True, "allow_partial": True, "wait_timeout": 0.1, "timeout": 5}
    base["backups"] = False
    return _store.run({**base, "rules": [FLYTEWORKFLOWS], "concurrency": 4, "clusters": list(clusters), **server.access, **changes}, check_mode)


def test_one_broken_data_plane_keeps_no_other_one_from_being_stored() -> None:
    broken = {"items": [None]}
    with ApiServer({"POST /api/v1/namespaces": 409}) as home, ApiServer(data_plane()) as good, ApiServer(data_plane(**{TOKENS: broken})) as bad:
        dead = cluster(good, "c", host="http://127.0.0.1:1")
        found = run(home, cluster(good, "a"), cluster(bad, "b"), dead, cluster(good, "d", host=None, kubeconfig=7))
        written = [body for method, path, _headers, body in home.seen if (method, path) == ("POST", SECRETS)]
    assert found["changed"] and found["changed_keys"] == ["a_cacert", "a_token"] and set(found["credentials"]) == {"a"}
    assert [entry["name"] for entry in found["failed_clusters"]] == ["b", "c", "d"] and all(entry["hint"] for entry in found["failed_clusters"])
    assert len(written) == 1 and "its-token" not in str(found)


def test_of_two_tokens_the_one_that_is_stored_counts() -> None:
    """A rotation may have been stopped with both of them."""
    second = token_secret("flyteadmin-token-2", data=encoded(token="second", ca__crt="its-ca"))
    plane = data_plane(**{TOKENS: {"items": [token_secret(), second]}})
    for stored, changed in (("second", False), ("its-token", False), ("neither", True)):
        with ApiServer({PATH: {"data": encoded(a_token=stored, a_cacert="its-ca")}}) as home, ApiServer(plane) as good:
            found = run(home, cluster(good, "a"))
        assert found["changed"] is changed and found["minted"] == []


def test_a_token_that_was_given_up_is_not_made_again() -> None:
    """Kubernetes signs a token from the account and the Secret's name: the same name would bring back the same token."""
    for stored, name in (("flyteadmin-token-3", "flyteadmin-token-4"), ("flyteadmin-token", "flyteadmin-token"), ("by-hand", "flyteadmin-token")):
        made = token_secret(name)
        answers = {TOKENS: {"items": []}, f"{SECRETS}/{name}": made}
        with ApiServer({PATH: {"data": encoded(a_token=signed("a", stored), a_cacert="c")}}) as home, ApiServer(data_plane(**answers)) as plane:
            assert run(home, cluster(plane, "a"))["minted"] == ["a"]
            assert f'"name": "{name}"' in next(body.decode() for method, path, _headers, body in plane.seen if (method, path) == ("POST", SECRETS))


# -- tokens that end

ASKED = "/api/v1/namespaces/flyte/serviceaccounts/flyteadmin/token"
AUTHORITY = "/api/v1/namespaces/flyte/configmaps/kube-root-ca.crt"


def bound(name: str = "flyteadmin-token", uid: str = "u") -> dict[str, t.Any]:
    about = {"name": name, "uid": uid, "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"kubernetes.io/service-account.name": "flyteadmin"}}
    return {"type": "flyte.multicluster/bound-token", "metadata": about}


def of_bounded(*bounds: dict[str, t.Any], gives: int = 86400, **changes: t.Any) -> dict[str, t.Any]:
    token = bounded_token("flyteadmin-token", "u", time.time(), gives)
    base = {TOKENS: {"items": []}, BOUNDS: {"items": list(bounds)}, f"POST {SECRETS}": bound(), f"POST {ASKED}": {"status": {"token": token}}}
    return data_plane(**{**base, AUTHORITY: {"data": {"ca.crt": "its-ca"}}, **changes})


def stored_with(token: str) -> dict[str, t.Any]:
    return {PATH: {"data": encoded(a_token=token, a_cacert="its-ca")}}


def test_a_token_that_ends_is_asked_for_and_bound() -> None:
    for bounds, posts in (((), [SECRETS, ASKED]), ((bound(),), [ASKED])):
        with ApiServer() as home, ApiServer(of_bounded(*bounds)) as plane:
            found = run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400, token_least=3600))
            assert [path for method, path, _headers, _body in plane.seen if method == "POST"] == posts
            asked = json.loads(plane.seen[[path for _method, path, _headers, _body in plane.seen].index(ASKED)][3])["spec"]
        assert asked == {"expirationSeconds": 86400, "boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": "flyteadmin-token", "uid": "u"}}
        assert found["minted"] == ["a"] and found["changed_keys"] == ["a_cacert", "a_token"] and "e30." not in str(found)


def test_one_that_still_holds_stays_whatever_is_wanted_now() -> None:
    token = bounded_token("flyteadmin-token", "u", time.time() - 3600, 7200)
    for kind in ("bounded", "long_lived"):
        with ApiServer(stored_with(token)) as home, ApiServer(of_bounded(bound())) as plane:
            assert not run(home, cluster(plane, "a", token_kind=kind, token_lifetime=86400))["changed"]
            assert not [entry for entry in plane.asked if entry.startswith("POST")]
    long_lived = {TOKENS: {"items": [token_secret()]}}
    with ApiServer(stored_with("its-token")) as home, ApiServer(of_bounded(**long_lived)) as plane:
        assert not run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400))["changed"]


def test_one_that_has_ended_or_was_revoked_is_asked_for_anew() -> None:
    over, revoked = (bounded_token("flyteadmin-token", uid, time.time() - age, 7200) for uid, age in (("u", 7300), ("another", 10)))
    for token in (over, revoked):
        with ApiServer(stored_with(token)) as home, ApiServer(of_bounded(bound())) as plane:
            found = run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400))
        assert found["changed_keys"] == ["a_token"] and found["minted"] == ["a"]
        # Or a long-lived one comes in its place.
        with ApiServer(stored_with(token)) as home, ApiServer(of_bounded(bound(), **{TOKENS: {"items": [token_secret("by-hand")]}})) as plane:
            assert run(home, cluster(plane, "a"))["changed_keys"] == ["a_token"]


def test_one_that_would_end_too_soon_is_not_stored() -> None:
    with ApiServer() as home, ApiServer(of_bounded(gives=3600)) as plane:
        found = run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400, token_least=7200))
    assert not found["changed_keys"] and "gives a token for 3600 s, and twice flyte_token_renew_interval are 7200 s" in found["failed_clusters"][0]["error"]


@pytest.mark.parametrize("token", ["opaque", "e30.e30.x", "e30.W10.x", "a.b.c"])
def test_a_token_that_does_not_say_when_it_ends_is_that_clusters_failure(token: str) -> None:
    with ApiServer() as home, ApiServer(of_bounded(**{f"POST {ASKED}": {"status": {"token": token}}})) as plane:
        found = run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400))
    assert "the token that http" in found["failed_clusters"][0]["error"] and token not in str(found)


def test_a_secret_of_another_kind_is_left() -> None:
    with ApiServer() as home, ApiServer(of_bounded(**{f"POST {SECRETS}": 409})) as plane:
        found = run(home, cluster(plane, "a", token_kind="bounded", token_lifetime=86400))
    assert "is none that tokens are bound to" in found["failed_clusters"][0]["error"] and "flyte_token_secret" in found["failed_clusters"][0]["hint"]


def test_without_allow_partial_it_fails_in_the_end() -> None:
    with ApiServer() as home, ApiServer(data_plane()) as good, pytest.raises(_store.PartialFailure, match="^b: .*does not answer") as caught:
        run(home, cluster(good, "a"), cluster(good, "b", host="http://127.0.0.1:1"), allow_partial=False)
    assert caught.value.result["changed_keys"] == ["a_cacert", "a_token"]


def test_check_mode_writes_and_makes_nothing() -> None:
    with ApiServer({PATH: {"data": encoded(x_token="x")}}) as home, ApiServer(data_plane(**{TOKENS: {"items": []}})) as empty, ApiServer(data_plane()) as good:
        found = run(home, cluster(good, "a"), cluster(empty, "b"), cluster(good, "x", state="absent"), check_mode=True)
        assert not [entry for server in (home, empty, good) for entry in server.asked if not entry.startswith("GET")]
    assert found["minted"] == ["b"] and found["credentials"]["b"] == {"token": "to be made", "ca_cert": "to be made"}
    assert found["changed_keys"] == ["a_cacert", "a_token", "b_cacert", "b_token", "x_token"] and set(found["diff"]["before"]) == {"x_token"}


def test_a_ready_made_token_is_stored_and_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe, "SETTLE", 0.0)
    with ApiServer() as home, ApiServer({"POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews": 401}) as plane:
        found = run(home, cluster(plane, "a", token="ready-made\n", ca_data="ca", endpoint=plane.url))
        assert plane.seen[0][2]["authorization"] == "Bearer ready-made"
    assert found["probes"]["a"]["kind"] == "api" and found["changed_keys"] == ["a_cacert", "a_token"] and "ready-made" not in str(found)


def test_a_damaged_secret_of_the_control_plane_is_named() -> None:
    with ApiServer({PATH: {"data": {"a_token": "!"}}}) as home, pytest.raises(KubeError, match="the Secret flyte/cluster-credentials cannot be read"):
        run(home, cluster(home, "a", token="t", ca_data="c"))


def test_a_token_whose_ca_is_missing_is_made_anew() -> None:
    damaged = token_secret(data=encoded(token="t"))
    answers = {TOKENS: {"items": [damaged]}, f"POST {SECRETS}": 409, f"{SECRETS}/flyteadmin-token": damaged}
    with ApiServer() as home, ApiServer(data_plane(**answers)) as plane:
        found = run(home, cluster(plane, "a"))
    assert "was not filled within" in found["failed_clusters"][0]["error"] and not found["changed"]


@pytest.mark.parametrize("there", [True, False])
def test_a_secret_that_is_stored_otherwise_than_it_was_written_is_a_failure(there: bool) -> None:
    """As an admission webhook does that puts secrets elsewhere: flyteadmin would end at its start."""
    kept = {"metadata": {"name": "cluster-credentials"}, "data": encoded(a_token="ta")}
    answers: dict[str, t.Any] = {f"PATCH {PATH}": kept, f"POST {SECRETS}": kept, "/api/v1/namespaces/flyte": {}, **({PATH: {"data": {}}} if there else {})}
    with ApiServer(answers) as home, pytest.raises(KubeError, match="stored it otherwise than it was written: a_cacert") as caught:
        _store.store(Kube(home.access), "flyte", "cluster-credentials", {"a": ("ta", "ca")}, [], create_namespace=True)
    assert "mutatingwebhookconfigurations" in caught.value.hint and "ta" not in caught.value.message.split(": ")[-1]
