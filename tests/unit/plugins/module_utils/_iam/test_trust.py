# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trust policies, judged by an evaluator of their own that knows IAM's rules and nothing of the code under test."""

from __future__ import annotations

import copy
import fnmatch
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import pod_identity_statement, room, s3_policy, size
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.subjects import Own, data_plane_subjects, provider_arn
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.trust import Merged, merge_pod_identity, merge_trust

ACCOUNT = "123456789012"


def issuer(number: int) -> str:
    return f"https://oidc.eks.us-east-2.amazonaws.com/id/{number:032X}"


def wanted(*numbers: int, wildcard: bool = False) -> list[tuple[str, str, list[str]]]:
    subjects = data_plane_subjects("flyte", ["team1"], ["development", "production"], wildcard=wildcard)
    return [(provider_arn(ACCOUNT, issuer(number)), issuer(number), subjects) for number in numbers]


def allows(document: dict[str, t.Any], number: int, namespace: str, account: str, audience: str = "sts.amazonaws.com") -> bool:
    """Whether IAM would let this account of this cluster assume the role."""
    key = issuer(number).removeprefix("https://")
    claims = {f"{key}:aud": audience, f"{key}:sub": f"system:serviceaccount:{namespace}:{account}"}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{key}"

    def listed(value: t.Any) -> list[str]:
        return value if isinstance(value, list) else [value]

    def holds(operator: str, condition: str, values: t.Any) -> bool:
        if condition not in claims:
            return operator.endswith("IfExists")
        operator = operator.removesuffix("IfExists")
        match = {"StringEquals": str.__eq__, "StringLike": fnmatch.fnmatchcase}[operator]
        return any(match(claims[condition], value) for value in listed(values))

    return any(
        entry["Effect"] == "Allow"
        and provider in listed(entry["Principal"].get("Federated", []))
        and "sts:AssumeRoleWithWebIdentity" in listed(entry["Action"])
        and all(holds(operator, condition, values) for operator, pairs in entry.get("Condition", {}).items() for condition, values in pairs.items())
        for entry in document["Statement"]
    )


def merge(existing: t.Any, *numbers: int, wildcard: bool = False, **more: t.Any) -> Merged:
    return merge_trust(existing, wanted(*numbers, wildcard=wildcard), **more)


def guides(number: int, dot: str = "") -> dict[str, t.Any]:
    """The guide's own statement; with ``dot`` the one of its first example."""
    key = issuer(number).removeprefix("https://") + dot
    subjects = ["system:serviceaccount:flyte:flytepropeller", "system:serviceaccount:*:default"]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(ACCOUNT, issuer(number))},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {f"{key}:aud": "sts.amazonaws.com", f"{key}:sub": subjects}},
    }


def test_the_refined_form_lets_in_whom_it_names_and_nobody_else() -> None:
    document = merge(None, 1, 2).document
    for number in (1, 2):
        assert allows(document, number, "flyte", "flytepropeller")
        assert allows(document, number, "team1-production", "default")
        assert not allows(document, number, "team2-production", "default")
        assert not allows(document, number, "kube-system", "default")
        assert not allows(document, number, "team1-production", "other")
        assert not allows(document, number, "team1-production", "default", audience="someone.else")
    assert not allows(document, 3, "team1-production", "default")


def test_the_wildcard_form_lets_in_every_namespace_of_the_listed_clusters() -> None:
    document = merge(None, 1, wildcard=True).document
    assert allows(document, 1, "team2-staging", "default") and allows(document, 1, "kube-system", "default")
    assert not allows(document, 2, "team2-staging", "default") and not allows(document, 1, "team2-staging", "other")


def test_the_guides_stray_dot_never_matches_and_is_repaired() -> None:
    broken = {"Version": "2012-10-17", "Statement": [guides(1, dot=".")]}
    assert not allows(broken, 1, "flyte", "flytepropeller")
    merged = merge(broken, 1)
    assert len(merged.document["Statement"]) == 1 and allows(merged.document, 1, "flyte", "flytepropeller")
    assert "stray dot" in merged.notes[0]


def test_a_policy_made_by_hand_from_the_guide_is_taken_over_in_place() -> None:
    foreign = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    existing = {"Version": "2012-10-17", "Statement": [guides(1), foreign, guides(2)]}
    before = copy.deepcopy(existing)
    merged = merge(existing, 1, 2)
    assert existing == before
    statements = merged.document["Statement"]
    assert len(statements) == 3 and statements[1] == foreign
    assert not allows(merged.document, 1, "kube-system", "default") and allows(merged.document, 2, "team1-production", "default")


def test_again_there_is_nothing_to_change_also_in_the_form_that_iam_returns() -> None:
    document = merge(None, 1, 2).document
    assert not merge(document, 1, 2).changed
    returned = copy.deepcopy(document)
    for entry in returned["Statement"]:
        entry["Action"] = [entry["Action"]]
        for pairs in entry["Condition"].values():
            for key, value in pairs.items():
                pairs[key] = list(reversed(value)) if isinstance(value, list) else [value]
    assert not merge(returned, 1, 2).changed


def test_a_cluster_more_leaves_the_other_statements_alone() -> None:
    before = merge(None, 1, 2).document
    after = merge(before, 1, 2, 3)
    assert after.changed and after.document["Statement"][:2] == before["Statement"] and len(after.document["Statement"]) == 3


def test_a_cluster_that_left_the_inventory_stays_until_it_is_removed_explicitly() -> None:
    document = merge(None, 1, 2).document
    assert not merge(document, 1).changed


def test_subjects_and_conditions_of_others_are_kept() -> None:
    own = guides(1)
    own["Condition"]["StringLike"][issuer(1).removeprefix("https://") + ":sub"].append("system:serviceaccount:ops:backup")
    special = guides(1)
    special["Condition"]["IpAddress"] = {"aws:SourceIp": "10.0.0.0/8"}
    merged = merge({"Version": "2012-10-17", "Statement": [special, own]}, 1)
    assert merged.document["Statement"][0] == special
    assert allows(merged.document, 1, "ops", "backup") and allows(merged.document, 1, "flyte", "flytepropeller")
    assert not merge(merged.document, 1).changed
    assert any("ops:backup" in note for note in merged.notes)


def test_what_is_no_longer_trusted_is_said() -> None:
    before = merge_trust(
        None, [(*wanted(1)[0][:2], data_plane_subjects("flyte", ["team1", "gone"], ["development", "production"], wildcard=False))]
    )
    merged = merge(before.document, 1)
    assert merged.changed and "no longer trusted: system:serviceaccount:gone-development:default" in merged.notes[0]


def test_a_default_account_of_no_flyte_namespace_is_somebody_elses() -> None:
    own = guides(1)
    own["Condition"]["StringLike"][issuer(1).removeprefix("https://") + ":sub"].append("system:serviceaccount:monitoring:default")
    merged = merge({"Version": "2012-10-17", "Statement": [own]}, 1)
    assert allows(merged.document, 1, "monitoring", "default") and not allows(merged.document, 1, "kube-system", "default")


def test_a_statement_without_subjects_is_somebody_elses() -> None:
    everybody = guides(1)
    del everybody["Condition"]["StringLike"][issuer(1).removeprefix("https://") + ":sub"]
    merged = merge({"Version": "2012-10-17", "Statement": [everybody]}, 1)
    assert merged.document["Statement"][0] == everybody and len(merged.document["Statement"]) == 2


def test_only_a_prune_removes_a_cluster_that_left_the_inventory() -> None:
    foreign = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    other = guides(3)
    other["Condition"]["StringLike"][issuer(3).removeprefix("https://") + ":sub"] = "system:serviceaccount:ops:backup"
    document = {"Version": "2012-10-17", "Statement": [*merge(None, 1, 2).document["Statement"], foreign, other]}
    kept = merge(document, 1)
    assert not kept.changed and any("flyte_iam_prune" in note for note in kept.notes)
    pruned = merge(document, 1, prune=True)
    assert pruned.document["Statement"] == [document["Statement"][0], foreign, other]
    assert not merge(pruned.document, 1, prune=True).changed


def _subjects() -> t.Iterator[tuple[int, str, str, str]]:
    """Right and wrong: cluster, namespace, account, audience."""
    for number in range(1, 6):
        for namespace in ("flyte", "team1-development", "team1-production", "team2-production", "kube-system", "default"):
            for account in ("flytepropeller", "default", "flyteadmin"):
                for audience in ("sts.amazonaws.com", "sts.amazonaws.com.cn", "someone.else"):
                    yield number, namespace, account, audience


def test_the_compact_form_means_the_same_and_is_the_shorter() -> None:
    for wildcard in (False, True):
        for count in (1, 2, 4):
            plain = merge(None, *range(1, count + 1), wildcard=wildcard).document
            compact = merge(None, *range(1, count + 1), wildcard=wildcard, compact=True).document
            assert len(compact["Statement"]) == 1 and (count == 1 or size(compact) < size(plain))
            for subject in _subjects():
                number, namespace, account, audience = subject
                assert allows(compact, number, namespace, account, audience) == allows(plain, number, namespace, account, audience), subject


def test_both_forms_lead_to_each_other_and_keep_what_is_not_ours() -> None:
    foreign = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    plain = {"Version": "2012-10-17", "Statement": [foreign, *merge(None, 1, 2, 3).document["Statement"]]}
    compact = merge(plain, 1, 2, 3, compact=True)
    assert compact.changed and len(compact.document["Statement"]) == 2 and compact.document["Statement"][0] == foreign
    assert not merge(compact.document, 1, 2, 3, compact=True).changed
    assert merge(compact.document, 1, 2, 3).document == plain
    # A cluster that left stays, with a statement of its own.
    less = merge(compact.document, 1, 2, compact=True)
    assert allows(less.document, 3, "team1-production", "default") and allows(less.document, 1, "team1-production", "default")
    assert not merge(less.document, 1, 2, compact=True).changed
    assert not allows(merge(less.document, 1, 2, compact=True, prune=True).document, 3, "team1-production", "default")


def test_other_partitions_and_names() -> None:
    for partition, suffix in (("aws-cn", "amazonaws.com.cn"), ("aws-us-gov", "amazonaws.com"), ("aws-eusc", "amazonaws.eu")):
        url = f"https://oidc.eks.cn-north-1.{suffix}/id/ABC"
        grants = [(provider_arn(ACCOUNT, url, partition), url, data_plane_subjects("ns-2", ["p"], ["d"], wildcard=False))]
        own = Own(("ns-2",), ("d",))
        merged = merge_trust(None, grants, own=own)
        assert merged.document["Statement"][0]["Principal"]["Federated"] == f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/oidc.eks.cn-north-1.{suffix}/id/ABC"
        assert "system:serviceaccount:ns-2:flytepropeller" in str(merged.document) and not merge_trust(merged.document, grants, own=own).changed


def test_pod_identity_does_not_grow_and_keeps_others() -> None:
    foreign = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    existing = {"Version": "2012-10-17", "Statement": [foreign, *merge(None, 1).document["Statement"]]}
    merged = merge_pod_identity(existing)
    assert merged.document["Statement"][:2] == existing["Statement"] and merged.document["Statement"][2] == {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    assert not merge_pod_identity(merged.document).changed
    pruned = merge_pod_identity(merged.document, prune=True).document
    assert pruned["Statement"] == [foreign, pod_identity_statement()]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("limit", [2048, 8192])
def test_one_to_thirty_clusters_against_the_quota(compact: bool, limit: int) -> None:
    """The room that is said is exactly how many more fit."""
    sizes = {count: size(merge(None, *range(count), compact=compact).document) for count in range(1, 31)}
    steps = {later - earlier for earlier, later in zip(list(sizes.values())[1:], list(sizes.values())[2:])}
    assert len(steps) == 1
    most = max((count for count, length in sizes.items() if length <= limit), default=0)
    assert {2048: {False: 3, True: 4}, 8192: {False: 14, True: 18}}[limit][compact] == most
    for count in range(2, most + 1):
        document = merge(None, *range(count), compact=compact).document
        assert room(document, wanted(*range(count)), limit, compact=compact) == most - count


def test_the_s3_policy_is_the_guides_and_nothing_wider() -> None:
    policy = s3_policy(["b", "a"], "aws-cn")
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*"],
            "Resource": ["arn:aws-cn:s3:::a*", "arn:aws-cn:s3:::a*/*", "arn:aws-cn:s3:::b*", "arn:aws-cn:s3:::b*/*"],
        }
    ]


def test_prefixes_are_narrower_never_wider() -> None:
    policy = s3_policy(["data", "other/flyte/metadata", "other/raw"])
    whole, objects, listing = policy["Statement"]
    assert whole["Resource"] == ["arn:aws:s3:::data*", "arn:aws:s3:::data*/*"]
    assert objects == {
        "Effect": "Allow",
        "Action": ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*"],
        "Resource": ["arn:aws:s3:::other/flyte/metadata/*", "arn:aws:s3:::other/raw/*"],
    }
    assert listing["Action"] == "s3:ListBucket" and listing["Resource"] == "arn:aws:s3:::other"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["flyte/metadata", "flyte/metadata/*", "raw", "raw/*"]}}


def test_a_mapping_without_domains_takes_no_namespace_of_others_for_flytes() -> None:
    own = Own(mapping="{project}", projects=("team1",))
    assert own.has("system:serviceaccount:team1:default") and own.has("system:serviceaccount:gone-production:default")
    assert not own.has("system:serviceaccount:kube-system:default") and not Own(mapping="{project}").has("system:serviceaccount:team1:default")
    assert Own(mapping="{domain}").has("system:serviceaccount:production:default") and not Own().has("system:serviceaccount:production:default")
