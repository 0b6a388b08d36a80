# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control plane's Secret of credentials: merged, never overwritten; one broken data plane is its own failure."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe as _probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import store as _store
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError, decode
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS
from api_server import SECRETS, TOKENS, ApiServer, data_plane, encoded, token_secret

PATH = f"{SECRETS}/cluster-credentials"


class Scripted:
    """A control plane whose Secret is what other runs make of it: before each of our writes, one of them is first."""

    def __init__(self, data: dict[str, str] | None, *others: dict[str, str] | None) -> None:
        self.data = data
        self.others = list(others)
        self.writes: list[str] = []

    def _another_run(self) -> None:
        if self.others:
            self.data = self.others.pop(0)

    def find(self, path: str) -> t.Any:
        if path == PATH:
            return None if self.data is None else {"data": dict(self.data)}
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
        self.data = {key: value for key, value in {**self.data, **body["data"]}.items() if value is not None}


def store(server: Scripted, gone: t.Sequence[str] = (), **pairs: tuple[str, str]) -> t.Any:
    return _store.store(t.cast(Kube, server), "flyte", "cluster-credentials", pairs, gone, create_namespace=True)


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
