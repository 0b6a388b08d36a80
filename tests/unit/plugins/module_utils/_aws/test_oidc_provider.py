# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM OIDC providers, on moto; refusals from botocore's Stubber."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.oidc_provider import ensure_providers
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import client
from aws_double import ACCOUNT, KEYS, Call, moto_server, stubbed

ISSUER = "https://oidc.eks.us-east-2.amazonaws.com/id/ABC"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-2.amazonaws.com/id/ABC"
TAGS = {"managed-by": "flyte.multicluster"}


@pytest.fixture(name="moto", scope="module")
def _moto() -> t.Iterator[str]:
    with moto_server() as url:
        yield url


def test_an_oidc_provider_of_somebody_else_is_never_deleted(moto: str) -> None:
    issuer = "https://oidc.eks.us-east-2.amazonaws.com/id/FOREIGN"
    iam = client({**KEYS, "endpoint_url": moto}, "iam")
    iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])
    params = {**KEYS, "endpoint_url": moto, "issuers": [issuer], "tags": TAGS}
    assert not ensure_providers({**params, "state": "present"}, False)["changed"]
    with pytest.raises(AwsError, match="was not made here"):
        ensure_providers({**params, "state": "absent"}, False)
    own = {**params, "issuers": [issuer.replace("FOREIGN", "OURS")]}
    for state in ("present", "absent"):
        assert ensure_providers({**own, "state": state}, True)["changed"] and ensure_providers({**own, "state": state}, False)["changed"]
        assert not ensure_providers({**own, "state": state}, False)["changed"]


def _connect(*calls: Call) -> t.Callable[..., t.Any]:
    _iam, iam = stubbed("iam", *calls)
    identity = {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/me"}
    _sts, sts = stubbed("sts", ("get_caller_identity", {}, identity))
    return lambda _params, service: {"iam": iam, "sts": sts}[service]


def _params(state: str) -> dict[str, t.Any]:
    return {**KEYS, "issuers": [ISSUER], "tags": TAGS, "state": state}


def test_a_refusal_names_the_issuer() -> None:
    created = {"Url": ISSUER, "ClientIDList": ["sts.amazonaws.com"], "Tags": [{"Key": "managed-by", "Value": "flyte.multicluster"}]}
    nothing: Call = ("list_open_id_connect_providers", {}, {"OpenIDConnectProviderList": []})
    connect = _connect(nothing, ("create_open_id_connect_provider", created, "AccessDenied"))
    with pytest.raises(AwsError) as caught:
        ensure_providers(_params("present"), False, connect)
    assert caught.value.message == f"Failed to create the OIDC provider of {ISSUER}: AccessDenied: said AWS."


def test_what_is_deleted_by_somebody_else_meanwhile_is_no_error() -> None:
    named = {"OpenIDConnectProviderArn": ARN}
    listed: Call = ("list_open_id_connect_providers", {}, {"OpenIDConnectProviderList": [{"Arn": ARN}]})
    tagged: Call = ("get_open_id_connect_provider", named, {"Tags": [{"Key": "managed-by", "Value": "flyte.multicluster"}]})
    assert ensure_providers(_params("absent"), False, _connect(listed, tagged, ("delete_open_id_connect_provider", named, "NoSuchEntity")))["changed"]
    gone: Call = ("get_open_id_connect_provider", named, "NoSuchEntity")
    result = ensure_providers(_params("absent"), False, _connect(listed, gone, ("delete_open_id_connect_provider", named, "NoSuchEntity")))
    assert result["providers"] == []
