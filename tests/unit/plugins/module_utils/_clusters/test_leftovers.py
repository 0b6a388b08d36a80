# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a removed plane leaves behind, and what of others stays."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import leftovers
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from api_server import NAMESPACES, SECRETS, ApiServer, encoded, table
from stateful_api import StatefulApi

RBAC = "/apis/rbac.authorization.k8s.io/v1"
OURS = {"app.kubernetes.io/managed-by": "flyte.multicluster"}


@pytest.fixture(name="api")
def _api() -> t.Iterator[StatefulApi]:
    server = StatefulApi()
    yield server
    server.close()


def named(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": name, **more.pop("metadata", {})}, **more}


def test_workflows_that_are_not_ended_hold_the_release(api: StatefulApi) -> None:
    kube = Kube(api.access)
    assert leftovers.held_workflows(kube, seconds=0) == []
    path = leftovers.WORKFLOWS
    api.objects[f"{path}/a"] = {"metadata": {"namespace": "team1-production", "name": "a", "finalizers": ["flyte.org/finalizer"]}}
    api.objects[f"{path}/b"] = {"metadata": {"namespace": "team1-production", "name": "b"}}
    assert leftovers.held_workflows(kube, seconds=0.1) == ["team1-production/a"]


def test_workflows_are_none_where_the_crd_is_gone() -> None:
    with ApiServer() as server:
        assert leftovers.held_workflows(Kube(server.access), seconds=0) == []


def test_the_webhooks_own_registration_goes_and_those_of_others_stay(api: StatefulApi) -> None:
    def webhook(*services: tuple[str, str]) -> list[dict[str, t.Any]]:
        return [{"clientConfig": {"service": {"namespace": namespace, "name": name}}} for namespace, name in services]

    own, other = ("flyte", "flyte-pod-webhook"), ("flyte", "theirs")
    for name, services in (("ours", [own]), ("else", [("other", "flyte-pod-webhook")]), ("mixed", [own, other]), ("empty", [])):
        api.objects[f"{leftovers.WEBHOOKS}/{name}"] = named(name, webhooks=webhook(*services))
    kube = Kube(api.access)
    assert leftovers.delete_webhooks(kube, "flyte", check_mode=True) == ["ours"] and not api.writes
    assert leftovers.delete_webhooks(kube, "flyte", check_mode=False) == ["ours"]
    assert api.writes == [f"DELETE {leftovers.WEBHOOKS}/ours"] and leftovers.delete_webhooks(kube, "flyte", check_mode=False) == []


def test_a_secret_of_somebody_else_stays(api: StatefulApi) -> None:
    path = f"{SECRETS}/flyte-secret-auth"
    api.objects[path] = named("flyte-secret-auth", data=encoded(client_secret="x"))
    kube = Kube(api.access)
    assert leftovers.delete_identity(kube, "flyte", check_mode=False) is False
    api.objects[path]["metadata"] |= {"labels": OURS, "annotations": {"helm.sh/resource-policy": "keep"}}
    assert leftovers.delete_identity(kube, "flyte", check_mode=True) and not api.writes
    assert leftovers.delete_identity(kube, "flyte", check_mode=False) and path not in api.objects
    assert leftovers.delete_secret(kube, "flyte", "gone", check_mode=False) is False


def test_namespaces_that_are_there() -> None:
    with ApiServer({NAMESPACES: table("team1-development", "theirs")}) as server:
        found = leftovers.delete_namespaces(Kube(server.access), ["team1-development", "team1-staging"], check_mode=False)
        assert found == ["team1-development"] and server.asked[-1] == "DELETE /api/v1/namespaces/team1-development"
        count = len(server.asked)
        assert leftovers.delete_namespaces(Kube(server.access), ["team1-development"], check_mode=True) == found and len(server.asked) == count + 1
