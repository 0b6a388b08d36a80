# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trust policies, judged by an evaluator of their own that knows IAM's rules and nothing of the code under test."""

from __future__ import annotations

import copy
import fnmatch
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils import _trust

ACCOUNT = "123456789012"


def issuer(number: int) -> str:
    return f"https://oidc.eks.us-east-2.amazonaws.com/id/{number:032X}"


def wanted(*numbers: int, wildcard: bool = False) -> list[tuple[str, str, list[str]]]:
    subjects = _trust.data_plane_subjects("flyte", ["team1"], ["development", "production"], wildcard=wildcard)
    return [(_trust.provider_arn(ACCOUNT, issuer(number)), issuer(number), subjects) for number in numbers]


def allows(document: dict[str, t.Any], number: int, namespace: str, account: str, audience: str = "sts.amazonaws.com") -> bool:
    """Whether IAM would let this account of this cluster assume the role."""
    key = issuer(number).removeprefix("https://")
    claims = {f"{key}:aud": audience, f"{key}:sub": f"system:serviceaccount:{namespace}:{account}"}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{key}"

    def listed(value: t.Any) -> list[str]:
        return value if isinstance(value, list) else [value]

    def holds(operator: str, condition: str, values: t.Any) -> bool:
        if condition not in claims:
            return False
        match = {"StringEquals": str.__eq__, "StringLike": fnmatch.fnmatchcase}[operator]
        return any(match(claims[condition], value) for value in listed(values))

    return any(
        entry["Effect"] == "Allow"
        and provider in listed(entry["Principal"].get("Federated", []))
        and "sts:AssumeRoleWithWebIdentity" in listed(entry["Action"])
        and all(holds(operator, condition, values) for operator, pairs in entry.get("Condition", {}).items() for condition, values in pairs.items())
        for entry in document["Statement"]
    )


def merge(existing: t.Any, *numbers: int, wildcard: bool = False) -> _trust.Merged:
    return _trust.merge_trust(existing, wanted(*numbers, wildcard=wildcard), namespace="flyte")


def guides(number: int, dot: str = "") -> dict[str, t.Any]:
    """The guide's own statement; with ``dot`` the one of its first example."""
    key = issuer(number).removeprefix("https://") + dot
    subjects = ["system:serviceaccount:flyte:flytepropeller", "system:serviceaccount:*:default"]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": _trust.provider_arn(ACCOUNT, issuer(number))},
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


def test_the_size_is_counted_without_white_space() -> None:
    sizes = [_trust.size(merge(None, *range(count)).document) for count in range(1, 31)]
    steps = {later - earlier for earlier, later in zip(sizes, sizes[1:])}
    assert len(steps) == 1 and sizes[0] < 2048 < sizes[5]


def test_the_s3_policy_is_the_guides_and_nothing_wider() -> None:
    policy = _trust.s3_policy(["b", "a"], "aws-cn")
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*"],
            "Resource": ["arn:aws-cn:s3:::a*", "arn:aws-cn:s3:::a*/*", "arn:aws-cn:s3:::b*", "arn:aws-cn:s3:::b*/*"],
        }
    ]
