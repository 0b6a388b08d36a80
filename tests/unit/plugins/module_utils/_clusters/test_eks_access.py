# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Endpoint, CA and token of an EKS cluster."""

from __future__ import annotations

import base64
import sys
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import session as _aws
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import eks as _eks
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError

EKS = {"cluster": "flyte-1", "region": "us-east-2", "assume_role_arn": "arn:role", "secret_key": "secret-4711"}
CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()


@pytest.fixture(name="described")
def _described(monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """What EKS says of the cluster, to be changed."""
    found: dict[str, t.Any] = {"status": "ACTIVE", "endpoint": "https://eks", "certificateAuthority": {"data": CA}}

    def describe(params: t.Any, cluster: str, *, region: str | None, assume_role_arn: str | None) -> t.Any:
        assert (cluster, region, assume_role_arn, params["secret_key"]) == ("flyte-1", "us-east-2", "arn:role", "secret-4711")
        return found

    monkeypatch.setattr(_aws, "describe_cluster", describe)
    monkeypatch.setattr(_aws, "eks_token", lambda params, cluster, *, region, assume_role_arn: f"token for {cluster} in {region}")
    return found


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING"])
def test_a_cluster_that_answers_is_used(described: dict[str, t.Any], status: str) -> None:
    described["status"] = status
    kube = method_of({"eks": EKS}).connect(5)
    assert kube.server == "https://eks" and kube._authorization() == "Bearer token for flyte-1 in us-east-2"
    assert kube._settings.ca_data == "-----BEGIN CERTIFICATE-----" and kube._settings.ssl_ca_cert is None


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"status": "CREATING", "endpoint": None}, "the EKS cluster flyte-1 is CREATING", "aws eks wait cluster-active --name flyte-1"),
        ({"status": "DELETING"}, "is DELETING", "flyte_eks_create: true"),
        ({"status": "FAILED"}, "is FAILED", "aws eks describe-cluster --name flyte-1"),
        ({"status": "SOMETHING"}, "is SOMETHING", "ACTIVE"),
        ({"endpoint": None}, "has no endpoint yet", "ACTIVE"),
        ({"certificateAuthority": None}, "has no endpoint yet", "ACTIVE"),
        ({"certificateAuthority": {"data": "!"}}, "cannot be read", "aws eks describe-cluster"),
        ({"certificateAuthority": "x"}, "cannot be read", "aws eks describe-cluster"),
    ],
)
def test_a_cluster_that_is_not_there_yet_says_what_to_do(described: dict[str, t.Any], changes: dict[str, t.Any], said: str, hint: str) -> None:
    described.update(changes)
    with pytest.raises(KubeError) as caught:
        method_of({"eks": EKS}).connect(5)
    assert said in caught.value.message and hint in caught.value.hint and caught.value.kind in ("unreachable", "api")


@pytest.mark.parametrize("function", ["describe_cluster", "eks_token"])
def test_whatever_aws_says_is_that_clusters_failure(described: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    for error, kind, said in (
        (AwsError("Failed to describe it: AccessDenied: no.", "Do it."), "unreachable", "AccessDenied: no"),
        (AwsError("Failed: gone.", code="ResourceNotFoundException"), "config", "flyte-1"),
        (RuntimeError("secret-4711"), "unreachable", "RuntimeError"),
        (ModuleNotFoundError("No module named 'boto3'", name="boto3"), "config", "boto3 is missing"),
    ):

        def fail(*_given: t.Any, _error: Exception = error, **_more: t.Any) -> t.NoReturn:
            raise _error

        monkeypatch.setattr(_aws, function, fail)
        with pytest.raises(KubeError) as caught:
            method_of({"eks": EKS}).connect(5)
        assert caught.value.kind == kind and said in caught.value.message and caught.value.hint
        assert "secret-4711" not in caught.value.message + caught.value.hint


def test_without_amazons_library_it_is_the_clusters_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, _aws.__name__, None)
    with pytest.raises(KubeError, match="is missing") as caught:
        _eks.token(EKS)
    assert caught.value.kind == "config" and "flyte_kube_context" in caught.value.hint
