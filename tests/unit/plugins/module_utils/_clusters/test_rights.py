# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rights that we give accounts in data planes: seen, written, removed; what is somebody else's is never touched."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import rights as _rights
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS, rule
from api_server import ApiServer

RULES = [FLYTEWORKFLOWS, rule("", "namespaces", ("create",))]
ACCOUNTS = "/api/v1/namespaces/flyte/serviceaccounts"
NAMES = {account: f"flyte-{account}-minimal" for account in _rights.ACCOUNTS}
OURS = "app.kubernetes.io%2Fmanaged-by%3Dflyte.multicluster"


class Stateful(ApiServer):
    """An API server that keeps what is written to it, as far as roles, bindings and accounts go."""

    def __init__(self, **objects: t.Any) -> None:
        super().__init__({})
        self.objects: dict[str, t.Any] = {"/api/v1/namespaces/flyte": {"kind": "Namespace"}, **objects}
        self.answers = _Table(self)

    def writes(self) -> list[str]:
        """Method and path of each request that changes something."""
        return [entry for entry in self.asked if not entry.startswith("GET")]


class _Table(dict[str, t.Any]):
    """Answers by the objects. Writing is done when it is answered: the body stands last in what was seen."""

    def __init__(self, server: Stateful) -> None:
        super().__init__()
        self._server = server

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (key.split(" ")[0] in ("POST", "PATCH", "DELETE") or (key.startswith("GET ") and self._get(key[4:]) is not None))

    def __getitem__(self, key: str) -> t.Any:
        method, path = key.split(" ")
        body = json.loads(self._server.seen[-1][3] or "null")
        objects = self._server.objects
        if method == "GET":
            return self._get(path)
        if method == "POST":
            own = f"{path}/{body['metadata']['name']}"
            return 409 if own in objects else objects.setdefault(own, body)
        if path not in objects:
            return 404
        if method == "DELETE":
            return objects.pop(path)
        objects[path] = _merged(objects[path], body)
        return objects[path]

    def _get(self, path: str) -> t.Any:
        if path in (_rights.ROLES, _rights.BINDINGS):
            inside = [found for own, found in self._server.objects.items() if own.startswith(f"{path}/")]
            return {"items": [found for found in inside if (found["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "flyte.multicluster"]}
        return self._server.objects.get(path)


def _merged(found: t.Any, patch: t.Any) -> t.Any:
    if not isinstance(patch, dict) or not isinstance(found, dict):
        return copy.deepcopy(patch)
    return {**found, **{key: _merged(found.get(key), value) for key, value in patch.items()}}


def run(server: ApiServer, state: str = "present", *, check_mode: bool = False, **accounts: t.Any) -> dict[str, t.Any]:
    clusters = [{"name": "a", "namespace": "flyte", "accounts": accounts or {"flyteadmin": RULES}, **server.access}]
    return _rights.run({"clusters": clusters, "state": state, "concurrency": 2, "timeout": 5}, check_mode)


def observed(server: ApiServer, *, wanted: bool = True) -> dict[str, t.Any]:
    return _rights.observe_rights(Kube(server.access), "flyte", wanted=wanted)


def test_they_are_written_seen_and_written_once() -> None:
    with Stateful() as server:
        assert observed(server) == {}
        found = run(server, flyteadmin=RULES, syncresources=RULES[1:])
        own, other = NAMES["flyteadmin"], NAMES["syncresources"]
        of_other = [f"ClusterRole {other}", "ServiceAccount flyte/syncresources", f"ClusterRoleBinding {other}"]
        assert found["objects"]["a"] == [f"ClusterRole {own}", f"ClusterRoleBinding {own}", *of_other]
        assert observed(server) == {
            "flyteadmin": {"rules": RULES, "intact": True, "bound": True, "account": None},
            "syncresources": {"rules": RULES[1:], "intact": True, "bound": True, "account": True},
        }
        before = len(server.writes())
        again = run(server, flyteadmin=RULES, syncresources=RULES[1:])
        assert not again["changed"] and len(server.writes()) == before
        # The account itself is the chart's.
        assert f"{ACCOUNTS}/flyteadmin" not in server.objects


def test_check_mode_says_it_and_writes_nothing() -> None:
    with Stateful() as server:
        assert run(server, check_mode=True)["changed"] and not server.writes()
        run(server)
        before = len(server.writes())
        assert run(server, "absent", check_mode=True)["changed"] and len(server.writes()) == before


def test_what_was_changed_by_hand_is_seen_and_mended_and_only_that() -> None:
    role, binding = f"{_rights.ROLES}/{NAMES['flyteadmin']}", f"{_rights.BINDINGS}/{NAMES['flyteadmin']}"
    with Stateful() as server:
        run(server)
        server.objects[role]["rules"] = RULES[:1]
        assert not observed(server)["flyteadmin"]["intact"]
        assert run(server)["objects"] == {"a": [f"ClusterRole {NAMES['flyteadmin']}"]} and observed(server)["flyteadmin"]["intact"]
        server.objects[binding]["subjects"] += [{"kind": "User", "name": "somebody", "apiGroup": "rbac.authorization.k8s.io"}]
        assert not observed(server)["flyteadmin"]["bound"]
        assert run(server)["objects"] == {"a": [f"ClusterRoleBinding {NAMES['flyteadmin']}"]} and observed(server)["flyteadmin"]["bound"]
        # Kubernetes lets nobody change where a binding leads.
        server.objects[binding]["roleRef"]["name"] = "cluster-admin"
        run(server)
        assert observed(server)["flyteadmin"]["bound"] and f"DELETE {binding}" in server.asked
        del server.objects[role]
        seen = observed(server)["flyteadmin"]
        assert seen["rules"] == [] and not seen["intact"] and run(server)["changed"] and observed(server)["flyteadmin"]["intact"]


def test_they_are_removed_and_their_account_with_them() -> None:
    with Stateful() as server:
        run(server, flyteadmin=RULES, syncresources=RULES)
        server.objects[f"{ACCOUNTS}/flyteadmin"] = {"metadata": {"name": "flyteadmin"}}
        assert run(server, "absent", flyteadmin=[], syncresources=[])["changed"]
        assert observed(server, wanted=False) == {} and list(server.objects) == ["/api/v1/namespaces/flyte", f"{ACCOUNTS}/flyteadmin"]
        assert not run(server, "absent", flyteadmin=[], syncresources=[])["changed"]
        # By the binding, which goes last, an interrupted removal finds the others again.
        assert [entry for entry in server.asked if entry.startswith("DELETE")][-1] == f"DELETE {_rights.BINDINGS}/{NAMES['syncresources']}"


def test_a_removed_cluster_keeps_none_of_them() -> None:
    with Stateful() as server:
        run(server, flyteadmin=RULES, syncresources=RULES)
        kube, before = Kube(server.access), len(server.writes())
        removed = _rights.remove_all(kube, "flyte", check_mode=True)
        assert removed[-1] == f"ClusterRoleBinding {NAMES['syncresources']}" and "ServiceAccount flyte/syncresources" in removed
        assert len(server.writes()) == before
        assert _rights.remove_all(kube, "flyte", check_mode=False) == removed and list(server.objects) == ["/api/v1/namespaces/flyte"]
        assert _rights.remove_all(kube, "flyte", check_mode=False) == []


def test_what_is_somebody_elses_is_never_touched() -> None:
    role = f"{_rights.ROLES}/{NAMES['flyteadmin']}"
    with Stateful(**{role: {"metadata": {"name": NAMES["flyteadmin"], "labels": {"app.kubernetes.io/managed-by": "Helm"}}, "rules": []}}) as server:
        (failed,) = run(server)["failed_clusters"]
        assert "is not this collection's" in failed["error"] and "kubectl delete clusterrole flyte-flyteadmin-minimal" in failed["hint"]
        assert not run(server, "absent")["changed"] and not server.writes()
    with Stateful(**{f"{ACCOUNTS}/syncresources": {"metadata": {"name": "syncresources"}}}) as server:
        run(server, syncresources=RULES)
        run(server, "absent", syncresources=[])
        assert f"{ACCOUNTS}/syncresources" in server.objects


def test_a_broken_cluster_is_its_own_failure() -> None:
    with Stateful() as good, ApiServer({f"POST {_rights.ROLES}": 403}) as bad:
        clusters = [{"name": name, "namespace": "flyte", "accounts": {"flyteadmin": RULES}, **server.access} for name, server in (("good", good), ("bad", bad))]
        found = _rights.run({"clusters": clusters, "state": "present", "concurrency": 2, "timeout": 5}, False)
        assert list(found["objects"]) == ["good"] and [entry["name"] for entry in found["failed_clusters"]] == ["bad"]


def test_where_they_are_not_wanted_it_costs_one_request_and_no_right() -> None:
    with Stateful() as server:
        assert observed(server, wanted=False) == {} and server.asked == [f"GET {_rights.BINDINGS}"] and OURS in server.seen[0][1]
    with ApiServer({_rights.BINDINGS: 403}) as server:
        assert observed(server, wanted=False) == {}
        with pytest.raises(KubeError):
            observed(server)


@pytest.mark.parametrize("items", [7, [7], [{"metadata": 1}]])
def test_a_list_that_is_none_is_named(items: t.Any) -> None:
    with ApiServer({_rights.BINDINGS: {"items": items}}) as server, pytest.raises(KubeError, match="clusterrolebindings cannot be read"):
        observed(server)
