# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to AWS: amazon.aws' options and fallbacks, the hosts of STS, tokens for EKS."""

from __future__ import annotations

import base64
import time
import typing as t
import urllib.parse

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import observe as observing
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import session
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError, attempt
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.observe import observe
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import with_fallbacks
from hostile import Raw, answer, never, slowly

KEYS = {"access_key": "AKIATEST", "secret_key": "not-a-secret", "session_token": None, "profile": None, "region": "us-east-2"}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REGION", "DEFAULT_REGION", "URL", "ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _signed(token: str) -> tuple[urllib.parse.SplitResult, dict[str, list[str]]]:
    prefix, _dot, encoded = token.partition(".")
    assert prefix == "k8s-aws-v1" and "=" not in token
    url = urllib.parse.urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    return url, urllib.parse.parse_qs(url.query)


# -- STS

#: one region of each partition that botocore knows
REGIONS = {
    "us-east-2": "sts.us-east-2.amazonaws.com",
    "us-east-1": "sts.us-east-1.amazonaws.com",
    "cn-north-1": "sts.cn-north-1.amazonaws.com.cn",
    "us-gov-west-1": "sts.us-gov-west-1.amazonaws.com",
    "us-iso-east-1": "sts.us-iso-east-1.c2s.ic.gov",
    "us-isob-east-1": "sts.us-isob-east-1.sc2s.sgov.gov",
    "eu-isoe-west-1": "sts.eu-isoe-west-1.cloud.adc-e.uk",
    "us-isof-south-1": "sts.us-isof-south-1.csp.hci.ic.gov",
    "eusc-de-east-1": "sts.eusc-de-east-1.amazonaws.eu",
}


@pytest.mark.parametrize(("region", "host"), REGIONS.items())
def test_a_token_for_eks_is_the_one_that_aws_eks_get_token_makes(region: str, host: str) -> None:
    url, query = _signed(session.eks_token(KEYS, "flyte-dataplane-1", region=region))
    assert (url.scheme, url.netloc) == ("https", host)
    assert query["Action"] == ["GetCallerIdentity"] and query["X-Amz-Expires"] == ["60"] and query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Credential"][0].startswith("AKIATEST/") and "not-a-secret" not in url.query
    assert query["X-Amz-Credential"][0].split("/")[2] == region


def test_every_partition_of_botocore_has_a_region_here() -> None:
    import botocore.session

    own = botocore.session.get_session()
    assert {own.get_partition_for_region(region) for region in REGIONS} == set(own.get_available_partitions())


def test_each_token_is_signed_for_its_own_cluster() -> None:
    signatures = {_signed(session.eks_token(KEYS, name))[1]["X-Amz-Signature"][0] for name in ("dp1", "dp2")}
    assert len(signatures) == 2


def test_an_endpoint_that_is_given_wins_also_for_the_token() -> None:
    url, _query = _signed(session.eks_token({**KEYS, "endpoint_url": "http://127.0.0.1:4566"}, "dp1"))
    assert (url.scheme, url.netloc) == ("http", "127.0.0.1:4566")


def test_a_region_that_there_is_not_is_said() -> None:
    with pytest.raises(AwsError, match="'nowhere' is no region that botocore knows"):
        session.eks_token(KEYS, "dp1", region="nowhere")


def test_no_credentials_is_said_as_the_action() -> None:
    with pytest.raises(AwsError, match="Failed to sign a token for the EKS cluster dp1: Unable to locate credentials"):
        session.eks_token({"region": "us-east-2"}, "dp1")


# -- options


def test_what_is_not_given_comes_from_the_environment_as_amazon_aws_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    eks = session.client({}, "eks")
    assert (eks.meta.region_name, eks.meta.endpoint_url) == ("eu-west-1", "http://127.0.0.1:4566")
    url, query = _signed(session.eks_token({"region": None}, "dp1"))
    assert url.netloc == "127.0.0.1:4566" and query["X-Amz-Credential"][0].startswith("AKIAENVIRONMENT/")
    given = session.client({**KEYS, "endpoint_url": "http://127.0.0.1:1"}, "eks")
    assert (given.meta.region_name, given.meta.endpoint_url) == ("us-east-2", "http://127.0.0.1:1")


def test_options_that_contradict_each_other_are_refused_without_them() -> None:
    with pytest.raises(AwsError, match="both a profile and access tokens") as caught:
        session.client({**KEYS, "profile": "flyte"}, "eks")
    assert "not-a-secret" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(("options", "said"), [({"profile": "absent-profile", "region": "us-east-2"}, "absent-profile"), ({}, "No region of AWS is known")])
def test_what_is_wrong_with_the_options_is_said(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(AwsError, match=said):
        session.client(options, "eks")


def test_clients_are_shared_by_place_and_made_anew_before_a_role_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    first = session.shared_client(KEYS, "eks")
    assert session.shared_client(dict(KEYS), "eks") is first
    others = [session.shared_client(KEYS, "eks", region="eu-west-1"), session.shared_client({**KEYS, "access_key": "other"}, "eks")]
    assert first not in others and others[0] is not others[1]
    monkeypatch.setattr(session, "_LIFETIME", -1.0)
    assert session.shared_client(KEYS, "eks") is not first


def test_an_endpoint_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_ANSWER_SECONDS", 0.3)
    began = time.monotonic()
    with Raw(never) as server:
        client = session.client({**KEYS, "region": "us-east-2", "endpoint_url": server.access["host"]}, "sts")
        with pytest.raises(AwsError, match="Failed to find out whose credentials these are: Read timeout"):
            attempt("find out whose credentials these are", client.get_caller_identity)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b"", b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"])
@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden"])
def test_what_answers_in_the_place_of_aws_is_said(status: str, body: bytes) -> None:
    with Raw(answer(status, body)) as server:
        params = {**with_fallbacks(KEYS), "endpoint_url": server.access["host"], "roles": [], "policy": None, "eks_clusters": []}
        with pytest.raises(AwsError, match="what answers is not AWS|Failed to find out whose credentials these are: 403") as caught:
            observe(params)
    assert "this identity may do it" in caught.value.hint or "flyte_aws_endpoint_url" in caught.value.hint


def test_an_answer_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_LONGEST", 1.0)
    began = time.monotonic()
    with Raw(slowly) as server, pytest.raises(AwsError, match="Failed to read what AWS has: .*1 s"):
        observe({**with_fallbacks(KEYS), "endpoint_url": server.access["host"], "roles": [], "policy": None, "eks_clusters": []})
    assert time.monotonic() - began < 10
