# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EKS Pod Identity associations. moto has none: botocore's Stubber."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.pod_identity import ensure_associations
from aws_double import KEYS, Call, stubbed

OURS = {"managed-by": "flyte.multicluster"}
NOTHING: Call = ("list_pod_identity_associations", {"clusterName": "dp1"}, {"associations": []})
CREATED = {"clusterName": "dp1", "namespace": "team1-production", "serviceAccount": "default", "roleArn": "arn:new", "tags": OURS}
NAMED = {"clusterName": "dp1", "associationId": "a-team1-production"}


def _stubbed(*expected: Call) -> tuple[t.Any, t.Callable[..., t.Any]]:
    """Return a stubber, and a function in the place of ``shared_client``."""
    stubber, eks = stubbed("eks", *expected)
    return stubber, lambda *_arguments, **_options: eks


def _association(namespace: str, role: str, **tags: str) -> tuple[Call, ...]:
    whole = {"associationId": f"a-{namespace}", "namespace": namespace, "serviceAccount": "default", "roleArn": role, "tags": tags}
    return (
        ("list_pod_identity_associations", {"clusterName": "dp1"}, {"associations": [{"associationId": whole["associationId"]}]}),
        ("describe_pod_identity_association", {"clusterName": "dp1", "associationId": whole["associationId"]}, {"association": whole}),
    )


def _params(state: str = "present", role: str | None = "arn:new", **more: t.Any) -> dict[str, t.Any]:
    row = {"cluster": "dp1", "namespace": "team1-production", "service_account": "default", "role_arn": role, "region": None, "assume_role_arn": None}
    return {**KEYS, "associations": [{**row, **more}], "state": state, "tags": OURS}


@pytest.mark.parametrize("check", [True, False])
def test_associations_are_created_updated_and_deleted(check: bool) -> None:
    created: Call = ("create_pod_identity_association", CREATED, {})
    updated: Call = ("update_pod_identity_association", {**NAMED, "roleArn": "arn:new"}, {})
    deleted: Call = ("delete_pod_identity_association", NAMED, {})
    present = _association("team1-production", "arn:old", **OURS)
    for params, calls, key in (
        (_params(), [NOTHING, created], "created"),
        (_params(), [*present, updated], "updated"),
        (_params("absent", None), [*present, deleted], "deleted"),
    ):
        stubber, connect = _stubbed(*(calls[:-1] if check else calls))
        result = ensure_associations(params, check, connect)
        assert result["changed"] and result[key] == ["dp1/team1-production:default"]
        stubber.assert_no_pending_responses()


def test_again_there_is_nothing_to_associate() -> None:
    for params, calls in ((_params(role="arn:old"), _association("team1-production", "arn:old")), (_params("absent", None), (NOTHING,))):
        stubber, connect = _stubbed(*calls)
        assert not ensure_associations(params, False, connect)["changed"]
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_association_of_somebody_else_is_left(state: str) -> None:
    _stubber, connect = _stubbed(*_association("team1-production", "arn:old", team="other"))
    with pytest.raises(AwsError, match="was not made here"):
        ensure_associations(_params(state), False, connect)


def test_what_is_deleted_by_somebody_else_meanwhile_is_no_error() -> None:
    present = _association("team1-production", "arn:old", **OURS)
    stubber, connect = _stubbed(*present, ("delete_pod_identity_association", NAMED, "ResourceNotFoundException"))
    assert ensure_associations(_params("absent", None), False, connect)["deleted"]
    stubber.assert_no_pending_responses()
    gone: Call = (*present[1][:2], "ResourceNotFoundException")
    stubber, connect = _stubbed(present[0], gone, ("create_pod_identity_association", CREATED, {}))
    assert ensure_associations(_params(), False, connect)["created"]
    stubber.assert_no_pending_responses()


def test_a_refusal_says_what_was_to_be_associated_and_whose_it_is() -> None:
    _stubber, connect = _stubbed(NOTHING, ("create_pod_identity_association", CREATED, "AccessDeniedException"))
    with pytest.raises(AwsError) as caught:
        ensure_associations(_params(host="dataplane_1"), False, connect)
    wanted = "Failed to associate dp1/team1-production:default with arn:new (dataplane_1): AccessDeniedException: said AWS."
    assert caught.value.message == wanted
    _stubber, connect = _stubbed(("list_pod_identity_associations", {"clusterName": "dp1"}, "AccessDeniedException"))
    with pytest.raises(AwsError, match="Failed to list the Pod Identity associations of the EKS cluster dp1: AccessDeniedException"):
        ensure_associations(_params(), False, connect)


def test_a_role_is_needed_before_anything_is_asked() -> None:
    def connect(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise AssertionError("nothing is to be asked")

    with pytest.raises(AwsError, match="dp1/team1-production:default: role_arn is required. Nothing was changed."):
        ensure_associations(_params(role=None), False, connect)


def test_each_place_is_asked_with_its_own_region_and_role() -> None:
    asked: list[dict[str, t.Any]] = []
    _stubber, eks = stubbed("eks", NOTHING)

    def connect(*_arguments: t.Any, **place: t.Any) -> t.Any:
        asked.append(place)
        return eks

    ensure_associations(_params("absent", None, region="eu-west-1", assume_role_arn="arn:role"), False, connect)
    assert asked == [{"region": "eu-west-1", "assume_role_arn": "arn:role"}]
