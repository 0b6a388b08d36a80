# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways to reach a cluster, tokens that end, answers that are none, and two runs at once."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import session
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import credentials, store
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import Eks, OpenShift, method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from scripted import Scripted

EKS = {"eks": {"cluster": "dp1", "region": "us-east-2"}}
CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()


def test_the_method_is_chosen_by_the_options() -> None:
    assert isinstance(method_of(EKS), Eks)
    assert isinstance(method_of({"host": "https://api", "username": "me", "password": "x", "openshift": True}), OpenShift)
    for options in ({"context": "dp1"}, {"host": "https://api", "api_key": "t"}, {**EKS, "context": "dp1"}, {"context": "dp1", "openshift": True}):
        assert not isinstance(method_of(options), (Eks, OpenShift))


def test_no_access_is_refused_without_asking_anybody() -> None:
    with pytest.raises(KubeError, match="no explicit access") as caught:
        method_of({}).validate()
    assert caught.value.kind == "config" and "flyte_kube_context" in caught.value.hint


def test_helm_gets_the_token_beside_its_kubeconfig_and_never_in_it() -> None:
    options = {"host": "https://api", "api_key": "the-token", "ca_cert": "/ca.crt", "client_cert": "/c.crt", "client_key": "/c.key", "proxy": "http://p:1"}
    given = method_of(options).for_helm()
    assert given["api_key"] == "the-token" and "the-token" not in json.dumps(given["kubeconfig"])
    cluster, user = given["kubeconfig"]["clusters"][0]["cluster"], given["kubeconfig"]["users"][0]["user"]
    assert cluster == {"server": "https://api", "certificate-authority": "/ca.crt", "proxy-url": "http://p:1"}
    assert user == {"client-certificate": "/c.crt", "client-key": "/c.key"}
    assert method_of({"kubeconfig": "~/config", "context": "dp1"}).for_helm() == {"kubeconfig": "~/config", "context": "dp1"}


def test_what_helm_cannot_be_given_is_refused() -> None:
    with pytest.raises(KubeError, match="no user name and password"):
        method_of({"host": "https://api", "username": "me", "password": "hidden-4711"}).for_helm()


def test_an_eks_cluster_is_reached_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    described = {"endpoint": "https://eks", "certificateAuthority": {"data": CA}, "status": "ACTIVE"}
    monkeypatch.setattr(session, "describe_cluster", lambda *_arguments, **_options: described)
    monkeypatch.setattr(session, "eks_token", lambda *_arguments, **_options: "k8s-aws-v1.secret")
    given = method_of(EKS).for_helm()
    assert given["kubeconfig"]["clusters"][0]["cluster"] == {"server": "https://eks", "certificate-authority-data": CA}
    assert given["api_key"] == "k8s-aws-v1.secret" and "k8s-aws" not in json.dumps(given["kubeconfig"])
    described.update(status="CREATING", endpoint=None)
    with pytest.raises(KubeError, match="the EKS cluster dp1 is CREATING") as caught:
        method_of(EKS).connect(5)
    assert caught.value.kind == "unreachable"


def test_a_token_is_renewed_before_it_ends_and_after_a_401(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def renew() -> str:
        made.append(f"token-{len(made) + 1}")
        return made[-1]

    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    answers = [(200, {}, b"{}"), (200, {}, b"{}"), (401, {}, b"{}"), (200, {}, b"{}"), (401, {}, b"{}")]
    with Scripted(*answers) as server:
        kube = Kube({"host": server.url, "api_key": "token-0"}, renew=renew, renew_after=840)
        kube.get("/a")
        now[0] += 900
        kube.get("/b")
        now[0] += 60
        kube.get("/c")  # 401, then again with a new token
        with pytest.raises(KubeError, match="401"):
            kube.get("/d")  # the new one is not accepted either: no third
        sent = [headers["authorization"] for _method, _path, headers, _body in server.seen]
    assert sent == [f"Bearer token-{number}" for number in (0, 1, 1, 2, 2)] and made == ["token-1", "token-2"]


@pytest.mark.parametrize("answer", [b"[]", b"<html>", b'"text"', b"\xff\xfe", b"5"])
def test_an_answer_that_is_no_object_is_this_clusters_failure(answer: bytes) -> None:
    with Scripted((200, {}, answer)) as server:
        spec = {"name": "dp", "namespace": "flyte", "release": "r", "control_plane": False, "data_plane": True, "token_secret": "x"}
        found = observe([{**spec, "access": {"host": server.url}}], concurrency=2, timeout=5, service_accounts=False)["dp"]
    assert found["reachable"] is False and "no Kubernetes object" in found["error"]["message"] and found["error"]["hint"]


def _record(content: bytes) -> bytes:
    secret = {"metadata": {"name": "sh.helm.release.v1.r.v2", "labels": {"version": "2"}}, "data": {"release": base64.b64encode(content).decode()}}
    return json.dumps({"items": [secret]}).encode()


@pytest.mark.parametrize("content", [b"", b"no base64 !", base64.b64encode(b"no gzip"), base64.b64encode(gzip.compress(b"[]")), base64.b64encode(b"\x1f\x8b")])
def test_a_damaged_helm_record_is_named_with_what_to_do(content: bytes) -> None:
    with Scripted((200, {}, _record(content))) as server:
        spec = {"name": "dp", "namespace": "flyte", "release": "r", "control_plane": False, "data_plane": True, "token_secret": "x"}
        found = observe([{**spec, "access": {"host": server.url}}], concurrency=2, timeout=5, service_accounts=False)["dp"]
    assert "flyte/sh.helm.release.v1.r.v2 is damaged" in found["error"]["message"]
    assert "kubectl -n flyte delete secret sh.helm.release.v1.r.v2" in found["error"]["hint"]


class _Secrets:
    """A client of one Secret, which somebody else creates between the look and the write."""

    def __init__(self) -> None:
        self.patched: t.Any = None

    def find(self, _path: str) -> t.Any:
        return {"metadata": {}}

    def create(self, _path: str, _body: t.Any) -> t.Any:
        raise KubeError("api", "exists", status=409)

    def patch(self, _path: str, body: t.Any) -> None:
        self.patched = body


def test_two_first_runs_at_once_lose_nothing() -> None:
    kube = _Secrets()
    params = {"create_namespace": False, "namespace": "flyte", "name": "cluster-credentials"}
    store._write(t.cast(t.Any, kube), params, None, {"a_token": "MQ=="})
    assert kube.patched == {"data": {"a_token": "MQ=="}}


def test_a_token_secret_without_its_ca_is_not_filled() -> None:
    metadata = {"name": "flyteadmin-token", "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {credentials.ACCOUNT_ANNOTATION: "flyteadmin"}}
    encoded = base64.b64encode(b"x").decode()
    for data, filled in (({"token": encoded}, False), ({"token": encoded, "ca.crt": "%%%"}, False), ({"token": encoded, "ca.crt": encoded}, True)):

        class Kube1:
            """Answers with one Secret."""

            def get(self, _path: str, **_query: str) -> t.Any:
                return {"items": [{"metadata": metadata, "data": data}]}  # noqa: B023  # pylint: disable=cell-var-from-loop

        assert bool(credentials.find_token(t.cast(t.Any, Kube1()), "flyte", "flyteadmin", "flyteadmin-token")) is filled
